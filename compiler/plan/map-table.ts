/**
 * Tile maps on the host, straight from their definition in ir.ts: what the generated map kernels are compared with. In: a map table,
 * the world of a launch, tile sizes. Out: the tensor as the kernel leaves it.
 */
import type { HostTensor } from '../expr/evaluate.ts';
import type { Table } from './ir.ts';
import { enterQueryTile, rowClasses, slice } from './walk.ts';
import { at, type Geometry, type World } from './world.ts';

/** A map table for the given tile sizes. */
export function makeMap(table: Extract<Table, { readonly kind: 'map' }>, world: World, geometry: Geometry): HostTensor {
  const { nQ, nK, batch, heads } = world.launch.sizes;
  const [batches, headCount] = [table.perBatch ? batch : 1, table.perHead ? heads : 1];
  const capacity = table.rows.kind === 'listed' ? (world.tensors.get(table.rows.table)?.extents.at(-1) ?? 1) - 1 : nQ;
  const queryTiles = Math.ceil(Math.min(capacity, nQ) / geometry.queryTile);
  const keyTiles = Math.ceil(nK / geometry.keyTile);
  const words = Math.ceil(keyTiles / 32);
  const plane = batches * headCount * queryTiles * words;
  const data = new Int32Array(2 * plane);
  const needed = world.run(table.needed);
  const full = world.run(table.full);
  const { values } = world;
  let row = 0;
  for (let b = 0; b < batches; b += 1) {
    for (let h = 0; h < headCount; h += 1) {
      values[at.b] = b;
      values[at.h] = h;
      const [rows] = rowClasses(table.rows, world);
      for (let t = 0; t < queryTiles; t += 1, row += words) {
        const first = t * geometry.queryTile;
        if (rows === undefined || first >= rows.count) continue;
        enterQueryTile(world, slice(rows, first, Math.min(geometry.queryTile, rows.count - first)));
        for (let u = 0; u < keyTiles; u += 1) {
          values[at.kFirst] = u * geometry.keyTile;
          values[at.kLast] = Math.min(nK, (u + 1) * geometry.keyTile) - 1;
          const bit = 1 << (u & 31);
          const word = row + (u >> 5);
          if (needed() !== 0) data[word] = (data[word] ?? 0) | bit;
          if (full() !== 0) data[plane + word] = (data[plane + word] ?? 0) | bit;
        }
      }
    }
  }
  return { extents: [2, batches, headCount, queryTiles, words], data };
}
