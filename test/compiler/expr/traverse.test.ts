import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as x from '../../../compiler/expr/build.ts';
import { compileExpr, evaluate } from '../../../compiler/expr/evaluate.ts';
import { printExpr } from '../../../compiler/expr/print.ts';
import {
  children, countNodes, exprKey, freeRefs, mapChildren, readTensors, sameExpr, substitute,
} from '../../../compiler/expr/traverse.ts';
import { environments, names, rawExprs, rebuilt, tensors } from './helpers.ts';

const q = x.ref('q', 'int');
const t = x.ref('t', 'int');

test('rebuilding with the identity gives the node itself, and a changed child is seen', () => {
  fc.assert(
    fc.property(rawExprs, (e) => {
      expect(mapChildren(e, (child) => child)).toBe(e);
      const seen: unknown[] = [];
      mapChildren(e, (child) => {
        seen.push(child);
        return child;
      });
      expect(seen).toEqual(children(e));
    }),
    { numRuns: 500, seed: 2 },
  );
});

test('a normal form is normal: rebuilding it changes nothing', () => {
  fc.assert(
    fc.property(rawExprs, (e) => {
      const normal = rebuilt(e);
      expect(printExpr(rebuilt(normal))).toBe(printExpr(normal));
    }),
    { numRuns: 1500, seed: 3 },
  );
});

test('keys are equal exactly where trees are', () => {
  fc.assert(
    fc.property(rawExprs, rawExprs, (a, b) => {
      expect(exprKey(a) === exprKey(b)).toBe(sameExpr(a, b));
      expect(sameExpr(a, JSON.parse(JSON.stringify(a)))).toBe(JSON.stringify(a) === JSON.stringify(a) && !hasMinusZero(a));
    }),
    { numRuns: 500, seed: 4 },
  );
});

// JSON has no -0, so a copy through it is another tree.
function hasMinusZero(e: Parameters<typeof children>[0]): boolean {
  return (e.kind === 'literal' && Object.is(e.value, -0)) || children(e).some(hasMinusZero);
}

test('substituting values gives the value in the environment that has them', () => {
  fc.assert(
    fc.property(rawExprs, environments, rawExprs, (e, values, other) => {
      const replacement = other.type === 'int' ? other : x.int(5);
      const inner = compileExpr(replacement, names, () => 0, tensors)(values);
      const direct = compileExpr(e, names, () => 0, tensors)(values.map((v, i) => (names[i] === 'y' ? inner : v)));
      const substituted = substitute(e, new Map([['y', replacement]]));
      const result = compileExpr(substituted, names, () => 0, tensors)(values);
      expect(result === direct || (Number.isNaN(result) && Number.isNaN(direct)), printExpr(substituted)).toBe(true);
    }),
    { numRuns: 3000, seed: 5 },
  );
});

test('the local of a fold is renamed where it would capture a replacement', () => {
  const e = x.fold('sum', 't', x.int(0), x.int(3), x.add(x.mul(t, x.int(10)), q));
  const moved = substitute(e, new Map([['q', t]]));
  expect(printExpr(moved)).toBe('sum t_1 in 0 .. 3: t_1 * 10 + t');
  expect(evaluate(moved, new Map([['t', 7]]))).toBe(30 + 21);
});

test('the local of a fold hides a replacement of its name inside its body only', () => {
  const e = x.fold('sum', 't', t, x.add(t, x.int(2)), t);
  expect(printExpr(substitute(e, new Map([['t', x.int(4)]])))).toBe('sum t in 4 .. 6: t');
});

test('free names, tensors and nodes are found through every construct', () => {
  const e = x.fold('any', 't', x.int(0), x.ref('n', 'int'), x.select(
    x.ref('p', 'bool'),
    x.eq(x.read('a', 'int', [x.read('b', 'int', [t])]), q),
    x.lt(t, q),
  ));
  expect([...freeRefs(e)].sort()).toEqual(['n', 'p', 'q']);
  expect([...readTensors(e)].sort()).toEqual(['a', 'b']);
  expect(countNodes(e)).toBe(13);
});
