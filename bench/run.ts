/**
 * `npm run bench`: the standard patterns and the peer on the embedded software driver and, where it is installed, on lavapipe, each in
 * a process of its own (a process sees one driver). Further options are handed on, such as --n 1024 --rounds 3.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../bin/filigree.mjs', import.meta.url));
const drivers = '/usr/share/vulkan/icd.d';

function bench(adapter: string): number {
  const run = spawnSync(process.execPath, [launcher, 'bench', '--peers', '--adapter', adapter, ...process.argv.slice(2)], { stdio: 'inherit' });
  return run.status ?? 2;
}

const hasLavapipe = existsSync(drivers) && readdirSync(drivers).some((file) => file.startsWith('lvp_icd'));
const codes = [bench('SwiftShader'), ...(hasLavapipe ? [bench('lavapipe')] : [])];
if (!hasLavapipe) process.stderr.write('lavapipe is not installed; only the embedded driver was measured\n');
process.exitCode = Math.max(...codes);
