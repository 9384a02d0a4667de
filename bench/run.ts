/**
 * `npm run bench`: the standard patterns and the peer on the embedded software driver and, where it is installed, on lavapipe, each in
 * a process of its own (a process sees one driver). Further options are handed on, such as --n 1024 --rounds 3. With `--methods`: the
 * methods that choose at run time, on the embedded driver, without the peer.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../bin/filigree.mjs', import.meta.url));
const drivers = '/usr/share/vulkan/icd.d';

const asked = process.argv.slice(2);
const methods = asked.includes('--methods');

function bench(adapter: string): number {
  const run = spawnSync(process.execPath, [launcher, 'bench', ...(methods ? [] : ['--peers']), '--adapter', adapter, ...asked], { stdio: 'inherit' });
  return run.status ?? 2;
}

const hasLavapipe = existsSync(drivers) && readdirSync(drivers).some((file) => file.startsWith('lvp_icd'));
const codes = [bench('SwiftShader'), ...(hasLavapipe && !methods ? [bench('lavapipe')] : [])];
if (!hasLavapipe && !methods) process.stderr.write('lavapipe is not installed; only the embedded driver was measured\n');
process.exitCode = Math.max(...codes);
