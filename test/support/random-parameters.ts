/**
 * The parameters that random programs draw from: a fixed set of scalars and tensors with every kind of axis. A program
 * declares only those it uses. In: sizes, scalar values, a seed. Out: tensor data, the same for the same seed; lists
 * have duplicates, -1 padding and entries out of range, ids are sorted or not, as the name of the tensor says.
 */
import { ref } from '../../compiler/expr/build.ts';
import type { Expr } from '../../compiler/expr/ir.ts';
import type { Axis, ScalarParam, Sizes, TensorParam, TensorValue } from '../../compiler/spec/ir.ts';
import { spanOf } from '../../dsl/span.ts';

/** The place that everything random claims to come from: verifiers ask for one. */
export const randomSpan = spanOf('random.fil', 0, 1);

export const q = ref('q', 'int');
export const k = ref('k', 'int');
export const h = ref('h', 'int');
export const b = ref('b', 'int');
export const s = ref('s', 'float');
export const nQ = ref('n_q', 'int');
export const nK = ref('n_k', 'int');

/** A reproducible sequence of numbers in [0, 1). */
export function randomSequence(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function scalarParam(name: string, type: ScalarParam['type'], defaultValue?: number): ScalarParam {
  const base = { name, type, doc: [], span: randomSpan } as const;
  return defaultValue === undefined ? base : { ...base, defaultValue };
}

export const scalarParams: readonly ScalarParam[] = [
  scalarParam('window', 'int', 16),
  scalarParam('offset', 'int'),
  scalarParam('step', 'int'),
  scalarParam('cap', 'float', 30),
  scalarParam('gain', 'float'),
  scalarParam('enabled', 'bool'),
];

const batch: Axis = { kind: 'batch' };
const heads: Axis = { kind: 'heads' };
const kvHeads: Axis = { kind: 'kv_heads' };
const queries: Axis = { kind: 'queries' };
const keys: Axis = { kind: 'keys' };
const free = (name: string): Axis => ({ kind: 'free', name });
const blocks = (of: 'queries' | 'keys', size: Expr): Axis => ({ kind: 'blocks', of, size });

/** One element of a tensor from a random number, the sizes, and the position along the last axis. */
type Fill = (random: () => number, sizes: Sizes, last: number) => number;

interface Declared {
  readonly param: TensorParam;
  readonly fill: Fill;
}

function declared(name: string, element: TensorParam['element'], axes: readonly Axis[], fill: Fill): Declared {
  return { param: { name, element, axes, doc: [], span: randomSpan }, fill };
}

const pick = (random: () => number, from: number, to: number): number => from + Math.floor(random() * (to - from + 1));

const keyEntry: Fill = (r, { nK: n }) => (r() < 0.2 ? -1 : pick(r, -2, n + 2));
const slashEntry: Fill = (r, { nQ: m, nK: n }) => pick(r, m > n ? n - m - 1 : -2, n + 2);
const queryEntry: Fill = (r, { nQ: m, nK: n }) => pick(r, n - m - 2, n + 1);
const sortedId: Fill = (r, _, last) => Math.floor((last + r() * 0.5) / 7);
const looseId: Fill = (r) => pick(r, -1, 3);
const chance = (p: number): Fill => (r) => (r() < p ? 1 : 0);
const gridFloat: Fill = (r) => pick(r, -48, 48) / 16;

const literal = (value: number): Expr => ({ kind: 'literal', type: 'int', value });

/** Block tables exist for these (query block, key block); `step` is the launch scalar. */
export const blockShapes: readonly (readonly [string, Expr, Expr])[] = [
  ['table_4x4', literal(4), literal(4)],
  ['table_8x16', literal(8), literal(16)],
  ['table_16x8', literal(16), literal(8)],
  ['table_1x3', literal(1), literal(3)],
  ['table_step', ref('step', 'int'), ref('step', 'int')],
];

const declarations: readonly Declared[] = [
  declared('cols', 'int', [free('m')], keyEntry),
  declared('cols_h', 'int', [heads, free('m')], keyEntry),
  declared('cols_bh', 'int', [batch, heads, free('m')], keyEntry),
  declared('cols_kv', 'int', [kvHeads, free('m')], keyEntry),
  declared('slash', 'int', [free('m')], slashEntry),
  declared('slash_h', 'int', [heads, free('m')], slashEntry),
  declared('slash_bh', 'int', [batch, heads, free('m')], slashEntry),
  declared('rows', 'int', [free('m')], queryEntry),
  declared('rows_h', 'int', [heads, free('m')], queryEntry),
  declared('doc', 'int', [keys], sortedId),
  declared('doc_b', 'int', [batch, keys], sortedId),
  declared('tag', 'int', [keys], looseId),
  declared('tag_h', 'int', [heads, keys], looseId),
  declared('reach_h', 'int', [heads], (r) => pick(r, -4, 40)),
  declared('reach_b', 'int', [batch], (r) => pick(r, -4, 40)),
  declared('reach_q', 'int', [queries], (r, { nK: n }) => pick(r, 0, n)),
  declared('which', 'int', [heads], (r) => pick(r, 0, 3)),
  declared('parent', 'int', [keys, { kind: 'fixed', extent: 3 }], (r, { nK: n }) => pick(r, -1, n)),
  declared('mark', 'bool', [keys], chance(0.5)),
  declared('mark_q', 'bool', [queries], chance(0.6)),
  declared('mark_hk', 'bool', [heads, keys], chance(0.5)),
  ...blockShapes.map(([name, rows, columns]) =>
    declared(name, 'bool', [...(name === 'table_8x16' ? [batch, heads] : name === 'table_4x4' ? [heads] : []), blocks('queries', rows), blocks('keys', columns)], chance(0.4)),
  ),
  declared('slope_h', 'float', [heads], (r) => -pick(r, 0, 16) / 32),
  declared('bias', 'float', [heads, keys], gridFloat),
  declared('bias_q', 'float', [queries], gridFloat),
  declared('sink_h', 'float', [heads], gridFloat),
  declared('rows_bh', 'int', [batch, heads, free('m')], queryEntry),
  declared('few_rows', 'int', [{ kind: 'fixed', extent: 3 }], queryEntry),
  declared('rowset', 'bool', [queries], chance(0.3)),
  declared('rowset_h', 'bool', [heads, queries], chance(0.5)),
];

export const tensorParams: readonly TensorParam[] = declarations.map((d) => d.param);

function extentOf(axis: Axis, sizes: Sizes, scalars: ReadonlyMap<string, number>, freeExtent: number): number {
  switch (axis.kind) {
    case 'batch':
      return sizes.batch;
    case 'heads':
      return sizes.heads;
    case 'kv_heads':
      return sizes.kvHeads;
    case 'queries':
      return sizes.nQ;
    case 'keys':
      return sizes.nK;
    case 'free':
      return freeExtent;
    case 'fixed':
      return axis.extent;
    case 'dim':
      return sizes.dim;
    case 'counted':
      return freeExtent;
    case 'blocks': {
      const size = axis.size.kind === 'literal' ? axis.size.value : scalars.get('step') ?? 1;
      return Math.ceil((axis.of === 'queries' ? sizes.nQ : sizes.nK) / size);
    }
  }
}

/** Data for one of the tensors above. */
export function randomTensor(name: string, sizes: Sizes, scalars: ReadonlyMap<string, number>, freeExtent: number, seed: number): TensorValue {
  const index = declarations.findIndex((d) => d.param.name === name);
  const found = declarations[index];
  if (found === undefined) throw new Error(`no random tensor '${name}'`);
  const random = randomSequence(seed * 64 + index);
  const extents = found.param.axes.map((axis) => extentOf(axis, sizes, scalars, freeExtent));
  const length = extents.reduce((product, n) => product * n, 1);
  const last = extents.at(-1) ?? 1;
  const values = Array.from({ length }, (_, i) => found.fill(random, sizes, i % last));
  switch (found.param.element) {
    case 'int':
      return { extents, data: Int32Array.from(values) };
    case 'float':
      return { extents, data: Float32Array.from(values) };
    case 'bool':
      return { extents, data: Uint8Array.from(values) };
  }
}
