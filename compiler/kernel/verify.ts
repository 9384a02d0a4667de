/**
 * The rules of kernel programs. In: a program. Out: findings. A program without findings prints to text that compiles: names are declared
 * before use with their types, memories exist and are used as declared, barriers and subgroup operations stand where all lanes of
 * the workgroup are together.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Origin } from '../../dsl/span.ts';
import type { Finding } from '../finding.ts';
import { nameScope } from '../scope.ts';
import type { NameScope } from '../scope.ts';
import type { KernelExpr, KernelProgram, KernelStmt, KernelType } from './ir.ts';
import { printKernelExpr } from './print.ts';
import { storedType, typeByOperands } from './types.ts';
import { uniformityOf } from './uniformity.ts';
import type { Uniformity } from './uniformity.ts';
import { subexpressions } from './walk.ts';

interface Name {
  readonly type: KernelType;
  readonly mutable: boolean;
}

interface Memory {
  /** Absent: elements of 16 bytes that are copied and read as matrices only. */
  readonly type: KernelType | undefined;
  /** Absent: known at launch only. */
  readonly length?: number;
  readonly writable: boolean;
}

interface Scope {
  readonly names: NameScope<Name>;
  readonly arrays: NameScope<Memory>;
  /** All lanes of the workgroup are here, as far as can be known. */
  readonly together: boolean;
}

interface Context {
  readonly program: KernelProgram;
  readonly storage: ReadonlyMap<string, Memory>;
  readonly shared: ReadonlyMap<string, Memory>;
  readonly uniformity: Uniformity;
  readonly findings: Finding[];
}

type Access =
  | Extract<KernelExpr, { readonly kind: 'load' | 'load_shared' | 'load_array' }>
  | Extract<KernelStmt, { readonly kind: 'store' | 'store_shared' | 'assign_array' }>;

type Report = (rule: string, message: string) => void;

function checkIndex(report: Report, name: string, memory: Memory | undefined, index: KernelExpr, what: string): void {
  if (memory === undefined) return report('memory', `${what} '${name}' is not declared`);
  if (index.type !== 'i32') report('types', `'${name}' is indexed with ${index.type}`);
  if (index.kind === 'literal' && (index.value < 0 || (memory.length !== undefined && index.value >= memory.length))) {
    report('bounds', `'${name}[${index.value}]' lies outside`);
  }
}

/** The memory that an access is to: its name, what it is, and how to call its kind. */
function memoryOf(c: Context, scope: Scope, access: Access): readonly [string, Memory | undefined, string] {
  if ('storage' in access) return [access.storage, c.storage.get(access.storage), 'storage'];
  if ('shared' in access) return [access.shared, c.shared.get(access.shared), 'workgroup memory'];
  return [access.array, scope.arrays.get(access.array), 'array'];
}

function checkMemoryLoad(c: Context, scope: Scope, report: Report, e: Extract<KernelExpr, { readonly kind: 'load' | 'load_shared' | 'load_array' }>): void {
  const [name, memory, what] = memoryOf(c, scope, e);
  checkIndex(report, name, memory, e.index, what);
  if (memory !== undefined && memory.type !== e.type) report('types', `'${name}' holds ${memory.type ?? 'elements of 16 bytes'}, loaded as ${e.type}`);
}

function checkSubgroup(c: Context, scope: Scope, report: Report, e: Extract<KernelExpr, { readonly kind: 'shuffle' | 'shuffle_xor' | 'subgroup' }>): void {
  const { subgroup } = c.program;
  if (!scope.together) report('together', `\`${printKernelExpr(e)}\` stands where lanes may have parted`);
  if (subgroup === undefined) report('subgroup', 'the program uses subgroup operations, but counts on no subgroup');
  if (e.kind === 'shuffle_xor' && (!Number.isInteger(e.mask) || e.mask < 1 || e.mask >= (subgroup ?? Infinity))) {
    report('subgroup', `\`${printKernelExpr(e)}\` asks for a lane that small subgroups do not have`);
  }
  if (e.kind !== 'shuffle') return;
  if (!c.uniformity.uniform(e.from)) report('together', `\`${printKernelExpr(e)}\` asks for different lanes`);
  if (e.group !== undefined && e.from.kind !== 'literal') report('subgroup', `\`${printKernelExpr(e)}\` asks its group of ${e.group} for a lane that is no constant`);
  if (e.from.kind === 'literal' && (e.from.value < 0 || e.from.value >= (e.group ?? subgroup ?? Infinity))) {
    report('subgroup', `\`${printKernelExpr(e)}\` asks for a lane that small subgroups do not have`);
  }
}

function isLiteral({ type, value }: Extract<KernelExpr, { readonly kind: 'literal' }>): boolean {
  switch (type) {
    case 'bool':
      return value === 0 || value === 1;
    case 'i32':
      return (value | 0) === value;
    case 'u32':
      return value >>> 0 === value;
    case 'f32':
      return !Number.isNaN(value);
    default:
      return unreachable(type);
  }
}

function checkExpr(c: Context, scope: Scope, report: Report, e: KernelExpr): void {
  switch (e.kind) {
    case 'ref': {
      const name = scope.names.get(e.name);
      if (name === undefined) report('in-scope', `'${e.name}' is not in scope`);
      else if (name.type !== e.type) report('types', `'${e.name}' is ${name.type}, not ${e.type}`);
      return;
    }
    case 'load':
    case 'load_shared':
    case 'load_array':
      checkMemoryLoad(c, scope, report, e);
      break;
    case 'shuffle':
    case 'shuffle_xor':
    case 'subgroup':
      checkSubgroup(c, scope, report, e);
      break;
    case 'literal': {
      if (!isLiteral(e)) report('types', `${e.value} is no ${e.type}`);
      return;
    }
    case 'builtin':
    case 'unary':
    case 'binary':
    case 'fma':
    case 'select':
    case 'vec4':
    case 'extract':
      break;
    default:
      return unreachable(e);
  }
  if (e.kind !== 'load' && e.kind !== 'load_shared' && e.kind !== 'load_array') {
    const type = typeByOperands(e);
    if (type !== e.type) report('types', `\`${printKernelExpr(e)}\` is ${type ?? 'ill typed'}, not ${e.type}`);
  }
  for (const x of subexpressions(e)) checkExpr(c, scope, report, x);
}

function checkTyped(c: Context, scope: Scope, report: Report, e: KernelExpr, type: KernelType | undefined): void {
  checkExpr(c, scope, report, e);
  if (type !== undefined && e.type !== type) report('types', `\`${printKernelExpr(e)}\` is ${e.type} where ${type} is needed`);
}

function taken(c: Context, scope: Scope, name: string): boolean {
  return scope.names.get(name) !== undefined || scope.arrays.get(name) !== undefined || c.storage.has(name) || c.shared.has(name);
}

function declare(c: Context, scope: Scope, report: Report, name: string, type: KernelType, mutable: boolean): void {
  if (taken(c, scope, name)) report('declared-once', `'${name}' is declared again`);
  scope.names.declare(name, { type, mutable });
}

/** Control flow: what is declared uniform must be, and only that keeps lanes together. */
function inner(c: Context, scope: Scope, report: Report, conditions: readonly KernelExpr[], uniform: boolean): Scope {
  const same = conditions.every((e) => c.uniformity.uniform(e));
  if (uniform && !same) report('uniform-flow', `declared uniform, but \`${conditions.filter((e) => !c.uniformity.uniform(e)).map(printKernelExpr).join('\`, \`')}\` may differ among lanes`);
  return { names: scope.names.inner(), arrays: scope.arrays.inner(), together: scope.together && uniform && same };
}

function statement(c: Context, scope: Scope, s: KernelStmt): void {
  const origin: Origin = s.origin;
  const report: Report = (rule, message) => c.findings.push({ rule, message, origin });
  switch (s.kind) {
    case 'let':
    case 'var':
      checkTyped(c, scope, report, s.value, s.type);
      return declare(c, scope, report, s.name, s.type, s.kind === 'var');
    case 'assign': {
      const name = scope.names.get(s.name);
      if (name === undefined) report('in-scope', `'${s.name}' is not in scope`);
      else if (!name.mutable) report('variables', `'${s.name}' is no variable`);
      checkTyped(c, scope, report, s.value, name?.type);
      return;
    }
    case 'array': {
      checkTyped(c, scope, report, s.value, s.type);
      if (!Number.isInteger(s.length) || s.length < 1) report('bounds', `array '${s.name}' has the length ${s.length}`);
      if (taken(c, scope, s.name)) report('declared-once', `'${s.name}' is declared again`);
      scope.arrays.declare(s.name, { type: s.type, length: s.length, writable: true });
      return;
    }
    case 'assign_array':
    case 'store':
    case 'store_shared': {
      const [name, memory, what] = memoryOf(c, scope, s);
      checkIndex(report, name, memory, s.index, what);
      if (memory !== undefined && !memory.writable) report('memory', `'${name}' is only read and cannot be stored into`);
      if (memory !== undefined && memory.type === undefined) report('types', `'${name}' is written by copies`);
      checkExpr(c, scope, report, s.index);
      checkTyped(c, scope, report, s.value, memory?.type);
      return;
    }
    case 'copy_async':
      return checkCopy(c, scope, report, s);
    case 'copy_commit':
    case 'copy_wait':
      if (!scope.together) report('together', 'a group of copies ends where lanes may have parted');
      if (s.kind === 'copy_wait' && (!Number.isInteger(s.pending) || s.pending < 0)) report('bounds', `a wait for all but ${s.pending} groups`);
      return;
    case 'load_matrix':
      return checkMatrixLoad(c, scope, report, s);
    case 'load_words':
      return checkWords(c, scope, report, s);
    case 'mma':
      return checkProduct(c, scope, report, s);
    case 'barrier':
      if (!scope.together) report('together', 'a barrier stands where lanes may have parted');
      return;
    case 'if': {
      checkTyped(c, scope, report, s.cond, 'bool');
      block(c, inner(c, scope, report, [s.cond], s.uniform), s.then);
      block(c, inner(c, scope, () => undefined, [s.cond], s.uniform), s.otherwise);
      return;
    }
    case 'for': {
      checkTyped(c, scope, report, s.from, 'i32');
      checkTyped(c, scope, report, s.to, 'i32');
      if (!Number.isInteger(s.step) || s.step < 1) report('bounds', `a loop steps by ${s.step}`);
      const inside = inner(c, scope, report, [s.from, s.to], s.uniform);
      declare(c, inside, report, s.index, 'i32', false);
      block(c, inside, s.body);
      return;
    }
    case 'while':
      checkTyped(c, scope, report, s.cond, 'bool');
      block(c, inner(c, scope, report, [s.cond], s.uniform), s.body);
      return;
    case 'comment':
      return;
    default:
      return unreachable(s);
  }
}

/** Matrix operations are of 32 lanes, all of them here. */
function checkWarp(c: Context, scope: Scope, report: Report): void {
  if (!scope.together) report('together', 'a matrix operation stands where lanes may have parted');
  if (c.program.subgroup === undefined || c.program.subgroup < 32 || c.program.workgroupSize % 32 !== 0) {
    report('subgroup', 'the program uses matrix operations, but has no whole subgroups of 32 lanes to count on');
  }
}

/** Memory of 16-byte elements. */
function checkSixteen(report: Report, name: string, memory: Memory | undefined, index: KernelExpr, what: string): void {
  checkIndex(report, name, memory, index, what);
  if (memory !== undefined && memory.type !== undefined) report('types', `'${name}' holds ${memory.type}, not elements of 16 bytes`);
}

function checkCopy(c: Context, scope: Scope, report: Report, s: Extract<KernelStmt, { readonly kind: 'copy_async' }>): void {
  checkSixteen(report, s.shared, c.shared.get(s.shared), s.at, 'workgroup memory');
  const source = c.storage.get(s.storage);
  if (source?.writable === true) report('memory', `'${s.storage}' is written in this kernel and cannot be copied in the background`);
  if (s.bytes.kind !== 'literal' || s.bytes.value !== 0) checkSixteen(report, s.storage, source, s.index, 'storage');
  if (s.bytes.kind === 'literal' && (s.bytes.value < 0 || s.bytes.value > 16)) report('bounds', `a copy of ${s.bytes.value} bytes of 16`);
  for (const e of [s.at, s.index, s.bytes]) checkTyped(c, scope, report, e, 'i32');
}

function checkMatrixLoad(c: Context, scope: Scope, report: Report, s: Extract<KernelStmt, { readonly kind: 'load_matrix' }>): void {
  checkWarp(c, scope, report);
  checkSixteen(report, s.shared, c.shared.get(s.shared), s.index, 'workgroup memory');
  checkTyped(c, scope, report, s.index, 'i32');
  for (const name of s.names) declare(c, scope, report, name, 'u32', false);
}

function checkWords(c: Context, scope: Scope, report: Report, s: Extract<KernelStmt, { readonly kind: 'load_words' }>): void {
  const memory = c.shared.get(s.shared);
  if (memory === undefined) report('in-scope', `workgroup memory '${s.shared}' is not declared`);
  else if (memory.type !== undefined) report('types', `'${s.shared}' holds ${memory.type}, not elements of 16 bytes`);
  if (s.offsets.some((o) => !Number.isInteger(o) || o < 0)) report('bounds', `words at ${s.offsets.join(', ')} from an index`);
  checkTyped(c, scope, report, s.index, 'i32');
  for (const name of s.names) declare(c, scope, report, name, 'f32', false);
}

function checkProduct(c: Context, scope: Scope, report: Report, s: Extract<KernelStmt, { readonly kind: 'mma' }>): void {
  checkWarp(c, scope, report);
  for (const sum of s.sums) {
    const name = scope.names.get(sum);
    if (name === undefined) report('in-scope', `'${sum}' is not in scope`);
    else if (!name.mutable) report('variables', `'${sum}' is no variable`);
    else if (name.type !== 'f32') report('types', `'${sum}' is ${name.type}, not f32`);
  }
  if (new Set(s.sums).size < 4) report('variables', 'two sums of a product are one variable');
  for (const e of [...s.a, ...s.b]) checkTyped(c, scope, report, e, 'u32');
}

function block(c: Context, scope: Scope, body: readonly KernelStmt[]): void {
  for (const s of body) statement(c, scope, s);
}

function checkHead(c: Context): void {
  const { program, findings } = c;
  const report: Report = (rule, message) => findings.push({ rule, message, origin: program.origin });
  const names = [...program.storage, ...program.uniforms, ...program.shared].map((d) => d.name);
  for (const name of new Set(names.filter((n, i) => names.indexOf(n) !== i))) report('declared-once', `'${name}' is declared more than once`);
  if (!Number.isInteger(program.workgroupSize) || program.workgroupSize < 1) report('bounds', `a workgroup of ${program.workgroupSize} lanes`);
  for (const s of program.shared) if (!Number.isInteger(s.length) || s.length < 1) report('bounds', `workgroup memory '${s.name}' has the length ${s.length}`);
  const accesses = new Map<string, string>();
  for (const s of program.storage) {
    const known = accesses.get(s.buffer);
    if (known !== undefined && known !== s.access) report('memory', `buffer '${s.buffer}' is seen both as read and as written`);
    accesses.set(s.buffer, s.access);
  }
}

/** The broken rules of a program; none: it is well formed. */
export function verifyKernel(program: KernelProgram): readonly Finding[] {
  const c: Context = {
    program,
    storage: new Map(program.storage.map((s) => [s.name, { type: storedType(s.element), writable: s.access === 'write' }])),
    shared: new Map(program.shared.map((s) => [s.name, { type: s.element === 'vec4u' ? undefined : s.element, length: s.length, writable: true }])),
    uniformity: uniformityOf(program),
    findings: [],
  };
  checkHead(c);
  const names = new Map(program.uniforms.map((u): [string, Name] => [u.name, { type: u.type, mutable: false }]));
  block(c, { names: nameScope(names), arrays: nameScope(), together: true }, program.body);
  return c.findings;
}
