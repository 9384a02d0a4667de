/**
 * Walking key tiles. In: the phases of a pass. Out: statements that set up one phase, and statements that move `next_tile` to the
 * first tile at or after a given one that the phase must visit. All phases share one loop, so that the body (and the time a
 * driver spends compiling it) exists once; what differs are uniform scalars.
 *
 * Names: range_from_I, range_to_I (tile indices, half open), walk_end, next_tile, slot_count, key_base, key_step, walk_map.
 */
import type { Expr } from '../expr/ir.ts';
import { add, and, binary, bool, div, eq, int, lt, max, min, mod, mul, ne, read, ref, select, sub, unary } from '../expr/build.ts';
import type { Phase } from '../plan/ir.ts';
import { ceilDiv, isPhase, keySlots, listedEntry, nK, slotFrom } from './arrangement.ts';
import type { Builder } from './build.ts';
import type { TileStmt } from './ir.ts';
import { bufferName, type Names } from './names.ts';

const i = (name: string): Expr => ref(name, 'int');

/** No tile: beyond every walk. */
const never = int(1 << 30);

export interface MapAccess {
  readonly perBatch: boolean;
  readonly perHead: boolean;
}

export function rangeCount(phases: readonly Phase[]): number {
  return phases.reduce((most, p) => Math.max(most, p.walk.kind === 'ranges' ? p.walk.ranges.length : 0), 0);
}

/** Declares the scalars that phases set. */
export function declareWalk(b: Builder, phases: readonly Phase[]): readonly TileStmt[] {
  const ranges = Array.from({ length: rangeCount(phases) }, (_, r) => [
    b.varScalar(`range_from_${r}`, int(0)),
    b.varScalar(`range_to_${r}`, int(0)),
  ]).flat();
  return [
    b.varScalar('slot_count', int(0)),
    b.varScalar('key_base', int(0)),
    b.varScalar('key_step', int(1)),
    b.varScalar('walk_end', int(0)),
    b.varScalar('next_tile', int(0)),
    ...ranges,
    ...(phases.some((p) => p.walk.kind === 'map') ? [b.varScalar('searching', int(0))] : []),
  ];
}

/** Binary search in a sorted table: sets `target` to the first slot whose key is at least `position`. */
function lowerBound(b: Builder, names: Names, table: string, leading: readonly Expr[], position: Expr, target: string): readonly TileStmt[] {
  const low = i(`${target}_low`);
  const high = i(`${target}_high`);
  const middle = i(`${target}_middle`);
  return [
    b.varScalar(`${target}_low`, int(0)),
    b.varScalar(`${target}_high`, i('slot_count')),
    b.repeat(lt(low, high), [
      b.letScalar(`${target}_middle`, div(add(low, high), int(2))),
      ...b.when(
        lt(listedEntry(names, table, leading, middle), position),
        [b.set(`${target}_low`, add(middle, int(1)))],
        [b.set(`${target}_high`, middle)],
      ),
    ]),
  ];
}

/** Sets the scalars of phase `index`: slots, tile ranges cut to this split's share, the end of the walk. */
export function enterPhase(b: Builder, names: Names, phase: Phase, index: number, keyTile: number, ranges: number, cut: boolean): readonly TileStmt[] {
  const slots = keySlots(names, phase.keys);
  const out: TileStmt[] = [
    b.set('key_base', slots.base),
    b.set('key_step', slots.step),
    b.set('slot_count', slots.count),
  ];
  const affine = { base: i('key_base'), step: i('key_step'), count: i('slot_count') };
  const used = phase.walk.kind === 'ranges' ? phase.walk.ranges.length : 0;
  if (phase.walk.kind === 'ranges') {
    phase.walk.ranges.forEach((range, r) => {
      const name = `phase_${index}_${r}`;
      out.push(b.letScalar(`${name}_from`, max(int(0), names.inside(range.from))));
      out.push(b.letScalar(`${name}_to`, min(nK, names.inside(range.to))));
      let from: Expr;
      let to: Expr;
      if (phase.keys.kind === 'listed') {
        out.push(...lowerBound(b, names, phase.keys.table, phase.keys.leading, i(`${name}_from`), `${name}_first`));
        out.push(...lowerBound(b, names, phase.keys.table, phase.keys.leading, i(`${name}_to`), `${name}_last`));
        from = i(`${name}_first_low`);
        to = i(`${name}_last_low`);
      } else {
        from = slotFrom(affine, i(`${name}_from`));
        to = min(affine.count, slotFrom(affine, i(`${name}_to`)));
      }
      out.push(b.letScalar(`${name}_slot_from`, from));
      out.push(b.letScalar(`${name}_slot_to`, to));
      const holds = and(lt(i(`${name}_from`), i(`${name}_to`)), lt(i(`${name}_slot_from`), i(`${name}_slot_to`)));
      out.push(b.set(`range_from_${r}`, select(holds, div(i(`${name}_slot_from`), int(keyTile)), int(0))));
      out.push(b.set(`range_to_${r}`, select(holds, ceilDiv(i(`${name}_slot_to`), int(keyTile)), int(0))));
    });
  }
  for (let r = used; r < ranges; r += 1) {
    out.push(b.set(`range_from_${r}`, int(0)), b.set(`range_to_${r}`, int(0)));
  }
  const tiles = ceilDiv(i('slot_count'), int(keyTile));
  const start = phase.walk.kind === 'map' ? int(0) : hull(used, 'from');
  const end = phase.walk.kind === 'map' ? tiles : hull(used, 'to');
  if (!cut) return [...out, b.set('next_tile', start), b.set('walk_end', end)];
  const share = i(`phase_${index}_share`);
  return [
    ...out,
    b.letScalar(`phase_${index}_start`, start),
    b.letScalar(`phase_${index}_end`, end),
    b.letScalar(`phase_${index}_share`, ceilDiv(max(int(0), sub(i(`phase_${index}_end`), i(`phase_${index}_start`))), i('splits'))),
    b.set('next_tile', add(i(`phase_${index}_start`), mul(i('split'), share))),
    b.set('walk_end', min(i(`phase_${index}_end`), add(i('next_tile'), share))),
  ];
}

/** Smallest `from` or largest `to` over the ranges that are not empty. */
function hull(ranges: number, side: 'from' | 'to'): Expr {
  let out: Expr = side === 'from' ? never : int(0);
  for (let r = 0; r < ranges; r += 1) {
    const live = lt(i(`range_from_${r}`), i(`range_to_${r}`));
    out = side === 'from'
      ? min(out, select(live, i(`range_from_${r}`), never))
      : max(out, select(live, i(`range_to_${r}`), int(0)));
  }
  return side === 'from' && ranges === 0 ? int(0) : out;
}

/** Moves `next_tile`, which must not be skipped over, to the first tile >= next_tile that some range holds. */
function nextInRanges(ranges: number): Expr {
  let out: Expr = never;
  for (let r = 0; r < ranges; r += 1) {
    const from = i(`range_from_${r}`);
    const to = i(`range_to_${r}`);
    out = min(out, select(lt(max(i('next_tile'), from), to), max(i('next_tile'), from), never));
  }
  return out;
}

/** Scans the `needed` bits of this query tile's row of the map. */
function nextInMap(b: Builder, table: string, access: MapAccess): readonly TileStmt[] {
  const word = read(bufferName(table, new Set([table])), 'int', [
    int(0),
    access.perBatch ? ref('b', 'int') : int(0),
    access.perHead ? ref('h', 'int') : int(0),
    ref('tile', 'int'),
    div(i('next_tile'), int(32)),
  ]);
  const bits = i('map_bits');
  return [
    b.set('searching', int(1)),
    b.repeat(and(eq(i('searching'), int(1)), lt(i('next_tile'), i('walk_end'))), [
      b.letScalar('map_bits', binary('bit_and', word, binary('shl', int(-1), mod(i('next_tile'), int(32))))),
      b.letScalar('map_word', div(i('next_tile'), int(32))),
      ...b.when(
        ne(bits, int(0)),
        [
          b.set('next_tile', add(mul(i('map_word'), int(32)), unary('trailing_zeros', bits))),
          b.set('searching', int(0)),
        ],
        [b.set('next_tile', mul(add(i('map_word'), int(1)), int(32)))],
      ),
    ]),
  ];
}

/** Statements that move `next_tile` to the next tile to visit, itself included; beyond `walk_end` when there is none. */
export function settle(b: Builder, phases: readonly Phase[], maps: ReadonlyMap<string, MapAccess>): readonly TileStmt[] {
  const byRanges = b.set('next_tile', nextInRanges(rangeCount(phases)));
  const mapped = phases.flatMap((p, index) => (p.walk.kind === 'map' ? [{ index, table: p.walk.table }] : []));
  const first = mapped[0];
  if (first === undefined) return [byRanges];
  const access = maps.get(first.table) ?? { perBatch: true, perHead: true };
  const byMap = nextInMap(b, first.table, access);
  return mapped.length === phases.length ? byMap : b.when(phases.length === 1 ? bool(true) : isPhase(first.index), byMap, [byRanges]);
}

/** The `full` bit of tile next_tile. */
export function fullBit(table: string, access: MapAccess): Expr {
  const word = read(bufferName(table, new Set([table])), 'int', [
    int(1),
    access.perBatch ? ref('b', 'int') : int(0),
    access.perHead ? ref('h', 'int') : int(0),
    ref('tile', 'int'),
    div(i('next_tile'), int(32)),
  ]);
  return ne(binary('bit_and', binary('shr', word, mod(i('next_tile'), int(32))), int(1)), int(0));
}

