/**
 * A CUDA driver that is pretended: its memory is JavaScript's, and its kernels, PTX text, run on the emulator. In: how many bytes the
 * device has. Out: the table of calls that the engine takes. Holds: what the emulator complains of fails the launch.
 */
import { parsePtx, runPtxKernel, type PtxModule } from '../../backends/cuda/emulator/index.ts';
import type { CudaDriver } from '../../tools/cuda/driver.ts';

/** A device of capability 8.0 with so many bytes; `live` counts what was not given back. */
export function pretended(capacity: number, live: Map<number, Uint8Array> = new Map()): CudaDriver {
  let [next, used] = [4096, 0];
  let module: PtxModule | undefined;
  const entries: string[] = [];
  const regionOf = (address: number): readonly [number, Uint8Array] | undefined => [...live].find(([at, bytes]) => address >= at && address < at + bytes.length);
  return {
    start: () => ({ status: 0, devices: 1 }),
    describe: () => ({ status: 0, name: 'pretended', major: 8, minor: 0 }),
    createContext: () => ({ status: 0, handle: 1 }),
    destroyContext: () => 0,
    loadModule: (image) => {
      const parsed = parsePtx(Buffer.from(image).toString());
      if (parsed.ok) module = parsed.value;
      return { status: parsed.ok ? 0 : 218, handle: 1 };
    },
    getFunction: (_, name) => ({ status: 0, handle: entries.push(name) }),
    allowShared: () => 0,
    allocate: (bytes) => {
      if (used + bytes > capacity) return { status: 2, handle: 0 };
      used += bytes;
      const at = next;
      next += Math.ceil(bytes / 256) * 256 + 256;
      live.set(at, new Uint8Array(bytes));
      return { status: 0, handle: at };
    },
    free: (address) => (live.delete(Number(address)) ? 0 : 1),
    upload: (address, data) => {
      live.get(Number(address))?.set(data);
      return 0;
    },
    download: (data, address) => {
      data.set(live.get(Number(address)) ?? []);
      return 0;
    },
    launch: (kernel, grid, block, sharedBytes, parameters) => {
      if (module === undefined) return 400;
      const params = parameters.map((bytes) => {
        const address = bytes.length === 8 ? Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)) : NaN;
        const region = regionOf(address);
        return region === undefined ? { kind: 'bytes' as const, bytes } : { kind: 'buffer' as const, bytes: region[1].subarray(address - region[0]), writable: true };
      });
      return runPtxKernel(module, entries[Number(kernel) - 1] ?? '', { grid, block, sharedBytes, params }).problems.length === 0 ? 0 : 700;
    },
    synchronize: () => 0,
    createEvent: () => ({ status: 0, handle: 1 }),
    recordEvent: () => 0,
    elapsed: () => ({ status: 0, milliseconds: 0.5 }),
    words: (status) => `error ${status}`,
  };
}
