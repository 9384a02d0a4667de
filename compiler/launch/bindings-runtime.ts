/**
 * The small run-time part that every generated module carries, as TypeScript source: argument checks, buffers, pipelines,
 * dispatch in pieces over heads, read-back. It knows plain WebGPU and nothing of attention. Kept as one text without
 * holes; what differs between modules is passed to it as data by the code that bindings.ts generates.
 */
export const bindingsRuntime = `
// WebGPU's flag values, so that the module needs no global besides the device it is given.
const usage = { mapRead: 0x0001, copySrc: 0x0004, copyDst: 0x0008, uniform: 0x0040, storage: 0x0080 };
const mapModeRead = 0x0001;
const computeStage = 0x0004;

interface KernelSource {
  readonly name: string;
  readonly code: string;
  readonly workgroupSize: number;
  readonly sharedBytes: number;
  /** Smallest subgroup the kernel counts on; 0: none. */
  readonly subgroup: number;
  /** Whether the kernel writes its buffers, in binding order. */
  readonly storage: readonly ('read' | 'write')[];
  /** One letter for each uniform word: i or f. */
  readonly uniforms: string;
}

interface BufferShape {
  readonly name: string;
  readonly role: 'input' | 'output' | 'workspace';
  readonly element: 'f32' | 'f16' | 'bf16' | 'int' | 'bool';
  readonly extents: readonly number[];
  readonly chunked: 'query-heads' | 'kv-heads' | 'whole';
}

interface Piece {
  readonly when: boolean;
  readonly workgroups: readonly [number, number, number];
  readonly uniforms: readonly number[];
}

interface Step {
  readonly kernel: string;
  readonly buffers: readonly string[];
  readonly chunkable: boolean;
  /** The dispatch over flattened (batch, head) pairs from head_first on, and the key-value heads from kv_first on that they need. */
  readonly at: (head_first: number, head_count: number, kv_first: number, kv_count: number) => Piece;
}

interface Bound {
  readonly buffer: GPUBuffer;
  readonly shape: BufferShape;
}

type TensorData = Float32Array | Uint16Array | Int32Array | Uint8Array;

function floorDiv(a: number, b: number): number {
  return b < 1 ? 0 : Math.floor(a / b);
}

function floorMod(a: number, b: number): number {
  return b < 1 ? 0 : a - Math.floor(a / b) * b;
}

function popcount(a: number): number {
  let count = 0;
  for (let rest = a >>> 0; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

function trailingZeros(a: number): number {
  return a === 0 ? 32 : 31 - Math.clz32(a & -a);
}

function floorToInt(a: number): number {
  return Number.isNaN(a) ? 0 : Math.max(-2147483648, Math.min(2147483647, Math.floor(a)));
}

function foldRange<T>(from: number, to: number, start: T, step: (folded: T, i: number) => T): T {
  let folded = start;
  for (let i = from; i < to; i += 1) folded = step(folded, i);
  return folded;
}

/** A whole number from low to high; else a RangeError that names the parameter. */
function wholeNumber(name: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new RangeError(\`\${name} must be a whole number from \${low} to \${high}, not \${value}\`);
}

function finiteNumber(name: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw new RangeError(\`\${name} must be a finite number, not \${value}\`);
}

function bytesPer(element: BufferShape['element']): number {
  return element === 'f16' || element === 'bf16' ? 2 : 4;
}

function elementsOf(extents: readonly number[]): number {
  return extents.reduce((product, extent) => product * extent, 1);
}

function shapeOf(reading: Reading, name: string): BufferShape {
  const shape = reading.shapes.get(name);
  if (shape === undefined) throw new Error(\`no buffer \${name}\`);
  return shape;
}

/** The extent that a flat array of \`length\` elements leaves for the one open axis. */
function openExtent(name: string, length: number, others: number): number {
  const extent = others === 0 ? 0 : length / others;
  if (Number.isInteger(extent)) return extent;
  throw new RangeError(\`\${name} has \${length} elements, which is no multiple of \${others}, the product of its other axes\`);
}

function isBuffer(value: TensorData | GPUBuffer): value is GPUBuffer {
  return !ArrayBuffer.isView(value);
}

function lengthOf(value: TensorData | GPUBuffer, element: BufferShape['element']): number {
  return isBuffer(value) ? Math.floor(value.size / bytesPer(element)) : value.length;
}

/** The bytes a buffer of this shape holds, from what the caller gave. */
function bytesOf(value: TensorData, element: BufferShape['element']): Uint8Array {
  let data: TensorData = value;
  if (element === 'f16' && !(value instanceof Uint16Array)) data = Uint16Array.from(value, halfOf);
  else if (element === 'bf16' && !(value instanceof Uint16Array)) data = Uint16Array.from(value, bfloatOf);
  else if ((element === 'bool' || element === 'int') && !(value instanceof Int32Array)) data = Int32Array.from(value);
  else if (element === 'f32' && !(value instanceof Float32Array)) data = Float32Array.from(value);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Storage buffers are sized in whole 16-byte units and never empty, as bindings must be. */
function paddedBytes(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

function checkedBytes(device: GPUDevice, shape: BufferShape): number {
  const bytes = paddedBytes(elementsOf(shape.extents) * bytesPer(shape.element));
  if (bytes <= device.limits.maxBufferSize) return bytes;
  throw new RangeError(\`\${shape.name} [\${shape.extents.join(', ')}] needs \${bytes} bytes; the device allows \${device.limits.maxBufferSize} in one buffer\`);
}

/** Puts an argument on the device; \`name\` is what the caller knows it by. */
function uploadTensor(device: GPUDevice, name: string, shape: BufferShape, value: TensorData | GPUBuffer, made: GPUBuffer[]): Bound {
  const wanted = elementsOf(shape.extents);
  // Callers in plain JavaScript may leave it out or give something else.
  if (!isBuffer(value) && !ArrayBuffer.isView(value)) throw new TypeError(\`\${name} must be a typed array or a GPUBuffer with [\${shape.extents.join(', ')}] elements\`);
  const given = lengthOf(value, shape.element);
  if (isBuffer(value)) {
    if (given < wanted) throw new RangeError(\`\${name}: the buffer holds \${given} elements; [\${shape.extents.join(', ')}] has \${wanted}\`);
    return { buffer: value, shape };
  }
  if (given !== wanted) throw new RangeError(\`\${name} must have [\${shape.extents.join(', ')}] = \${wanted} elements, not \${given}\`);
  const buffer = device.createBuffer({ label: shape.name, size: checkedBytes(device, shape), usage: usage.storage | usage.copyDst, mappedAtCreation: true });
  made.push(buffer);
  new Uint8Array(buffer.getMappedRange()).set(bytesOf(value, shape.element));
  buffer.unmap();
  return { buffer, shape };
}

function emptyBuffer(device: GPUDevice, shape: BufferShape, made: GPUBuffer[]): Bound {
  const buffer = device.createBuffer({ label: shape.name, size: checkedBytes(device, shape), usage: usage.storage | usage.copySrc | usage.copyDst });
  made.push(buffer);
  return { buffer, shape };
}

interface Pipeline {
  readonly source: KernelSource;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

type Pipelines = ReadonlyMap<string, Pipeline>;

/** A call as numbers: what is launched, over how many flattened (batch, head) pairs, of which \`group\` share a key-value head. */
interface Reading {
  readonly shapes: ReadonlyMap<string, BufferShape>;
  readonly steps: readonly Step[];
  readonly flatHeads: number;
  readonly group: number;
}

/** The kernels that a call needs; others serve other sizes. */
function neededKernels(sources: readonly KernelSource[], { steps, flatHeads, group }: Reading): readonly KernelSource[] {
  const names = new Set(steps.filter((step) => step.at(0, flatHeads, 0, flatHeads / group).when).map((step) => step.kernel));
  return sources.filter((source) => names.has(source.name));
}

/** Says which limit or feature a device lacks for a kernel. */
function checkDevice(device: GPUDevice, source: KernelSource): void {
  const { limits } = device;
  const checks: readonly (readonly [string, number, number])[] = [
    ['maxComputeInvocationsPerWorkgroup', source.workgroupSize, limits.maxComputeInvocationsPerWorkgroup],
    ['maxComputeWorkgroupStorageSize', source.sharedBytes, limits.maxComputeWorkgroupStorageSize],
    ['maxStorageBuffersPerShaderStage', source.storage.length, limits.maxStorageBuffersPerShaderStage],
  ];
  for (const [limit, needed, allowed] of checks) {
    if (needed > allowed) throw new RangeError(\`kernel \${source.name} needs \${limit} = \${needed}; the device has \${allowed} (ask for it in requestDevice, see 'requirements')\`);
  }
  for (const [feature, directive] of [['subgroups', 'enable subgroups;'], ['shader-f16', 'enable f16;']] as const) {
    if (source.code.includes(directive) && !device.features.has(feature)) throw new Error(\`kernel \${source.name} needs the device feature '\${feature}' (ask for it in requestDevice, see 'requirements')\`);
  }
  const least = device.adapterInfo?.subgroupMinSize ?? source.subgroup;
  if (source.subgroup > 0 && least > 0 && least < source.subgroup) throw new RangeError(\`kernel \${source.name} needs subgroups of at least \${source.subgroup} lanes; the device may use \${least}\`);
}

async function compileKernel(device: GPUDevice, source: KernelSource): Promise<Pipeline> {
  checkDevice(device, source);
  const module = device.createShaderModule({ label: source.name, code: source.code });
  // Written out, because an automatic layout leaves out what a kernel happens not to use.
  const entries: GPUBindGroupLayoutEntry[] = source.storage.map((access, binding) => ({
    binding,
    visibility: computeStage,
    buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
  }));
  if (source.uniforms !== '') entries.push({ binding: entries.length, visibility: computeStage, buffer: { type: 'uniform' } });
  const layout = device.createBindGroupLayout({ label: source.name, entries });
  const pipelineLayout = device.createPipelineLayout({ label: source.name, bindGroupLayouts: [layout] });
  const pipeline = await device.createComputePipelineAsync({ label: source.name, layout: pipelineLayout, compute: { module } });
  return { source, pipeline, layout };
}

const compiled = new WeakMap<GPUDevice, Map<string, Promise<Pipeline>>>();

/** Pipelines of these kernels, each compiled once for a device. */
async function compileKernels(device: GPUDevice, sources: readonly KernelSource[]): Promise<Pipelines> {
  const known = compiled.get(device) ?? new Map<string, Promise<Pipeline>>();
  compiled.set(device, known);
  const all = sources.map((source) => {
    const pipeline = known.get(source.name) ?? compileKernel(device, source);
    known.set(source.name, pipeline);
    // A failure may be mended by another device or more memory: it is not remembered.
    pipeline.catch(() => known.delete(source.name));
    return pipeline.then((p) => [source.name, p] as const);
  });
  return new Map(await Promise.all(all));
}

/** Bytes that one (batch, head) pair takes in a chunked buffer. */
function stride(shape: BufferShape): number {
  return elementsOf(shape.extents.slice(2)) * bytesPer(shape.element);
}

/** The largest number of heads a piece may cover so that every binding fits and starts where bindings may start, and no axis has too many workgroups; 0: none. */
function headsPerPiece(device: GPUDevice, step: Step, bounds: readonly Bound[], flatHeads: number, group: number): number {
  const { maxStorageBufferBindingSize: limit, minStorageBufferOffsetAlignment: align, maxComputeWorkgroupsPerDimension: most } = device.limits;
  const fits = (count: number): boolean => {
    const whole = count >= flatHeads;
    const bindings = bounds.every(({ shape }) => {
      if (whole || shape.chunked === 'whole') return paddedBytes(elementsOf(shape.extents) * bytesPer(shape.element)) <= limit;
      const bytes = stride(shape) * (shape.chunked === 'kv-heads' ? count / group : count);
      return paddedBytes(bytes) <= limit && bytes % align === 0;
    });
    const piece = step.at(0, count, 0, Math.ceil(count / group));
    return bindings && (!piece.when || piece.workgroups.every((n) => n <= most));
  };
  if (fits(flatHeads)) return flatHeads;
  if (!step.chunkable) return 0;
  for (let count = Math.floor((flatHeads - 1) / group) * group; count > 0; count -= group) if (fits(count)) return count;
  return 0;
}

function tooLarge(device: GPUDevice, step: Step, bounds: readonly Bound[]): RangeError {
  const list = bounds.map(({ shape }) => \`\${shape.name} \${elementsOf(shape.extents) * bytesPer(shape.element)}\`).join(', ');
  const { maxStorageBufferBindingSize: bytes, maxComputeWorkgroupsPerDimension: groups } = device.limits;
  return new RangeError(\`\${step.kernel} does not fit the device: its buffers (\${list} bytes) against \${bytes} bytes in one binding, \${groups} workgroups along an axis; it cannot be divided over heads further\`);
}

/** Records all steps. Pieces over heads are made where a binding would be too large. */
function encodeSteps(
  device: GPUDevice,
  encoder: GPUCommandEncoder,
  pipelines: Pipelines,
  buffers: ReadonlyMap<string, Bound>,
  { steps, flatHeads, group }: Reading,
  made: GPUBuffer[],
): void {
  for (const step of steps) {
    const kernel = pipelines.get(step.kernel);
    if (!step.at(0, flatHeads, 0, flatHeads / group).when) continue;
    if (kernel === undefined) throw new Error(\`the kernel \${step.kernel} has not been compiled: prepare with this call, or without one for all kernels\`);
    const bounds = step.buffers.map((name) => boundOf(buffers, name));
    const most = headsPerPiece(device, step, bounds, flatHeads, group);
    if (most === 0) throw tooLarge(device, step, bounds);
    for (let first = 0; first < flatHeads; first += most) {
      const count = Math.min(most, flatHeads - first);
      const piece = step.at(first, count, first / group, count / group);
      if (!piece.when || piece.workgroups.some((n) => n < 1)) continue;
      const entries: GPUBindGroupEntry[] = bounds.map(({ buffer, shape }, binding) => {
        if (shape.chunked === 'whole' || most >= flatHeads) return { binding, resource: { buffer } };
        const scale = shape.chunked === 'kv-heads' ? group : 1;
        const offset = (stride(shape) * first) / scale;
        return { binding, resource: { buffer, offset, size: Math.min(buffer.size - offset, paddedBytes(stride(shape) * Math.ceil(count / scale))) } };
      });
      if (kernel.source.uniforms !== '') {
        const uniform = device.createBuffer({ label: \`\${step.kernel} uniforms\`, size: paddedBytes(kernel.source.uniforms.length * 4), usage: usage.uniform, mappedAtCreation: true });
        made.push(uniform);
        const view = new DataView(uniform.getMappedRange());
        [...kernel.source.uniforms].forEach((letter, i) => {
          const value = piece.uniforms[i] ?? 0;
          if (letter === 'f') view.setFloat32(i * 4, value, true);
          else view.setInt32(i * 4, value, true);
        });
        uniform.unmap();
        entries.push({ binding: bounds.length, resource: { buffer: uniform } });
      }
      const pass = encoder.beginComputePass({ label: step.kernel });
      pass.setPipeline(kernel.pipeline);
      pass.setBindGroup(0, device.createBindGroup({ layout: kernel.layout, entries }));
      pass.dispatchWorkgroups(...piece.workgroups);
      pass.end();
    }
  }
}

function boundOf(buffers: ReadonlyMap<string, Bound>, name: string): Bound {
  const bound = buffers.get(name);
  if (bound === undefined) throw new Error(\`no buffer \${name}\`);
  return bound;
}

/** Runs what is recorded and copies results to the host. */
async function readBack(device: GPUDevice, encoder: GPUCommandEncoder, bounds: readonly Bound[]): Promise<readonly ArrayBuffer[]> {
  const staged = bounds.map(({ buffer, shape }) => {
    const size = Math.ceil((elementsOf(shape.extents) * bytesPer(shape.element)) / 4) * 4;
    const staging = device.createBuffer({ label: \`\${shape.name} read-back\`, size: Math.max(4, size), usage: usage.mapRead | usage.copyDst });
    if (size > 0) encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
    return staging;
  });
  device.queue.submit([encoder.finish()]);
  const results: ArrayBuffer[] = [];
  for (const staging of staged) {
    await staging.mapAsync(mapModeRead);
    results.push(staging.getMappedRange().slice(0));
    staging.destroy();
  }
  return results;
}

/**
 * Runs \`work\` and turns a lost device, a lack of memory or a refused command into an Error with a message. What
 * \`work\` does before its first await is watched; error scopes are a stack of the device, so nothing is awaited inside.
 */
async function guarded<T>(device: GPUDevice, work: () => Promise<T>): Promise<T> {
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  const working = work().then((value) => ({ value }), (error: unknown) => ({ error }));
  const scopes = [device.popErrorScope(), device.popErrorScope()].map((scope) => scope.catch(() => null));
  const [invalid, memory] = await Promise.all(scopes);
  const outcome = await working;
  if (memory) throw new Error(\`the WebGPU device is out of memory: \${memory.message}\`);
  if (invalid) throw new Error(\`WebGPU refused the work: \${invalid.message}\`);
  if ('value' in outcome) return outcome.value;
  const lost = await Promise.race([device.lost, Promise.resolve(undefined)]);
  if (lost !== undefined) throw new Error(\`the WebGPU device was lost: \${lost.message}\`);
  throw outcome.error;
}
`;
