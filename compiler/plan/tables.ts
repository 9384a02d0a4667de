/**
 * Tables of lists on the host, straight from their definition in ir.ts: what the generated table kernels are compared with. In: the
 * tables of a plan and the tensors of a launch. Out: tensors as the kernels leave them.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { HostTensor } from '../expr/evaluate.ts';
import type { Sizes } from '../spec/ir.ts';
import type { Table } from './ir.ts';

/** Entries of a marks domain, and the index of an entry in it. */
function domainOf(domain: 'keys' | 'queries' | 'slashes', { nQ, nK }: Sizes): { readonly size: number; readonly index: (entry: number) => number } {
  switch (domain) {
    case 'keys':
      return { size: nK, index: (x) => x };
    case 'queries':
      return { size: nQ, index: (x) => x - (nK - nQ) };
    case 'slashes':
      return { size: nQ + nK - 1, index: (x) => x + nQ - 1 };
  }
}

function tensorOf(tensors: ReadonlyMap<string, HostTensor>, name: string): HostTensor {
  const found = tensors.get(name);
  if (found === undefined) throw new CompilerBug('tables', `no tensor '${name}'`);
  return found;
}

function makeMarks(table: Extract<Table, { readonly kind: 'marks' }>, sizes: Sizes, tensors: ReadonlyMap<string, HostTensor>): HostTensor {
  const list = tensorOf(tensors, table.list);
  const leading = list.extents.slice(0, -1);
  const length = list.extents[list.extents.length - 1] ?? 0;
  const { size, index } = domainOf(table.domain, sizes);
  const words = Math.ceil(size / 32);
  const lists = leading.reduce((a, b) => a * b, 1);
  const data = new Int32Array(lists * words);
  for (let l = 0; l < lists; l += 1) {
    for (let i = 0; i < length; i += 1) {
      const entry = list.data[l * length + i] ?? -1;
      // A set of bools marks its own places: keys and distances as they are counted, queries by row.
      const x = list.data instanceof Uint8Array ? (entry === 0 ? -1 : table.domain === 'slashes' ? index(i) : i) : index(entry);
      if (x < 0 || x >= size) continue;
      const word = l * words + (x >> 5);
      data[word] = (data[word] ?? 0) | (1 << (x & 31));
    }
  }
  return { extents: [...leading, words], data };
}

function makeSorted(table: Extract<Table, { readonly kind: 'sorted' }>, tensors: ReadonlyMap<string, HostTensor>): HostTensor {
  const marks = tensorOf(tensors, table.marks);
  const list = tensorOf(tensors, table.list);
  const leading = list.extents.slice(0, -1);
  const row = (list.extents[list.extents.length - 1] ?? 0) + 1;
  const words = marks.extents[marks.extents.length - 1] ?? 0;
  const lists = leading.reduce((a, b) => a * b, 1);
  const data = new Int32Array(lists * row);
  for (let l = 0; l < lists; l += 1) {
    let count = 0;
    for (let x = 0; x < words * 32; x += 1) {
      if ((((marks.data[l * words + (x >> 5)] ?? 0) >> (x & 31)) & 1) === 0) continue;
      count += 1;
      data[l * row + count] = x;
    }
    data[l * row] = count;
  }
  return { extents: [...leading, row], data };
}

/** A marks or sorted table; the tables it is made of are among `tensors`. */
export function makeListTable(table: Exclude<Table, { readonly kind: 'map' }>, sizes: Sizes, tensors: ReadonlyMap<string, HostTensor>): HostTensor {
  return table.kind === 'marks' ? makeMarks(table, sizes, tensors) : makeSorted(table, tensors);
}
