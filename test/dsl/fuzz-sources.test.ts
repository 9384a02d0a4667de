/**
 * Mutated sources through parser, loader, checker, formatter and lowering: nothing throws, nothing hangs. More runs by hand:
 * `npx tsx test/dsl/run-fuzz.ts 100000 1`.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fuzzSources, mutant, randomOf, seedPrograms } from '../../dsl/fuzz-sources.ts';
import { formatSource } from '../../dsl/format-source.ts';
import { hasErrors, readProgram } from '../../dsl/program.ts';
import { exampleSources, lowerEverything } from './fuzz-support.ts';

const corpus = exampleSources((path) => readFileSync(path, 'utf8'));

test('2500 mutants end in a value or in diagnostics', () => {
  const report = fuzzSources(2500, 3, lowerEverything, corpus);
  expect(report.failures).toEqual([]);
  // Mutants that are all refused at once would prove little.
  expect(report.parsed).toBeGreaterThan(250);
  expect(report.checked).toBeGreaterThan(125);
}, 240_000);

test('what throws in a step is reported with its source', () => {
  const report = fuzzSources(40, 3, () => {
    throw new TypeError('broken step');
  }, ['mask m = all']);
  expect(report.failures.length).toBeGreaterThan(0);
  expect(report.failures[0]?.error).toBe('TypeError: broken step');
});

test('the same seed gives the same mutants, another seed others', () => {
  const list = (seed: number): readonly string[] => {
    const random = randomOf(seed);
    return Array.from({ length: 20 }, () => mutant(seedPrograms, random));
  };
  expect(list(5)).toEqual(list(5));
  expect(list(5)).not.toEqual(list(6));
});

test('the seed programs are good programs', () => {
  for (const source of seedPrograms) {
    const { diagnostics } = readProgram('main.fil', (path) => (path === 'main.fil' ? source : 'mask wide(w: int = 4) = band(0 .. w)\nmask near(r: int) = band(0 .. r)'));
    expect(hasErrors(diagnostics), source).toBe(source.includes('slashes(which_list'));
    expect(formatSource(source).ok).toBe(true);
  }
});
