/**
 * Stage tensors that several launches share. In: a spec with stages, a launch, q, k, v, and what has been made before. Out: the stage tensors
 * that the attention reads, each made by the dense interpreter, and only where no tensor with the same rule on the same values is known. So a
 * sample that ten budgets choose from is taken once. Tensors that nothing reads but the caller are not made.
 */
import { createHash } from 'node:crypto';
import { denseStages } from '../../compiler/interpreters/dense/index.ts';
import type { Inputs, StoredTensor } from '../../compiler/interpreters/dense/index.ts';
import { worldOf } from '../../compiler/interpreters/dense/scalar.ts';
import type { Expr } from '../../compiler/expr/ir.ts';
import { freeRefs, readTensors } from '../../compiler/expr/traverse.ts';
import type { Axis, Launch, Spec } from '../../compiler/spec/ir.ts';
import { ruleParts } from '../../compiler/spec/stage.ts';
import type { StageTensor } from '../../compiler/spec/stage.ts';
import { tensorsOfMask } from '../../compiler/spec/traverse.ts';

/** By the digest of everything an element depends on. */
export type StageCache = Map<string, StoredTensor>;

/** Names of the stage tensors that mask, scale, score and sink read themselves. */
export function stagesRead(spec: Spec): readonly string[] {
  const scalars = [spec.scale, spec.score, spec.sink].flatMap((e) => (e === undefined ? [] : [...readTensors(e)]));
  const read = new Set([...tensorsOfMask(spec.mask), ...scalars]);
  return spec.stages.map((t) => t.name).filter((name) => read.has(name));
}

/** The stages that are needed for the tensors of these names, in order. */
export function stagesBehind(spec: Spec, names: readonly string[]): readonly StageTensor[] {
  const wanted = new Set(names);
  const needed: StageTensor[] = [];
  for (const t of [...spec.stages].reverse()) {
    if (!wanted.has(t.name)) continue;
    needed.unshift(t);
    for (const e of ruleParts(t.rule)) for (const name of readTensors(e)) wanted.add(name);
  }
  return needed;
}

/** The tensors of `names` (default: those that the attention reads) and all behind them. */
export function cachedStages(spec: Spec, launch: Launch, inputs: Inputs, cache: StageCache, names = stagesRead(spec)): ReadonlyMap<string, StoredTensor> {
  const made = new Map<string, StoredTensor>();
  const stages = stagesBehind(spec, names);
  if (stages.length === 0) return made;
  const { constants } = worldOf(spec, launch);
  const keys = new Map<string, string>([
    ...(['q', 'k', 'v'] as const).map((name) => [name, digest(bytesOf(inputs[name]))] as const),
    ...[...launch.tensors].map(([name, { extents, data }]) => [name, digest(JSON.stringify(extents), bytesOf(data))] as const),
  ]);
  for (const t of stages) {
    const key = keyOf(t, launch, constants, keys);
    const known = cache.get(key);
    const tensors = new Map<string, StoredTensor>([...launch.tensors, ...made]);
    const value = known ?? denseStages({ ...spec, stages: [t] }, { sizes: launch.sizes, scalars: launch.scalars, tensors }, inputs).get(t.name);
    if (value === undefined) continue;
    cache.set(key, value);
    keys.set(t.name, key);
    made.set(t.name, value);
  }
  return made;
}

function axisSizes(axis: Axis): readonly Expr[] {
  return axis.kind === 'blocks' ? [axis.size] : axis.kind === 'counted' ? [axis.extent] : [];
}

/** What a tensor is made from: its rule, the values of the names in it, the keys of the tensors it reads. */
function keyOf(t: StageTensor, { sizes }: Launch, constants: ReadonlyMap<string, number>, keys: ReadonlyMap<string, string>): string {
  const indices = [...t.indices, ...(t.rule.kind === 'order' ? t.rule.over : [])];
  const expressions = [...ruleParts(t.rule), ...indices.flatMap((i) => axisSizes(i.axis))];
  const refs = [...new Set(expressions.flatMap((e) => [...freeRefs(e)]))].sort();
  // Tensors go by what they are, not by the name that a program uses a stage by.
  const named = (field: string, value: unknown): unknown => (field !== 'tensor' || typeof value !== 'string' ? value : value === t.name ? 'itself' : keys.get(value) ?? value);
  return digest(JSON.stringify([t.element, t.precision, t.indices, t.rule, sizes, refs.map((name) => [name, constants.get(name)])], named));
}

function bytesOf(data: Float64Array | Float32Array | Int32Array | Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('base64');
}
