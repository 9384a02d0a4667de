/**
 * A failing case as two files: the program as source, and a safetensors file with q, k, v, the tensor parameters and, as metadata, the
 * scalars, the level and the seed of what the case leaves open. Reading them back gives the same case.
 */
import type { Launch, Spec } from '../../compiler/spec/ir.ts';
import { specToSource } from '../../compiler/spec/to-source.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';
import { inputsOf } from '../inputs.ts';
import { encodeTensor } from '../io/safetensors.ts';
import type { SafetensorsFile } from '../io/safetensors.ts';
import type { RawTensor } from '../tensors.ts';
import { valueFor } from '../tensors.ts';
import type { Case } from './random-programs.ts';

export interface Failure {
  readonly case: Case;
  readonly seed: number;
  readonly level: string;
  readonly dtype: FloatElement;
  readonly products?: 'tf32';
}

export interface FailureFiles {
  readonly program: string;
  readonly tensors: ReadonlyMap<string, RawTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const elementTypes = { int: 'I32', float: 'F32', bool: 'U8' } as const;

export function failureFiles(failure: Failure, message: string): FailureFiles {
  const { spec, launch, inputs } = failure.case;
  const { batch, heads, kvHeads, nQ, nK, dim } = launch.sizes;
  const tensors = new Map<string, RawTensor>([
    ['q', encodeTensor('F32', [batch, heads, nQ, dim], inputs.q)],
    ['k', encodeTensor('F32', [batch, kvHeads, nK, dim], inputs.k)],
    ['v', encodeTensor('F32', [batch, kvHeads, nK, dim], inputs.v)],
  ]);
  for (const param of spec.tensors) {
    const value = launch.tensors.get(param.name);
    if (value !== undefined) tensors.set(param.name, encodeTensor(elementTypes[param.element], value.extents, value.data));
  }
  const metadata = new Map([
    ['scalars', JSON.stringify(Object.fromEntries(launch.scalars))],
    ['level', failure.level],
    ['seed', `${failure.seed}`],
    ['dtype', failure.dtype],
    ...(failure.products === undefined ? [] : [['products', failure.products] as const]),
    ['finding', message.slice(0, 500)],
  ]);
  return { program: failure.case.source ?? specToSource(spec), tensors, metadata };
}

export interface Replayed {
  readonly case: Case;
  readonly seed: number;
  readonly dtype: FloatElement;
  readonly products?: 'tf32';
  readonly level: string;
}

function dtypeNamed(name: string | undefined): FloatElement {
  return name === 'f16' || name === 'bf16' ? name : 'f32';
}

/** The case of a stored failure; what is wrong with the file otherwise. */
export function replayedCase(spec: Spec, file: SafetensorsFile): Replayed | string {
  const inputs = inputsOf(file.tensors);
  if (!inputs.ok) return `${inputs.tensor} ${inputs.reason}`;
  const tensors = new Map<string, { readonly extents: readonly number[]; readonly data: Int32Array | Float32Array | Uint8Array }>();
  for (const param of spec.tensors) {
    const raw = file.tensors.get(param.name);
    const value = raw === undefined ? undefined : valueFor(param, raw);
    if (raw === undefined || value === undefined || !value.ok) return `the tensor ${param.name} is missing or of another type`;
    tensors.set(param.name, { extents: raw.shape, data: value.data });
  }
  const stored: unknown = JSON.parse(file.metadata.get('scalars') ?? '{}');
  const scalars = new Map(Object.entries(typeof stored === 'object' && stored !== null ? stored : {}).flatMap(([name, value]) => (typeof value === 'number' ? [[name, value] as const] : [])));
  const launch: Launch = { sizes: inputs.value.sizes, scalars, tensors };
  return {
    case: { spec, launch, inputs: inputs.value },
    seed: Number(file.metadata.get('seed') ?? '0'),
    dtype: dtypeNamed(file.metadata.get('dtype')),
    ...(file.metadata.get('products') === 'tf32' ? { products: 'tf32' as const } : {}),
    level: file.metadata.get('level') ?? 'tile',
  };
}
