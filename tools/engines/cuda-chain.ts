/**
 * A chain on an NVIDIA GPU, launched many times. In: a driver, a chain, launches. Out: its outputs. Kernels are compiled once; parameters
 * that are kept stay on the device; buffers stay from launch to launch and grow where a longer launch needs it.
 */
import type { ChainLaunch } from '../../compiler/interpreters/dense/chain.ts';
import { storageOf } from '../../compiler/interpreters/lockstep/storage.ts';
import { hostInputs } from '../../compiler/launch/inputs.ts';
import type { HostInput } from '../../compiler/launch/inputs.ts';
import { described, resolveLaunch } from '../../compiler/launch/resolve.ts';
import { compileChain } from '../../compiler/pipeline.ts';
import type { TensorValue } from '../../compiler/spec/ir.ts';
import { unknownParameter } from '../../dsl/catalogue/index.ts';
import { bad, CompilerBug, good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { noSpan } from '../../dsl/span.ts';
import { printCuda } from '../../backends/cuda/module.ts';
import type { CudaDriver, Handle } from '../cuda/driver.ts';
import { runNvcc } from '../cuda/nvcc.ts';
import { chainInput } from './chain-input.ts';
import { poisoned, readBack, stageOutputs } from './cuda-emulated.ts';
import { ensure, kernelLauncher, refusalsOf } from './cuda-launch.ts';
import type { Setting } from './cuda-launch.ts';
import type { ChainOpening, ChainResult, KeptChain } from './engine.ts';

interface Held {
  readonly address: Handle;
  readonly bytes: number;
}

/** Device memory by name; a buffer that is too small is made anew. */
interface DevicePool {
  readonly take: (name: string, bytes: number, what: string) => Handle;
  readonly free: () => void;
}

function devicePool(driver: CudaDriver): DevicePool {
  const held = new Map<string, Held>();
  return {
    take: (name, bytes, what) => {
      const old = held.get(name);
      if (old !== undefined && old.bytes >= bytes) return old.address;
      if (old !== undefined) driver.free(old.address);
      held.delete(name);
      const place = driver.allocate(bytes);
      ensure(place.status, what, bytes);
      held.set(name, { address: place.handle, bytes });
      return place.handle;
    },
    free: () => {
      for (const { address } of held.values()) driver.free(address);
      held.clear();
    },
  };
}

/** Compiles all kernels of a chain for the device and loads them. */
export async function openCudaChain(driver: CudaDriver, { arch, target, make = 'cubin', nvcc }: Setting, opening: ChainOpening, device: string): Promise<Checked<KeptChain>> {
  const { chain, poison = true } = opening;
  const compiled = compileChain(chain, { target, ...opening });
  if (!compiled.ok) return compiled;
  const { hostPlan: plan, kernelPrograms } = compiled.value;
  const image = await runNvcc({ source: printCuda({ name: plan.name, doc: plan.doc, kernels: kernelPrograms }), arch, make }, nvcc);
  if (!image.ok) return image;
  const loaded = refusalsOf(driver, () => kernelLauncher(driver, plan, image.value.data));
  if (!loaded.ok) return loaded;
  const launchPiece = loaded.value;
  const inputs = hostInputs(plan);
  const pool = devicePool(driver);
  const kept = new Map<string, TensorValue>();
  const upload = (input: HostInput, { extents, data }: TensorValue, place: string): Handle => {
    const { bytes } = storageOf(input.buffer.element, data);
    const address = pool.take(place, bytes.length, `${input.name} [${extents.join(', ')}] of ${input.buffer.element}`);
    ensure(driver.upload(address, bytes), `uploading ${input.name}`);
    return address;
  };

  const keep = (tensors: ReadonlyMap<string, TensorValue>): Checked<undefined> => refusalsOf(driver, () => {
    for (const [name, value] of tensors) {
      const input = inputs.find((i) => i.name === name);
      if (input === undefined) throw new CompilerBug('cuda', `no parameter '${name}'`);
      upload(input, value, input.buffer.name);
      kept.set(name, value);
    }
    return undefined;
  });

  const run = (launch: ChainLaunch): Checked<ChainResult> => {
    const given = new Map([...kept, ...launch.tensors]);
    const { sizes, scalars } = chainInput({ chain, launch });
    const extents = new Map([...given].map(([name, t]) => [name, t.extents]));
    const resolved = resolveLaunch(plan, sizes, scalars, extents, { maxWorkgroupsPerAxis: target.maxWorkgroupsPerAxis, offsetAlignment: 16 });
    if (!resolved.ok) return resolved;
    return refusalsOf(driver, () => {
      const addresses = new Map(resolved.value.buffers.map((b): [string, Handle] => {
        const input = inputs.find((i) => i.buffer.name === b.name);
        const value = launch.tensors.get(input?.name ?? '');
        if (input !== undefined && value !== undefined) return [b.name, upload(input, value, `${b.name} of one launch`)];
        const address = pool.take(b.name, b.bytes, described(b));
        if (input === undefined && poison) ensure(driver.upload(address, poisoned(b)), `clearing ${b.name}`);
        return [b.name, address];
      }));
      for (const piece of resolved.value.pieces) launchPiece(piece, (name) => addresses.get(name));
      ensure(driver.synchronize(), 'running the kernels');
      const outputs = new Map(resolved.value.buffers.filter((b) => b.role === 'output').map((buffer) => {
        const bytes = new Uint8Array(buffer.bytes);
        const address = addresses.get(buffer.name);
        if (address === undefined) throw new CompilerBug('cuda', `no buffer '${buffer.name}'`);
        ensure(driver.download(bytes, address), `reading ${buffer.name}`);
        const { values, problems } = readBack({ buffer, bytes });
        if (poison && problems.length > 0) throw new CompilerBug('cuda', problems.join('; '));
        return [buffer.name, { buffer, values }] as const;
      }));
      return { outputs: stageOutputs(plan, outputs), device };
    });
  };

  return good({
    name: device,
    keep: (tensors) => {
      const unknown = [...tensors.keys()].filter((name) => !inputs.some((i) => i.name === name));
      if (unknown.length > 0) return bad(unknown.map((name) => unknownParameter(noSpan, { owner: plan.name, name, candidates: inputs.map((i) => i.name) })));
      return keep(tensors);
    },
    run: (launch) => Promise.resolve(run(launch)),
    close: pool.free,
  });
}
