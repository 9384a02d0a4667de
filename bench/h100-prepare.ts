/**
 * `npm run h100:prepare -- DIR [--dtype bf16] [--arch sm_90a] [--dims 64,128] [--only WORDS] [--source-only]`: everything that bench/h100.py
 * needs on a machine without Node: PyTorch packages of every pattern (their libraries where nvcc is here; else they are compiled where they
 * run), the masks in Python, a manifest, and the bench itself. Then, on that machine: `python3 DIR/h100.py DIR`.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { spawnSync } from 'node:child_process';
import { pythonExpression } from '../backends/cuda/pytorch/expr.ts';
import { cIdentifier } from '../backends/cuda/launcher/call.ts';
import { cudaTargets } from '../backends/targets.ts';
import { compileSource } from '../compiler/spec/from-source.ts';
import { maskTensors, maskChildren, maskOperands } from '../compiler/spec/traverse.ts';
import { children } from '../compiler/expr/traverse.ts';
import type { Expr } from '../compiler/expr/ir.ts';
import type { MaskExpr, Spec } from '../compiler/spec/ir.ts';
import { extentsOf } from '../compiler/tile/extents.ts';
import { buildCuda } from '../tools/commands/build-cuda.ts';
import type { FloatElement } from '../compiler/tile/ir.ts';
import { patterns, type Pattern } from './h100-patterns.ts';
import { torchProgram, type TorchProgram } from './torch-mask.ts';

const root = dirname(import.meta.dirname);
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The spec with its constants; stage tensors that mask, score and sink read come out as well. */
export function specOf({ program, name, set = {} }: Pattern): Spec {
  const file = `examples/${program}`;
  const header = new RegExp(`^attention ${name}\\b[^{]*`, 'm').exec(read(file))?.[0] ?? '';
  const constants = new Map(Object.entries(set).filter(([p]) => new RegExp(`const ${p}\\b`).test(header)));
  const made = compileSource({ file }, read, name, constants);
  if (!made.ok) throw new Error(`${file}: ${made.diagnostics.map((d) => d.message).join('; ')}`);
  const spec = made.value;
  const wanted = tensorsOf(spec);
  return { ...spec, outputs: spec.stages.filter((t) => wanted.has(t.name)).map(({ name: tensor }) => ({ name: tensor, tensor })) };
}

/** Tensors that mask, score and sink read. */
function tensorsOf(spec: Spec): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (e: Expr): void => {
    if (e.kind === 'read') found.add(e.tensor);
    children(e).forEach(walk);
  };
  const walkMask = (m: MaskExpr): void => {
    maskTensors(m).forEach((use) => found.add(use.tensor));
    maskOperands(m).forEach(walk);
    maskChildren(m).forEach(walkMask);
  };
  walkMask(spec.mask);
  [spec.score, spec.sink].forEach((e) => e !== undefined && walk(e));
  return found;
}

/** A pattern as the bench reads it. */
export function manifestEntry(pattern: Pattern, spec: Spec, torch: TorchProgram, index: number): Readonly<Record<string, unknown>> {
  const scalars = spec.scalars.map(({ name, type, defaultValue }) => {
    const value = pattern.set?.[name] ?? defaultValue;
    if (value === undefined) throw new Error(`${pattern.title}: '${name}' has no value`);
    return [name, type === 'bool' ? value !== 0 : value] as const;
  });
  const inHost = (name: string): string => `v[${JSON.stringify(name)}]`;
  return {
    title: pattern.title, module: cIdentifier(spec.name), index, quick: pattern.quick === true, queries: pattern.queries ?? null, longest: pattern.longest ?? null,
    scalars: Object.fromEntries(scalars), perHead: torch.perHead, sets: torch.sets, hasScore: torch.score !== undefined, hasSink: torch.sink !== undefined,
    outputs: spec.outputs.map((o) => o.name),
    tensors: spec.tensors.map((t) => {
      const source = pattern.tensors?.[t.name];
      if (source === undefined) throw new Error(`${pattern.title}: the tensor '${t.name}' is not described`);
      return { name: t.name, element: t.element, source, extents: extentsOf(t).map((e) => pythonExpression(e, inHost)), free: t.axes.map((a) => (a.kind === 'free' ? a.name : null)) };
    }),
  };
}

/** The functions of a pattern; parameters as torch-mask.ts says. */
export function maskFunctions({ live, scale, score, sink }: TorchProgram, index: number): string {
  const define = (name: string, parameters: string, body: string): string => `def ${name}_${index}(o, t, v, ${parameters}):\n    return ${body}\n`;
  return [
    define('live', 'b, h, q, k', live), define('scale', 'b, h', scale), ...(score === undefined ? [] : [define('score', 'x, b, h, q, k', score)]), ...(sink === undefined ? [] : [define('sink', 'b, h', sink)]),
  ].join('\n\n');
}

export interface Preparation {
  readonly folder: string;
  readonly arch: string;
  readonly dims: readonly number[];
  readonly dtype: FloatElement;
  readonly chosen: readonly Pattern[];
  /** No nvcc: the packages compile themselves where they run. */
  readonly sourceOnly: boolean;
  readonly said: (line: string) => void;
}

export async function prepare({ folder, arch, dims, dtype, chosen, sourceOnly, said }: Preparation): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const entries: unknown[] = [];
  const functions: string[] = [];
  const built = new Map<string, string>();
  for (const [index, pattern] of chosen.entries()) {
    const spec = specOf(pattern);
    const torch = torchProgram(spec);
    if ('reason' in torch) throw new Error(`${pattern.title}: ${torch.reason}`);
    entries.push(manifestEntry(pattern, spec, torch, index));
    functions.push(maskFunctions(torch, index));
    const text = JSON.stringify(spec.mask);
    // One operator a process and name: patterns of one program share it, so its constants must be the same.
    if ((built.get(spec.name) ?? text) !== text) throw new Error(`${pattern.title}: another pattern has '${spec.name}' with other constants`);
    if (built.has(spec.name)) continue;
    built.set(spec.name, text);
    for (const dim of dims) {
      const made = await buildCuda(spec, {
        arch, dim, dtype, trace: () => undefined, sources: new Map([[`examples/${pattern.program}`, read(`examples/${pattern.program}`)]]), plain: false, python: true,
        ...(sourceOnly ? { nvcc: { environment: {} } } : {}),
      });
      if (!made.ok) throw new Error(`${pattern.title}: ${made.diagnostics.map((d) => d.message).join('; ')}`);
      for (const [path, data] of made.value.files) {
        const target = join(folder, 'packages', `${dtype}_${dim}`, path);
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, data);
      }
      writeFileSync(join(folder, 'packages', `${dtype}_${dim}`, `${cIdentifier(spec.name)}.resources.json`), `${JSON.stringify(made.value.report.kernels ?? [])}\n`);
      said(`built ${pattern.title}, D ${dim}`);
    }
  }
  const commit = spawnSync('git', ['-C', root, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify({ format: 'filigree-bench-1', commit, arch, dtype, dims, patterns: entries }, null, 1)}\n`);
  writeFileSync(join(folder, 'masks.py'), `"""Masks, scores and sinks of the patterns, generated from their programs by h100-prepare.ts."""\n\n\n${functions.join('\n\n')}`);
  for (const file of ['h100.py', 'h100_bound.py', 'h100_tensors.py']) copyFileSync(join(import.meta.dirname, file), join(folder, file));
}

function option(words: readonly string[], name: string, fallback: string): string {
  const at = words.indexOf(`--${name}`);
  return at < 0 ? fallback : words[at + 1] ?? fallback;
}

if (process.argv[1] === import.meta.filename) {
  const words = process.argv.slice(2);
  const folder = words[0];
  const dtype = (['f16', 'bf16', 'f32'] as const).find((d) => d === option(words, 'dtype', 'bf16'));
  const arch = cudaTargets.find((t) => t.name === option(words, 'arch', 'sm_90a'))?.name;
  const dims = option(words, 'dims', '64,128').split(',').map(Number);
  if (folder === undefined || folder.startsWith('--') || dtype === undefined || arch === undefined || !dims.every((d) => Number.isInteger(d) && d > 0 && d <= 256)) {
    process.stderr.write('usage: npm run h100:prepare -- DIR [--dtype bf16|f16|f32] [--arch sm_90a|sm_80|sm_120a] [--dims 64,128] [--only WORDS] [--source-only]\n');
    process.exitCode = 2;
  } else {
    const only = option(words, 'only', '');
    await prepare({
      folder, arch, dims, dtype, chosen: patterns.filter((p) => p.title.includes(only)), sourceOnly: words.includes('--source-only'), said: (line) => void process.stdout.write(`${line}\n`),
    });
    process.stdout.write(`now, on the GPU machine: python3 ${join(relative('.', folder), 'h100.py')} ${relative('.', folder)}\n`);
  }
}
