/**
 * Reference vectors of published methods, as files. In: the text of a golden JSON (`system`, `case`, `params`, `inputs`, `outputs`,
 * `tolerance`; tensors are `{ shape, dtype, data }`, flat or nested, infinities as the strings "inf" and "-inf"). Out: a typed case, or the
 * reason why the text is none. Nothing is rounded here.
 */
export interface GoldenTensor {
  readonly shape: readonly number[];
  /** As the file spells it: bool, int32, float32, float64 and so on. */
  readonly dtype: string;
  readonly data: readonly number[];
}

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface GoldenCase {
  readonly system: string;
  readonly name: string;
  readonly params: Readonly<Record<string, Json>>;
  readonly inputs: ReadonlyMap<string, GoldenTensor>;
  readonly outputs: ReadonlyMap<string, GoldenTensor>;
  readonly tolerance: Readonly<Record<string, Json>>;
}

export type ReadCase = { readonly ok: true; readonly value: GoldenCase } | { readonly ok: false; readonly reason: string };

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The numbers of a nested list in row-major order; undefined where something else is found. */
function flat(value: Json | undefined): readonly number[] | undefined {
  if (typeof value === 'number') return [value];
  if (typeof value === 'boolean') return [value ? 1 : 0];
  if (value === 'inf') return [Infinity];
  if (value === '-inf') return [-Infinity];
  if (value === 'nan') return [NaN];
  if (!Array.isArray(value)) return undefined;
  const out: number[] = [];
  for (const item of value) {
    const inner = flat(item);
    if (inner === undefined) return undefined;
    for (const x of inner) out.push(x);
  }
  return out;
}

function tensorOf(value: Json): GoldenTensor | undefined {
  if (!isRecord(value)) return undefined;
  const shape = flat(value['shape']);
  const data = flat(value['data']);
  const dtype = value['dtype'];
  if (shape === undefined || data === undefined || typeof dtype !== 'string') return undefined;
  return shape.reduce((product, n) => product * n, 1) === data.length ? { shape, dtype, data } : undefined;
}

function tensorsOf(value: Json | undefined, what: string): ReadonlyMap<string, GoldenTensor> | string {
  if (!isRecord(value)) return `no object \`${what}\``;
  const tensors = new Map<string, GoldenTensor>();
  for (const [name, entry] of Object.entries(value)) {
    const tensor = tensorOf(entry);
    if (tensor === undefined) return `\`${what}.${name}\` is no tensor whose data fill its shape`;
    tensors.set(name, tensor);
  }
  return tensors;
}

/** The case that a golden file holds. */
export function readCase(text: string): ReadCase {
  let file: Json;
  try {
    file = JSON.parse(text);
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : 'no JSON' };
  }
  if (!isRecord(file)) return { ok: false, reason: 'no object' };
  const { system, case: name, params, tolerance } = file;
  if (typeof system !== 'string' || typeof name !== 'string') return { ok: false, reason: 'no `system` and `case`' };
  const inputs = tensorsOf(file['inputs'], 'inputs');
  if (typeof inputs === 'string') return { ok: false, reason: inputs };
  const outputs = tensorsOf(file['outputs'], 'outputs');
  if (typeof outputs === 'string') return { ok: false, reason: outputs };
  return { ok: true, value: { system, name, params: isRecord(params) ? params : {}, inputs, outputs, tolerance: isRecord(tolerance) ? tolerance : {} } };
}

/** A whole or decimal parameter of a case. */
export function numberParam(c: GoldenCase, name: string, otherwise?: number): number {
  const value = c.params[name];
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (otherwise !== undefined) return otherwise;
  throw new Error(`${c.system}/${c.name}: the parameter '${name}' is no number`);
}

/** A parameter that is one number for all heads, or one per head. */
export function perHead(c: GoldenCase, name: string, heads: number): GoldenTensor {
  const value = c.params[name];
  const data = Array.isArray(value) ? flat(value) : Array.from({ length: heads }, () => numberParam(c, name));
  if (data === undefined || data.length !== heads) throw new Error(`${c.system}/${c.name}: '${name}' does not hold ${heads} numbers`);
  return { shape: [heads], dtype: 'float32', data };
}
