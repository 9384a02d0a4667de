/**
 * Executes one run of a golden case: its program is compiled with the settings of the run, and the launch goes to a backend. In: a run, a
 * backend. Out: what it gave, and how to judge choices that differ; or what stands against it, as text.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkChain } from '../../compiler/interpreters/chain-check.ts';
import { chainSizes, denseChain, denseMask } from '../../compiler/interpreters/dense/index.ts';
import type { StoredTensor } from '../../compiler/interpreters/dense/index.ts';
import { withAllResults } from '../../compiler/pipeline.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import { checkLaunch, withDefaults } from '../../compiler/spec/check-launch.ts';
import { compileChainSource, compileSource } from '../../compiler/spec/from-source.ts';
import type { Launch, Sizes, Spec, TensorValue } from '../../compiler/spec/ir.ts';
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { runChain } from '../engines/chains.ts';
import { runBackend } from '../engines/index.ts';
import type { EngineOutput } from '../engines/engine.ts';
import type { Backend, EngineResult } from '../engines/index.ts';
import type { GoldenTensor } from './case.ts';
import type { GoldenRun, Made, MadeTensor } from './mapping.ts';
import { roundingFault } from './rounding.ts';

export const examplesFolder: string = join(dirname(dirname(import.meta.dirname)), 'examples');

export interface Execution {
  readonly made: Made;
  /** What stands against choices of this run that are others than the reference's; undefined: each is within rounding. */
  readonly fault: () => Promise<string | undefined>;
}

function dataOf(element: 'int' | 'float' | 'bool', t: GoldenTensor): TensorValue['data'] {
  switch (element) {
    case 'int':
      return Int32Array.from(t.data);
    case 'float':
      return Float32Array.from(t.data);
    case 'bool':
      return Uint8Array.from(t.data);
    default:
      return unreachable(element);
  }
}

function textOf(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((d) => `${d.code} ${d.message} (${d.primary.span.file}:${d.primary.span.start})`).join('; ');
}

const readProgram = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

/** The launch of a run, or what is wrong with it. */
function launchFor(spec: Spec | ChainSpec, run: GoldenRun, sizes: Sizes): Launch | string {
  const tensors = new Map<string, TensorValue>();
  for (const param of spec.tensors) {
    const given = run.tensors?.[param.name];
    if (given === undefined) return `no tensor '${param.name}' is given`;
    tensors.set(param.name, { extents: given.shape, data: dataOf(param.element, given) });
  }
  const scalars = new Map(spec.scalars.flatMap((p) => (run.set[p.name] === undefined ? [] : [[p.name, run.set[p.name] ?? 0] as const])));
  const launch: Launch = { sizes, scalars, tensors };
  const wrong = checkLaunch(spec, launch);
  return wrong.length > 0 ? textOf(wrong) : withDefaults(spec, launch);
}

/** The spec and launch of a run, or what is wrong with them. */
function prepare(run: GoldenRun): { readonly spec: Spec; readonly launch: Launch } | string {
  const file = join(examplesFolder, run.program);
  const compiled = compileSource({ file }, readProgram, run.declaration, constantsOf(run, file));
  if (!compiled.ok) return textOf(compiled.diagnostics.filter((d) => d.severity === 'error'));
  const launch = launchFor(compiled.value, run, run.sizes);
  return typeof launch === 'string' ? launch : { spec: compiled.value, launch };
}

/** Settings of `const` parameters: all settings; names that are no constants are taken at the launch. */
function constantsOf(run: GoldenRun, file: string): ReadonlyMap<string, number> {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return new Map(Object.entries(run.set).filter(([name]) => new RegExp(`\\bconst\\s+${name}\\s*:`).test(text)));
}

function filled(data: readonly number[] | undefined, length: number, single: boolean): Float64Array | Float32Array {
  const values = data ?? Array.from({ length }, () => 0);
  return single ? Float32Array.from(values) : Float64Array.from(values);
}

function outputNamed(outputs: ReadonlyMap<string, EngineOutput>): Made['output'] {
  return (name) => {
    const found = outputs.get(name);
    if (found === undefined) throw new Error(`the program has no output '${name}'`);
    return found;
  };
}

function madeOf(spec: Spec, launch: Launch, result: EngineResult): Made {
  const { batch, heads, nQ, nK, dim } = launch.sizes;
  const outputs = result.outputs ?? new Map<string, EngineOutput>();
  return {
    out: { extents: [batch, heads, nQ, dim], values: result.out },
    lse: { extents: [batch, heads, nQ], values: result.lse },
    output: outputNamed(outputs),
    mask: () => {
      const tensors = new Map<string, StoredTensor>();
      for (const { name, tensor } of spec.outputs) {
        const t = outputs.get(name);
        const element = spec.stages.find((s) => s.name === tensor)?.element;
        if (t === undefined || element === undefined) continue;
        tensors.set(tensor, { extents: t.extents, data: element === 'float' ? Float64Array.from(t.values) : element === 'int' ? Int32Array.from(t.values) : Uint8Array.from(t.values) });
      }
      return { extents: [batch, heads, nQ, nK], values: denseMask(spec, launch, tensors) };
    },
  };
}

function lengthsOf({ batch, heads, kvHeads, nQ, nK, dim }: Sizes): { readonly q: number; readonly k: number } {
  return { q: batch * heads * nQ * dim, k: batch * kvHeads * nK * dim };
}

async function executeAttention(run: GoldenRun, backend: Backend): Promise<Execution | string> {
  const prepared = prepare(run);
  if (typeof prepared === 'string') return prepared;
  const { spec, launch } = prepared;
  const single = backend !== 'interpreter';
  const lengths = lengthsOf(run.sizes);
  const inputs = { q: filled(run.q, lengths.q, single), k: filled(run.k, lengths.k, single), v: filled(run.v, lengths.k, single) };
  const result = await runBackend(backend, { spec, launch, inputs, dtype: 'f32' });
  if (!result.ok) return textOf(result.diagnostics);
  return { made: madeOf(spec, launch, result.value), fault: () => roundingFault({ spec, launch, inputs }, backend) };
}

/** Floats as the file has them, in float64. */
function exactly(chain: ChainSpec, launch: Launch, run: GoldenRun): ReadonlyMap<string, EngineOutput> {
  const tensors = new Map([...launch.tensors].map(([name, t]): readonly [string, StoredTensor] => {
    const given = run.tensors?.[name];
    return [name, t.data instanceof Float32Array && given !== undefined ? { extents: t.extents, data: Float64Array.from(given.data) } : t];
  }));
  const values = denseChain(chain, { ...launch, tensors });
  return new Map(chain.outputs.flatMap(({ name, value }) => {
    const found = values.get(value);
    return found === undefined ? [] : [[name, { extents: found.extents, values: found.data }] as const];
  }));
}

async function executeChain(run: GoldenRun, backend: Backend): Promise<Execution | string> {
  const file = join(examplesFolder, run.program);
  const compiled = compileChainSource({ file }, readProgram, run.declaration, constantsOf(run, file));
  if (!compiled.ok) return textOf(compiled.diagnostics.filter((d) => d.severity === 'error'));
  const chain = compiled.value;
  const launch = launchFor(chain, run, chainSizes(chain, run.sizes));
  if (typeof launch === 'string') return launch;
  const empty: MadeTensor = { extents: [0], values: [] };
  const madeFrom = (outputs: ReadonlyMap<string, EngineOutput>): Made => ({ out: empty, lse: empty, output: outputNamed(outputs), mask: () => empty });
  if (backend === 'interpreter') return { made: madeFrom(exactly(chain, launch, run)), fault: () => Promise.resolve('the interpreter does not round') };
  const result = await runChain(backend, { chain, launch, dtype: 'f32' });
  if (!result.ok) return textOf(result.diagnostics);
  const fault = async (): Promise<string | undefined> => {
    const all = await runChain(backend, { chain, launch, dtype: 'f32', outputs: 'all' });
    return all.ok ? checkChain(withAllResults(chain), launch, all.value.outputs, { outType: 'f32' })[0] : textOf(all.diagnostics);
  };
  return { made: madeFrom(result.value.outputs), fault };
}

/** Runs the program of a golden run. */
export function execute(run: GoldenRun, backend: Backend): Promise<Execution | string> {
  return run.chain === true ? executeChain(run, backend) : executeAttention(run, backend);
}
