/**
 * Stage programs made by hand, for tests that look below the language. In: tensors with their indices and rules. Out: a spec that computes
 * them and gives all of them back, and runners for every level that has no device.
 */
import { swiftshader } from '../../../backends/targets.ts';
import type { Expr, ScalarType } from '../../../compiler/expr/ir.ts';
import * as x from '../../../compiler/expr/build.ts';
import { runPlanWithLockstep, runPlanWithTiles, type LaunchOutput } from '../../../compiler/interpreters/launch.ts';
import { printProblem } from '../../../compiler/interpreters/problem.ts';
import { compileSpec, type Compiled } from '../../../compiler/pipeline.ts';
import type { Axis, Launch, Sizes, Spec, TensorParam } from '../../../compiler/spec/ir.ts';
import type { StageRule, StageTensor } from '../../../compiler/spec/stage.ts';
import type { Inputs } from '../../../compiler/interpreters/dense/index.ts';
import type { Checked } from '../../../dsl/diagnostic.ts';

export const span = { file: 'stage.fil', start: 0, end: 1 };
export const i = (name: string): Expr => x.ref(name, 'int');
export const counted = (extent: Expr | number): Axis => ({ kind: 'counted', extent: typeof extent === 'number' ? x.int(extent) : extent });
export const heads: Axis = { kind: 'heads' };

/** A stage tensor; the batch index `b` is put in front. */
export function tensor(name: string, element: ScalarType, indices: Readonly<Record<string, Axis>>, rule: StageRule, precision: StageTensor['precision'] = 'f32'): StageTensor {
  const all = [{ name: 'b', axis: { kind: 'batch' } as const }, ...Object.entries(indices).map(([n, axis]) => ({ name: n, axis }))];
  return { name, doc: [], element, precision, indices: all, rule, span };
}

export function stageSpec(stages: readonly StageTensor[], tensors: readonly TensorParam[] = [], rest: Partial<Spec> = {}): Spec {
  return {
    name: 'stages', computes: 'stages', doc: [], scalars: [], tensors, stages,
    outputs: stages.map((t) => ({ name: t.name, tensor: t.name })),
    mask: { kind: 'none', span }, scale: x.float(1), requires: [], pins: {}, span, ...rest,
  };
}

export function param(name: string, element: ScalarType, axes: readonly Axis[]): TensorParam {
  return { name, element, axes, doc: [], span };
}

export function valueOf<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(checked.diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
  return checked.value;
}

export function compiled(spec: Spec, dim: number, dtype: 'f32' | 'f16' = 'f32'): Compiled {
  return valueOf(compileSpec(spec, { target: swiftshader, dim, dtype }));
}

export const levels = ['tile', 'kernel'] as const;

/** Runs on the interpreter of a level; problems are failures. */
export function run(level: (typeof levels)[number], artefact: Compiled, launch: Launch, inputs: Inputs): LaunchOutput {
  const input = { ...launch, ...inputs };
  const result = valueOf(level === 'tile' ? runPlanWithTiles(artefact, input) : runPlanWithLockstep(artefact, input, { subgroupWidth: 4 }));
  if (result.problems.length > 0) throw new Error(result.problems.map(printProblem).join('\n'));
  return result;
}

export function launchOf(sizes: Sizes, rest: Partial<Launch> = {}): Launch {
  return { sizes, scalars: new Map(), tensors: new Map(), ...rest };
}

/** Small whole numbers with many ties: sums of their products are exact in f32. */
export function wholes(count: number, seed: number, low = -3, high = 3): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + Math.floor((state / 2 ** 32) * (high - low + 1));
  });
}

export function inputsOf({ batch, heads: h, kvHeads, nQ, nK, dim }: Sizes, seed: number): Inputs {
  const keys = batch * kvHeads * nK * dim;
  return { q: wholes(batch * h * nQ * dim, seed), k: wholes(keys, seed + 1), v: wholes(keys, seed + 2) };
}

const queries: Axis = { kind: 'queries' };
const keys: Axis = { kind: 'keys' };

/** One program with a tensor of each rule, each made from the ones before: block scores, their shares, positions and lists. */
export function everyRule(block: Expr): Spec {
  const kvHead = x.div(i('h'), x.div(i('heads'), i('kv_heads')));
  const product = x.mul(x.read('q', 'float', [i('b'), i('h'), i('I'), i('d')]), x.read('k', 'float', [i('b'), kvHead, i('J'), i('d')]));
  const blocks: Axis = { kind: 'blocks', of: 'keys', size: block };
  const rows = { h: heads, I: queries };
  const at = (name: string, type: ScalarType, last: Expr): Expr => x.read(name, type, [i('b'), i('h'), i('I'), last]);
  const ownBlock = x.div(x.add(i('I'), x.sub(i('n_k'), i('n_q'))), block);
  const seen = x.le(i('B'), ownBlock);
  const inBlock = x.fold('sum', 'j', x.mul(i('B'), block), x.min(i('n_k'), x.mul(x.add(i('B'), x.int(1)), block)), at('s', 'float', i('j')));
  return stageSpec([
    tensor('s', 'float', { ...rows, J: keys }, { kind: 'map', value: x.fold('sum', 'd', x.int(0), i('dim'), product) }),
    tensor('m', 'float', { ...rows, B: blocks }, { kind: 'map', value: inBlock }),
    tensor('top', 'float', rows, { kind: 'map', value: x.fold('max', 'c', x.int(0), x.add(ownBlock, x.int(1)), at('m', 'float', i('c'))) }),
    tensor('p', 'float', { ...rows, B: blocks }, { kind: 'softmax', over: ['B'], where: seen, value: x.mul(at('m', 'float', i('B')), x.float(0.125)) }),
    tensor("keep'rank", 'int', { ...rows, B: blocks }, { kind: 'rank', over: ['B'], where: seen, key: at('m', 'float', i('B')) }),
    tensor('keep', 'bool', { ...rows, B: blocks }, { kind: 'map', value: x.and(seen, x.lt(at("keep'rank", 'int', i('B')), x.int(3))) }),
    tensor("mass'before", 'float', { ...rows, B: blocks }, { kind: 'mass', over: ['B'], where: at('keep', 'bool', i('B')), key: at('m', 'float', i('B')) }),
    tensor('list', 'int', { ...rows, r: counted(5) }, { kind: 'order', along: 'r', over: [{ name: 'B', axis: blocks }], where: at('keep', 'bool', i('B')), key: at('m', 'float', i('B')) }),
    tensor('sums', 'float', { ...rows, B: blocks }, { kind: 'recurrence', along: 'B', value: x.add(at('sums', 'float', x.sub(i('B'), x.int(1))), at('m', 'float', i('B'))) }),
  ]);
}
