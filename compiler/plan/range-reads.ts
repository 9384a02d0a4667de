/**
 * Extremes of tensor elements over ranges of the last axis, for measuring. In: the tensors of a launch. Out: a reader of the names
 * that abstract.ts makes with `wideReads`: `T:min` and `T:max` take the indices of T up to the last axis, then the first and
 * last index along it. Elements outside the tensor are 0. Blocks of 64 and a table of powers of two over them: a
 * question costs at most two blocks.
 */
import type { HostTensor, TensorReader } from '../expr/evaluate.ts';

const block = 64;

type Pick = (a: number, b: number) => number;

interface Levels {
  readonly levels: readonly Float64Array[];
}

/** levels[l][i]: the extreme of blocks i .. i + 2^l - 1. */
function levelsOf(data: ArrayLike<number>, start: number, length: number, pick: Pick): Levels {
  const count = Math.ceil(length / block);
  const base = new Float64Array(count);
  for (let i = 0; i < count; i += 1) {
    let found = data[start + i * block] ?? 0;
    for (let j = i * block + 1; j < Math.min(length, (i + 1) * block); j += 1) found = pick(found, data[start + j] ?? 0);
    base[i] = found;
  }
  const levels = [base];
  for (let span = 1; 2 * span <= count; span *= 2) {
    const below = levels[levels.length - 1] ?? base;
    levels.push(Float64Array.from({ length: count - 2 * span + 1 }, (_, i) => pick(below[i] ?? 0, below[i + span] ?? 0)));
  }
  return { levels };
}

function scan(data: ArrayLike<number>, start: number, from: number, to: number, pick: Pick): number {
  let found = data[start + from] ?? 0;
  for (let i = from + 1; i <= to; i += 1) found = pick(found, data[start + i] ?? 0);
  return found;
}

function extreme(data: ArrayLike<number>, start: number, from: number, to: number, pick: Pick, { levels }: Levels): number {
  const [first, last] = [Math.ceil(from / block), Math.floor((to + 1) / block)];
  if (last <= first) return scan(data, start, from, to, pick);
  const level = 31 - Math.clz32(last - first);
  const table = levels[level];
  let found = pick(table?.[first] ?? 0, table?.[last - (1 << level)] ?? 0);
  if (from < first * block) found = pick(found, scan(data, start, from, first * block - 1, pick));
  if (to >= last * block) found = pick(found, scan(data, start, last * block, to, pick));
  return found;
}

/** A reader of `T:min` and `T:max`. */
export function rangeReader(tensors: ReadonlyMap<string, HostTensor>): TensorReader {
  const built = new Map<string, Levels>();
  return (name, indices) => {
    const at = name.lastIndexOf(':');
    const tensor = tensors.get(name.slice(0, at));
    if (tensor === undefined) return 0;
    const pick: Pick = name.endsWith(':min') ? (a, b) => (a < b ? a : b) : (a, b) => (a > b ? a : b);
    const leading = tensor.extents.length - 1;
    const length = tensor.extents[leading] ?? 0;
    const [lo, hi] = [indices[leading] ?? 0, indices[leading + 1] ?? -1];
    let row = 0;
    for (let i = 0; i < leading; i += 1) {
      const index = indices[i] ?? -1;
      if (index < 0 || index >= (tensor.extents[i] ?? 0)) return 0;
      row = row * (tensor.extents[i] ?? 0) + index;
    }
    const [from, to] = [Math.max(0, lo), Math.min(length - 1, hi)];
    if (to < from) return 0;
    const key = `${name} ${row}`;
    const levels = built.get(key) ?? levelsOf(tensor.data, row * length, length, pick);
    built.set(key, levels);
    const found = extreme(tensor.data, row * length, from, to, pick, levels);
    return lo < 0 || hi >= length ? pick(found, 0) : found;
  };
}
