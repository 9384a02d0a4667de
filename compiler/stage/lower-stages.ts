/**
 * Stage tensors to the programs that make them. In: a spec, names, buffers. Out: tile programs in the order in which they must run; each
 * tensor is made after what it reads. Which program makes a tensor is chosen here, from its rule and shape alone.
 */
import { bad, good, unreachable, type Checked, type Diagnostic } from '../../dsl/diagnostic.ts';
import { not, trueExpr } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { Spec } from '../spec/ir.ts';
import type { StageTensor } from '../spec/stage.ts';
import type { BufferDecl, TileProgram } from '../tile/ir.ts';
import type { Names } from '../tile/names.ts';
import { contextOf, type StageContext } from './context.ts';
import { lowerContraction, type ContractionShape } from './lower-contraction.ts';
import { lowerFilter } from './lower-filter.ts';
import { lowerMap, lowerRecurrence } from './lower-map.ts';
import { lowerOrder, lowerPosition } from './lower-order.ts';
import { lowerSoftmax } from './lower-softmax.ts';
import { lowerPartsOfDots, lowerSoftmaxParts } from './lower-softmax-parts.ts';
import { lowerSorted } from './lower-sorted.ts';
import { directionOf, isLong, orderSizes, usualOrders, type OrderRule, type OrderShape } from './orders.ts';

export interface StagesRequest {
  readonly spec: Spec;
  /** Rows of a tile of elements. */
  readonly rows: number;
  /** Tiles of contractions; absent: every element is made by itself. */
  readonly contraction?: ContractionShape;
  readonly orders?: OrderShape;
  readonly names: Names;
  readonly buffers: ReadonlyMap<string, Omit<BufferDecl, 'access'>>;
}

/** A program, and the schedule that its tiles are made for. */
export interface StageProgram {
  readonly program: TileProgram;
  readonly schedule: 'elements' | 'contraction';
  /** When it runs: launch level, in the names of programs. */
  readonly when: Expr;
}

/** A name that tells the tensor, and its number in the spec so that no two are the same. */
function programName(tensor: StageTensor, index: number): string {
  return `stage_${index}_${tensor.name.replace(/[^A-Za-z0-9_]/g, '_')}`;
}

/** One program by lanes that make elements. */
const single = (program: TileProgram, schedule: StageProgram['schedule'] = 'elements'): readonly StageProgram[] => [{ program, schedule, when: trueExpr }];

/** Short lines are counted, long ones are sorted or filtered; which, is known at launch, unless their length is fixed. */
function lowerOrdered(c: StageContext, rule: OrderRule, shape: OrderShape): readonly StageProgram[] {
  const { line } = orderSizes(c.tensor, rule);
  const long = isLong(c.say(line), shape);
  const counted: StageProgram = { program: rule.kind === 'order' ? lowerOrder(c, rule) : lowerPosition(c, rule), schedule: 'elements', when: not(long) };
  if (long.kind === 'literal' && long.value === 0) return [counted];
  const direction = directionOf(rule);
  const steps = direction !== undefined && rule.kind === 'order' ? lowerFilter(c, rule, direction, shape) : lowerSorted(c, rule, shape);
  const others = steps.map(({ program, when }): StageProgram => ({ program, schedule: 'elements', when }));
  return long.kind === 'literal' ? others : [counted, ...others];
}

function lowerRule(c: StageContext, shape: OrderShape, contraction: ContractionShape | undefined): Checked<readonly StageProgram[]> {
  const { rule } = c.tensor;
  switch (rule.kind) {
    case 'map':
      return good(single(lowerMap(c, rule.value)));
    case 'recurrence': {
      const lowered = lowerRecurrence(c, rule);
      return lowered.ok ? good(single(lowered.value)) : lowered;
    }
    case 'softmax':
      return good(single(lowerSoftmax(c, rule)));
    case 'softmax_parts': {
      const dots = contraction === undefined ? undefined : lowerPartsOfDots(c, rule, contraction);
      return good(dots === undefined ? single(lowerSoftmaxParts(c, rule)) : single(dots, 'contraction'));
    }
    case 'rank':
    case 'mass':
    case 'order':
      return good(lowerOrdered(c, rule, shape));
    default:
      return unreachable(rule);
  }
}

export function lowerStages(r: StagesRequest): Checked<readonly StageProgram[]> {
  const programs: StageProgram[] = [];
  const refused: Diagnostic[] = [];
  r.spec.stages.forEach((tensor, index) => {
    const { spec, rows, names, buffers } = r;
    const context = contextOf({ spec, tensor, name: programName(tensor, index), rows, names, buffers });
    const dots = tensor.rule.kind === 'map' && r.contraction !== undefined ? lowerContraction(context, tensor.rule.value, r.contraction) : undefined;
    if (dots !== undefined) {
      programs.push(...single(dots, 'contraction'));
      return;
    }
    const lowered = lowerRule(context, r.orders ?? usualOrders, r.contraction);
    if (lowered.ok) programs.push(...lowered.value);
    else refused.push(...lowered.diagnostics);
  });
  return refused.length > 0 ? bad(refused) : good(programs);
}
