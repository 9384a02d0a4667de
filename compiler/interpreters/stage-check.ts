/**
 * Judges stage tensors that came out of kernels, one rule at a time. In: a spec, a launch, inputs (exact in their storage type), and
 * the tensors. Out: complaints, none for a correct compiler.
 *
 * The law: each tensor is compared with what its rule gives *on the tensors that were really made before it*, within the error that correct
 * f32 arithmetic may have in that one rule (tracked.ts). So errors do not pile up, and a choice is judged exactly wherever its inputs
 * decide it: a bool, an index or a rank may differ from the exact one only where what it was decided by lies within its rounding error, and
 * equal stored keys must fall to the lower index. Recurrences are judged step by step on the elements they really have. All tensors
 * of the spec must be among those that came out.
 */
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import { floatMax } from '../expr/arithmetic.ts';
import type { Expr } from '../expr/ir.ts';
import { axisExtent } from '../spec/axis.ts';
import type { Spec } from '../spec/ir.ts';
import type { StageIndex, StageRule, StageTensor } from '../spec/stage.ts';
import type { Inputs } from './dense/inputs.ts';
import { newPoint, scalar, worldOf, type DenseLaunch, type StoredTensor, type World } from './dense/scalar.ts';
import { leastSubnormal, maxFinite, unitRoundoff } from './number.ts';
import { orderFault, possibleMasses, possibleRanks, type Candidate, type Interval } from './stage-order.ts';
import { roundoff as u, tracked, type Tracked } from './tracked.ts';

type Parts = Extract<StageRule, { readonly kind: 'softmax_parts' }>;

export interface MadeTensor {
  readonly extents: readonly number[];
  readonly values: ArrayLike<number>;
}

interface Index {
  readonly name: string;
  readonly extent: number;
  readonly cell: { value: number };
}

/** What a rule is judged with. */
interface Bench {
  readonly tensor: StageTensor;
  readonly made: MadeTensor;
  readonly indices: readonly Index[];
  readonly indicesOf: (list: readonly StageIndex[]) => readonly Index[];
  readonly run: (e: Expr, more?: readonly Index[]) => () => Tracked;
  readonly complain: (message: string) => void;
}

/** Complaints about the tensors of a spec, at most one a tensor. */
export function checkStages(spec: Spec, launch: DenseLaunch, inputs: Inputs, made: ReadonlyMap<string, MadeTensor>): readonly string[] {
  const { batch, heads, kvHeads, nQ, nK, dim } = launch.sizes;
  const { constants, tensors: parameters } = worldOf(spec, launch);
  const tensors = new Map<string, StoredTensor>([
    ...parameters,
    ['q', { extents: [batch, heads, nQ, dim], data: inputs.q }],
    ['k', { extents: [batch, kvHeads, nK, dim], data: inputs.k }],
    ['v', { extents: [batch, kvHeads, nK, dim], data: inputs.v }],
  ]);
  const complaints: string[] = [];
  for (const tensor of spec.stages) {
    const given = made.get(tensor.name);
    if (given === undefined) throw new CompilerBug('stage check', `'${tensor.name}' did not come out`);
    tensors.set(tensor.name, { extents: given.extents, data: Float64Array.from(given.values) });
    const [first] = judge(tensor, given, launch, { constants, tensors });
    if (first !== undefined) complaints.push(first);
  }
  return complaints;
}

function judge(tensor: StageTensor, made: MadeTensor, launch: DenseLaunch, world: World): readonly string[] {
  const indicesOf = (list: readonly StageIndex[]): readonly Index[] => list.map((i) => ({
    name: i.name, cell: { value: 0 }, extent: axisExtent(i.axis, launch.sizes, (e) => scalar(e, world)(newPoint())) ?? 0,
  }));
  const indices = indicesOf(tensor.indices);
  const wanted = indices.map((i) => i.extent);
  if (wanted.length !== made.extents.length || wanted.some((n, i) => n !== made.extents[i])) {
    return [`${tensor.name} is [${made.extents.join(', ')}], not [${wanted.join(', ')}]`];
  }
  const complaints: string[] = [];
  const at = newPoint();
  const bench: Bench = {
    tensor, made, indices, indicesOf,
    run: (e, more = []) => {
      const f = tracked(e, world, () => 0, new Map([...indices, ...more].map((i) => [i.name, i.cell])));
      return () => f(at);
    },
    complain: (message) => complaints.push(`${tensor.name}[${indices.map((i) => i.cell.value).join(', ')}]: ${message}`),
  };
  judgeRule(bench);
  return complaints;
}

/** Calls `visit` for every combination of the indices, the first slowest. */
function each(indices: readonly Index[], visit: () => void, from = 0): void {
  const index = indices[from];
  if (index === undefined) return visit();
  for (let i = 0; i < index.extent; i += 1) {
    index.cell.value = i;
    each(indices, visit, from + 1);
  }
}

function numberOf(indices: readonly Index[]): number {
  return indices.reduce((n, { extent, cell }) => n * extent + cell.value, 0);
}

function valueHere({ made, indices }: Bench): number {
  return made.values[numberOf(indices)] ?? NaN;
}

/** What rounding to the storage of the tensor may add to an error. */
function stored({ tensor }: Bench, magnitude: number): number {
  if (tensor.element !== 'float') return 0;
  return magnitude > maxFinite(tensor.precision) ? Infinity : unitRoundoff(tensor.precision) * magnitude + leastSubnormal(tensor.precision);
}

function judgeElement(bench: Bench, { value, error }: Tracked): void {
  const actual = valueHere(bench);
  const allowed = error + stored(bench, Math.abs(value) + error);
  if (actual === value || Math.abs(actual - value) <= allowed) return;
  bench.complain(`${actual}, expected ${value} within ${allowed}`);
}

function judgeRange(bench: Bench, { low, high }: Interval): void {
  const actual = valueHere(bench);
  const slack = stored(bench, Math.max(Math.abs(low), Math.abs(high)));
  if (!(actual >= low - slack && actual <= high + slack)) bench.complain(`${actual}, expected ${low === high ? low : `${low} to ${high}`}`);
}

function candidates(over: readonly Index[], where: () => Tracked, key: () => Tracked): readonly Candidate[] {
  const line: Candidate[] = [];
  each(over, () => {
    const takes = where();
    const takesPart = takes.value !== 0;
    const undecided = takes.error > 0;
    const k = key();
    line.push({ key: k.value, error: k.error, takesPart, undecided });
  });
  return line;
}

function judgeRule(bench: Bench): void {
  const { rule } = bench.tensor;
  const { indices, run } = bench;
  switch (rule.kind) {
    case 'map':
    case 'recurrence': {
      const value = run(rule.value);
      return each(indices, () => judgeElement(bench, value()));
    }
    case 'softmax':
      return lines(bench, rule.over, (over) => judgeSoftmax(bench, over, candidates(over, run(rule.where), run(rule.value))));
    case 'softmax_parts': {
      const line = bench.indicesOf([rule.line]);
      const [where, value] = [run(rule.where, line), run(rule.value, line)];
      return lines(bench, [rule.part], (part) => judgeParts(bench, rule, part, line, where, value));
    }
    case 'rank':
    case 'mass':
      return lines(bench, rule.over, (over) => {
        const line = candidates(over, run(rule.where), run(rule.key));
        each(over, () => judgeRange(bench, rule.kind === 'rank' ? possibleRanks(line, numberOf(over)) : possibleMasses(line, numberOf(over), u)));
      });
    case 'order': {
      const over = bench.indicesOf(rule.over);
      const where = run(rule.where, over);
      const key = run(rule.key, over);
      return lines(bench, [rule.along], (along) => {
        const list: number[] = [];
        each(along, () => list.push(valueHere(bench)));
        const fault = orderFault(candidates(over, where, key), list);
        if (fault !== undefined) bench.complain(fault);
      });
    }
    default:
      return unreachable(rule);
  }
}

/** Visits every line along the named indices. */
function lines({ indices }: Bench, along: readonly string[], visit: (over: readonly Index[]) => void): void {
  const over = indices.filter((i) => along.includes(i.name));
  each(indices.filter((i) => !along.includes(i.name)), () => visit(over));
}

/**
 * Two numbers of a segment: its largest value m, within the errors of the values; and the sum of w = exp(x - m) on the m that was made. A weight
 * may have been made below a smaller largest value and lifted as often as it rose, which is once a group of four elements at most: each time
 * the difference loses u (|x| + |m|) and exp (3 + 2 |t|) ulp, so a weight is off by a factor within exp(+-rho); the sum by its terms.
 */
function judgeParts(bench: Bench, rule: Parts, part: readonly Index[], line: readonly Index[], where: () => Tracked, value: () => Tracked): void {
  const segment = bench.indices.find((i) => i.name === rule.along);
  const [along] = line;
  const [which] = part;
  if (segment === undefined || along === undefined || which === undefined) throw new CompilerBug('stage check', `'${bench.tensor.name}' has no segments`);
  const taking: Tracked[] = [];
  let undecided = false;
  const first = segment.cell.value * rule.length;
  for (let i = first; i < Math.min(first + rule.length, along.extent); i += 1) {
    along.cell.value = i;
    const takes = where();
    undecided ||= takes.error > 0;
    // What a run gives back is filled anew by the next.
    if (takes.value !== 0) taking.push({ ...value() });
  }
  if (undecided) return;
  which.cell.value = 0;
  const largest = valueHere(bench);
  const top = taking.reduce((most, c) => Math.max(most, c.value), -floatMax);
  judgeElement(bench, { value: top, error: taking.reduce((most, c) => Math.max(most, c.error), 0) });
  which.cell.value = 1;
  const rises = Math.ceil(rule.length / 4);
  let [sum, error] = [0, 0];
  for (const c of taking) {
    const weight = Math.exp(c.value - largest);
    const size = Math.max(Math.abs(c.value), Math.abs(largest), Math.abs(top));
    const rho = c.error + (rises + 1) * u * (2 * size + 6) + 5 * u * Math.abs(largest - c.value);
    sum += weight;
    error += weight * Math.expm1(rho);
  }
  judgeElement(bench, { value: sum, error: error + (sum + error) * u * (taking.length + 2 * rises) + (taking.length === 0 ? 0 : taking.length * 2 ** -126) });
}

/**
 * The error of a share p = w / sum w. Weights exp(x - m): the shift m cancels; the difference loses u (|x| + |m|) at most, exp
 * (3 + 2 |t|) ulp, so a weight is off by a factor within exp(+-rho); the sum by its terms and n roundings, the division by 2.5 ulp.
 */
function judgeSoftmax(bench: Bench, over: readonly Index[], line: readonly Candidate[]): void {
  const taking = line.filter((c) => c.takesPart || c.undecided);
  const top = Math.max(...taking.map((c) => c.key));
  const rho = (c: Candidate): number => c.error + u * (Math.abs(c.key) + Math.abs(top) + 6 + 5 * (top - c.key));
  const total = line.reduce((sum, c) => sum + (c.takesPart ? Math.exp(c.key - top) : 0), 0);
  const undecided = line.some((c) => c.undecided);
  const sumError = line.reduce((sum, c) => sum + (c.takesPart ? (Math.exp(c.key - top) / total) * Math.expm1(rho(c)) : 0), 0) + u * line.length;
  let number = 0;
  each(over, () => {
    const c = line[number];
    number += 1;
    if (c === undefined) return;
    if (undecided) return judgeRange(bench, { low: 0, high: 1 + u * line.length });
    const value = c.takesPart ? Math.exp(c.key - top) / total : 0;
    const error = c.takesPart ? value * ((Math.expm1(rho(c)) + sumError + 6 * u) / (1 - sumError)) + 2 ** -126 : 0;
    judgeElement(bench, { value, error: Number.isNaN(error) ? Infinity : error });
  });
}
