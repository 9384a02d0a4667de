/**
 * The device's own clock. In: a device with `timestamp-query`. Out: nanoseconds between begin and end of a compute pass.
 * Holds: one small query set and one read-back buffer per measurement, both destroyed after reading.
 */
import { bufferUsage, mapModeRead } from './buffers.ts';

export interface GpuTimer {
  readonly writes: GPUComputePassTimestampWrites;
  /** Records the copy of the two times; call it after the pass has ended. */
  readonly finish: (encoder: GPUCommandEncoder) => void;
  readonly querySet: GPUQuerySet;
  readonly resolved: GPUBuffer;
  readonly staging: GPUBuffer;
}

const bytes = 16;

/** A timer for one pass; undefined where the device cannot tell the time. */
export function startTimer(device: GPUDevice): GpuTimer | undefined {
  if (!device.features.has('timestamp-query')) return undefined;
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
  const resolved = device.createBuffer({ size: bytes, usage: bufferUsage.queryResolve | bufferUsage.copySrc });
  const staging = device.createBuffer({ size: bytes, usage: bufferUsage.mapRead | bufferUsage.copyDst });
  return {
    writes: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    finish: (encoder) => {
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    },
    querySet,
    resolved,
    staging,
  };
}

/** The measured time; undefined where the driver gave nonsense (an end before the beginning). */
export async function readTimer(timer: GpuTimer): Promise<number | undefined> {
  await timer.staging.mapAsync(mapModeRead);
  const [begin = 0n, end = 0n] = new BigUint64Array(timer.staging.getMappedRange());
  timer.staging.destroy();
  timer.resolved.destroy();
  timer.querySet.destroy();
  return end >= begin ? Number(end - begin) : undefined;
}
