/**
 * The table of `dot` atoms: ways in which a lane gets at a row of a streamed right operand. An entry says which rows of the operand
 * a lane reads from the buffer (a layout over [rows, 1]), how they reach the lanes that need them, and when the entry may be
 * used. The first entry that fits the schedule and the target is taken. Entries of other machines (matrix fragments) join here.
 */
import type { Schedule } from '../schedule.ts';
import type { TargetRecord } from '../target.ts';
import { replicated, rowsOnLanes, type Layout } from './layout.ts';

export interface OperandNeed {
  /** Rows of the operand. */
  readonly rows: number;
  /** Whether the rows that a lane needs are its own share (row r in lane r mod lanes), or all of them. */
  readonly spread: boolean;
}

export interface DotAtom {
  readonly name: 'fragments' | 'own' | 'workgroup' | 'shuffle' | 'direct';
  readonly fits: (need: OperandNeed, schedule: Schedule, target: TargetRecord) => boolean;
  /** Which rows of the operand a lane reads from the buffer. */
  readonly reads: (need: OperandNeed, schedule: Schedule) => Layout;
  /** Lanes among which a shuffle hands the rows round; 1: none. */
  readonly group: (schedule: Schedule) => number;
}

export const dotAtoms: readonly DotAtom[] = [
  {
    // The workgroup copies the operand into its memory in the background; 32 lanes together read and multiply 16 x 16 by 16 x 8 fragments of it.
    name: 'fragments',
    fits: (_, schedule, target) => schedule.layout === 'fragments' && target.matrix !== undefined,
    reads: (need) => replicated(need.rows, 1, 1),
    group: () => 1,
  },
  {
    // Each lane needs only its own rows, and reads them.
    name: 'own',
    fits: (need, schedule) => need.spread && need.rows % schedule.lanes === 0,
    reads: (need, schedule) => rowsOnLanes(need.rows, 1, schedule.lanes, 1),
    group: () => 1,
  },
  {
    // The workgroup copies the operand into its memory together; every lane reads every row there.
    name: 'workgroup',
    fits: (need, schedule) => !need.spread && schedule.operand === 'workgroup',
    reads: (need) => replicated(need.rows, 1, 1),
    group: () => 1,
  },
  {
    // Lane i of a subgroup reads row i; shuffles with constant source hand it round.
    name: 'shuffle',
    fits: (need, schedule, target) =>
      !need.spread && schedule.operand === 'shuffle' && schedule.subgroup > 1 && target.subgroups !== undefined &&
      schedule.subgroup <= target.subgroups.min && schedule.lanes % schedule.subgroup === 0 && need.rows % schedule.subgroup === 0,
    reads: (need, schedule) => rowsOnLanes(need.rows, 1, schedule.subgroup, 1),
    group: (schedule) => schedule.subgroup,
  },
  {
    name: 'direct',
    fits: (need) => !need.spread,
    reads: (need) => replicated(need.rows, 1, 1),
    group: () => 1,
  },
];

export function chooseAtom(need: OperandNeed, schedule: Schedule, target: TargetRecord): DotAtom | undefined {
  return dotAtoms.find((a) => a.fits(need, schedule, target));
}
