/**
 * Softmaxes of which only sums over segments are read, such as shares of blocks of keys. In: a spec. Out: the same, where such a softmax is two
 * numbers a segment, its largest value and the sum of its exponentials below that, made where the values are; shares of segments follow
 * from these. Neither values nor shares of single elements are stored. Holds: all other tensors have the value they had, but for rounding.
 * Only values that take work of their own are moved: what lies in memory may as well be read there.
 */
import { floatMax } from '../expr/arithmetic.ts';
import { add, divide, eq, float, fold, int, max, min, mul, read, ref, select, sub, unary } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { exprKey, freeRefs, hasFold, mapChildren, readsOf, readTensors, sameExpr, substitute } from '../expr/traverse.ts';
import { axisText, extentOfAxis } from '../spec/names.ts';
import type { Spec } from '../spec/ir.ts';
import { ruleParts, type StageIndex, type StageRule, type StageTensor } from '../spec/stage.ts';
import { ceilDiv } from '../tile/arrangement.ts';
import { wantedNames, withParts } from './share-stages.ts';

type Fold = Expr & { readonly kind: 'fold' };

/** A softmax along one index, and everything that reads it. */
interface Split {
  readonly tensor: StageTensor;
  readonly rule: Extract<StageRule, { readonly kind: 'softmax' }>;
  readonly over: StageIndex;
  /** Place of `over` among the indices. */
  readonly at: number;
}

/** A sum of elements length * number .. length * (number + 1). */
interface Segment {
  readonly length: number;
  readonly number: Expr;
  /** The indices other than `over`. */
  readonly others: readonly Expr[];
}

const sameAxis = (a: StageIndex, b: StageIndex): boolean => axisText(a.axis, exprKey) === axisText(b.axis, exprKey);

/** `number * length`, an index times a constant: of an index, so that the product cannot wrap. */
function startOf(e: Expr): { readonly number: Expr; readonly length: Expr & { readonly kind: 'literal' } } | undefined {
  if (e.kind !== 'binary' || e.op !== 'mul' || e.left.kind !== 'ref' || e.right.kind !== 'literal') return undefined;
  return { number: e.left, length: e.right };
}

/** Where a fold starts in the line and where it ends, if its terms are elements in a row: `from .. to` of them, or the first ones behind a place. */
function rangeOf({ local, from, to }: Fold, index: Expr | undefined): { readonly from: Expr; readonly to: Expr } | undefined {
  if (index?.kind === 'ref') return index.name === local ? { from, to } : undefined;
  if (index?.kind !== 'binary' || index.op !== 'add' || from.kind !== 'literal' || from.value !== 0) return undefined;
  const own = (e: Expr): boolean => e.kind === 'ref' && e.name === local;
  const start = own(index.right) ? index.left : own(index.left) ? index.right : undefined;
  return start === undefined || freeRefs(start).has(local) ? undefined : { from: start, to: add(start, to) };
}

/** The segment that a fold adds up, if it does nothing else. */
function segmentOf(f: Fold, { tensor, at }: Split): Segment | undefined {
  const { op, local, body } = f;
  if (op !== 'sum' || body.kind !== 'read' || body.tensor !== tensor.name) return undefined;
  const others = body.indices.filter((_, n) => n !== at);
  const range = rangeOf(f, body.indices[at]);
  const start = range === undefined ? undefined : startOf(range.from);
  if (range === undefined || start === undefined || others.some((e) => freeRefs(e).has(local))) return undefined;
  const { number, length } = start;
  const isSegment = sameExpr(range.to, mul(add(number, int(1)), length)) || sameExpr(range.to, add(range.from, length));
  return length.value >= 2 && isSegment ? { length: length.value, number, others } : undefined;
}

/** The expression with each segment of the softmax through `f`. */
function mapSegments(e: Expr, split: Split, f: (segment: Segment) => Expr): Expr {
  const segment = e.kind === 'fold' ? segmentOf(e, split) : undefined;
  return segment === undefined ? mapChildren(e, (x) => mapSegments(x, split, f)) : f(segment);
}

/** The length of all segments, where nothing but segments of one length is read. */
function lengthOf(split: Split, stages: readonly StageTensor[]): number | undefined {
  const lengths = new Set<number>();
  for (const { rule } of stages) {
    for (const e of ruleParts(rule)) {
      let segments = 0;
      mapSegments(e, split, ({ length }) => {
        segments += 1;
        lengths.add(length);
        return float(0);
      });
      if (segments !== readsOf(e, split.tensor.name).length || (segments > 0 && rule.kind !== 'map')) return undefined;
    }
  }
  const [length] = lengths;
  return lengths.size === 1 ? length : undefined;
}

/** The rule of what the value is read from, in place of the read, where nothing else reads it. */
function valueOf({ tensor, rule }: Split, stages: readonly StageTensor[], wanted: ReadonlySet<string>): { readonly value: Expr; readonly instead?: string } {
  const { value } = rule;
  const source = value.kind === 'read' ? stages.find((s) => s.name === value.tensor) : undefined;
  if (value.kind !== 'read' || source?.rule.kind !== 'map' || source.precision !== 'f32' || wanted.has(source.name)) return { value };
  if (stages.some((s) => s !== tensor && ruleParts(s.rule).some((e) => readTensors(e).has(source.name))) || readTensors(rule.where).has(source.name)) return { value };
  const places = new Map<string, Expr>();
  for (const [n, index] of source.indices.entries()) {
    const given = value.indices[n];
    const own = given?.kind === 'ref' ? tensor.indices.find((x) => x.name === given.name) : undefined;
    // An index of another length might lie outside, where reads are 0.
    if (given === undefined || own === undefined || !sameAxis(own, index)) return { value };
    places.set(index.name, given);
  }
  return { value: substitute(source.rule.value, places), instead: source.name };
}

/** What takes the place of the softmax, and of a sum over one of its segments. */
function parts({ tensor, rule, over }: Split, length: number, value: Expr): { readonly made: readonly StageTensor[]; readonly share: (segment: Segment) => Expr } {
  const segment: StageIndex = { name: `${over.name}'segment`, axis: { kind: 'counted', extent: ceilDiv(max(extentOfAxis(over.axis), int(0)), int(length)) } };
  const part: StageIndex = { name: `${over.name}'part`, axis: { kind: 'fixed', extent: 2 } };
  const others = tensor.indices.filter((x) => x.name !== over.name);
  const name = (which: string): string => `${tensor.name}'${which}`;
  const number = (indices: readonly Expr[], at: Expr, which: 0 | 1): Expr => read(name('parts'), 'float', [...indices, at, int(which)]);
  const below = (indices: readonly Expr[], at: Expr): Expr => {
    const largest = read(name('largest'), 'float', indices);
    const weight = mul(number(indices, at, 1), unary('exp', min(sub(number(indices, at, 0), largest), float(0))));
    return select(eq(number(indices, at, 1), float(0)), float(0), weight);
  };
  const own = others.map((x) => ref(x.name, 'int'));
  const at = ref(segment.name, 'int');
  const overSegments = (op: 'max' | 'sum', body: Expr): Expr => fold(op, segment.name, int(0), extentOfAxis(segment.axis), body);
  const of = (which: string, indices: readonly StageIndex[], made: StageRule): StageTensor => ({ ...tensor, name: name(which), doc: [], indices, rule: made });
  return {
    made: [
      of('parts', [...others, segment, part], { kind: 'softmax_parts', along: segment.name, part: part.name, line: over, length, where: rule.where, value }),
      of('largest', others, { kind: 'map', value: overSegments('max', select(eq(number(own, at, 1), float(0)), float(-floatMax), number(own, at, 0))) }),
      of('total', others, { kind: 'map', value: overSegments('sum', below(own, at)) }),
    ],
    share: (s) => {
      const weight = below(s.others, s.number);
      const total = read(name('total'), 'float', s.others);
      return select(eq(total, float(0)), float(0), divide(weight, total));
    },
  };
}

function splitOne(stages: readonly StageTensor[], tensor: StageTensor, wanted: ReadonlySet<string>): readonly StageTensor[] {
  const { rule } = tensor;
  if (rule.kind !== 'softmax' || rule.over.length !== 1 || wanted.has(tensor.name) || tensor.precision !== 'f32') return stages;
  const at = tensor.indices.findIndex((x) => x.name === rule.over[0]);
  const over = tensor.indices[at];
  if (over === undefined || over.axis.kind === 'free') return stages;
  const split: Split = { tensor, rule, over, at };
  const length = lengthOf(split, stages);
  if (length === undefined) return stages;
  const { value, instead } = valueOf(split, stages, wanted);
  if (!hasFold(value)) return stages;
  const { made, share } = parts(split, length, value);
  return stages.flatMap((s) => {
    if (s.name === instead) return [];
    return s === tensor ? made : [{ ...s, rule: withParts(s.rule, (e) => mapSegments(e, split, share)) }];
  });
}

/** The spec with softmaxes in two halves where only segments of them are read. */
export function splitSoftmax(spec: Spec): Spec {
  const wanted = wantedNames(spec);
  return { ...spec, stages: spec.stages.reduce((stages, t) => splitOne(stages, t, wanted), spec.stages) };
}
