/**
 * Stage tensors for commands that show masks. In: a spec, the sizes that were asked for, the tensors of the command line. Out: what the
 * interpreter makes of `q`, `k` and `v`, where the mask reads a stage; nothing where it reads none. A file may hold more than is asked
 * for: of a prompt its first n_k keys are taken, and the n_q queries that end there.
 */
import { denseStages } from '../compiler/interpreters/dense/index.ts';
import type { Inputs, StoredTensor } from '../compiler/interpreters/dense/index.ts';
import type { Launch, Sizes, Spec, TensorValue } from '../compiler/spec/ir.ts';
import { tensorsOfMask } from '../compiler/spec/traverse.ts';
import { bad, good } from '../dsl/diagnostic.ts';
import type { Checked } from '../dsl/diagnostic.ts';
import * as report from '../dsl/catalogue/index.ts';
import type { Span } from '../dsl/span.ts';
import { inputsOf } from './inputs.ts';
import type { AttentionInputs } from './inputs.ts';
import type { RawTensor } from './tensors.ts';

export type MadeTensors = ReadonlyMap<string, StoredTensor>;

/** Where the tensors came from, for messages; `source` is empty where no file was given. */
export interface TensorOrigin {
  readonly tensors: ReadonlyMap<string, RawTensor>;
  readonly span: Span;
  readonly source: string;
}

/** Whether the live pairs of a spec are known only when its stages have been computed. */
export function choosesAtRunTime(spec: Spec): boolean {
  const read = tensorsOfMask(spec.mask);
  return spec.stages.some((t) => read.has(t.name));
}

/** The last `nQ` queries before position `nK`, and the first `nK` keys; nothing where the file does not hold them. */
export function promptInputs({ sizes, q, k, v }: AttentionInputs, nQ: number, nK: number): Inputs | undefined {
  // Row r of the file is the query at position r + n_k - n_q of the file.
  const first = nK - nQ - (sizes.nK - sizes.nQ);
  if (nK > sizes.nK || first < 0) return undefined;
  const cut = (data: Float32Array, length: number, from: number, to: number): Float32Array => {
    const count = data.length / (length * sizes.dim);
    const out = new Float32Array(count * (to - from) * sizes.dim);
    for (let i = 0; i < count; i += 1) out.set(data.subarray((i * length + from) * sizes.dim, (i * length + to) * sizes.dim), i * (to - from) * sizes.dim);
    return out;
  };
  return { q: cut(q, sizes.nQ, first, first + nQ), k: cut(k, sizes.nK, 0, nK), v: cut(v, sizes.nK, 0, nK) };
}

/** The first size in which file and launch differ although they must not. */
function wrongSize(found: Sizes, wanted: Sizes, span: Span): ReturnType<typeof report.wrongShape> | undefined {
  const pairs = [
    ['q', 'batch', found.batch, wanted.batch], ['q', 'heads', found.heads, wanted.heads], ['k', 'kv_heads', found.kvHeads, wanted.kvHeads], ['q', 'dim', found.dim, wanted.dim],
  ] as const;
  const [wrong] = pairs.filter(([, , given, needed]) => given !== needed);
  return wrong === undefined ? undefined : report.wrongShape(span, { name: wrong[0], axis: wrong[1], given: wrong[2], wanted: wrong[3] });
}

/** The stage tensors of a launch; an empty map where the mask reads none. */
export function madeTensors(spec: Spec, launch: Launch, { tensors, span, source }: TensorOrigin): Checked<MadeTensors> {
  if (!choosesAtRunTime(spec)) return good(new Map());
  const read = inputsOf(tensors);
  if (!read.ok) {
    const wanted = `the mask of ${spec.name} is chosen at run time, from q, k and v`;
    if (!tensors.has(read.tensor)) {
      const missing = report.missingTensor(span, { name: read.tensor, wanted, ...(source === '' ? {} : { file: source, candidates: [...tensors.keys()] }) });
      return bad([source === '' ? { ...missing, help: 'give a safetensors file with q, k and v, as in --in qkv.safetensors' } : missing]);
    }
    if (read.tell !== undefined) return bad([read.tell(span)]);
    const wrong = report.wrongElementType(span, { name: read.tensor, found: read.reason, wanted: 'floats [batch, heads, n, dim]' });
    return bad([{ ...wrong, message: `tensor \`${read.tensor}\` of ${source} ${read.reason}` }]);
  }
  const { sizes } = launch;
  const wrong = wrongSize(read.value.sizes, sizes, span);
  if (wrong !== undefined) return bad([wrong]);
  const inputs = promptInputs(read.value, sizes.nQ, sizes.nK);
  if (inputs !== undefined) return good(denseStages(spec, launch, inputs));
  const { nQ, nK } = read.value.sizes;
  const short = nK < sizes.nK ? { name: 'k', axis: 'n_k', given: nK, wanted: sizes.nK } : { name: 'q', axis: 'n_q', given: nQ, wanted: sizes.nQ + nK - sizes.nK };
  return bad([{ ...report.wrongShape(span, short), help: `${source} holds ${nK} keys and the queries of the last ${nQ} positions` }]);
}

/** The launch with the made tensors among the given ones: what a plan needs to say which tiles are live. */
export function withMade(launch: Launch, made: MadeTensors): Launch {
  const values = [...made].map(([name, { extents, data }]): readonly [string, TensorValue] => [name, { extents, data: data instanceof Float64Array ? Float32Array.from(data) : data }]);
  return { ...launch, tensors: new Map([...launch.tensors, ...values]) };
}
