/**
 * The meaning of stage tensors. In: a spec, a launch that has passed check-launch.ts, and q, k, v. Out: every tensor of `spec.stages`, made
 * in order, each from its rule by direct loops and sorts; what is made is visible to the tensors after it. Float64 throughout: a float
 * tensor of f16 or bf16 is rounded when it is stored, one of f32 is not (as everywhere in this interpreter).
 * Orders put larger keys first and equal keys by lower number; a key that is not a number comes last.
 */
import { CompilerBug, unreachable } from '../../../dsl/diagnostic.ts';
import type { Expr } from '../../expr/ir.ts';
import { axisExtent } from '../../spec/axis.ts';
import type { Sizes, Spec } from '../../spec/ir.ts';
import type { StageIndex, StageRule, StageTensor } from '../../spec/stage.ts';
import { maxFinite, roundTo } from '../number.ts';
import type { Inputs } from './inputs.ts';
import { newPoint, scalar, worldOf } from './scalar.ts';
import type { DenseLaunch, Locals, StoredTensor, World } from './scalar.ts';

type Parts = Extract<StageRule, { readonly kind: 'softmax_parts' }>;

interface Range {
  readonly name: string;
  readonly extent: number;
  readonly cell: { value: number };
}

/** What the rules work on: the tensor's ranges, a way to compile expressions, and the data to fill. */
interface Bench {
  readonly ranges: readonly Range[];
  readonly rangesOf: (indices: readonly StageIndex[]) => readonly Range[];
  readonly compile: (e: Expr, more?: readonly Range[]) => () => number;
  readonly put: (place: number, value: number) => void;
}

/** All tensors of `spec.stages` by name, int, bool (bytes) and float64. */
export function denseStages(spec: Spec, launch: DenseLaunch, inputs: Inputs): ReadonlyMap<string, StoredTensor> {
  const made = new Map<string, StoredTensor>();
  const world = worldOf(spec, launch);
  const given = new Map<string, StoredTensor>([...world.tensors, ...inputTensors(launch.sizes, inputs)]);
  for (const tensor of spec.stages) {
    const value = make(tensor, launch.sizes, { constants: world.constants, tensors: given });
    made.set(tensor.name, value);
    given.set(tensor.name, value);
  }
  return made;
}

function inputTensors(sizes: Sizes, inputs: Inputs): readonly (readonly [string, StoredTensor])[] {
  const { batch, heads, kvHeads, nQ, nK, dim } = sizes;
  return [
    ['q', { extents: [batch, heads, nQ, dim], data: inputs.q }],
    ['k', { extents: [batch, kvHeads, nK, dim], data: inputs.k }],
    ['v', { extents: [batch, kvHeads, nK, dim], data: inputs.v }],
  ];
}

function make(t: StageTensor, sizes: Sizes, world: World): StoredTensor {
  const launchLevel = (e: Expr): number => scalar(e, world)(newPoint());
  const rangesOf = (indices: readonly StageIndex[]): readonly Range[] =>
    indices.map(({ name, axis }) => {
      if (axis.kind === 'free') throw new CompilerBug('dense interpreter', `index '${name}' of '${t.name}' has a free axis`);
      // A block size below 1 has been refused; its axis is empty.
      return { name, extent: axisExtent(axis, sizes, launchLevel) ?? 0, cell: { value: 0 } };
    });
  const ranges = rangesOf(t.indices);
  const extents = ranges.map((r) => r.extent);
  const length = extents.reduce((product, n) => product * n, 1);
  const data = t.element === 'float' ? new Float64Array(length) : t.element === 'int' ? new Int32Array(length) : new Uint8Array(length);
  const value: StoredTensor = { extents, data };
  // A recurrence reads the tensor itself, as far as it is made.
  const here: World = { constants: world.constants, tensors: new Map([...world.tensors, [t.name, value]]) };
  const at = newPoint();
  const { precision } = t;
  const rounds = t.element === 'float' && precision !== 'f32';
  fill(t, {
    ranges,
    rangesOf,
    compile: (e, more = []) => {
      const locals: Locals = new Map([...ranges, ...more].map((r) => [r.name, r.cell]));
      const f = scalar(e, here, locals);
      return () => f(at);
    },
    put: (place, x) => {
      data[place] = rounds ? roundTo(precision, x) : x;
    },
  });
  return value;
}

/** Calls `visit` for every combination of the ranges, the first slowest. */
function each(ranges: readonly Range[], visit: () => void, from = 0): void {
  const range = ranges[from];
  if (range === undefined) return visit();
  for (let i = 0; i < range.extent; i += 1) {
    range.cell.value = i;
    each(ranges, visit, from + 1);
  }
}

/** The row-major number of the current combination. */
function numberOf(ranges: readonly Range[]): number {
  let number = 0;
  for (const { extent, cell } of ranges) number = number * extent + cell.value;
  return number;
}

function fill(t: StageTensor, bench: Bench): void {
  const { rule } = t;
  const { ranges, compile, put } = bench;
  switch (rule.kind) {
    case 'map':
    case 'recurrence': {
      // Row-major order meets a smaller index of the same line first.
      const value = compile(rule.value);
      let place = 0;
      each(ranges, () => {
        put(place, value());
        place += 1;
      });
      return;
    }
    case 'softmax':
      return softmax(bench, rule.over, compile(rule.where), compile(rule.value));
    case 'softmax_parts': {
      const [line] = bench.rangesOf([rule.line]);
      if (line === undefined) return;
      return softmaxParts(bench, rule, line, compile(rule.where, [line]), compile(rule.value, [line]));
    }
    case 'rank':
    case 'mass':
      return position(bench, rule.kind, rule.over, compile(rule.where), compile(rule.key));
    case 'order': {
      const over = bench.rangesOf(rule.over);
      return order(bench, rule.along, over, compile(rule.where, over), compile(rule.key, over));
    }
    default:
      return unreachable(rule);
  }
}

/** The ranges of the names, in the order of the names, and the other ranges. */
function split(ranges: readonly Range[], over: readonly string[]): readonly [readonly Range[], readonly Range[]] {
  const inside = over.map((name) => ranges.find((r) => r.name === name) ?? missing(name));
  return [inside, ranges.filter((r) => !over.includes(r.name))];
}

function missing(name: string): never {
  throw new CompilerBug('dense interpreter', `a rule runs over '${name}', which is no index of its tensor`);
}

function softmax(bench: Bench, over: readonly string[], where: () => number, value: () => number): void {
  const [inside, outside] = split(bench.ranges, over);
  each(outside, () => {
    const places: number[] = [];
    const values: number[] = [];
    each(inside, () => {
      if (where() === 0) return bench.put(numberOf(bench.ranges), 0);
      places.push(numberOf(bench.ranges));
      values.push(value());
    });
    let largest = -Infinity;
    for (const x of values) if (!(x <= largest)) largest = x; // a NaN stays visible
    const weights = values.map((x) => (largest === -Infinity ? 0 : Math.exp(x - largest)));
    const sum = weights.reduce((total, x) => total + x, 0);
    places.forEach((place, i) => bench.put(place, sum === 0 ? 0 : (weights[i] ?? 0) / sum));
  });
}

function softmaxParts(bench: Bench, rule: Parts, line: Range, where: () => number, value: () => number): void {
  const [[segment], rest] = split(bench.ranges, [rule.along]);
  const [[part], outside] = split(rest, [rule.part]);
  if (segment === undefined || part === undefined) return;
  each([...outside, segment], () => {
    const values: number[] = [];
    const first = segment.cell.value * rule.length;
    for (let i = first; i < Math.min(first + rule.length, line.extent); i += 1) {
      line.cell.value = i;
      if (where() !== 0) values.push(value());
    }
    let largest = -maxFinite('f32');
    for (const x of values) if (!(x <= largest)) largest = x; // a NaN stays visible
    const sum = values.reduce((total, x) => total + Math.exp(x - largest), 0);
    each([part], () => bench.put(numberOf(bench.ranges), part.cell.value === 0 ? largest : sum));
  });
}

interface Candidate {
  readonly key: number;
  /** Among all elements of the line, row-major; decides between equal keys. */
  readonly number: number;
  readonly place: number;
}

/** Larger keys first, then lower numbers. */
function before(a: Candidate, b: Candidate): number {
  if (a.key > b.key) return -1;
  if (a.key < b.key) return 1;
  const wrongA = Number.isNaN(a.key);
  return wrongA === Number.isNaN(b.key) ? a.number - b.number : wrongA ? 1 : -1;
}

function position(bench: Bench, kind: 'rank' | 'mass', over: readonly string[], where: () => number, key: () => number): void {
  const [inside, outside] = split(bench.ranges, over);
  each(outside, () => {
    const taking: Candidate[] = [];
    const rest: number[] = [];
    each(inside, () => {
      const place = numberOf(bench.ranges);
      if (where() === 0) rest.push(place);
      else taking.push({ key: key(), number: numberOf(inside), place });
    });
    taking.sort(before);
    let sum = 0;
    taking.forEach((c, rank) => {
      bench.put(c.place, kind === 'rank' ? rank : sum);
      sum += c.key;
    });
    for (const place of rest) bench.put(place, kind === 'rank' ? taking.length : sum);
  });
}

function order(bench: Bench, along: string, over: readonly Range[], where: () => number, key: () => number): void {
  const [ranks, outside] = split(bench.ranges, [along]);
  each(outside, () => {
    const taking: Candidate[] = [];
    each(over, () => {
      const number = numberOf(over);
      if (where() !== 0) taking.push({ key: key(), number, place: 0 });
    });
    taking.sort(before);
    each(ranks, () => {
      const [rank] = ranks;
      bench.put(numberOf(bench.ranges), taking[rank?.cell.value ?? 0]?.number ?? -1);
    });
  });
}
