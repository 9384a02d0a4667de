/**
 * The compiler's levels without a device: tile programs and kernel programs on their interpreters. In: a request. Out: out and
 * lse. A problem that an interpreter finds (a race, a read outside a buffer, an output nobody wrote) is a bug of the compiler.
 */
import type { TargetRecord } from '../../compiler/target.ts';
import { runPlanWithLockstep, runPlanWithTiles } from '../../compiler/interpreters/launch.ts';
import type { Artefact, LaunchInput } from '../../compiler/interpreters/launch.ts';
import { printProblem } from '../../compiler/interpreters/problem.ts';
import { compileChain, compileSpec } from '../../compiler/pipeline.ts';
import { CompilerBug, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { webgpuSubgroups } from '../../backends/targets.ts';
import { chainInput } from './chain-input.ts';
import type { ChainRequest, ChainResult, EngineRequest, EngineResult } from './engine.ts';

export interface HostRequest extends EngineRequest {
  /** What kernels are compiled for; the default is WebGPU with subgroups of any size. */
  readonly target?: TargetRecord;
}

export function runOnHost(level: 'tile' | 'lockstep', request: HostRequest): Checked<EngineResult> {
  const { spec, launch, inputs, dtype } = request;
  const compiled = compileSpec(spec, { target: request.target ?? webgpuSubgroups, dim: launch.sizes.dim, dtype });
  if (!compiled.ok) return compiled;
  return runArtefact(level, compiled.value, { ...launch, ...inputs }, request.subgroupWidth);
}

export function runChainOnHost(level: 'tile' | 'lockstep', request: ChainRequest): Checked<ChainResult> {
  const compiled = compileChain(request.chain, { target: webgpuSubgroups, ...request, ...(level === 'tile' ? { upTo: 'tile' } : {}) });
  if (!compiled.ok) return compiled;
  const ran = runArtefact(level, compiled.value, chainInput(request), request.subgroupWidth);
  return ran.ok ? good({ outputs: ran.value.outputs }) : ran;
}

function runArtefact(level: 'tile' | 'lockstep', artefact: Artefact, input: LaunchInput, subgroupWidth = 16): Checked<EngineResult & Required<Pick<EngineResult, 'outputs'>>> {
  const ran = level === 'tile' ? runPlanWithTiles(artefact, input) : runPlanWithLockstep(artefact, input, { subgroupWidth });
  if (!ran.ok) return ran;
  const { out, lse, outputs, problems } = ran.value;
  if (problems.length > 0) throw new CompilerBug(level, problems.map(printProblem).join('; '));
  return good({ out, lse, outputs });
}
