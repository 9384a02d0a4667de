/**
 * Safetensors files: 8 bytes length of the header (little-endian), a JSON header of names, element types, shapes and byte
 * ranges, then the raw little-endian data. In: bytes, trusted in nothing. Out: raw tensors that view those bytes, or a
 * diagnostic that says what is malformed. Writing is canonical: names sorted, no gaps, header padded to 8 bytes.
 */
import { readFileSync } from 'node:fs';
import { bf16Bits, f16Bits } from '../../compiler/interpreters/number.ts';
import { bad, good, unreachable } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import type { RawTensor } from '../tensors.ts';
import { fileProblem, reasonOf, writeAtomic } from './files.ts';

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, RawTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const elementBytes: ReadonlyMap<string, number> = new Map([
  ['F64', 8], ['I64', 8], ['U64', 8], ['F32', 4], ['I32', 4], ['U32', 4], ['F16', 2], ['BF16', 2], ['I16', 2], ['U16', 2],
  ['I8', 1], ['U8', 1], ['BOOL', 1], ['F8_E4M3', 1], ['F8_E5M2', 1],
]);

// Limit of the reference implementation; a longer header is not a header.
const maxHeaderBytes = 100_000_000;

/** The tensors of a file in memory; `path` is only named in diagnostics. */
export function parseSafetensors(bytes: Uint8Array, path: string): Checked<SafetensorsFile> {
  const fault = (why: string): Checked<SafetensorsFile> => bad([fileProblem('FIL9005', path, `'${path}' is no safetensors file: ${why}`)]);
  if (bytes.length < 8) return fault(`it has ${bytes.length} bytes, fewer than the 8 of the header's length`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(Math.min(maxHeaderBytes, bytes.length - 8))) return fault(`its header would take ${length} bytes, but ${bytes.length - 8} follow`);
  const dataAt = 8 + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataAt)));
  } catch (error) {
    return fault(`its header is not JSON (${reasonOf(error)})`);
  }
  if (!isRecord(header)) return fault('its header is not a JSON object');

  const data = bytes.subarray(dataAt);
  const tensors = new Map<string, RawTensor>();
  const ranges: { readonly name: string; readonly from: number; readonly to: number }[] = [];
  const metadata = new Map<string, string>();
  for (const [name, entry] of Object.entries(header)) {
    if (!isRecord(entry)) return fault(`the entry '${name}' is not an object`);
    if (name === '__metadata__') {
      for (const [key, value] of Object.entries(entry)) metadata.set(key, String(value));
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = entry;
    const size = typeof dtype === 'string' ? elementBytes.get(dtype) : undefined;
    if (typeof dtype !== 'string' || size === undefined) return fault(`tensor '${name}' has the unknown element type ${JSON.stringify(dtype)}`);
    if (!isCounts(shape)) return fault(`tensor '${name}' has no proper shape`);
    if (!isCounts(offsets) || offsets.length !== 2) return fault(`tensor '${name}' has no proper data_offsets`);
    const [from = 0, to = 0] = offsets;
    if (from > to || to > data.length) return fault(`tensor '${name}' lies at bytes ${from} to ${to}, but there are ${data.length}`);
    const wanted = shape.reduce((product, n) => product * n, size);
    if (to - from !== wanted) return fault(`tensor '${name}' has ${to - from} bytes, but ${dtype} [${shape.join(', ')}] takes ${wanted}`);
    tensors.set(name, { dtype, shape, data: data.subarray(from, to) });
    if (to > from) ranges.push({ name, from, to });
  }
  ranges.sort((a, b) => a.from - b.from);
  let end = 0;
  for (const { name, from, to } of ranges) {
    if (from < end) return fault(`tensor '${name}' overlaps another`);
    end = to;
  }
  return good({ tensors, metadata });
}

/** The element type in which values of the language are written. */
export function elementTypeOf(element: 'int' | 'float' | 'bool'): 'I32' | 'F32' | 'U8' {
  return element === 'int' ? 'I32' : element === 'bool' ? 'U8' : 'F32';
}

/** The tensors of a file on disk. */
export function readSafetensors(path: string): Checked<SafetensorsFile> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return bad([fileProblem('FIL9005', path, `'${path}' cannot be read: ${reasonOf(error)}`)]);
  }
  return parseSafetensors(bytes, path);
}

/** The bytes of a file. The element type, shape and data of each tensor must agree (as `encodeTensor` makes them). */
export function encodeSafetensors(tensors: ReadonlyMap<string, RawTensor>, metadata: ReadonlyMap<string, string> = new Map()): Uint8Array {
  const entries = [...tensors].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  let offset = 0;
  const described = entries.map(([name, { dtype, shape, data }]): readonly [string, unknown] => {
    const range = [offset, offset + data.length];
    offset += data.length;
    return [name, { dtype, shape, data_offsets: range }];
  });
  const notes: readonly (readonly [string, unknown])[] = metadata.size === 0 ? [] : [['__metadata__', Object.fromEntries(metadata)]];
  const text = JSON.stringify(Object.fromEntries([...notes, ...described]));
  const header = new TextEncoder().encode(text);
  const headerBytes = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, 8, 8 + headerBytes);
  bytes.set(header, 8);
  let at = 8 + headerBytes;
  for (const [, { data }] of entries) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}

/** Writes a file atomically, never over one of `inputs`; throws DiagnosticError where that cannot be done. */
export function writeSafetensors(path: string, tensors: ReadonlyMap<string, RawTensor>, inputs: readonly string[], metadata?: ReadonlyMap<string, string>): void {
  writeAtomic(path, encodeSafetensors(tensors, metadata), inputs);
}

/** Element types that can be written. */
export type WrittenType = 'U8' | 'BOOL' | 'I32' | 'I64' | 'F16' | 'BF16' | 'F32' | 'F64';

/** Numbers as a raw tensor; floats are rounded to nearest even once, ints must fit their type. */
export function encodeTensor(dtype: WrittenType, shape: readonly number[], values: ArrayLike<number>): RawTensor {
  const size = elementBytes.get(dtype) ?? 1;
  const data = new Uint8Array(values.length * size);
  const view = new DataView(data.buffer);
  const put = writerOf(dtype, view);
  for (let i = 0; i < values.length; i += 1) put(i * size, values[i] ?? 0);
  return { dtype, shape, data };
}

function writerOf(dtype: WrittenType, view: DataView): (at: number, value: number) => void {
  switch (dtype) {
    case 'U8':
    case 'BOOL':
      return (at, value) => view.setUint8(at, value);
    case 'I32':
      return (at, value) => view.setInt32(at, value, true);
    case 'I64':
      return (at, value) => view.setBigInt64(at, BigInt(value), true);
    case 'F16':
      return (at, value) => view.setUint16(at, f16Bits(value), true);
    case 'BF16':
      return (at, value) => view.setUint16(at, bf16Bits(value), true);
    case 'F32':
      return (at, value) => view.setFloat32(at, value, true);
    case 'F64':
      return (at, value) => view.setFloat64(at, value, true);
    default:
      return unreachable(dtype);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
