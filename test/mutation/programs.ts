/**
 * The programs that mutants are tried on: few and small, but between them they use every strategy, several passes and phases, lists,
 * maps, splits, a sink, a changed score, grouped heads and rows that see nothing.
 */
import { caseOf, intTensor, sizesOf, specOf } from '../support/levels.ts';
import type { Case } from '../support/levels.ts';

export interface NamedCase extends Case {
  readonly name: string;
}

function named(name: string, text: string, make: (spec: Case['spec']) => Case): NamedCase {
  return { name, ...make(specOf(text, 'm')) };
}

export const programs: readonly NamedCase[] = [
  named('window and sinks', 'attention m(window: int = 6, sinks: int = 3) { mask causal & (band(0 .. window) | keys(0 .. sinks)) }', (spec) => caseOf(spec, sizesOf(27, 31, 8, 4, 2))),
  named('strided', 'attention m(stride: int = 5) { mask band(0 .. 4) | causal & { (q, k) => (q - k) mod stride == 1 } }', (spec) => caseOf(spec, sizesOf(33, 37))),
  named('lines of rows and columns', 'attention m(step: int = 6) { mask causal & ({ (q, k) => q mod step == 2 } | { (q, k) => k mod step == 5 }) }', (spec) => caseOf(spec, sizesOf(40, 40, 8, 1, 1))),
  named('antidiagonals', 'attention m { mask causal & { (q, k) => (q + k) mod 7 == 3 } }', (spec) => caseOf(spec, sizesOf(30, 35, 8, 1, 1))),
  named('listed lines', 'attention m(columns: int[heads, n], offsets: int[heads, n]) { mask causal & (keys(columns) | slashes(offsets)) - queries(4 .. 9) }', (spec) =>
    caseOf(spec, sizesOf(29, 33), {}, {
      columns: intTensor([2, 12], [3, 17, 3, -1, 25, 9, 30, 31, 11, 12, 2, 99, 0, 8, 8, 16, 24, 32, -5, 1, 7, 20, 21, 22]),
      offsets: intTensor([2, 12], [0, 5, 5, 13, 40, -3, 0, 1, 2, 21, 28, -1, 2, 9, 9, 16, 25, 31, 12, 4, 6, -9, 3, 8]),
    })),
  named('gathered rows that are shared', 'attention m(some: int[heads, n], more: int[n]) { mask queries(some) & keys(0 .. 9) | queries(more) & keys(6 .. 20) | band(0 .. 3) }', (spec) =>
    caseOf(spec, sizesOf(29, 33), {}, {
      some: intTensor([2, 12], [4, 17, 4, -1, 25, 9, 30, 31, 11, 12, 5, 99, 32, 8, 8, 16, 24, 7, -5, 1, 7, 20, 21, 22]),
      more: intTensor([12], [4, 5, 6, 20, 21, 22, 23, 30, 31, 31, 2, 40]),
    })),
  named('neighbourhood', 'attention m(width: int = 6, reach: int[heads]) { mask { (q, k) => abs(q div width - k div width) <= reach[h] & abs(q mod width - k mod width) <= 1 } }', (spec) =>
    caseOf(spec, sizesOf(36, 36), {}, { reach: intTensor([2], [1, 3]) })),
  named('documents and blocks', 'attention m(ids: int[keys], table: bool[heads, queries / 4, keys / 8]) { mask segments(ids) & tiles(table) | band(0 .. 2) }', (spec) =>
    caseOf(spec, sizesOf(24, 24), {}, {
      ids: intTensor([24], [0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4]),
      table: { extents: [2, 6, 3], data: Uint8Array.from([1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1]) },
    })),
  named('decode with a sink', 'attention m(logit: float[heads], slope: float = 0.1) { mask causal - queries(38 .. 39) score s => 4.0 * tanh(s / 4.0) - slope * float(q - k) sink logit[h] }', (spec) =>
    caseOf(spec, sizesOf(2, 40), {}, { logit: { extents: [2], data: Float32Array.from([0.5, -1]) } })),
  named('decode of large scores', 'attention m { mask all scale 20.0 }', (spec) => caseOf(spec, sizesOf(1, 40))),
  named('everything, with a ragged end', 'attention m { mask all }', (spec) => caseOf(spec, sizesOf(11, 21, 8, 1, 1, 2))),
  named('six dimensions', 'attention m { mask band(0 .. 5) }', (spec) => caseOf(spec, sizesOf(10, 13, 6, 1, 1))),
  named('five dimensions', 'attention m { mask band(0 .. 5) }', (spec) => caseOf(spec, sizesOf(10, 13, 5, 1, 1))),
  named('negative distances', 'attention m(shift: int = -9) { mask { (q, k) => (k - q + shift) div 4 mod 3 == 1 & (q - 2 * k) mod 5 < 3 } }', (spec) => caseOf(spec, sizesOf(26, 21, 8, 1, 1))),
];
