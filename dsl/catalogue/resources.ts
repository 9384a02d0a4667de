/**
 * FIL06xx: what would take too much, or what a machine does not offer. Every refusal shows its sum.
 */
import { alternatives, bytes, count, entry } from './entry.ts';

/** One term of a sum that is shown to the user. */
export interface Term {
  readonly what: string;
  readonly bytes: number;
}

function sumOf(terms: readonly Term[]): string {
  const total = terms.reduce((sum, t) => sum + t.bytes, 0);
  return `${terms.map((t) => `${t.what} ${bytes(t.bytes)}`).join(' + ')} = ${bytes(total)}`;
}

export const programTooLarge = entry<{ readonly name: string; readonly what: string; readonly limit: number }>({
  code: 'FIL0601',
  kind: 'resource',
  title: 'Program too large after inlining',
  explanation: 'Named masks and local names are replaced by what they stand for. A chain of definitions that each use the one before twice doubles at every step.',
  wrong: 'mask a = causal | causal\nmask b = a | a\nmask c = b | b',
  right: 'mask a = causal\nmask b = a\nmask c = b',
  say: ({ name, what, limit }) => ({ message: `\`${name}\` becomes too large: more than ${limit} ${what}`, label: 'grows past the limit here', help: 'use each named mask and local name fewer times' }),
});

export const interpreterMemory = entry<{ readonly terms: readonly Term[]; readonly limit: number }>({
  code: 'FIL0602',
  kind: 'resource',
  title: 'Too much memory for the interpreter',
  explanation: 'The interpreter works densely in float64; long sequences do not fit.',
  wrong: 'filigree run a.fil --name a --in long.safetensors --backend interpreter',
  right: 'filigree run a.fil --name a --in long.safetensors --backend wgsl',
  say: ({ terms, limit }) => ({ message: `the interpreter would need ${sumOf(terms)}, the limit is ${bytes(limit)}`, help: 'use fewer heads or shorter sequences, or `--backend wgsl`' }),
});

export const bindingTooLarge = entry<{ readonly buffer: string; readonly bytes: number; readonly limit: number }>({
  code: 'FIL0603',
  kind: 'resource',
  title: 'Buffer larger than the device can bind',
  explanation: 'A device limits how many bytes one binding may cover. Work over heads is split where possible; this buffer cannot be.',
  wrong: 'one head of 2^24 tokens and dim 256 on a device that binds 128 MiB',
  right: 'the same on a device that binds 16 GiB',
  say: ({ buffer, bytes: n, limit }) => ({ message: `buffer \`${buffer}\` has ${bytes(n)} (${n} B), the device binds at most ${bytes(limit)} (${limit} B)` }),
});

export const workgroupMemory = entry<{ readonly terms: readonly Term[]; readonly limit: number }>({
  code: 'FIL0604',
  kind: 'resource',
  title: 'Workgroup memory exceeded',
  explanation: 'The tiles of one workgroup must fit the memory that the device gives it.',
  wrong: 'schedule { query_tile = 128, key_tile = 128 } with dim 256 on 16 KiB',
  right: 'schedule { query_tile = 32, key_tile = 16 }',
  say: ({ terms, limit }) => ({ message: `a workgroup would need ${sumOf(terms)}, the device gives ${bytes(limit)}`, help: 'pin smaller tiles in `schedule`, or leave them to the compiler; a smaller head dimension takes less, too' }),
});

export const noWebGpu = entry<{ readonly reason: string }>({
  code: 'FIL0605',
  kind: 'resource',
  title: 'No WebGPU device',
  explanation: 'No adapter was found. `npm ci` brings a software device for Node.',
  wrong: 'filigree run ... --backend wgsl, without a device',
  right: 'filigree run ... --backend interpreter',
  say: ({ reason }) => ({ message: `no WebGPU device: ${reason}`, help: 'use `--backend interpreter`, or install the packages again with `npm ci`' }),
});

export const deviceLost = entry<{ readonly reason: string }>({
  code: 'FIL0606',
  kind: 'resource',
  title: 'Device lost',
  explanation: 'The driver gave up the device, for instance because a kernel ran too long. Nothing computed since is usable.',
  wrong: 'one launch that runs for minutes',
  right: 'fewer heads per launch',
  say: ({ reason }) => ({ message: `the device was lost: ${reason}`, help: 'try again; if it recurs, launch fewer heads at a time' }),
});

export const outOfDeviceMemory = entry<{ readonly terms: readonly Term[] }>({
  code: 'FIL0607',
  kind: 'resource',
  title: 'Out of device memory',
  explanation: 'The buffers of the launch do not fit the memory of the device.',
  wrong: 'a launch of 40 GiB on a device with 8 GiB',
  right: 'the same in launches of fewer heads',
  say: ({ terms }) => ({ message: `the device has not enough memory for ${sumOf(terms)}`, help: 'launch fewer heads or batch entries at a time' }),
});

export const unsupported = entry<{ readonly construct: string; readonly target: string; readonly reason: string }>({
  code: 'FIL0608',
  kind: 'resource',
  title: 'Not supported on this target',
  explanation: 'The target cannot run the construct; the interpreter can.',
  wrong: 'f16 storage on a device without shader-f16',
  right: '--dtype f32',
  say: ({ construct, target, reason }) => ({ message: `${construct} cannot be compiled for ${target}: ${reason}`, label: construct }),
});

export const tooManyLanes = entry<{ readonly kernel: string; readonly lanes: number; readonly limit: number }>({
  code: 'FIL0609',
  kind: 'resource',
  title: 'Query tile too large for a workgroup',
  explanation: 'The rows of a query tile are dealt out to the lanes of one workgroup, the same number to each, and a device limits the lanes. Many rows in a prime number cannot be dealt out: each takes a lane.',
  wrong: 'schedule { query_tile = 1021 }',
  right: 'schedule { query_tile = 128 }',
  say: ({ kernel, lanes, limit }) => ({
    message: `kernel \`${kernel}\` needs ${count(lanes, 'lane')} in a workgroup, the device gives ${limit}`,
    label: 'needed by this',
    help: 'pin a smaller `query_tile`, best a power of two, in `schedule`, or leave it to the compiler',
  }),
});

export const tooManyBuffers = entry<{ readonly kernel: string; readonly buffers: readonly string[]; readonly parameters: readonly string[]; readonly limit: number }>({
  code: 'FIL0610',
  kind: 'resource',
  title: 'More buffers than a kernel can bind',
  explanation: 'Inputs and outputs take a binding each, and a device limits the bindings of a kernel (WebGPU promises 8, all the examples fit in them). Tensor parameters and stage tensors of one element type share a binding where they must: small ones are copied into one buffer. Numbers are not counted.',
  wrong: 'attention a(t0: int[heads], t1: int[heads], t2: int[heads], t3: int[heads]) { ... }',
  right: 'attention a(t: int[4, heads]) { ... }',
  say: ({ kernel, buffers, parameters, limit }) => ({
    message: `kernel \`${kernel}\` binds ${count(buffers.length, 'buffer')} (${buffers.join(', ')}), the device allows ${limit}`,
    label: 'needed by this',
    help:
      parameters.length > 1
        ? `make one tensor with one axis more of ${alternatives(parameters.map((p) => `\`${p}\``), 'and')}, or numbers of those that do not change along an axis`
        : 'use a device that allows more, or the interpreter',
  }),
});

export const sharedWords = entry<{ readonly buffer: string; readonly element: string; readonly row: number | undefined }>({
  code: 'FIL0611',
  kind: 'resource',
  title: 'Rows of 16-bit numbers share a word',
  explanation: 'A device without `shader-f16` writes whole 32-bit words, two f16 elements at a time, and every WebGPU device does so for bf16. In rows of an odd number of elements the last of one row and the first of the next share a word, and two lanes would overwrite each other.',
  wrong: 'head dimension 5 with f16 storage on a device without shader-f16',
  right: 'head dimension 6, or f32 storage',
  say: ({ buffer, element, row }) => ({
    message: `\`${buffer}\` holds ${element} in rows of ${row ?? 'an unknown number of'} elements, and without ${element} on the device two rows share a 32-bit word`,
    label: 'needed by this',
    help: `use an even head dimension, f32 storage, or ${element === 'f16' ? 'a device with `shader-f16`' : 'f16 storage'}`,
  }),
});

export const noNvcc = entry<{ readonly looked: readonly string[]; readonly reason?: string }>({
  code: 'FIL0612',
  kind: 'resource',
  title: 'No CUDA compiler',
  explanation: 'Kernels for CUDA are compiled by `nvcc` of the CUDA toolkit, which is looked for in CUDA_HOME, CUDA_PATH and PATH. Writing the source needs no toolkit.',
  wrong: 'filigree run a.fil --in x.safetensors --out y.safetensors --backend cuda-emulated, without the CUDA toolkit',
  right: 'filigree build a.fil --target cuda --out out',
  say: ({ looked, reason }) => ({
    message: `nvcc was not found or does not run${reason === undefined ? '' : ` (${reason})`}; looked in ${alternatives(looked, 'and')}`,
    help: 'install the CUDA toolkit, or point CUDA_HOME at it; `build --target cuda` writes the source without it',
  }),
});

export const noCudaDevice = entry<{ readonly reason: string }>({
  code: 'FIL0613',
  kind: 'resource',
  title: 'No CUDA device',
  explanation: 'Kernels run on an NVIDIA GPU through its driver library. Without one, `cuda-emulated` executes the same compiled kernels slowly, and checks them.',
  wrong: 'filigree run ... --backend cuda, without a GPU',
  right: 'filigree run ... --backend cuda-emulated',
  say: ({ reason }) => ({ message: `no CUDA device: ${reason}`, help: 'use `--backend cuda-emulated` (which needs nvcc), or `--backend wgsl`' }),
});

export const resourcesEntries = [
  programTooLarge, interpreterMemory, bindingTooLarge, workgroupMemory, noWebGpu, deviceLost, outOfDeviceMemory, unsupported, tooManyLanes,
  tooManyBuffers, sharedWords, noNvcc, noCudaDevice,
];
