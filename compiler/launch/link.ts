/**
 * From the plans of units to the plan of a chain. In: a chain, and what each of its units was compiled to. Out: one host plan that runs
 * every call in order, the kernels of each unit once, or what does not fit together. Holds: a kernel's text is the unit's own, so calls
 * share it and differ in the buffers and uniforms of their steps; everything the units say in their own names is said in the names of the
 * chain; what calls make stays on the device and shares memory where lives do not meet (link-memory.ts).
 */
import { bad, CompilerBug, good, type Checked, type Diagnostic } from '../../dsl/diagnostic.ts';
import { eq, int, ref } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { exprKey, freeRefs, substitute } from '../expr/traverse.ts';
import type { KernelProgram } from '../kernel/ir.ts';
import type { ChainCall, ChainSpec } from '../spec/chain.ts';
import type { Requirement, Spec } from '../spec/ir.ts';
import { extentsOf } from '../tile/extents.ts';
import type { TileProgram } from '../tile/ir.ts';
import { bufferName } from '../tile/names.ts';
import { callScope, type LinkValue } from './link-call.ts';
import { placeMemory, type LinkBuffer, type LinkStepUses, type LinkUse } from './link-memory.ts';
import type { HostBuffer, HostKernel, HostPlan, HostStep, HostVariable } from './plan.ts';

/** What is needed of a compiled unit. */
export interface LinkUnit {
  readonly spec: Spec;
  readonly hostPlan: HostPlan;
  readonly tilePrograms: readonly TileProgram[];
  readonly kernelPrograms: readonly KernelProgram[];
}

export interface Linked {
  readonly hostPlan: HostPlan;
  readonly tilePrograms: readonly TileProgram[];
  readonly kernelPrograms: readonly KernelProgram[];
  /** For each step, the plan's buffers by the names that the unit has for them. */
  readonly tileBuffers: readonly ReadonlyMap<string, string>[];
}

/** A step of a call in the names of the chain; buffers are still ids. */
interface LinkStep extends LinkStepUses {
  readonly step: Omit<HostStep, 'buffers' | 'chunkable'>;
  readonly bound: readonly string[];
  /** Every buffer of the unit, by its name there. */
  readonly ids: ReadonlyMap<string, string>;
}

/** Gives out names, each once: the wanted one where it is free. */
function namer(taken: Iterable<string> = []): (wanted: string) => string {
  const used = new Set(taken);
  return (wanted) => {
    const clean = wanted.replace(/[^A-Za-z0-9_]/g, '_');
    let name = clean;
    for (let n = 2; used.has(name); n += 1) name = `${clean}_${n}`;
    used.add(name);
    return name;
  };
}

/** The kernels of all units that are called, under names of their own in the plan. */
function linkKernels(units: readonly LinkUnit[], called: ReadonlySet<number>): readonly ReadonlyMap<string, string>[] {
  const counts = new Map<string, number>();
  units.forEach((u, i) => {
    if (called.has(i)) for (const k of u.hostPlan.kernels) counts.set(k.name, (counts.get(k.name) ?? 0) + 1);
  });
  const alone = [...counts].filter(([, n]) => n === 1).map(([name]) => name);
  const fresh = namer(alone);
  return units.map((u, i) => new Map(!called.has(i) ? [] : u.hostPlan.kernels.map(({ name }) => [name, counts.get(name) === 1 ? name : fresh(`${u.hostPlan.name}_${name}`)])));
}

/** Variables of calls: computed once where two say the same, a name where one is needed. */
function variablePool(taken: Iterable<string>): { readonly add: (wanted: string, value: Expr) => Expr; readonly all: readonly HostVariable[] } {
  const fresh = namer(taken);
  const known = new Map<string, Expr>();
  const all: HostVariable[] = [];
  const add = (wanted: string, value: Expr): Expr => {
    if (value.kind === 'literal' || value.kind === 'ref') return value;
    const key = exprKey(value);
    const found = known.get(key);
    if (found !== undefined) return found;
    const name = fresh(wanted);
    all.push({ name, type: value.type, value });
    const made = ref(name, value.type);
    known.set(key, made);
    return made;
  };
  return { add, all };
}

/** The variables that something still speaks of, directly or through others. */
function stillUsed(variables: readonly HostVariable[], users: readonly Expr[]): readonly HostVariable[] {
  const wanted = new Set(users.flatMap((e) => [...freeRefs(e)]));
  // A variable speaks of earlier ones alone.
  for (const v of [...variables].reverse()) if (wanted.has(v.name)) for (const name of freeRefs(v.value)) wanted.add(name);
  return variables.filter((v) => wanted.has(v.name));
}

/** The name of the result that a buffer of a unit holds, if it holds one. */
function resultOf(unit: LinkUnit, buffer: HostBuffer): string | undefined {
  if (unit.hostPlan.stages?.attention !== false && (buffer.name === 'out' || buffer.name === 'lse')) return buffer.name;
  return unit.hostPlan.stages?.outputs.find((o) => o.buffer === buffer.name)?.name;
}

function precisionOf(unit: LinkUnit, result: string): LinkValue['precision'] {
  const tensor = unit.spec.outputs.find((o) => o.name === result)?.tensor;
  return unit.spec.stages.find((t) => t.name === tensor)?.precision;
}

/** The names that results of a call have in the chain. */
export function resultName(call: Pick<ChainCall, 'name'>, result: string): string {
  return `${call.name}.${result}`;
}

function distinct(requires: readonly Requirement[]): readonly Requirement[] {
  const seen = new Set<string>();
  return requires.filter(({ condition, message }) => {
    const key = `${exprKey(condition)} ${message}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

function fixedSizes(chain: ChainSpec): { readonly names: ReadonlyMap<string, Expr>; readonly requires: readonly Requirement[] } {
  const { heads, kvHeads, dim } = chain.sizes;
  const fixed = [['heads', heads], ['kv_heads', kvHeads]] as const;
  return {
    names: new Map([...fixed, ['dim', dim] as const].map(([name, value]) => [name, int(value)])),
    requires: fixed.map(([name, value]) => ({ condition: eq(ref(name, 'int'), int(value)), message: `chain ${chain.name} is made for ${name} = ${value}`, span: chain.span })),
  };
}

/** Links the plans of a chain's units; `units[i]` was compiled from `chain.units[i]`. */
export function linkChain(chain: ChainSpec, units: readonly LinkUnit[]): Checked<Linked> {
  const called = new Set(chain.calls.map((c) => c.unit));
  const kernelNames = linkKernels(units, called);
  const sizes = fixedSizes(chain);
  const extentNames = chain.tensors.flatMap((t) => t.axes.flatMap((a) => (a.kind === 'free' ? [`${t.name}.${a.name}`] : [])));
  const variables = variablePool(['n_q', 'n_k', 'heads', 'kv_heads', 'batch', 'dim', 'head_first', 'head_count', 'kv_first', 'kv_count', ...chain.scalars.map((s) => s.name), ...extentNames]);
  const bufferNames = namer();
  const values = new Map<string, LinkValue>();
  const buffers: LinkBuffer[] = [];
  const requires: Requirement[] = [...sizes.requires, ...chain.requires];
  const problems: Diagnostic[] = [];
  const steps: LinkStep[] = [];

  for (const t of chain.tensors) {
    const element = t.element === 'float' ? 'f32' : t.element;
    const extents = extentsOf(t).map((e) => substitute(e, sizes.names));
    values.set(t.name, { name: t.name, id: t.name, element, extents });
    buffers.push({ id: t.name, name: bufferNames(bufferName(t.name, new Set())), role: 'input', element, extents });
  }

  const given = new Map(chain.outputs.map((o) => [o.value, bufferNames(o.name)]));

  for (const call of chain.calls) {
    const unit = units[call.unit];
    const renamed = kernelNames[call.unit];
    if (unit === undefined || renamed === undefined) throw new CompilerBug('link', `call ${call.name} is of unit ${call.unit}, which does not exist`);
    const { hostPlan: plan } = unit;
    const used = new Set(plan.steps.flatMap((s) => s.buffers));
    const scope = callScope(call, plan, sizes.names, used, values);
    requires.push(...scope.requires);
    problems.push(...scope.problems);
    const names = new Map(scope.names);
    const say = (e: Expr): Expr => substitute(e, names);
    for (const v of plan.variables) names.set(v.name, variables.add(v.name, say(v.value)));

    const ids = new Map(scope.inputs.map(({ buffer, value }) => [buffer, value.id]));
    for (const b of plan.buffers) {
      if (b.role === 'input') continue;
      const result = resultOf(unit, b);
      const id = `${call.name}/${b.name}`;
      const extents = b.extents.map(say);
      ids.set(b.name, id);
      const name = result === undefined ? undefined : resultName(call, result);
      const output = given.get(name ?? '');
      buffers.push({ id, name: output ?? bufferNames(`${call.name}_${result ?? b.name}`), role: output === undefined ? 'workspace' : 'output', element: b.element, extents });
      for (const o of plan.stages?.outputs ?? []) {
        const precision = precisionOf(unit, o.name);
        if (o.buffer === b.name) values.set(resultName(call, o.name), { name: resultName(call, o.name), id, element: b.element, extents, ...(precision === undefined ? {} : { precision }) });
      }
      if (name !== undefined && !values.has(name)) values.set(name, { name, id, element: b.element, extents });
    }

    for (const s of plan.steps) {
      const when = say(s.when);
      if (when.kind === 'literal' && when.value === 0) continue;
      const bound = s.buffers.map((name) => ids.get(name) ?? missing(call, name));
      const onlyRead = (unit.tilePrograms.find((p) => p.name === s.kernel)?.buffers ?? []).flatMap(({ name }) => (s.buffers.includes(name) ? [] : ids.get(name) ?? []));
      const chunkedOf = (name: string): HostBuffer['chunked'] => plan.buffers.find((b) => b.name === name)?.chunked ?? 'whole';
      const uses: readonly LinkUse[] = [...bound.map((id, i) => ({ id, bound: chunkedOf(s.buffers[i] ?? '') })), ...onlyRead.map((id) => ({ id }))];
      const [x, y, z] = s.workgroups;
      steps.push({
        step: { kernel: renamed.get(s.kernel) ?? missing(call, s.kernel), uniforms: s.uniforms.map(say), workgroups: [say(x), say(y), say(z)], when },
        bound, ids, uses, chunkable: s.chunkable,
      });
    }
  }
  if (problems.length > 0) return bad(problems);

  const memory = placeMemory(buffers, steps);
  const placed = (id: string): string => memory.nameOf.get(id) ?? notPlaced(id);
  const hostSteps = steps.map(({ step, bound }, i): HostStep => {
    const begins = memory.begins[i] ?? [];
    return { ...step, buffers: bound.map(placed), chunkable: memory.chunkable[i] === true, ...(begins.length === 0 ? {} : { begins }) };
  });
  const running = new Set(hostSteps.map((s) => s.kernel));
  const renamedOf = <T extends { readonly name: string }>(list: (u: LinkUnit) => readonly T[]): readonly T[] =>
    units.flatMap((u, i) => list(u).flatMap((item) => {
      const name = kernelNames[i]?.get(item.name);
      return name === undefined || !running.has(name) ? [] : [{ ...item, name }];
    }));
  const users = [...hostSteps.flatMap((s) => [...s.uniforms, ...s.workgroups, s.when]), ...memory.buffers.flatMap((b) => b.extents)];
  const [first] = units;
  const hostPlan: HostPlan = {
    format: 'filigree-plan-1',
    name: chain.name,
    doc: chain.doc,
    dim: chain.sizes.dim,
    dtype: first?.hostPlan.dtype ?? 'f32',
    ...(first?.hostPlan.products === undefined ? {} : { products: first.hostPlan.products }),
    scalars: chain.scalars,
    tensors: chain.tensors,
    requires: distinct(requires),
    variables: stillUsed(variables.all, users),
    stages: { attention: false, outputs: chain.outputs.map((o) => ({ name: o.name, buffer: placed(values.get(o.value)?.id ?? o.value) })) },
    chain: { heads: chain.sizes.heads, kvHeads: chain.sizes.kvHeads },
    buffers: memory.buffers,
    kernels: renamedOf<HostKernel>((u) => u.hostPlan.kernels),
    steps: hostSteps,
  };
  return good({
    hostPlan,
    tilePrograms: renamedOf<TileProgram>((u) => u.tilePrograms),
    kernelPrograms: renamedOf<KernelProgram>((u) => u.kernelPrograms),
    tileBuffers: steps.map(({ ids }) => new Map([...ids].flatMap(([name, id]) => {
      const at = memory.nameOf.get(id);
      return at === undefined ? [] : [[name, at] as const];
    }))),
  });
}

function missing(call: ChainCall, name: string): never {
  throw new CompilerBug('link', `call ${call.name} has no '${name}'`);
}

function notPlaced(id: string): never {
  throw new CompilerBug('link', `nothing makes or gives '${id}'`);
}
