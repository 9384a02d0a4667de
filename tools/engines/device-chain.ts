/**
 * Chains on a WebGPU device in Node. In: a chain, then launches of it. Out: its outputs. One plan runs all calls; nothing is read back
 * between them. Tensors that many launches share (weights) are kept on the device: a launch then moves what it is given and its outputs,
 * nothing else. A kernel is compiled by the driver at the first launch that needs it.
 */
/// <reference types="@webgpu/types" />
import { chainSizes, type ChainLaunch } from '../../compiler/interpreters/dense/chain.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import type { TensorValue } from '../../compiler/spec/ir.ts';
import { unknownParameter, wrongElementType } from '../../dsl/catalogue/inputs.ts';
import { bad, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { noSpan } from '../../dsl/span.ts';
import { uploadTensor, type Tensor } from '../../backends/wgsl/runtime/buffers.ts';
import { launch as launchPlan, preparePlan, type PreparedPlan, type RunOptions } from '../../backends/wgsl/runtime/execute.ts';
import type { ChainOpening, ChainRequest, ChainResult, EngineOutput, KeptChain } from './engine.ts';
import { compileWgslChain } from './compile.ts';
import { sharedSession, valuesOf } from './device.ts';
import { patiently } from './patience.ts';

/** What there is to say of a chain on this device besides. */
export type DeviceChainOptions = Omit<ChainOpening, 'chain'> & Pick<ChainRequest, 'adapter'>;

/** Compiles a chain for the device of this process. */
export async function openDeviceChain(chain: ChainSpec, { dtype, adapter, outputs, schedules, poison = true }: DeviceChainOptions): Promise<Checked<KeptChain>> {
  const session = await sharedSession(adapter);
  if (!session.ok) return session;
  const { device, target, name } = session.value;
  const compiled = compileWgslChain(chain, { target, dtype, ...(outputs === undefined ? {} : { outputs }), ...(schedules === undefined ? {} : { schedules }) });
  if (!compiled.ok) return compiled;
  const prepared = await preparePlan(device, compiled.value.hostPlan, compiled.value.texts, { compile: 'when-used' });
  if (!prepared.ok) return prepared;
  const kept = new Map<string, Kept>();
  const drop = (tensor: string): void => {
    kept.get(tensor)?.data.destroy();
    kept.delete(tensor);
  };
  return good({
    name,
    keep: (tensors) => keepTensors(prepared.value, tensors, drop, (tensor, made) => kept.set(tensor, made)),
    run: (launch) => runOnce(prepared.value, chain, launch, kept, { poison }, name),
    close: () => {
      [...kept.keys()].forEach(drop);
      prepared.value.destroy();
    },
  });
}

type Kept = Tensor & { readonly data: GPUBuffer };

function keepTensors({ device, plan }: PreparedPlan, tensors: ReadonlyMap<string, TensorValue>, drop: (tensor: string) => void, put: (tensor: string, made: Kept) => void): Checked<undefined> {
  for (const [name, { extents, data }] of tensors) {
    const param = plan.tensors.find((t) => t.name === name);
    if (param === undefined) return bad([unknownParameter(noSpan, { owner: plan.name, name, candidates: plan.tensors.map((t) => t.name) })]);
    const buffer = uploadTensor(device, name, data, param.element === 'float' ? 'f32' : param.element);
    if (buffer === undefined) return bad([wrongElementType(param.span, { name, found: data.constructor.name, wanted: param.element })]);
    drop(name);
    put(name, { extents, data: buffer });
  }
  return good(undefined);
}

async function runOnce(prepared: PreparedPlan, chain: ChainSpec, launch: ChainLaunch, kept: ReadonlyMap<string, Tensor>, options: RunOptions, device: string): Promise<Checked<ChainResult>> {
  const tensors = new Map<string, Tensor>([...kept, ...launch.tensors]);
  const ran = await patiently(launchPlan(prepared, chainSizes(chain, launch.sizes), launch.scalars, tensors, options));
  if (!ran.ok) return ran;
  const outputs = (prepared.plan.stages?.outputs ?? []).flatMap(({ name, buffer }): readonly (readonly [string, EngineOutput])[] => {
    const found = ran.value.outputs.get(buffer);
    return found === undefined ? [] : [[name, { extents: found.extents, values: valuesOf(found, prepared.plan.dtype) }]];
  });
  return good({ outputs: new Map(outputs), device });
}

/** Compiles and runs one request. */
export async function runChainOnDevice(request: ChainRequest): Promise<Checked<ChainResult>> {
  const opened = await openDeviceChain(request.chain, request);
  if (!opened.ok) return opened;
  const ran = await opened.value.run(request.launch);
  opened.value.close();
  return ran;
}
