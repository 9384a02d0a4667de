import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { denseMask, maskRows } from '../../../compiler/interpreters/dense/index.ts';
import type { Launch, MaskExpr, Sizes, TensorValue } from '../../../compiler/spec/ir.ts';
import { noSpan as span } from '../../../dsl/span.ts';
import { environmentOf, holds } from '../../support/mask-pairs.ts';
import { h, k, q } from '../../support/random-parameters.ts';
import { randomCases, specAround } from '../../support/random-spec.ts';

function sizes(nQ: number, nK: number, heads = 1): Sizes {
  return { batch: 1, heads, kvHeads: 1, nQ, nK, dim: 4 };
}

/** One text row per query, `#` where a key is live. */
function picture(mask: MaskExpr, at: Sizes, tensors: Readonly<Record<string, TensorValue>> = {}): readonly string[] {
  const launch: Launch = { sizes: at, scalars: new Map(), tensors: new Map(Object.entries(tensors)) };
  const bytes = denseMask(specAround(mask), launch);
  return Array.from({ length: at.heads * at.nQ }, (_, row) =>
    Array.from(bytes.subarray(row * at.nK, (row + 1) * at.nK), (live) => (live === 1 ? '#' : '.')).join(''),
  );
}

const ints = (extents: readonly number[], ...values: readonly number[]): TensorValue => ({ extents, data: Int32Array.from(values) });
const causal: MaskExpr = { kind: 'causal', span };

describe('each constructor draws its own picture', () => {
  test('causal is aligned at the end', () => {
    expect(picture(causal, sizes(3, 5))).toEqual(['###..', '####.', '#####']);
    expect(picture(causal, sizes(4, 2))).toEqual(['..', '..', '#.', '##']);
  });

  test('a band holds from <= q - k < to, ahead of the query too', () => {
    expect(picture({ kind: 'band', from: x.int(0), to: x.int(2), span }, sizes(4, 4))).toEqual(['#...', '##..', '.##.', '..##']);
    expect(picture({ kind: 'band', from: x.int(-1), to: x.int(1), span }, sizes(3, 3))).toEqual(['##.', '.##', '..#']);
    expect(picture({ kind: 'band', from: x.int(2), to: x.int(1), span }, sizes(2, 2))).toEqual(['..', '..']);
  });

  test('keys and queries are half-open ranges of positions', () => {
    expect(picture({ kind: 'keys', from: x.int(1), to: x.int(3), span }, sizes(2, 4))).toEqual(['.##.', '.##.']);
    expect(picture({ kind: 'queries', from: x.int(2), to: x.int(3), span }, sizes(2, 4))).toEqual(['####', '....']);
  });

  test('lists are sets; padding and entries out of range match nothing', () => {
    const cols = { cols: ints([5], 3, -1, 0, 3, 9) };
    expect(picture({ kind: 'listed', what: 'keys', list: { tensor: 'cols', leading: [] }, span }, sizes(2, 4), cols)).toEqual(['#..#', '#..#']);
    const slash = { slash: ints([2], 1, -1) };
    expect(picture({ kind: 'listed', what: 'slashes', list: { tensor: 'slash', leading: [] }, span }, sizes(3, 3), slash)).toEqual(['.#.', '#.#', '.#.']);
    const rows = { rows: ints([2], 1, -1) };
    expect(picture({ kind: 'listed', what: 'queries', list: { tensor: 'rows', leading: [] }, span }, sizes(2, 2), rows)).toEqual(['..', '##']);
  });

  test('an empty list matches nothing', () => {
    expect(picture({ kind: 'listed', what: 'keys', list: { tensor: 'cols', leading: [] }, span }, sizes(1, 3), { cols: ints([0]) })).toEqual(['...']);
  });

  test('segments join equal ids, sorted or not', () => {
    const doc = { doc: ints([5], 7, 7, 2, 7, 2) };
    expect(picture({ kind: 'segments', ids: { tensor: 'doc', leading: [] }, span }, sizes(5, 5), doc)).toEqual(['##.#.', '##.#.', '..#.#', '##.#.', '..#.#']);
  });

  test('block tables count rows from the first query and keys from the first key', () => {
    const table = { table_4x4: { extents: [1, 1, 2], data: Uint8Array.of(0, 1) } };
    const tiles: MaskExpr = { kind: 'tiles', table: { tensor: 'table_4x4', leading: [h] }, queryBlock: x.int(4), keyBlock: x.int(4), span };
    expect(picture(tiles, sizes(2, 6), table)).toEqual(['....##', '....##']);
  });

  test('levels are the Fenwick size classes of causal pairs', () => {
    expect(picture({ kind: 'levels', from: x.int(0), to: x.int(1), span }, sizes(4, 4))).toEqual(['#...', '.#..', '..#.', '...#']);
    expect(picture({ kind: 'levels', from: x.int(2), to: x.int(3), span }, sizes(4, 4))).toEqual(['....', '....', '##..', '##..']);
  });

  test('each head may choose its own mask, and no case is none', () => {
    const choose: MaskExpr = {
      kind: 'choose',
      selector: h,
      cases: [
        { value: x.int(0), mask: causal },
        { value: x.int(0), mask: { kind: 'all', span } },
        { value: x.int(2), mask: { kind: 'not', arg: causal, span } },
      ],
      otherwise: { kind: 'none', span },
      span,
    };
    expect(picture(choose, sizes(2, 2, 3))).toEqual(['#.', '##', '..', '..', '.#', '..']);
  });

  test('a division by less than 1 is 0 in a predicate', () => {
    const body = x.eq(x.div(q, x.sub(k, x.int(1))), x.int(0));
    expect(picture({ kind: 'predicate', body, span }, sizes(3, 3))).toEqual(['###', '##.', '##.']);
  });
});

test('every pair of a random mask is live exactly where the definitions say so', () => {
  fc.assert(
    fc.property(randomCases({ maxLength: 20, scores: false, dims: [1] }), ({ spec, launch }) => {
      const { batch, heads, nQ, nK } = launch.sizes;
      const bytes = denseMask(spec, launch);
      const names = environmentOf(spec, launch);
      let i = 0;
      for (let b = 0; b < batch; b += 1) {
        for (let head = 0; head < heads; head += 1) {
          for (let row = 0; row < nQ; row += 1) {
            for (let key = 0; key < nK; key += 1) {
              const at = { b, h: head, q: row + nK - nQ, k: key };
              if ((bytes[i] === 1) !== holds(spec.mask, launch, names, at)) throw new Error(`differs at ${JSON.stringify(at)}`);
              i += 1;
            }
          }
        }
      }
      expect(i).toBe(bytes.length);
      const middle = Math.floor(nQ / 2);
      const last = bytes.subarray(bytes.length - (nQ - middle) * nK);
      expect(maskRows(spec, launch, batch - 1, heads - 1, middle, nQ)).toEqual(last);
    }),
    { numRuns: 400, seed: 7 },
  );
});
