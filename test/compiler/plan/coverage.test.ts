import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkCoverage, printViolation, type Violation } from '../../../compiler/plan/coverage.ts';
import type { Phase, Plan } from '../../../compiler/plan/ir.ts';
import { makePlan } from '../../../compiler/plan/make-plan.ts';
import { verifyPlan } from '../../../compiler/plan/verify.ts';
import * as x from '../../../compiler/expr/build.ts';
import { randomMasks } from '../../support/random-mask.ts';
import { randomCases } from '../../support/random-spec.ts';
import { compile, launchOf, programs } from './programs.ts';

const geometries = [[16, 16], [32, 16], [16, 64], [8, 4], [1, 16], [64, 64]] as const;

function violations(plan: Plan, launch: Parameters<typeof checkCoverage>[1], [queryTile, keyTile]: readonly [number, number]): readonly string[] {
  return checkCoverage(plan, launch, { queryTile, keyTile }).map(printViolation);
}

test.each([['structured', 20301, 150], ['any', 20302, 150]] as const)('plans of %s random masks visit each live pair exactly once and nothing else', (shape, seed, numRuns) => {
  fc.assert(fc.property(randomCases({ masks: randomMasks(shape), scores: false }), fc.constantFrom(...geometries), ({ spec, launch }, geometry) => {
    const plan = makePlan(spec);
    if (!plan.ok) throw new Error('no plan');
    expect(verifyPlan(plan.value)).toEqual([]);
    expect(violations(plan.value, launch, geometry)).toEqual([]);
  }), { seed, numRuns });
});

test.each(programs.map((p) => [p.name, p] as const))('the plan of %s visits each live pair exactly once, at ragged lengths too', (_, program) => {
  const { spec, plan } = compile(program);
  expect(verifyPlan(plan)).toEqual([]);
  for (const [n, geometry] of [[200, [32, 16]], [257, [16, 64]], [64, [64, 64]]] as const) {
    expect(violations(plan, launchOf(program, spec, n), geometry)).toEqual([]);
  }
});

/** A plan with one phase changed. */
function broken(plan: Plan, change: (p: Phase) => Phase): Plan {
  return { ...plan, passes: plan.passes.map((pass) => ({ ...pass, phases: pass.phases.map(change) })) };
}

function kinds(list: readonly Violation[]): readonly string[] {
  return [...new Set(list.map((v) => v.kind))].sort();
}

const find = (name: string): (typeof programs)[number] => {
  const found = programs.find((p) => p.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};

test('a plan whose key range ends one key early misses pairs', () => {
  const program = find('causal');
  const { spec, plan } = compile(program);
  const early = broken(plan, (p) => (p.walk.kind === 'ranges' ? { ...p, walk: { kind: 'ranges', ranges: p.walk.ranges.map((r) => ({ from: r.from, to: x.sub(r.to, x.int(1)) })) } } : p));
  expect(kinds(checkCoverage(early, launchOf(program, spec, 97), { queryTile: 16, keyTile: 1 }))).toEqual(['missed']);
});

test('a plan that calls every tile full lets dead pairs contribute', () => {
  const program = find('a sliding window');
  const { spec, plan } = compile(program);
  const found = checkCoverage(broken(plan, (p) => ({ ...p, full: x.trueExpr })), launchOf(program, spec, 100), { queryTile: 16, keyTile: 16 });
  expect(kinds(found)).toEqual(['dead', 'full']);
});

test('a plan that skips every tile is found out', () => {
  const program = find('a sliding window');
  const { spec, plan } = compile(program);
  const found = checkCoverage(broken(plan, (p) => ({ ...p, skip: x.trueExpr })), launchOf(program, spec, 64), { queryTile: 16, keyTile: 16 });
  expect(kinds(found)).toContain('skip');
});

test('a plan that does not take the window out of its strides counts pairs twice', () => {
  const program = find('a window and strides');
  const { spec, plan } = compile(program);
  const q = x.ref('q', 'int');
  const k = x.ref('k', 'int');
  const found = checkCoverage(broken(plan, (p) => (p.keys.kind === 'residue'
    ? { ...p, touched: x.trueExpr, predicate: x.ge(q, k), tests: [{ predicate: x.ge(q, k), implied: x.falseExpr }], walk: { kind: 'ranges', ranges: [{ from: x.int(0), to: x.ref('n_k', 'int') }] } }
    : p)), launchOf(program, spec, 64), { queryTile: 16, keyTile: 16 });
  expect(kinds(found)).toEqual(['twice']);
});

test('a plan that groups keys by the wrong residue is found out', () => {
  const program = find('strided');
  const { spec, plan } = compile(program);
  const found = checkCoverage(broken(plan, (p) => (p.keys.kind === 'residue' ? { ...p, keys: { ...p.keys, residue: x.add(p.keys.residue, x.int(1)) } } : p)), launchOf(program, spec, 64), { queryTile: 16, keyTile: 16 });
  expect(kinds(found)).toContain('dead');
});
