/**
 * Random chains from random programs: the unit of a case runs two or three times, each time on what the calls before it made where that
 * fits: `out` as queries, whole numbers and truth values of stages as tensor parameters. In: a case, a seed. Out: a chain and its launch. Scalars of
 * a call are parameters of the chain or numbers, so calls share kernels and differ in uniforms.
 */
import type { ChainLaunch } from '../../compiler/interpreters/dense/chain.ts';
import { bool, float, int, ref } from '../../compiler/expr/build.ts';
import type { Inputs } from '../../compiler/interpreters/dense/index.ts';
import { axisExtent } from '../../compiler/spec/axis.ts';
import type { ChainCall, ChainSpec } from '../../compiler/spec/chain.ts';
import { resultName } from '../../compiler/launch/link.ts';
import { evaluate } from '../../compiler/expr/evaluate.ts';
import type { Axis, Launch, Spec, TensorParam, TensorValue } from '../../compiler/spec/ir.ts';
import { worldOf } from '../../compiler/interpreters/dense/scalar.ts';
import { randomOf } from '../../tools/random.ts';

export interface ChainCase {
  readonly chain: ChainSpec;
  readonly launch: ChainLaunch;
}

interface Available {
  readonly name: string;
  readonly element: TensorParam['element'];
  readonly extents: readonly number[];
}

const queryAxes: readonly Axis[] = [{ kind: 'batch' }, { kind: 'heads' }, { kind: 'queries' }, { kind: 'dim' }];
const keyAxes: readonly Axis[] = [{ kind: 'batch' }, { kind: 'kv_heads' }, { kind: 'keys' }, { kind: 'dim' }];

/** What a call of the spec gives that another may read. */
function resultsOf(spec: Spec, launch: Launch, call: string): readonly Available[] {
  const names = worldOf(spec, launch).constants;
  return spec.outputs.flatMap(({ name, tensor }) => {
    const made = spec.stages.find((t) => t.name === tensor);
    if (made === undefined || made.element === 'float') return [];
    const extents = made.indices.map((i) => axisExtent(i.axis, launch.sizes, (e) => evaluate(e, names)) ?? -1);
    return [{ name: resultName({ name: call }, name), element: made.element, extents }];
  });
}

/** A chain of two or three calls of the case's program. */
export function chainOfCase({ spec, launch, inputs }: { readonly spec: Spec; readonly launch: Launch; readonly inputs: Inputs }, seed: number): ChainCase {
  const random = randomOf(seed);
  const { sizes } = launch;
  const { span } = spec;
  const own = (name: string, axes: readonly Axis[]): TensorParam => ({ name, element: 'float', axes, doc: [], span });
  const asked = own('asked', queryAxes);
  const tensors: readonly TensorParam[] = [asked, own('known', keyAxes), own('told', keyAxes), ...spec.tensors];
  const calls: ChainCall[] = [];
  const available: Available[] = spec.tensors.map((t) => ({ name: t.name, element: t.element, extents: launch.tensors.get(t.name)?.extents ?? [] }));
  const count = 2 + random.int(0, 2);
  let queries = asked.name;
  for (let n = 0; n < count; n += 1) {
    const name = n === 0 ? 'a' : `a'${n}`;
    const given = new Map(spec.tensors.map((t): [string, string] => {
      const wanted = launch.tensors.get(t.name)?.extents ?? [];
      const fitting = available.filter((v) => v.element === t.element && v.extents.length === wanted.length && v.extents.every((x, i) => x === wanted[i]));
      return [t.name, t.element === 'float' ? t.name : fitting[random.int(0, fitting.length)]?.name ?? t.name];
    }));
    const scalars = new Map(spec.scalars.map((s): [string, ReturnType<typeof ref>] => {
      const value = launch.scalars.get(s.name) ?? s.defaultValue ?? 0;
      const literal = s.type === 'bool' ? bool(value !== 0) : s.type === 'int' ? int(value) : float(value);
      return [s.name, random.coin(0.5) ? ref(s.name, s.type) : literal];
    }));
    calls.push({ name, unit: 0, scalars, tensors: new Map([...given, ['q', queries], ['k', 'known'], ['v', 'told']]), span });
    available.push(...resultsOf(spec, launch, name));
    if (spec.computes === 'attention') queries = resultName({ name }, 'out');
  }
  const last = `${calls[calls.length - 1]?.name ?? ''}`;
  const results = [...(spec.computes === 'attention' ? ['out', 'lse'] : []), ...spec.outputs.map((o) => o.name)];
  const outputs = results.map((result) => ({ name: `last.${result}`, value: resultName({ name: last }, result) }));
  const held = (extents: readonly number[], data: ArrayLike<number>): TensorValue => ({ extents, data: Float32Array.from(data) });
  const { batch, heads, kvHeads, nQ, nK, dim } = sizes;
  return {
    chain: { name: 'made', doc: [], scalars: spec.scalars, tensors, sizes: { heads, kvHeads, dim }, units: [spec], calls, outputs, requires: [], span },
    launch: {
      sizes: { batch, nQ, nK }, scalars: launch.scalars,
      tensors: new Map([
        ['asked', held([batch, heads, nQ, dim], inputs.q)], ['known', held([batch, kvHeads, nK, dim], inputs.k)], ['told', held([batch, kvHeads, nK, dim], inputs.v)],
        ...launch.tensors,
      ]),
    },
  };
}
