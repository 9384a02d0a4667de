/**
 * The CUDA driver, as far as it is used here. In: the driver library of the machine. Out: a table of calls that give a status (0: all is well)
 * and handles. Holds: the table knows no kernels and no plans, so that a test may put another in its place.
 */
import { reasonOf } from '../io/files.ts';

/** Handles and addresses of the driver. */
export type Handle = number | bigint;

export interface Made {
  readonly status: number;
  readonly handle: Handle;
}

export interface DeviceWords {
  readonly status: number;
  readonly name: string;
  readonly major: number;
  readonly minor: number;
}

export interface CudaDriver {
  /** Starts the driver; how many devices there are. */
  readonly start: () => { readonly status: number; readonly devices: number };
  readonly describe: (ordinal: number) => DeviceWords;
  readonly createContext: (ordinal: number) => Made;
  readonly destroyContext: (context: Handle) => number;
  readonly loadModule: (image: Uint8Array) => Made;
  readonly getFunction: (module: Handle, name: string) => Made;
  /** Lets a kernel have this much dynamic workgroup memory. */
  readonly allowShared: (kernel: Handle, bytes: number) => number;
  readonly allocate: (bytes: number) => Made;
  readonly free: (address: Handle) => number;
  readonly upload: (address: Handle, data: Uint8Array) => number;
  readonly download: (data: Uint8Array, address: Handle) => number;
  /** Every parameter as its bytes. */
  readonly launch: (kernel: Handle, grid: readonly [number, number, number], block: number, sharedBytes: number, parameters: readonly Uint8Array[]) => number;
  readonly synchronize: () => number;
  readonly createEvent: () => Made;
  readonly recordEvent: (event: Handle) => number;
  /** Milliseconds between two events that have happened. */
  readonly elapsed: (from: Handle, to: Handle) => { readonly status: number; readonly milliseconds: number };
  readonly words: (status: number) => string;
}

const libraries = process.platform === 'win32' ? ['nvcuda.dll'] : ['libcuda.so.1', 'libcuda.so'];

// cuda.h: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES.
const attributes = { major: 75, minor: 76, shared: 8 } as const;

/** Loads the driver library, or says why that cannot be done. */
export async function loadDriver(paths: readonly string[] = libraries): Promise<CudaDriver | string> {
  const imported = await import('koffi').then((module) => module.default, (error: unknown) => `the package koffi is not installed (${reasonOf(error)})`);
  if (typeof imported === 'string') return imported;
  const koffi = imported;
  const reasons: string[] = [];
  const open = (): ReturnType<typeof koffi.load> | undefined => {
    for (const path of paths) {
      try {
        return koffi.load(path);
      } catch (error) {
        reasons.push(reasonOf(error));
      }
    }
    return undefined;
  };
  const lib = open();
  if (lib === undefined) return `the driver library is not there (${reasons.join('; ')})`;

  const f = {
    init: lib.func('int cuInit(unsigned int)'),
    count: lib.func('int cuDeviceGetCount(_Out_ int *)'),
    device: lib.func('int cuDeviceGet(_Out_ int *, int)'),
    name: lib.func('int cuDeviceGetName(void *, int, int)'),
    attribute: lib.func('int cuDeviceGetAttribute(_Out_ int *, int, int)'),
    retain: lib.func('int cuDevicePrimaryCtxRetain(_Out_ uint64_t *, int)'),
    current: lib.func('int cuCtxSetCurrent(uint64_t)'),
    release: lib.func('int cuDevicePrimaryCtxRelease_v2(int)'),
    load: lib.func('int cuModuleLoadData(_Out_ uint64_t *, void *)'),
    function: lib.func('int cuModuleGetFunction(_Out_ uint64_t *, uint64_t, const char *)'),
    allow: lib.func('int cuFuncSetAttribute(uint64_t, int, int)'),
    allocate: lib.func('int cuMemAlloc_v2(_Out_ uint64_t *, size_t)'),
    free: lib.func('int cuMemFree_v2(uint64_t)'),
    upload: lib.func('int cuMemcpyHtoD_v2(uint64_t, void *, size_t)'),
    download: lib.func('int cuMemcpyDtoH_v2(void *, uint64_t, size_t)'),
    launch: lib.func('int cuLaunchKernel(uint64_t, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, uint64_t, void **, void *)'),
    synchronize: lib.func('int cuCtxSynchronize()'),
    event: lib.func('int cuEventCreate(_Out_ uint64_t *, unsigned int)'),
    record: lib.func('int cuEventRecord(uint64_t, uint64_t)'),
    elapsed: lib.func('int cuEventElapsedTime(_Out_ float *, uint64_t, uint64_t)'),
    words: lib.func('int cuGetErrorString(int, _Out_ const char **)'),
  };
  const made = (call: (out: [Handle]) => number): Made => {
    const out: [Handle] = [0];
    return { status: call(out), handle: out[0] };
  };
  const whole = (call: (out: [number]) => number): readonly [number, number] => {
    const out: [number] = [0];
    return [call(out), out[0]];
  };
  let opened = 0;
  return {
    start: () => {
      const status: number = f.init(0);
      if (status !== 0) return { status, devices: 0 };
      const [counted, devices] = whole((out) => f.count(out));
      return { status: counted, devices };
    },
    describe: (ordinal) => {
      const [first, device] = whole((out) => f.device(out, ordinal));
      const text = new Uint8Array(256);
      const named: number = f.name(text, text.length, device);
      const [second, major] = whole((out) => f.attribute(out, attributes.major, device));
      const [third, minor] = whole((out) => f.attribute(out, attributes.minor, device));
      const end = text.indexOf(0);
      return { status: [first, named, second, third].find((s) => s !== 0) ?? 0, name: Buffer.from(text.subarray(0, end < 0 ? text.length : end)).toString(), major, minor };
    },
    createContext: (ordinal) => {
      const [status, device] = whole((out) => f.device(out, ordinal));
      if (status !== 0) return { status, handle: 0 };
      opened = device;
      const context = made((out) => f.retain(out, device));
      return context.status === 0 ? { status: f.current(context.handle), handle: context.handle } : context;
    },
    destroyContext: () => f.release(opened),
    loadModule: (image) => {
      // Text of PTX ends in a zero.
      const ended = new Uint8Array(image.length + 1);
      ended.set(image);
      return made((out) => f.load(out, ended));
    },
    getFunction: (module, name) => made((out) => f.function(out, module, name)),
    allowShared: (kernel, bytes) => f.allow(kernel, attributes.shared, bytes),
    allocate: (bytes) => made((out) => f.allocate(out, bytes)),
    free: (address) => f.free(address),
    upload: (address, data) => f.upload(address, data, data.length),
    download: (data, address) => f.download(data, address, data.length),
    launch: (kernel, [x, y, z], block, sharedBytes, parameters) => f.launch(kernel, x, y, z, block, 1, 1, sharedBytes, 0, [...parameters], null),
    synchronize: () => f.synchronize(),
    createEvent: () => made((out) => f.event(out, 0)),
    recordEvent: (event) => f.record(event, 0),
    elapsed: (from, to) => {
      const [status, milliseconds] = whole((out) => f.elapsed(out, from, to));
      return { status, milliseconds };
    },
    words: (status) => {
      const out: [string] = [''];
      return f.words(status, out) === 0 ? `${out[0]} (${status})` : `error ${status}`;
    },
  };
}
