/**
 * Tensors of the demo from their description (schema.ts). In: a source, the parameter's axes with their extents (undefined where
 * an axis is free), the sizes. Out: the tensor, or what is wrong with the description.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Sizes, TensorParam, TensorValue } from '../../compiler/spec/ir.ts';
import { mixSeeds, randomOf } from '../random.ts';
import { valueFor } from '../tensors.ts';
import type { RawTensor } from '../tensors.ts';
import type { TensorSource } from './schema.ts';

export type Made = { readonly ok: true; readonly value: TensorValue } | { readonly ok: false; readonly reason: string };

const fail = (reason: string): Made => ({ ok: false, reason });

export interface TensorRequest {
  readonly param: TensorParam;
  /** Extents by axis; undefined: free. */
  readonly extents: readonly (number | undefined)[];
  readonly sizes: Sizes;
  readonly readFile: (file: string) => ReadonlyMap<string, RawTensor> | string;
}

/** The tensor that a source describes. */
export function makeTensor(source: TensorSource, request: TensorRequest): Made {
  switch (source.kind) {
    case 'values':
      return fromValues(source.values, request);
    case 'file': {
      const tensors = request.readFile(source.file);
      if (typeof tensors === 'string') return fail(tensors);
      const raw = tensors.get(source.tensor);
      if (raw === undefined) return fail(`${source.file} holds no tensor '${source.tensor}', but ${[...tensors.keys()].join(', ')}`);
      const converted = valueFor(request.param, raw);
      return converted.ok ? { ok: true, value: { extents: raw.shape, data: converted.data } } : fail(`holds ${converted.reason}`);
    }
    case 'segments': {
      const ends = source.lengths.map((_, i) => source.lengths.slice(0, i + 1).reduce((a, b) => a + b, 0));
      return alongLast(request, undefined, () => (i) => {
        const run = ends.findIndex((end) => i < end);
        return run < 0 ? ends.length - 1 : run;
      });
    }
    case 'linear':
      return alongLast(request, source.extents, (row) => (i) => source.from + row * (source.rowStep ?? 0) + i * source.step);
    case 'geometric':
      return alongLast(request, source.extents, () => (i) => source.first * source.ratio ** i);
    case 'uniform': {
      const random = randomOf(mixSeeds(source.seed, 11));
      const draw = (): number => source.low + random.next() * (source.high - source.low);
      return alongLast(request, source.extents, () => () => (request.param.element === 'float' ? draw() : Math.floor(draw())));
    }
    case 'distinct': {
      const random = randomOf(mixSeeds(source.seed, 12));
      const high = source.high === 'n_k' ? request.sizes.nK : source.high === 'n_q' ? request.sizes.nQ : source.high;
      return alongLast(request, source.extents, (_, length) => {
        const pool = Array.from({ length: Math.max(0, high - source.low) }, (_, i) => source.low + i);
        for (let i = 0; i < Math.min(length, pool.length); i += 1) {
          const j = random.int(i, pool.length);
          [pool[i], pool[j]] = [pool[j] ?? 0, pool[i] ?? 0];
        }
        const drawn = pool.slice(0, length).sort((a, b) => a - b);
        // A list that is longer than there are numbers is padded with what matches nothing.
        return (i) => drawn[i] ?? -1;
      });
    }
    case 'coin': {
      const random = randomOf(mixSeeds(source.seed, 13));
      return alongLast(request, source.extents, (row, _, rowsOfMatrix) => (i) => {
        const drawn = random.coin(source.probability);
        return drawn || (source.diagonal === true && row % rowsOfMatrix === i) ? 1 : 0;
      });
    }
    default:
      return unreachable(source);
  }
}

function typed(element: TensorParam['element'], values: readonly number[]): TensorValue['data'] {
  switch (element) {
    case 'int':
      return Int32Array.from(values);
    case 'float':
      return Float32Array.from(values);
    case 'bool':
      return Uint8Array.from(values);
    default:
      return unreachable(element);
  }
}

/** Fills row by row; `fill(row, length, rows of the last two axes)` gives the values of a row. */
function alongLast(
  request: TensorRequest,
  free: Readonly<Record<string, number>> | undefined,
  fill: (row: number, length: number, rowsOfMatrix: number) => (i: number) => number,
): Made {
  const extents: number[] = [];
  for (const [at, axis] of request.param.axes.entries()) {
    const extent = request.extents[at] ?? (axis.kind === 'free' ? free?.[axis.name] : undefined);
    if (extent === undefined) return fail(`needs the extent of the axis '${axis.kind === 'free' ? axis.name : axis.kind}' in "extents"`);
    extents.push(extent);
  }
  const length = extents[extents.length - 1] ?? 1;
  const rows = extents.slice(0, -1).reduce((a, b) => a * b, 1);
  const values: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    const at = fill(row, length, extents[extents.length - 2] ?? 1);
    for (let i = 0; i < length; i += 1) values.push(at(i));
  }
  return { ok: true, value: { extents, data: typed(request.param.element, values) } };
}

function nesting(value: unknown): readonly number[] {
  return Array.isArray(value) ? [value.length, ...nesting(value[0])] : [];
}

function flat(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.flatMap(flat) : [value];
}

function fromValues(given: readonly unknown[], request: TensorRequest): Made {
  const numbers: number[] = [];
  for (const value of flat(given)) {
    const number = value === true ? 1 : value === false ? 0 : value;
    if (typeof number !== 'number' || !Number.isFinite(number)) return fail(`holds ${JSON.stringify(value)}, which is no number`);
    numbers.push(number);
  }
  const nested = nesting(given);
  const known = request.extents;
  const open = known.filter((e) => e === undefined).length;
  const product = known.reduce<number>((a, b) => a * (b ?? 1), 1);
  // A flat list fills the declared axes; one free axis takes what is left.
  const whole = nested.length === known.length ? nested : known.map((e) => e ?? (open === 1 && product > 0 ? numbers.length / product : 0));
  const fits = whole.reduce((a, b) => a * b, 1) === numbers.length && known.every((e, i) => e === undefined || e === whole[i]);
  if (!fits) return fail(`has ${numbers.length} values where [${known.map((e) => e ?? '?').join(', ')}] is needed`);
  return { ok: true, value: { extents: whole, data: typed(request.param.element, numbers) } };
}
