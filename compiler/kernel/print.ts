/**
 * Kernel programs as text for people. In: a program, a statement or an expression. Out: one line a statement, two spaces a level;
 * the same program always gives the same text, and origins do not show. This is not WGSL: it is the IR, one to one.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { KernelBinary, KernelExpr, KernelProgram, KernelStmt } from './ir.ts';

const infix: Partial<Record<KernelBinary, string>> = {
  add: '+', sub: '-', mul: '*', div: '/', mod: '%',
  bit_and: 'bit&', bit_or: 'bit|', bit_xor: '^', shl: '<<', shr: '>>',
  and: '&', or: '|', eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=',
};

function literalText(e: Extract<KernelExpr, { readonly kind: 'literal' }>): string {
  if (e.type === 'bool') return e.value !== 0 ? 'true' : 'false';
  const text = Object.is(e.value, -0) ? '-0' : String(e.value);
  if (e.type === 'f32') return /[.eIN]/.test(text) ? text : `${text}.0`;
  return e.type === 'u32' ? `${text}u` : text;
}

/** An operand: operators inside operators stand in parentheses. */
function operand(e: KernelExpr): string {
  const text = printKernelExpr(e);
  return e.kind === 'select' || (e.kind === 'binary' && infix[e.op] !== undefined) ? `(${text})` : text;
}

/** One line of text for an expression. */
export function printKernelExpr(e: KernelExpr): string {
  const call = (name: string, ...args: readonly KernelExpr[]): string => `${name}(${args.map(printKernelExpr).join(', ')})`;
  switch (e.kind) {
    case 'literal':
      return literalText(e);
    case 'ref':
      return e.name;
    case 'builtin':
      return `@${e.name}`;
    case 'unary':
      return e.op === 'neg' ? `-${operand(e.arg)}` : e.op === 'not' ? `!${operand(e.arg)}` : call(e.op, e.arg);
    case 'binary': {
      const sign = infix[e.op];
      return sign === undefined ? call(e.op, e.left, e.right) : `${operand(e.left)} ${sign} ${operand(e.right)}`;
    }
    case 'fma':
      return call('fma', e.a, e.b, e.c);
    case 'select':
      return `${operand(e.cond)} ? ${operand(e.then)} : ${operand(e.otherwise)}`;
    case 'vec4':
      return call('vec4', ...e.parts);
    case 'extract':
      return `${operand(e.vector)}.${e.part}`;
    case 'load':
      return `${e.storage}[${printKernelExpr(e.index)}]`;
    case 'load_shared':
      return `${e.shared}[${printKernelExpr(e.index)}]`;
    case 'load_array':
      return `${e.array}[${printKernelExpr(e.index)}]`;
    case 'shuffle':
      return call(e.group === 4 ? 'shuffle4' : 'shuffle', e.value, e.from);
    case 'shuffle_xor':
      return `shuffle_xor(${printKernelExpr(e.value)}, ${e.mask})`;
    case 'subgroup':
      return call(`subgroup_${e.op}`, e.value);
    default:
      return unreachable(e);
  }
}

/** The first line of a statement; nested statements are left out. */
export function printKernelStatement(s: KernelStmt): string {
  switch (s.kind) {
    case 'let':
    case 'var':
      return `${s.kind} ${s.name}: ${s.type} = ${printKernelExpr(s.value)}`;
    case 'assign':
      return `${s.name} = ${printKernelExpr(s.value)}`;
    case 'array':
      return `array ${s.name}: ${s.type}[${s.length}] = ${printKernelExpr(s.value)}`;
    case 'assign_array':
      return `${s.array}[${printKernelExpr(s.index)}] = ${printKernelExpr(s.value)}`;
    case 'store':
      return `store ${s.storage}[${printKernelExpr(s.index)}] = ${printKernelExpr(s.value)}`;
    case 'store_shared':
      return `share ${s.shared}[${printKernelExpr(s.index)}] = ${printKernelExpr(s.value)}`;
    case 'copy_async':
      return `copy ${s.shared}[${printKernelExpr(s.at)}] = ${s.storage}[${printKernelExpr(s.index)}] of ${printKernelExpr(s.bytes)} bytes`;
    case 'copy_commit':
      return 'commit';
    case 'copy_wait':
      return `wait ${s.pending}`;
    case 'load_matrix':
      return `matrices ${s.names.join(', ')} = ${s.transposed ? 'transposed ' : ''}${s.shared}[${printKernelExpr(s.index)}]`;
    case 'load_words':
      return `words ${s.names.join(', ')} = ${s.shared}[${printKernelExpr(s.index)} + ${s.offsets.join(', ')}]`;
    case 'mma':
      return `${s.sums.join(', ')} += ${s.operands} (${s.a.map(printKernelExpr).join(', ')}) x (${s.b.map(printKernelExpr).join(', ')})`;
    case 'barrier':
      return 'barrier';
    case 'if':
      return `${s.uniform ? 'uniform ' : ''}if ${printKernelExpr(s.cond)}`;
    case 'for': {
      const step = s.step === 1 ? '' : ` step ${s.step}`;
      return `${s.uniform ? 'uniform ' : ''}for ${s.index} in ${printKernelExpr(s.from)} .. ${printKernelExpr(s.to)}${step}`;
    }
    case 'while':
      return `${s.uniform ? 'uniform ' : ''}while ${printKernelExpr(s.cond)}`;
    case 'comment':
      return `# ${s.text}`;
    default:
      return unreachable(s);
  }
}

function lines(body: readonly KernelStmt[], indent: string): readonly string[] {
  const deeper = `${indent}  `;
  return body.flatMap((s) => {
    const head = indent + printKernelStatement(s);
    switch (s.kind) {
      case 'if':
        return [head, ...lines(s.then, deeper), ...(s.otherwise.length > 0 ? [`${indent}else`, ...lines(s.otherwise, deeper)] : [])];
      case 'for':
      case 'while':
        return [head, ...lines(s.body, deeper)];
      case 'let': case 'var': case 'assign': case 'array': case 'assign_array': case 'store': case 'store_shared': case 'barrier': case 'comment':
      case 'copy_async': case 'copy_commit': case 'copy_wait': case 'load_matrix': case 'load_words': case 'mma':
        return [head];
      default:
        return unreachable(s);
    }
  });
}

/** The whole program, ending in a line feed. */
export function printKernel(p: KernelProgram): string {
  return [
    `kernel ${p.name}: ${p.summary}`,
    `  workgroup of ${p.workgroupSize} lanes${p.subgroup === undefined ? '' : `, subgroups of at least ${p.subgroup}`}`,
    ...p.uniforms.map((u) => `  uniform ${u.name}: ${u.type}`),
    ...p.storage.map((s) => `  ${s.access} ${s.name}: ${s.element}[] of ${s.buffer}`),
    ...p.shared.map((s) => `  shared ${s.name}: ${s.element}[${s.length}]`),
    ...lines(p.body, '  '),
    '',
  ].join('\n');
}
