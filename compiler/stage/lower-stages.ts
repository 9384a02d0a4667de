/**
 * Stage tensors to the programs that make them. In: a spec, names, buffers. Out: tile programs in the order in which they must run; each
 * tensor is made after what it reads. Which program makes a tensor is chosen here, from its rule and shape alone.
 */
import { bad, good, unreachable, type Checked, type Diagnostic } from '../../dsl/diagnostic.ts';
import type { Spec } from '../spec/ir.ts';
import type { StageTensor } from '../spec/stage.ts';
import type { BufferDecl, TileProgram } from '../tile/ir.ts';
import type { Names } from '../tile/names.ts';
import { contextOf, type StageContext } from './context.ts';
import { lowerContraction, type ContractionShape } from './lower-contraction.ts';
import { lowerMap, lowerRecurrence } from './lower-map.ts';
import { lowerOrder, lowerPosition } from './lower-order.ts';
import { lowerSoftmax } from './lower-softmax.ts';

export interface StagesRequest {
  readonly spec: Spec;
  /** Rows of a tile of elements. */
  readonly rows: number;
  /** Tiles of contractions; absent: every element is made by itself. */
  readonly contraction?: ContractionShape;
  readonly names: Names;
  readonly buffers: ReadonlyMap<string, Omit<BufferDecl, 'access'>>;
}

/** A program, and the schedule that its tiles are made for. */
export interface StageProgram {
  readonly program: TileProgram;
  readonly schedule: 'elements' | 'contraction';
}

/** A name that tells the tensor, and its number in the spec so that no two are the same. */
function programName(tensor: StageTensor, index: number): string {
  return `stage_${index}_${tensor.name.replace(/[^A-Za-z0-9_]/g, '_')}`;
}

function lowerRule(c: StageContext): Checked<TileProgram> {
  const { rule } = c.tensor;
  switch (rule.kind) {
    case 'map':
      return good(lowerMap(c, rule.value));
    case 'recurrence':
      return lowerRecurrence(c, rule);
    case 'softmax':
      return good(lowerSoftmax(c, rule));
    case 'rank':
    case 'mass':
      return good(lowerPosition(c, rule));
    case 'order':
      return good(lowerOrder(c, rule));
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
      programs.push({ program: dots, schedule: 'contraction' });
      return;
    }
    const lowered = lowerRule(context);
    if (lowered.ok) programs.push({ program: lowered.value, schedule: 'elements' });
    else refused.push(...lowered.diagnostics);
  });
  return refused.length > 0 ? bad(refused) : good(programs);
}
