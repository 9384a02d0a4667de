/**
 * Expressions and statements of kernel programs as documents, for every language whose expressions look like C's. In: a
 * kernel program's parts, a dialect table, and a naming. Out: documents with origins. Holds: one IR node gives one form of
 * the table; parentheses stand only where the form's levels ask for them; nothing is decided here that a pass could decide.
 */
import { CompilerBug, unreachable } from '../dsl/diagnostic.ts';
import type { KernelBinary, KernelExpr, KernelStmt, KernelType, KernelUnary, MatrixElement, StorageElement } from '../compiler/kernel/ir.ts';
import { block, concat, group, indent, list, nothing, soft, text, withOrigin, type Doc } from './document.ts';

/** How tightly an expression holds together; an operand below the level its place asks for gets parentheses. */
export const levels = {
  any: 0,
  conditional: 1,
  bitOr: 2,
  bitXor: 3,
  bitAnd: 4,
  relational: 5,
  shift: 6,
  additive: 7,
  multiplicative: 8,
  unary: 9,
  primary: 10,
} as const;

/** The place of an operand in a form. */
export interface Slot {
  readonly operand: number;
  readonly level: number;
}

/** Text of one operation: fixed pieces and operands. */
export interface Form {
  readonly level: number;
  readonly parts: readonly (string | Slot)[];
  /** An operator whose own kind may stand on its left without parentheses whatever the level asks: a & b & c. */
  readonly chains?: boolean;
}

export interface Dialect {
  readonly types: Readonly<Record<KernelType, string>>;
  readonly literal: (type: 'bool' | 'i32' | 'u32' | 'f32', value: number) => { readonly text: string; readonly level: number };
  /** By operator and the type of its operand: conversions differ with what they start from. */
  readonly unary: (op: KernelUnary, arg: KernelType) => Form;
  /** By operator and the type of its left operand. */
  readonly binary: (op: KernelBinary, left: KernelType) => Form;
  /** a, b, c; each mix of f32 and vec4f factors has a form. */
  readonly fma: { readonly same: Form; readonly scalarLeft: Form; readonly scalarRight: Form; readonly scalarBoth: Form };
  /** cond, then, otherwise. */
  readonly select: Form;
  readonly vec4: Form;
  readonly extract: readonly [Form, Form, Form, Form];
  /** The value of a place in a buffer, and what is written there for a value. */
  readonly load: Readonly<Record<StorageElement, Form>>;
  readonly store: Readonly<Record<StorageElement, Form>>;
  /** value, lane. */
  readonly shuffle: Form;
  /** The same within groups of four lanes. */
  readonly shuffle4: Form;
  /** Exchanges, copies and matrix operations of languages that have them. */
  readonly atoms?: AtomForms;
  readonly subgroup: Readonly<Record<'sum' | 'max', Form>>;
  readonly barrier: string;
  /** Everything before ` = value`. */
  readonly declareLet: (type: string, name: string) => Doc;
  readonly declareVar: (type: string, name: string) => Doc;
  readonly declareArray: (type: string, name: string, length: number) => Doc;
  /** An array of `length` equal elements. */
  readonly filledArray: (type: string, length: number, element: Doc) => Doc;
}

/** How exchanges by xor, copies in the background and matrix operations are written. */
export interface AtomForms {
  /** value, and the mask as an i32 literal. */
  readonly shuffleXor: Form;
  /** The places of the copied element in workgroup memory and in storage, and the bytes that are copied. */
  readonly copyAsync: Form;
  readonly copyCommit: string;
  readonly copyWait: (pending: number) => string;
  /** Declares names of u32 words; there is no value yet. */
  readonly declareWords: (names: readonly string[]) => Doc;
  /** Four names and the place of the lane's row in workgroup memory. */
  readonly loadMatrix: (transposed: boolean) => Form;
  /** A memory of 16-byte elements and the number of a word. */
  readonly loadWord: Form;
  /** Four sums, four words of a, two of b. */
  readonly mma: (operands: MatrixElement) => Form;
}

export type NameSpace = 'value' | 'storage' | 'shared' | 'array';

/** What the printer must know of the program around an expression. */
export interface PrintContext {
  readonly dialect: Dialect;
  readonly name: (space: NameSpace, name: string) => string;
  readonly builtin: (name: Extract<KernelExpr, { kind: 'builtin' }>['name']) => string;
  readonly element: (storage: string) => StorageElement;
}

export function slot(operand: number, level: number): Slot {
  return { operand, level };
}

/** A binary operator; `left` and `right` are the levels its operands need. */
export function infix(token: string, level: number, left: number, right: number, chains = false): Form {
  return { level, parts: [slot(0, left), token, slot(1, right)], chains };
}

/** Not every language orders `& | ^`, shifts and comparisons among each other: their operands are unary unless the same operator. */
export function bitwise(token: string, level: number): Form {
  return infix(token, level, levels.unary, levels.unary, true);
}

export function comparison(token: string): Form {
  return infix(token, levels.relational, levels.additive, levels.additive);
}

/** Fixed text around operands, as a primary expression. */
export function fixed(...parts: Form['parts']): Form {
  return { level: levels.primary, parts };
}

export function prefix(token: string): Form {
  return { level: levels.unary, parts: [token, slot(0, levels.primary)] };
}

/** `name(operands)`. */
export function call(name: string, operands = 1): Form {
  const args: (string | Slot)[] = [];
  for (let i = 0; i < operands; i += 1) {
    if (i > 0) args.push(', ');
    // A comparison that is not the last argument is set apart: `f(a < b, c > d)` reads as a type argument list.
    args.push(slot(i, i + 1 < operands ? levels.shift : levels.any));
  }
  return { level: levels.primary, parts: [name, '(', ...args, ')'] };
}

/** `operand` followed by a fixed piece, such as `.x`. */
export function postfix(piece: string): Form {
  return { level: levels.primary, parts: [slot(0, levels.primary), piece] };
}

/** The operand itself. */
export const identity: Form = { level: levels.any, parts: [slot(0, levels.any)] };

interface Leveled {
  readonly doc: Doc;
  readonly level: number;
  readonly form?: Form;
}

function isSpaced(part: string | Slot | undefined): boolean {
  return typeof part === 'string' && /^ \S+ $/.test(part);
}

function fill(form: Form, operands: readonly Leveled[]): Leveled {
  const pieces: Doc[] = [];
  // The form `x` alone takes the level of what it holds.
  const only = form.parts[0];
  if (form.parts.length === 1 && only !== undefined && typeof only !== 'string') {
    const operand = operands[only.operand];
    if (operand !== undefined) return operand;
  }
  for (const part of form.parts) {
    if (typeof part === 'string') {
      // ` + ` may break before the operator, `, ` after the comma.
      if (isSpaced(part)) pieces.push(soft(' '), text(part.trimStart()));
      else if (part === ', ') pieces.push(text(','), soft(' '));
      else pieces.push(text(part));
      continue;
    }
    const operand = operands[part.operand];
    if (operand === undefined) continue;
    const chained = form.chains === true && operand.form === form && part === form.parts[0];
    pieces.push(operand.level >= part.level || chained ? operand.doc : concat('(', operand.doc, ')'));
  }
  return { doc: group(indent(concat(...pieces))), level: form.level, form };
}

function fmaForm(dialect: Dialect, expr: Extract<KernelExpr, { kind: 'fma' }>): Form {
  if (expr.type === 'f32') return dialect.fma.same;
  if (expr.a.type === 'f32') return expr.b.type === 'f32' ? dialect.fma.scalarBoth : dialect.fma.scalarLeft;
  return expr.b.type === 'f32' ? dialect.fma.scalarRight : dialect.fma.same;
}

function atomsOf(dialect: Dialect): AtomForms {
  if (dialect.atoms === undefined) throw new CompilerBug('print', 'this language has no shuffles by xor, no copies in the background and no matrix operations');
  return dialect.atoms;
}

function place(context: PrintContext, name: string, index: KernelExpr): Leveled {
  return { doc: concat(name, '[', leveled(context, index).doc, ']'), level: levels.primary };
}

function leveled(context: PrintContext, expr: KernelExpr): Leveled {
  const { dialect } = context;
  const of = (e: KernelExpr): Leveled => leveled(context, e);
  const plain = (name: string): Leveled => ({ doc: text(name), level: levels.primary });
  switch (expr.kind) {
    case 'literal': {
      const { text: printed, level } = dialect.literal(expr.type, expr.value);
      return { doc: text(printed), level };
    }
    case 'ref':
      return plain(context.name('value', expr.name));
    case 'builtin':
      return plain(context.builtin(expr.name));
    case 'unary':
      return fill(dialect.unary(expr.op, expr.arg.type), [of(expr.arg)]);
    case 'binary':
      return fill(dialect.binary(expr.op, expr.left.type), [of(expr.left), of(expr.right)]);
    case 'fma':
      return fill(fmaForm(dialect, expr), [of(expr.a), of(expr.b), of(expr.c)]);
    case 'select':
      return fill(dialect.select, [of(expr.cond), of(expr.then), of(expr.otherwise)]);
    case 'vec4':
      return fill(dialect.vec4, expr.parts.map(of));
    case 'extract':
      return fill(dialect.extract[expr.part], [of(expr.vector)]);
    case 'load':
      return fill(dialect.load[context.element(expr.storage)], [place(context, context.name('storage', expr.storage), expr.index)]);
    case 'load_shared':
      return place(context, context.name('shared', expr.shared), expr.index);
    case 'load_array':
      return place(context, context.name('array', expr.array), expr.index);
    case 'shuffle':
      return fill(expr.group === 4 ? dialect.shuffle4 : dialect.shuffle, [of(expr.value), of(expr.from)]);
    case 'shuffle_xor':
      return fill(atomsOf(dialect).shuffleXor, [of(expr.value), of({ kind: 'literal', type: 'i32', value: expr.mask })]);
    case 'subgroup':
      return fill(dialect.subgroup[expr.op], [of(expr.value)]);
    default:
      return unreachable(expr);
  }
}

export function expressionDoc(context: PrintContext, expr: KernelExpr): Doc {
  return leveled(context, expr).doc;
}

function assignment(target: Doc, value: Doc): Doc {
  return concat(target, ' = ', value, ';');
}

/** One statement, with its origin. */
export function statementDoc(context: PrintContext, stmt: KernelStmt): Doc {
  return withOrigin(stmt.origin, bareStatement(context, stmt));
}

function bodyDocs(context: PrintContext, body: readonly KernelStmt[]): readonly Doc[] {
  return body.map((s) => statementDoc(context, s));
}

function bareStatement(context: PrintContext, stmt: KernelStmt): Doc {
  const { dialect, name } = context;
  const of = (e: KernelExpr): Doc => expressionDoc(context, e);
  switch (stmt.kind) {
    case 'let':
      return assignment(dialect.declareLet(dialect.types[stmt.type], name('value', stmt.name)), of(stmt.value));
    case 'var':
      return assignment(dialect.declareVar(dialect.types[stmt.type], name('value', stmt.name)), of(stmt.value));
    case 'assign':
      return assignment(text(name('value', stmt.name)), of(stmt.value));
    case 'array': {
      const type = dialect.types[stmt.type];
      const filled = dialect.filledArray(type, stmt.length, of(stmt.value));
      return assignment(dialect.declareArray(type, name('array', stmt.name), stmt.length), filled);
    }
    case 'assign_array':
      return assignment(place(context, name('array', stmt.array), stmt.index).doc, of(stmt.value));
    case 'store': {
      const written = fill(dialect.store[context.element(stmt.storage)], [leveled(context, stmt.value)]);
      return assignment(place(context, name('storage', stmt.storage), stmt.index).doc, written.doc);
    }
    case 'store_shared':
      return assignment(place(context, name('shared', stmt.shared), stmt.index).doc, of(stmt.value));
    case 'barrier':
      return concat(dialect.barrier, ';');
    case 'if':
      return ifDoc(context, stmt);
    case 'for': {
      const index = name('value', stmt.index);
      const start = assignment(dialect.declareVar(dialect.types.i32, index), of(stmt.from));
      const bound: KernelExpr = { kind: 'ref', type: 'i32', name: stmt.index };
      const test = of({ kind: 'binary', type: 'bool', op: 'lt', left: bound, right: stmt.to });
      const head = concat('for (', start, ' ', test, '; ', index, ' += ', String(stmt.step), ') {');
      return block(head, bodyDocs(context, stmt.body), text('}'));
    }
    case 'while':
      return block(concat('while (', of(stmt.cond), ') {'), bodyDocs(context, stmt.body), text('}'));
    case 'copy_async': {
      const to = place(context, name('shared', stmt.shared), stmt.at);
      const from = place(context, name('storage', stmt.storage), stmt.index);
      return concat(fill(atomsOf(dialect).copyAsync, [to, from, leveled(context, stmt.bytes)]).doc, ';');
    }
    case 'copy_commit':
      return concat(atomsOf(dialect).copyCommit, ';');
    case 'copy_wait':
      return concat(atomsOf(dialect).copyWait(stmt.pending), ';');
    case 'load_matrix': {
      const words = stmt.names.map((n) => name('value', n));
      const row = place(context, name('shared', stmt.shared), stmt.index);
      const filled = fill(atomsOf(dialect).loadMatrix(stmt.transposed), [...words.map((w) => ({ doc: text(w), level: levels.primary })), row]);
      return concat(atomsOf(dialect).declareWords(words), ';', { kind: 'line' }, filled.doc, ';');
    }
    case 'load_words': {
      const memory: Leveled = { doc: text(name('shared', stmt.shared)), level: levels.primary };
      // The index is in range, so the sum does not wrap.
      const word = (offset: number): KernelExpr => (offset === 0 ? stmt.index : { kind: 'binary', type: 'i32', op: 'add', left: stmt.index, right: { kind: 'literal', type: 'i32', value: offset } });
      const loads = stmt.names.map((n, i) => {
        const loaded = fill(atomsOf(dialect).loadWord, [memory, leveled(context, word(stmt.offsets[i] ?? 0))]);
        return assignment(dialect.declareLet(dialect.types.f32, name('value', n)), loaded.doc);
      });
      return concat(...loads.flatMap((load, i): readonly Doc[] => (i === 0 ? [load] : [{ kind: 'line' }, load])));
    }
    case 'mma': {
      const sums = stmt.sums.map((n) => ({ doc: text(name('value', n)), level: levels.primary }));
      const operands = [...stmt.a, ...stmt.b].map((e) => leveled(context, e));
      return concat(fill(atomsOf(dialect).mma(stmt.operands), [...sums, ...operands]).doc, ';');
    }
    case 'comment':
      return commentDoc(stmt.text);
    default:
      return unreachable(stmt);
  }
}

function ifDoc(context: PrintContext, stmt: Extract<KernelStmt, { kind: 'if' }>): Doc {
  const head = concat('if (', expressionDoc(context, stmt.cond), ') {');
  const then = block(head, bodyDocs(context, stmt.then), text('}'));
  const [first, ...rest] = stmt.otherwise;
  if (first === undefined) return then;
  if (first.kind === 'if' && rest.length === 0) return concat(then, ' else ', statementDoc(context, first));
  return concat(then, ' ', block(text('else {'), bodyDocs(context, stmt.otherwise), text('}')));
}

/** A comment of one or several lines; control characters cannot leave it. */
export function commentDoc(words: string): Doc {
  const safe = words.split(/[\n\r\u000b\u000c\u0085\u2028\u2029]+/).map((l) => concat('// ', l.replaceAll('\0', ' ')));
  return safe.length === 0 ? nothing : { kind: 'concat', parts: safe.flatMap((l, i) => (i === 0 ? [l] : [{ kind: 'line' } as const, l])) };
}

/** `open a, b close;` helper for declarations that list things. */
export const listDoc: (open: string, parts: readonly Doc[], close: string) => Doc = list;
