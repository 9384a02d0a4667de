/**
 * Mutated sources by hand: `npx tsx test/dsl/run-fuzz.ts RUNS SEED`. The corpus is the seed programs and all examples; mutants without
 * errors are lowered too. Prints a summary, the slowest batch, and every source on which something threw; exit code 1 if any did.
 */
import { readFileSync } from 'node:fs';
import { fuzzSources } from '../../dsl/fuzz-sources.ts';
import type { FuzzFailure } from '../../dsl/fuzz-sources.ts';
import { exampleSources, lowerEverything } from './fuzz-support.ts';

const runs = Number(process.argv[2] ?? 10_000);
const seed = Number(process.argv[3] ?? 1);
const corpus = exampleSources((path) => readFileSync(path, 'utf8'));
const batch = 500;
let parsed = 0;
let checked = 0;
let slowest = 0;
const failures: FuzzFailure[] = [];
for (let done = 0; done < runs; done += batch) {
  const start = performance.now();
  const report = fuzzSources(Math.min(batch, runs - done), seed + done, lowerEverything, corpus);
  slowest = Math.max(slowest, performance.now() - start);
  parsed += report.parsed;
  checked += report.checked;
  failures.push(...report.failures);
  for (const f of report.failures) console.log(`${f.error}\n${JSON.stringify(f.source)}\n`);
  process.stderr.write(`\r${done + batch} of ${runs}, ${failures.length} failures`);
}
process.stderr.write('\n');
console.log(`${runs} mutants, ${parsed} parsed, ${checked} without errors, slowest ${batch}: ${Math.round(slowest)} ms, ${failures.length} failures`);
process.exitCode = failures.length > 0 ? 1 : 0;
