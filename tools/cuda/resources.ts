/**
 * What a compiled kernel takes of a multiprocessor. In: the log of `ptxas -v`, the kernels' block sizes and dynamic workgroup memory, the
 * architecture. Out: registers, workgroup memory, spills and estimated occupancy for each kernel. Limits are those of NVIDIA's table of
 * compute capabilities (CUDA C++ programming guide, "technical specifications per compute capability").
 */
export interface KernelUse {
  readonly kernel: string;
  readonly registers: number;
  /** Bytes a lane moves to and from memory because registers did not suffice. */
  readonly spillStores: number;
  readonly spillLoads: number;
  readonly stackBytes: number;
  /** Static and dynamic. */
  readonly sharedBytes: number;
  readonly blocksPerProcessor: number;
  /** Resident warps over the most there can be. */
  readonly occupancy: number;
  /** What keeps more blocks from being resident. */
  readonly limitedBy: 'registers' | 'shared memory' | 'warps' | 'blocks';
}

export interface KernelShape {
  readonly entry: string;
  readonly workgroupSize: number;
  readonly sharedBytes: number;
}

interface Processor {
  readonly warps: number;
  readonly blocks: number;
  readonly sharedBytes: number;
}

const processors: readonly (readonly [RegExp, Processor])[] = [
  [/^sm_80/, { warps: 64, blocks: 32, sharedBytes: 164 * 1024 }],
  [/^sm_(86|89)/, { warps: 48, blocks: 24, sharedBytes: 100 * 1024 }],
  [/^sm_(90|100|103)/, { warps: 64, blocks: 32, sharedBytes: 228 * 1024 }],
  [/^sm_12/, { warps: 48, blocks: 24, sharedBytes: 100 * 1024 }],
];

const registersPerProcessor = 65536;
/** Registers are handed out to warps in units of 256, shared memory in units of 128 bytes with 1 KiB for the system. */
const registerUnit = 256;
const sharedUnit = 128;
const reservedShared = 1024;

function occupancyOf(arch: string, registers: number, sharedBytes: number, threads: number): Pick<KernelUse, 'blocksPerProcessor' | 'occupancy' | 'limitedBy'> {
  const processor = processors.find(([pattern]) => pattern.test(arch))?.[1] ?? { warps: 48, blocks: 16, sharedBytes: 100 * 1024 };
  const warps = Math.ceil(threads / 32);
  const perWarp = Math.max(registerUnit, Math.ceil((registers * 32) / registerUnit) * registerUnit);
  const shared = Math.ceil((sharedBytes + reservedShared) / sharedUnit) * sharedUnit;
  const limits = [
    { limitedBy: 'warps', blocks: Math.floor(processor.warps / warps) },
    { limitedBy: 'registers', blocks: Math.floor(Math.floor(registersPerProcessor / perWarp) / warps) },
    { limitedBy: 'shared memory', blocks: Math.floor(processor.sharedBytes / shared) },
    { limitedBy: 'blocks', blocks: processor.blocks },
  ] as const;
  const least = limits.reduce((a, b) => (b.blocks < a.blocks ? b : a));
  return { blocksPerProcessor: least.blocks, occupancy: (least.blocks * warps) / processor.warps, limitedBy: least.limitedBy };
}

function figure(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}

/** The use of each kernel that the log speaks of, in the order of `kernels`. */
export function resourceUse(log: string, arch: string, kernels: readonly KernelShape[]): readonly KernelUse[] {
  const parts = log.split(/Compiling entry function '/).slice(1);
  return kernels.flatMap(({ entry, workgroupSize, sharedBytes }) => {
    const part = parts.find((p) => p.startsWith(`${entry}'`));
    if (part === undefined) return [];
    const registers = figure(part, /Used (\d+) registers/);
    const shared = sharedBytes + figure(part, /(\d+) bytes smem/);
    return [{
      kernel: entry, registers, sharedBytes: shared, spillStores: figure(part, /(\d+) bytes spill stores/), spillLoads: figure(part, /(\d+) bytes spill loads/),
      stackBytes: figure(part, /(\d+) bytes stack frame/), ...occupancyOf(arch, registers, shared, workgroupSize),
    }];
  });
}
