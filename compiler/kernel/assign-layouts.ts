/**
 * Gives every tile a layout and a place. In: what the program does with its tiles (analyse-tiles.ts) and the schedule. Out: per tile
 * its layout, whether lanes hold it in registers, in a private array, in their own part of workgroup memory, or (streamed operands, loads used once) not at all,
 * and whether a lane's value is only its share of a sum over keys.
 */
import type { Schedule } from '../schedule.ts';
import type { TileStmt } from '../tile/ir.ts';
import { allStatements, type ProgramUses, type TileUse } from './analyse-tiles.ts';
import { colsOnLanes, fragments, replicated, rowsOnLanes, warpsOf, type Assignment, type Layout } from './layout.ts';
import { isLinear, mentionsTile } from './partial.ts';

/** Whether the rows of a streamed operand (the keys) are shared out over the lanes. */
export function spreadsKeys(rows: number, schedule: Schedule): boolean {
  return schedule.layout === 'keys-on-lanes' && rows % schedule.lanes === 0;
}

function layoutOf(use: TileUse, hasKeys: boolean, schedule: Schedule): Layout {
  const { rows, cols } = use.decl;
  const { lanes } = schedule;
  if (schedule.layout === 'fragments' && hasKeys) {
    // Operands in workgroup memory have no layout of their own.
    return use.rowRole === 'key' || use.leftOnly ? replicated(rows, cols, 1) : fragments(rows, cols, warpsOf(schedule));
  }
  const vector = use.colRole === 'feature' && use.decl.type === 'float' ? 4 : 1;
  if (use.colRole === 'key' && spreadsKeys(cols, schedule)) return colsOnLanes(rows, cols, lanes);
  if (use.rowRole === 'key' && spreadsKeys(rows, schedule)) return rowsOnLanes(rows, cols, lanes, vector);
  const rowsSpread = schedule.layout === 'rows-on-lanes' || !hasKeys;
  if (rowsSpread && use.rowRole === 'row' && rows > 1 && rows % lanes === 0) return rowsOnLanes(rows, cols, lanes, vector);
  return replicated(rows, cols, vector);
}

/**
 * Tiles of which lanes hold shares: targets of dots and sums over spread keys, and tiles that are linear functions of such tiles. What
 * is not linear is added up first (partial.ts), so this choice is about speed alone.
 */
function partialTiles(body: readonly TileStmt[], uses: ProgramUses, schedule: Schedule): ReadonlySet<string> {
  const partial = new Set<string>();
  const spreadCols = (name: string): boolean => {
    const use = uses.tiles.get(name);
    return use !== undefined && use.colRole === 'key' && spreadsKeys(use.decl.cols, schedule);
  };
  const isSpread = (name: string): boolean => {
    const use = uses.tiles.get(name);
    return use !== undefined && ((use.colRole === 'key' && spreadsKeys(use.decl.cols, schedule)) || (use.rowRole === 'key' && spreadsKeys(use.decl.rows, schedule)));
  };
  const statements = [...allStatements(body)];
  for (const s of statements) {
    if (s.kind === 'dot' && !s.transposed && spreadCols(s.left)) partial.add(s.target);
    if (s.kind === 'reduce' && s.op === 'sum' && spreadCols(s.source)) partial.add(s.target);
  }
  for (let before = -1; before !== partial.size;) {
    before = partial.size;
    for (const s of statements) {
      if (s.kind !== 'map' || partial.has(s.target) || isSpread(s.target)) continue;
      if (mentionsTile(s.value, partial) && isLinear(s.value, new Set([...partial, s.target]))) partial.add(s.target);
    }
  }
  return partial;
}

export function assignLayouts(uses: ProgramUses, body: readonly TileStmt[], schedule: Schedule): ReadonlyMap<string, Assignment> {
  const partial = partialTiles(body, uses, schedule);
  const result = new Map<string, Assignment>();
  for (const [name, use] of uses.tiles) {
    const layout = layoutOf(use, uses.hasKeys, schedule);
    const rows = layout.vector === 4 && layout.lane.length > 0 && use.written ? schedule.rowStorage : 'registers';
    result.set(name, {
      layout,
      place: use.streamed || (use.leftOnly && schedule.layout === 'fragments') ? 'streamed' : use.usedOnce && layout.vector === 4 ? 'reread' : rows,
      partial: partial.has(name),
    });
  }
  return result;
}
