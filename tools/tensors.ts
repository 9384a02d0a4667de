/**
 * Tensors of files as the numbers the compiler works with. In: raw tensors (element type, shape, little-endian bytes) as
 * safetensors hold them. Out: f32, int32 or 0/1 arrays, or what was found that cannot be used. Nothing is
 * rounded silently except f64 to f32, which `q`, `k`, `v` and float parameters ask for.
 */
import { bf16FromBits, f16FromBits } from '../compiler/interpreters/number.ts';
import type { Axis, TensorParam, TensorValue } from '../compiler/spec/ir.ts';
import { unreachable } from '../dsl/diagnostic.ts';

export interface RawTensor {
  /** As safetensors spell it: F16 BF16 F32 F64 I8 I16 I32 I64 U8 U16 U32 U64 BOOL. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export type Converted<T> = { readonly ok: true; readonly data: T } | { readonly ok: false; readonly reason: string };

const bytesPerElement: Readonly<Record<string, number>> = {
  F64: 8, I64: 8, U64: 8, F32: 4, I32: 4, U32: 4, F16: 2, BF16: 2, I16: 2, U16: 2, I8: 1, U8: 1, BOOL: 1,
};

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function viewOf(t: RawTensor): DataView {
  return new DataView(t.data.buffer, t.data.byteOffset, t.data.byteLength);
}

/** Element i of a float tensor, or undefined for another element type. */
function floatReader(t: RawTensor): ((i: number) => number) | undefined {
  const view = viewOf(t);
  switch (t.dtype) {
    case 'F64':
      return (i) => view.getFloat64(i * 8, true);
    case 'F32':
      return (i) => view.getFloat32(i * 4, true);
    case 'F16':
      return (i) => f16FromBits(view.getUint16(i * 2, true));
    case 'BF16':
      return (i) => bf16FromBits(view.getUint16(i * 2, true));
    default:
      return undefined;
  }
}

function intReader(t: RawTensor): ((i: number) => number | bigint) | undefined {
  const view = viewOf(t);
  switch (t.dtype) {
    case 'I64':
      return (i) => view.getBigInt64(i * 8, true);
    case 'U64':
      return (i) => view.getBigUint64(i * 8, true);
    case 'I32':
      return (i) => view.getInt32(i * 4, true);
    case 'U32':
      return (i) => view.getUint32(i * 4, true);
    case 'I16':
      return (i) => view.getInt16(i * 2, true);
    case 'U16':
      return (i) => view.getUint16(i * 2, true);
    case 'I8':
      return (i) => view.getInt8(i);
    case 'U8':
    case 'BOOL':
      return (i) => view.getUint8(i);
    default:
      return undefined;
  }
}

function complete(t: RawTensor): string | undefined {
  const bytes = bytesPerElement[t.dtype];
  if (bytes === undefined) return `the unknown element type ${t.dtype}`;
  const wanted = elementCount(t.shape) * bytes;
  return t.data.byteLength === wanted ? undefined : `${t.data.byteLength} bytes where ${t.dtype} [${t.shape.join(', ')}] takes ${wanted}`;
}

/** Values of a float tensor. */
export function floatsOf(t: RawTensor): Converted<Float32Array> {
  const fault = complete(t);
  if (fault !== undefined) return { ok: false, reason: fault };
  const at = floatReader(t);
  if (at === undefined) return { ok: false, reason: `${t.dtype} (floats are F16, BF16, F32 or F64)` };
  const data = new Float32Array(elementCount(t.shape));
  for (let i = 0; i < data.length; i += 1) {
    const value = Math.fround(at(i));
    if (!Number.isFinite(value)) return { ok: false, reason: `${value} at element ${i}, which is not finite` };
    data[i] = value;
  }
  return { ok: true, data };
}

/** Values of an integer tensor; each must fit 32 bits. */
export function intsOf(t: RawTensor): Converted<Int32Array> {
  const fault = complete(t);
  if (fault !== undefined) return { ok: false, reason: fault };
  const at = intReader(t);
  if (at === undefined) return { ok: false, reason: `${t.dtype} (integers are I32, I64 or U8)` };
  const data = new Int32Array(elementCount(t.shape));
  for (let i = 0; i < data.length; i += 1) {
    const value = at(i);
    if (value < -2147483648 || value > 2147483647) return { ok: false, reason: `${value} at element ${i}, beyond 32 bits` };
    data[i] = Number(value);
  }
  return { ok: true, data };
}

/** Values of a truth tensor: BOOL or U8, each 0 or 1. */
export function boolsOf(t: RawTensor): Converted<Uint8Array> {
  const fault = complete(t);
  if (fault !== undefined) return { ok: false, reason: fault };
  if (t.dtype !== 'BOOL' && t.dtype !== 'U8') return { ok: false, reason: `${t.dtype} (truth values are BOOL or U8)` };
  const wrong = t.data.findIndex((value) => value > 1);
  if (wrong >= 0) return { ok: false, reason: `${t.data[wrong]} at element ${wrong} (truth values are 0 or 1)` };
  return { ok: true, data: Uint8Array.from(t.data) };
}

/** A tensor as the value of a parameter. Its extents are checked elsewhere (spec/check-launch.ts). */
export function valueFor(param: TensorParam, t: RawTensor): Converted<TensorValue['data']> {
  switch (param.element) {
    case 'int':
      return intsOf(t);
    case 'float':
      return floatsOf(t);
    case 'bool':
      return boolsOf(t);
    default:
      return unreachable(param.element);
  }
}

/** An axis for people: `keys`, `queries / block`, `n_columns`, `3`. */
export function axisName(axis: Axis): string {
  switch (axis.kind) {
    case 'batch':
    case 'heads':
    case 'kv_heads':
    case 'queries':
    case 'keys':
      return axis.kind;
    case 'blocks':
      return `${axis.of} / ${axis.size.kind === 'literal' ? axis.size.value : axis.size.kind === 'ref' ? axis.size.name : '...'}`;
    case 'free':
      return axis.name;
    case 'fixed':
      return `${axis.extent}`;
    case 'dim':
      return axis.kind;
    case 'counted':
      return 'counted';
    default:
      return unreachable(axis);
  }
}
