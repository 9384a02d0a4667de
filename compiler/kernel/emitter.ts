/**
 * Builds the body of a kernel statement by statement. Values are numbered: a pure expression that is already held by an
 * immutable name in an enclosing block is not computed again. Unrolled element code therefore computes what depends on the row
 * once per row, on the column once per column, and on neither once.
 *
 * Mutable variables carry a version; a write makes a new one, so that a number never refers to an overwritten value. Whoever
 * opens a loop names the variables that its body writes. Blocks nest; a block's numbers end with it. `hoisted` adds to an outer
 * block, before the statement that is being built inside it.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Origin } from '../../dsl/span.ts';
import { refer } from './build.ts';
import type { KernelExpr, KernelStmt, KernelType } from './ir.ts';

interface Block {
  readonly stmts: KernelStmt[];
  readonly memo: Map<string, KernelExpr>;
  readonly loop: boolean;
}

export interface Emitter {
  /** The expression as a literal or name; computed now, unless it is known already. */
  value(expr: KernelExpr, hint?: string): KernelExpr;
  /** What `key` stood for in this or an enclosing block, or what `make` gives now. For values that take statements to make. */
  remember(key: string, make: () => KernelExpr): KernelExpr;
  /** An immutable name for the present value: the value itself where it cannot change. */
  named(name: string, value: KernelExpr): KernelExpr;
  /** The expression that `build` gives, without statements; undefined where it takes some. */
  asTree(build: () => KernelExpr): KernelExpr | undefined;
  /** A new immutable name for the present value of the expression. */
  copy(name: string, expr: KernelExpr): KernelExpr;
  variable(name: string, initial: KernelExpr): KernelExpr;
  /** A new name which the statement that is pushed next declares; it stays as it is. */
  declared(hint: string, type: KernelType): KernelExpr & { readonly kind: 'ref' };
  assign(variable: KernelExpr, value: KernelExpr): void;
  /** Says that the variables may have changed. */
  touch(variables: readonly KernelExpr[]): void;
  push(stmt: KernelStmt): void;
  fresh(hint: string): string;
  keyOf(expr: KernelExpr): string;
  /** Runs `build` in a new block and gives its statements. */
  block(loop: boolean, build: () => void): readonly KernelStmt[];
  loop(hint: string, from: KernelExpr, to: KernelExpr, uniform: boolean, writes: readonly KernelExpr[], build: (index: KernelExpr) => void, step?: number): void;
  /** Number of open blocks, the outermost being 1. */
  depth(): number;
  /** Depth of the block in which the name was made; 1 for what is known from the start. */
  depthOf(expr: KernelExpr): number;
  /** The outermost depth >= `from` such that no `if` alone, but at least one loop, lies between it and here; else the present depth. */
  outsideLoops(from: number): number;
  insideLoop(): boolean;
  hoisted<T>(depth: number, build: () => T): T;
  at(origin: Origin): void;
  origin(): Origin;
  body(): readonly KernelStmt[];
}

type Named = KernelExpr & { readonly kind: 'ref' };

const wordPattern = /[^A-Za-z0-9_]/g;

export function createEmitter(start: Origin, reserved: readonly string[]): Emitter {
  const root: Block = { stmts: [], memo: new Map(), loop: false };
  let blocks: readonly Block[] = [root];
  let origin = start;
  const used = new Set<string>(reserved);
  const counters = new Map<string, number>();
  const versions = new Map<string, number>();
  const depths = new Map<string, number>();
  let clock = 0;
  let tree = false;
  /** The value numbered last, and its number. */
  let newest: { readonly name: string; readonly key: string } | undefined;

  const top = (): Block => blocks[blocks.length - 1] ?? root;
  const push = (stmt: KernelStmt): void => {
    top().stmts.push(stmt);
  };

  const fresh = (hint: string): string => {
    const clean = hint.replace(wordPattern, '_');
    const word = /^[A-Za-z]/.test(clean) ? clean : `v${clean}`;
    if (!used.has(word)) {
      used.add(word);
      return word;
    }
    let n = counters.get(word) ?? 1;
    while (used.has(`${word}_${n}`)) n += 1;
    counters.set(word, n + 1);
    const name = `${word}_${n}`;
    used.add(name);
    return name;
  };

  const keyOf = (e: KernelExpr): string => {
    switch (e.kind) {
      case 'literal':
        return `${e.type}:${Object.is(e.value, -0) ? '-0' : e.value}`;
      case 'ref': {
        const version = versions.get(e.name);
        return version === undefined ? e.name : `${e.name}@${version}`;
      }
      case 'builtin':
        return `%${e.name}`;
      case 'unary':
        return `${e.op}(${keyOf(e.arg)})`;
      case 'binary':
        return `${e.op}(${keyOf(e.left)},${keyOf(e.right)})`;
      case 'fma':
        return `fma(${keyOf(e.a)},${keyOf(e.b)},${keyOf(e.c)})`;
      case 'select':
        return `select(${keyOf(e.cond)},${keyOf(e.then)},${keyOf(e.otherwise)})`;
      case 'vec4':
        return `vec4(${e.parts.map(keyOf).join(',')})`;
      case 'extract':
        return `${keyOf(e.vector)}.${e.part}`;
      case 'load':
        return `${e.storage}[${keyOf(e.index)}]`;
      case 'load_shared':
      case 'load_array':
        // Memory that changes: never numbered twice.
        clock += 1;
        return `memory@${clock}`;
      case 'shuffle':
        return `shuffle${e.group ?? ''}(${keyOf(e.value)},${keyOf(e.from)})`;
      case 'shuffle_xor':
        return `shuffle_xor${e.mask}(${keyOf(e.value)})`;
      case 'subgroup':
        return `subgroup_${e.op}(${keyOf(e.value)})`;
      default:
        throw new CompilerBug('emitter', 'no such expression');
    }
  };

  const find = (key: string): KernelExpr | undefined => {
    for (let i = blocks.length - 1; i >= 0; i -= 1) {
      const known = blocks[i]?.memo.get(key);
      if (known !== undefined) return known;
    }
    return undefined;
  };

  const bind = (name: string, expr: KernelExpr): Named => {
    push({ kind: 'let', name, type: expr.type, value: expr, origin });
    depths.set(name, blocks.length);
    return refer(name, expr.type);
  };

  const value = (expr: KernelExpr, hint = 'x'): KernelExpr => {
    if (expr.kind === 'literal' || expr.kind === 'ref' || expr.kind === 'builtin') return expr;
    const key = keyOf(expr);
    const known = find(key);
    if (known !== undefined) return known;
    if (tree) return expr;
    const made = bind(fresh(hint), expr);
    top().memo.set(key, made);
    newest = { name: made.name, key };
    return made;
  };

  const touch = (variables: readonly KernelExpr[]): void => {
    for (const v of variables) {
      if (v.kind !== 'ref') throw new CompilerBug('emitter', 'only a variable is written');
      clock += 1;
      versions.set(v.name, clock);
    }
  };

  const block = (loop: boolean, build: () => void): readonly KernelStmt[] => {
    const outer = blocks;
    const inner: Block = { stmts: [], memo: new Map(), loop };
    blocks = [...outer, inner];
    build();
    blocks = outer;
    return inner.stmts;
  };

  return {
    value,
    remember: (key, make) => {
      const known = find(key);
      if (known !== undefined) return known;
      const made = make();
      top().memo.set(key, made);
      return made;
    },
    named: (name, expr) => {
      if (expr.kind === 'literal' || expr.kind === 'builtin') return expr;
      if (expr.kind !== 'ref' || versions.has(expr.name)) return bind(fresh(name), expr);
      // A value that was made just now takes the name it is given.
      const block = top();
      const last = block.stmts[block.stmts.length - 1];
      if (last?.kind !== 'let' || last.name !== expr.name || newest?.name !== expr.name) return expr;
      const renamed = refer(fresh(name), expr.type);
      block.stmts[block.stmts.length - 1] = { ...last, name: renamed.name };
      block.memo.set(newest.key, renamed);
      depths.set(renamed.name, blocks.length);
      return renamed;
    },
    asTree: (build) => {
      let needsStatements = false;
      tree = true;
      // What is built goes to a block that is thrown away; a statement in it says that the tree is not whole.
      let result: KernelExpr | undefined;
      const made = block(false, () => {
        result = build();
      });
      tree = false;
      needsStatements = made.length > 0;
      return needsStatements ? undefined : result;
    },
    copy: (name, expr) => bind(fresh(name), expr),
    variable: (hint, initial) => {
      const name = fresh(hint);
      push({ kind: 'var', name, type: initial.type, value: initial, origin });
      clock += 1;
      versions.set(name, clock);
      depths.set(name, blocks.length);
      return refer(name, initial.type);
    },
    declared: (hint, type) => {
      const name = fresh(hint);
      depths.set(name, blocks.length);
      return refer(name, type);
    },
    assign: (variable, expr) => {
      if (variable.kind !== 'ref' || !versions.has(variable.name)) throw new CompilerBug('emitter', 'only a variable is written');
      push({ kind: 'assign', name: variable.name, value: expr, origin });
      touch([variable]);
    },
    touch,
    push,
    fresh,
    keyOf,
    block,
    loop: (hint, from, to, uniform, writes, build, step = 1) => {
      const index = fresh(hint);
      // The bound is taken once; a variable could change under the loop.
      const end = to.kind === 'ref' && versions.has(to.name) ? bind(fresh(`${hint}_end`), to) : value(to, `${hint}_end`);
      const begin = value(from);
      touch(writes);
      const body = block(true, () => {
        depths.set(index, blocks.length);
        build(refer(index, 'i32'));
      });
      touch(writes);
      push({ kind: 'for', index, from: begin, to: end, step, uniform, body, origin });
    },
    depth: () => blocks.length,
    depthOf: (e) => (e.kind === 'ref' ? (versions.has(e.name) ? blocks.length : (depths.get(e.name) ?? 1)) : 1),
    outsideLoops: (from) => {
      const crossed = blocks.slice(from).some((b) => b.loop);
      return crossed ? from : blocks.length;
    },
    insideLoop: () => blocks.some((b) => b.loop),
    hoisted: (depth, build) => {
      const inner = blocks;
      blocks = inner.slice(0, depth);
      const result = build();
      blocks = inner;
      return result;
    },
    at: (next) => {
      origin = next;
    },
    origin: () => origin,
    body: () => root.stmts,
  };
}
