/**
 * Expressions as readable infix text, in the notation of the language where it has one. In: an expression. Out: one
 * line with as few parentheses as its precedences need; the text of a spec expression parses back to its meaning.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { BinaryOp, Expr, UnaryOp } from './ir.ts';

// How tightly a form binds; a part is put in parentheses where it binds less tightly than its place asks for.
const openEnded = 0; // if, any ...: reach as far right as they can
const union = 1;
const intersection = 2;
const comparison = 3;
const sum = 4;
const product = 5;
const prefix = 6;
const atom = 7;

const infix: Partial<Record<BinaryOp, { readonly text: string; readonly level: number }>> = {
  or: { text: '|', level: union },
  and: { text: '&', level: intersection },
  eq: { text: '==', level: comparison },
  ne: { text: '!=', level: comparison },
  lt: { text: '<', level: comparison },
  le: { text: '<=', level: comparison },
  gt: { text: '>', level: comparison },
  ge: { text: '>=', level: comparison },
  add: { text: '+', level: sum },
  sub: { text: '-', level: sum },
  mul: { text: '*', level: product },
  divide: { text: '/', level: product },
  div: { text: 'div', level: product },
  mod: { text: 'mod', level: product },
};

/** How leaves and functions are written, where not as they are called in the IR. */
export interface PrintOptions {
  /** The default is `tensor[i, j]`. */
  readonly read?: (tensor: string, indices: readonly Expr[], print: (e: Expr) => string) => string;
  readonly ref?: (name: string) => string;
  readonly functionName?: (op: UnaryOp | BinaryOp) => string;
}

interface Printed {
  readonly text: string;
  readonly level: number;
}

function literalText(e: Extract<Expr, { readonly kind: 'literal' }>): string {
  if (e.type === 'bool') return e.value !== 0 ? 'true' : 'false';
  const text = Object.is(e.value, -0) ? '-0' : String(e.value);
  return e.type === 'int' || /[.eIN]/.test(text) ? text : `${text}.0`;
}

function wrap(p: Printed, atLeast: number): string {
  return p.level >= atLeast ? p.text : `(${p.text})`;
}

function call(name: string, args: readonly string[]): Printed {
  return { text: `${name}(${args.join(', ')})`, level: atom };
}

function show(e: Expr, options: PrintOptions): Printed {
  const at = (x: Expr, level: number): string => wrap(show(x, options), level);
  const whole = (x: Expr): string => at(x, openEnded);
  switch (e.kind) {
    case 'literal': {
      const text = literalText(e);
      return { text, level: text.startsWith('-') ? prefix : atom };
    }
    case 'ref':
      return { text: options.ref?.(e.name) ?? e.name, level: atom };
    case 'element':
      return { text: `${e.tile}[.]`, level: atom };
    case 'read': {
      const text = options.read?.(e.tensor, e.indices, whole) ?? `${e.tensor}[${e.indices.map(whole).join(', ')}]`;
      return { text, level: atom };
    }
    case 'unary':
      if (e.op === 'neg') return { text: `-${at(e.arg, prefix)}`, level: prefix };
      if (e.op === 'not') return { text: `~${at(e.arg, prefix)}`, level: prefix };
      return call(options.functionName?.(e.op) ?? e.op, [whole(e.arg)]);
    case 'binary': {
      const form = infix[e.op];
      if (form === undefined) return call(options.functionName?.(e.op) ?? e.op, [whole(e.left), whole(e.right)]);
      const { level } = form;
      // Comparisons do not chain; the other operators group to the left.
      const left = at(e.left, level === comparison ? level + 1 : level);
      if (e.op === 'add' && e.right.kind === 'literal' && e.right.value < 0 && Number.isFinite(e.right.value)) {
        const positive = literalText({ ...e.right, value: -e.right.value });
        return { text: `${left} - ${positive}`, level };
      }
      return { text: `${left} ${form.text} ${at(e.right, level + 1)}`, level };
    }
    case 'select':
      return {
        text: `if ${whole(e.cond)} then ${at(e.then, union)} else ${whole(e.otherwise)}`,
        level: openEnded,
      };
    case 'fold':
      return {
        text: `${e.op} ${e.local} in ${at(e.from, union)} .. ${at(e.to, union)}: ${whole(e.body)}`,
        level: openEnded,
      };
    default:
      return unreachable(e);
  }
}

/** One line of text for an expression. */
export function printExpr(e: Expr, options: PrintOptions = {}): string {
  return show(e, options).text;
}
