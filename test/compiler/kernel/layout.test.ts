/** Layouts as data: every element has its place, and a matrix fragment of another machine is such a list of digits too. */
import { describe, expect, it } from 'vitest';
import { colsOnLanes, digitCount, elementOf, isPadded, matchingRegister, registerCount, replicated, rowsOnLanes, slotCount, type Layout } from '../../../compiler/kernel/layout.ts';

/** How many (lane, register) hold each element. */
function holders(layout: Layout): ReadonlyMap<string, number> {
  const count = new Map<string, number>();
  for (let lane = 0; lane < digitCount(layout.lane); lane += 1) {
    for (let register = 0; register < registerCount(layout); register += 1) {
      const { row, col } = elementOf(layout, lane, register);
      if (row < layout.rows && col < layout.cols) count.set(`${row},${col}`, (count.get(`${row},${col}`) ?? 0) + 1);
    }
  }
  return count;
}

function holdsEachOnce(layout: Layout): boolean {
  const count = holders(layout);
  return count.size === layout.rows * layout.cols && [...count.values()].every((n) => n === 1);
}

/** The accumulator of mma.m16n8 (PTX ISA, "Matrix Fragments for mma.m16n8k16"): groups of four lanes hold a row. */
const fragment: Layout = {
  rows: 16, cols: 8, vector: 1,
  lane: [{ axis: 'col', count: 4, stride: 2 }, { axis: 'row', count: 8, stride: 1 }],
  register: [{ axis: 'col', count: 2, stride: 1 }, { axis: 'row', count: 2, stride: 8 }],
};

describe('layouts', () => {
  it('hold every element exactly once, whether rows, columns or neither lie on lanes', () => {
    for (const layout of [rowsOnLanes(12, 5, 4, 1), rowsOnLanes(8, 6, 4, 4), rowsOnLanes(8, 8, 8, 4), colsOnLanes(3, 8, 4), replicated(4, 3, 1), replicated(2, 7, 4), fragment]) {
      expect(holdsEachOnce(layout)).toBe(true);
    }
  });
  it('put neighbouring rows into neighbouring lanes', () => {
    const layout = rowsOnLanes(12, 2, 4, 1);
    expect([0, 1, 2, 3].map((lane) => elementOf(layout, lane, 2).row)).toEqual([4, 5, 6, 7]);
  });
  it('describe a matrix fragment', () => {
    expect(elementOf(fragment, 5, 3)).toEqual({ row: 9, col: 3 });
    expect(registerCount(fragment)).toBe(4);
  });
  it('know which registers lie past the last column', () => {
    const layout = rowsOnLanes(4, 6, 4, 4);
    expect(slotCount(layout)).toBe(2);
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((r) => isPadded(layout, r))).toEqual([false, false, false, false, false, false, true, true]);
  });
  it('find the element of another tile, with axes of extent 1 broadcast', () => {
    const scores = rowsOnLanes(8, 3, 4, 1);
    expect(matchingRegister(scores, 4, rowsOnLanes(8, 1, 4, 1))).toBe(1);
    expect(matchingRegister(scores, 4, replicated(1, 3, 1))).toBe(1);
    expect(matchingRegister(scores, 4, rowsOnLanes(8, 3, 4, 1))).toBe(4);
    expect(matchingRegister(fragment, 2, { ...fragment, cols: 1, register: [{ axis: 'row', count: 2, stride: 8 }] })).toBe(1);
  });
  it('find nothing where the element lies in another lane', () => {
    expect(matchingRegister(rowsOnLanes(8, 8, 4, 1), 0, colsOnLanes(8, 8, 4))).toBeUndefined();
  });
});
