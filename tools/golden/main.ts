/**
 * `npm run golden -- DIR --backend interpreter|wgsl|cuda-emulated`: runs every golden JSON under DIR, case by case. In: a folder, the mappings
 * of `examples/NAME/golden.ts`. Out: a line for each case (pass, fail with what differs, or that no program is mapped to it), a sum, and
 * exit code 1 where a case fails or a file cannot be read.
 */
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { backends } from '../engines/index.ts';
import type { Backend } from '../engines/index.ts';
import { readCase } from './case.ts';
import type { GoldenMapping } from './mapping.ts';
import { examplesFolder } from './execute.ts';
import { runCase } from './run-case.ts';

/** All golden files under a folder, in order of their paths. */
export function goldenFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json')).sort().map((name) => join(folder, name));
}

/** The mappings beside the examples. */
export async function loadMappings(): Promise<readonly GoldenMapping[]> {
  const mappings: GoldenMapping[] = [];
  for (const name of readdirSync(examplesFolder).sort()) {
    const file = join(examplesFolder, name, 'golden.ts');
    if (!existsSync(file)) continue;
    const module: { readonly golden?: GoldenMapping } = await import(pathToFileURL(file).href);
    if (module.golden === undefined) throw new Error(`${file} exports no \`golden\``);
    mappings.push(module.golden);
  }
  return mappings;
}

function excuse(choices: number): string {
  return choices === 0 ? '' : `, ${choices} ${choices === 1 ? 'choice' : 'choices'} within rounding`;
}

async function main(words: readonly string[]): Promise<number> {
  const at = words.indexOf('--backend');
  const wanted = at < 0 ? 'interpreter' : words[at + 1];
  const backend: Backend | undefined = backends.find((b) => b === wanted);
  const folder = words.find((word, i) => !word.startsWith('--') && (at < 0 || i !== at + 1));
  if (folder === undefined || backend === undefined || !existsSync(folder)) {
    process.stderr.write(`usage: npm run golden -- DIR --backend ${backends.join('|')}\n`);
    return 2;
  }
  const mappings = await loadMappings();
  const count = { pass: 0, fail: 0, none: 0 };
  for (const file of goldenFiles(folder)) {
    const title = relative(folder, file);
    const read = readCase(readFileSync(file, 'utf8'));
    if (!read.ok) {
      count.fail += 1;
      process.stdout.write(`FAIL  ${title}: ${read.reason}\n`);
      continue;
    }
    const result = await runCase(read.value, mappings, backend);
    count[result.status] += 1;
    const rest = result.notCompared.length === 0 ? '' : `; not compared: ${result.notCompared.join(', ')}`;
    if (result.status === 'none') process.stdout.write(`none  ${title}: no program for it\n`);
    else if (result.status === 'pass') process.stdout.write(`pass  ${title}: ${result.compared.length} outputs, worst error ${result.worst.toExponential(1)}${excuse(result.choices)}${rest}\n`);
    else process.stdout.write(`FAIL  ${title}${rest}\n${result.faults.map((fault) => `        ${fault}\n`).join('')}`);
  }
  process.stdout.write(`${count.pass} passed, ${count.fail} failed, ${count.none} without a program (${backend})\n`);
  return count.fail > 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main(process.argv.slice(2));
