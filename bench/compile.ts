/**
 * `npm run bench:compile`: how long the compiler takes from source to WGSL, for every attention of the examples, warm: milliseconds of
 * wall time for a kernel, the median of several rounds over all of them in turn. Writes the figures beside the others where `--out DIR` says so.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileSource } from '../compiler/spec/from-source.ts';
import { declarations, readProgram } from '../dsl/program.ts';
import { webgpuSubgroups } from '../backends/targets.ts';
import { machineOf } from '../tools/bench/environment.ts';
import { medianOf } from '../tools/bench/rounds.ts';
import { compileWgsl } from '../tools/engines/compile.ts';

const examples = fileURLToPath(new URL('../examples', import.meta.url));
const rounds = 5;
const read = (file: string): string | undefined => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);

interface Job {
  readonly file: string;
  readonly name: string;
  /** `const` parameters without a default. */
  readonly constants: ReadonlyMap<string, number>;
}

function jobs(): readonly Job[] {
  const folders = readdirSync(examples).map((f) => join(examples, f)).filter((f) => statSync(f).isDirectory());
  return folders.flatMap((folder) => readdirSync(folder).filter((f) => f.endsWith('.fil')).flatMap((f): readonly Job[] => {
    const file = join(folder, f);
    return declarations(readProgram(file, read).program.files, file).filter((d) => d.kind === 'attention').map((d) => {
      const open = d.params.filter((p) => p.isConst && p.defaultValue === undefined);
      return { file, name: d.name, constants: new Map(open.map((p) => [p.name.name, 8])) };
    });
  }));
}

/** Milliseconds and kernels of one compilation from source to text. */
function compileOnce(job: Job): { readonly kernels: number; readonly milliseconds: number } {
  const start = performance.now();
  const spec = compileSource({ file: job.file }, read, job.name, job.constants);
  if (!spec.ok) throw new Error(`${job.name}: ${spec.diagnostics.map((d) => d.message).join('; ')}`);
  const compiled = compileWgsl(spec.value, { target: webgpuSubgroups, dim: 64, dtype: 'f32' });
  if (!compiled.ok) throw new Error(`${job.name}: ${compiled.diagnostics.map((d) => d.message).join('; ')}`);
  return { kernels: compiled.value.kernelPrograms.length, milliseconds: performance.now() - start };
}

const all = jobs();
for (const job of all) compileOnce(job);
const measured = all.map((job) => ({ job, kernels: 0, times: new Array<number>() }));
for (let round = 0; round < rounds; round += 1) {
  for (const m of measured) {
    const { kernels, milliseconds } = compileOnce(m.job);
    m.kernels = kernels;
    m.times.push(milliseconds / kernels);
  }
}
const rows = measured.map(({ job, kernels, times }) => ({ attention: job.name, kernels, millisecondsPerKernel: Number(medianOf(times).toFixed(2)), least: Number(Math.min(...times).toFixed(2)) }));
rows.sort((a, b) => b.millisecondsPerKernel - a.millisecondsPerKernel);
for (const r of rows) process.stdout.write(`${r.attention.padEnd(40)}${String(r.kernels).padStart(4)} kernels ${r.millisecondsPerKernel.toFixed(1).padStart(7)} ms each (least ${r.least.toFixed(1)})\n`);
const kernels = rows.reduce((n, r) => n + r.kernels, 0);
process.stdout.write(`\n${rows.length} attentions, ${kernels} kernels, ${(rows.reduce((n, r) => n + r.kernels * r.millisecondsPerKernel, 0) / kernels).toFixed(1)} ms for a kernel on average; rounds: ${rounds}\n`);

const at = process.argv.indexOf('--out');
const out = at < 0 ? undefined : process.argv[at + 1];
if (out !== undefined) {
  const machine = machineOf(new Date());
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${machine.date.replace(/[-:Z]/g, '')}-compile.json`), `${JSON.stringify({ machine, rounds, rows }, undefined, 1)}\n`);
}
