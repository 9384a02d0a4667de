/**
 * `npm run bench`: the standard patterns and the peer on the embedded software driver and, where it is installed, on lavapipe, each in
 * a process of its own (a process sees one driver). Further options are handed on, such as --n 1024 --rounds 3. With `--methods`: the
 * methods that choose at run time, on the embedded driver, without the peer. With `--model`: a whole language model reading windows of 2048
 * and 4096 bytes, dense and under the pattern tuned for it, on both drivers.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../bin/filigree.mjs', import.meta.url));
const example = fileURLToPath(new URL('../examples/bytelm/main.ts', import.meta.url));
const results = fileURLToPath(new URL('results', import.meta.url));
const drivers = '/usr/share/vulkan/icd.d';

const asked = process.argv.slice(2);
const methods = asked.includes('--methods');
const model = asked.includes('--model');

function bench(adapter: string): number {
  if (model) return timeModel(adapter);
  const run = spawnSync(process.execPath, [launcher, 'bench', ...(methods ? [] : ['--peers']), '--adapter', adapter, ...asked], { stdio: 'inherit' });
  return run.status ?? 2;
}

function timeModel(adapter: string): number {
  const words = asked.filter((word) => word !== '--model');
  const usual = (option: string, ...values: readonly string[]): readonly string[] => (words.includes(option) ? [] : values.flatMap((value) => [option, value]));
  const command = ['--import', 'tsx', example, 'speed', ...usual('--window', '2048,4096'), ...usual('--pattern', 'dense', 'tuned-per-head'), ...usual('--out', results), '--adapter', adapter, ...words];
  return spawnSync(process.execPath, command, { stdio: 'inherit' }).status ?? 2;
}

const hasLavapipe = existsSync(drivers) && readdirSync(drivers).some((file) => file.startsWith('lvp_icd'));
const codes = [bench('SwiftShader'), ...(hasLavapipe && !methods ? [bench('lavapipe')] : [])];
if (!hasLavapipe && !methods) process.stderr.write('lavapipe is not installed; only the embedded driver was measured\n');
process.exitCode = Math.max(...codes);
