/**
 * Everything that can run a chain, behind one function. In: a backend's name, a chain, a launch. Out: what the chain gives back, or
 * diagnostics. The interpreter is the definition.
 */
import { chainSizes, denseChain } from '../../compiler/interpreters/dense/index.ts';
import { runPlanWithLockstep, runPlanWithTiles } from '../../compiler/interpreters/launch.ts';
import type { LaunchInput } from '../../compiler/interpreters/launch.ts';
import { printProblem } from '../../compiler/interpreters/problem.ts';
import { compileChain } from '../../compiler/pipeline.ts';
import type { CompiledChain } from '../../compiler/pipeline.ts';
import type { TargetRecord } from '../../compiler/target.ts';
import { sm80, webgpuSubgroups } from '../../backends/targets.ts';
import { unsupported } from '../../dsl/catalogue/index.ts';
import { bad, CompilerBug, good, unreachable } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import type { Backend, ChainRequest, ChainResult, EngineOutput } from './engine.ts';

export async function runChain(backend: Backend, request: ChainRequest): Promise<Checked<ChainResult>> {
  switch (backend) {
    case 'interpreter':
      return good({ outputs: onInterpreter(request) });
    case 'wgsl':
      return (await import('./device-chain.ts')).runChainOnDevice(request);
    case 'tile':
    case 'lockstep':
      return onHost(backend, request);
    case 'cuda-emulated':
      return onEmulator(request);
    case 'cuda':
      return bad([unsupported(request.chain.span, { construct: 'a chain', target: '--backend cuda', reason: 'chains run there through the launcher or the PyTorch package that `build` writes' })]);
    default:
      return unreachable(backend);
  }
}

/** A launch as the interpreters of plans take it; a chain has no q, k and v of its own. */
function inputOf({ chain, launch }: ChainRequest): LaunchInput {
  return { ...launch, sizes: chainSizes(chain, launch.sizes), q: [], k: [], v: [] };
}

function compiledFor(request: ChainRequest, target: TargetRecord): Checked<CompiledChain> {
  return compileChain(request.chain, { target, dtype: request.dtype, ...(request.outputs === undefined ? {} : { outputs: request.outputs }) });
}

function onHost(level: 'tile' | 'lockstep', request: ChainRequest): Checked<ChainResult> {
  const compiled = compiledFor(request, webgpuSubgroups);
  if (!compiled.ok) return compiled;
  const input = inputOf(request);
  const ran = level === 'tile' ? runPlanWithTiles(compiled.value, input) : runPlanWithLockstep(compiled.value, input, { subgroupWidth: request.subgroupWidth ?? 16 });
  if (!ran.ok) return ran;
  const { outputs, problems } = ran.value;
  if (problems.length > 0) throw new CompilerBug(level, problems.map(printProblem).join('; '));
  return good({ outputs });
}

async function onEmulator(request: ChainRequest): Promise<Checked<ChainResult>> {
  const { compileEmulated, neededOf, runEmulated } = await import('./cuda-emulated.ts');
  const compiled = compiledFor(request, sm80);
  if (!compiled.ok) return compiled;
  const input = inputOf(request);
  const programs = await compileEmulated([neededOf(compiled.value, input)]);
  if (!programs.ok) return programs;
  const [program] = programs.value;
  if (program === undefined) throw new CompilerBug('cuda-emulated', 'one program went in and none came out');
  const ran = runEmulated(program, input);
  if (!ran.ok) return ran;
  const { outputs, problems } = ran.value;
  if (problems.length > 0) throw new CompilerBug('cuda-emulated', problems.join('; '));
  return good({ outputs, device: 'emulated sm_80' });
}

function onInterpreter({ chain, launch, outputs }: ChainRequest): ReadonlyMap<string, EngineOutput> {
  const values = denseChain(chain, launch);
  const made = (name: string, value: string): readonly (readonly [string, EngineOutput])[] => {
    const found = values.get(value);
    return found === undefined ? [] : [[name, { extents: found.extents, values: found.data }]];
  };
  return new Map(outputs === 'all' ? [...values.keys()].flatMap((v) => made(v, v)) : chain.outputs.flatMap((o) => made(o.name, o.value)));
}
