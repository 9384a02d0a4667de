/**
 * Gives every tile a layout and a place. In: what the program does with its tiles (analyse-tiles.ts) and the schedule. Out: per tile
 * its layout, whether lanes hold it in registers, in their own part of workgroup memory, or (streamed operands) not at all,
 * and whether a lane's value is only its share of a sum over keys.
 */
import type { Schedule } from '../schedule.ts';
import type { ProgramUses, TileUse } from './analyse-tiles.ts';
import { colsOnLanes, replicated, rowsOnLanes, type Layout } from './layout.ts';

export interface Assignment {
  readonly layout: Layout;
  readonly place: 'registers' | 'workgroup' | 'streamed';
  /** Lanes hold shares of the elements, which are combined before anything but a linear map sees them. */
  readonly partial: boolean;
}

/** Whether the rows of a streamed operand (the keys) are shared out over the lanes. */
export function spreadsKeys(rows: number, schedule: Schedule): boolean {
  return schedule.layout === 'keys-on-lanes' && rows % schedule.lanes === 0;
}

function layoutOf(use: TileUse, hasKeys: boolean, schedule: Schedule): Layout {
  const { rows, cols } = use.decl;
  const { lanes } = schedule;
  const vector = use.colRole === 'feature' && use.decl.type === 'float' && cols > 1 ? 4 : 1;
  if (use.colRole === 'key' && spreadsKeys(cols, schedule)) return colsOnLanes(rows, cols, lanes);
  if (use.rowRole === 'key' && spreadsKeys(rows, schedule)) return rowsOnLanes(rows, cols, lanes, vector);
  const rowsSpread = schedule.layout === 'rows-on-lanes' || !hasKeys;
  if (rowsSpread && use.rowRole === 'row' && rows > 1 && rows % lanes === 0) return rowsOnLanes(rows, cols, lanes, vector);
  return replicated(rows, cols, vector);
}

export function assignLayouts(uses: ProgramUses, schedule: Schedule): ReadonlyMap<string, Assignment> {
  const result = new Map<string, Assignment>();
  for (const [name, use] of uses.tiles) {
    const layout = layoutOf(use, uses.hasKeys, schedule);
    const roomy = layout.vector === 4 && schedule.rowStorage === 'workgroup' && layout.lane.length > 0;
    result.set(name, {
      layout,
      place: use.streamed ? 'streamed' : roomy ? 'workgroup' : 'registers',
      partial: layout.lane.length === 0 && use.summedRows.some((rows) => spreadsKeys(rows, schedule)),
    });
  }
  return result;
}
