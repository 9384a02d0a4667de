/**
 * From the plans of units to the plan of a chain. In: a chain, and what each of its units was compiled to. Out: one host plan that runs
 * every call in order, the kernels of each unit once, or what does not fit together. Holds: a kernel's text is the unit's own, so calls
 * share it and differ in the buffers and uniforms of their steps; everything the units say in their own names is said in the names of the
 * chain; what calls make stays on the device and shares memory where lives do not meet (link-memory.ts).
 */
import { bad, CompilerBug, good, type Checked, type Diagnostic } from '../../dsl/diagnostic.ts';
import { eq, int, mul, ref, trueExpr } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { substitute } from '../expr/traverse.ts';
import type { KernelProgram } from '../kernel/ir.ts';
import type { ChainCall, ChainSpec } from '../spec/chain.ts';
import type { Requirement, Spec } from '../spec/ir.ts';
import { extentName, knownSizes, sizeNames } from '../spec/names.ts';
import { extentsOf } from '../tile/extents.ts';
import type { TileProgram } from '../tile/ir.ts';
import { bufferName } from '../tile/names.ts';
import { hostKernel } from './host-plan.ts';
import { givesAttention } from './inputs.ts';
import { distinct, linkKernels, namer, stillUsed, variablePool } from './link-names.ts';
import { callScope, type LinkInput, type LinkValue } from './link-call.ts';
import { conversionProgram, conversionRows } from './link-convert.ts';
import { placeMemory, type LinkBuffer, type LinkStepUses, type LinkUse } from './link-memory.ts';
import { chunkNames } from './plan.ts';
import type { HostBuffer, HostKernel, HostPlan, HostStep } from './plan.ts';

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

/** The names of the results that a buffer of a unit holds. */
function resultsOf({ hostPlan }: LinkUnit, buffer: HostBuffer): readonly string[] {
  if (givesAttention(hostPlan) && (buffer.name === 'out' || buffer.name === 'lse')) return [buffer.name];
  return (hostPlan.stages?.outputs ?? []).filter((o) => o.buffer === buffer.name).map((o) => o.name);
}

function precisionOf(unit: LinkUnit, result: string): LinkValue['precision'] {
  const tensor = unit.spec.outputs.find((o) => o.name === result)?.tensor;
  return unit.spec.stages.find((t) => t.name === tensor)?.precision;
}

/** The names that results of a call have in the chain. */
export function resultName(call: Pick<ChainCall, 'name'>, result: string): string {
  return `${call.name}.${result}`;
}

function fixedSizes(chain: ChainSpec): { readonly names: ReadonlyMap<string, Expr>; readonly requires: readonly Requirement[] } {
  const { heads, kvHeads } = chain.sizes;
  const fixed = [['heads', heads], ['kv_heads', kvHeads]] as const;
  return {
    names: knownSizes(chain.sizes),
    requires: fixed.map(([name, value]) => ({ condition: eq(ref(name, 'int'), int(value)), message: `chain ${chain.name} is made for ${name} = ${value}`, span: chain.span })),
  };
}

/** Makes kernels of the tile programs that copies between calls are. */
export interface Conversions {
  /** Rows of a tile. */
  readonly rows: number;
  readonly lower: (program: TileProgram) => Checked<KernelProgram>;
}

/** What is known while calls are linked, one after another. */
interface Linking {
  readonly chain: ChainSpec;
  readonly units: readonly LinkUnit[];
  /** For each unit, its kernels by what the plan calls them. */
  readonly kernelNames: readonly ReadonlyMap<string, string>[];
  readonly sizes: ReadonlyMap<string, Expr>;
  readonly variables: ReturnType<typeof variablePool>;
  readonly bufferNames: (wanted: string) => string;
  /** Names of output buffers, by value. */
  readonly given: ReadonlyMap<string, string>;
  readonly conversions: Conversions;
  readonly values: Map<string, LinkValue>;
  readonly buffers: LinkBuffer[];
  readonly steps: LinkStep[];
  readonly requires: Requirement[];
  readonly problems: Diagnostic[];
  /** Programs of copies by name. */
  readonly copies: Map<string, { readonly program: TileProgram; readonly kernel: KernelProgram }>;
  /** Ids of copies, by id of the original and element. */
  readonly copied: Map<string, string>;
}

function linkParameters({ chain, sizes, values, buffers, bufferNames }: Pick<Linking, 'chain' | 'sizes' | 'values' | 'buffers' | 'bufferNames'>): void {
  for (const t of chain.tensors) {
    const element = t.element === 'float' ? 'f32' : t.element;
    const extents = extentsOf(t).map((e) => substitute(e, sizes));
    values.set(t.name, { name: t.name, id: t.name, element, extents });
    buffers.push({ id: t.name, name: bufferNames(bufferName(t.name, new Set())), role: 'input', element, extents });
  }
}

/** The buffer that a unit sees a value in: the value's own, or a copy in another storage that is made once. */
function idFor(l: Linking, { value, buffer }: LinkInput): string {
  const { element: to } = buffer;
  const { element: from } = value;
  if (from === to || from === 'int' || from === 'bool' || to === 'int' || to === 'bool') return value.id;
  const id = `${value.id} as ${to}`;
  if (l.copied.has(id)) return id;
  l.copied.set(id, id);
  const last = value.extents[value.extents.length - 1];
  const width = last?.kind === 'literal' ? last.value : 1;
  const rows = (last?.kind === 'literal' ? value.extents.slice(0, -1) : value.extents).reduce((n, e) => mul(n, e), int(1));
  const taken = new Set(l.kernelNames.flatMap((names) => [...names.values()]));
  let name = `copy_${from}_${to}_${width}`;
  while (taken.has(name)) name = `${name}_`;
  const program = l.copies.get(name)?.program ?? conversionProgram(name, { from, to, width }, l.conversions.rows);
  const kernel = l.copies.get(name)?.kernel ?? lowered(l, program);
  if (kernel === undefined) return id;
  l.copies.set(name, { program, kernel });
  l.buffers.push({ id, name: l.bufferNames(`${value.name}_${to}`), role: 'workspace', element: to, extents: value.extents });
  const say = (e: Expr): Expr => substitute(e, new Map([[conversionRows, rows]]));
  const [x = int(1), y = int(1), z = int(1)] = program.grid.map((g) => say(g.extent));
  const ids = new Map([['from', value.id], ['to', id]]);
  const bound = kernel.storage.map((s) => ids.get(s.buffer) ?? missing(name, s.buffer));
  l.steps.push({
    step: { kernel: name, uniforms: kernel.uniforms.map((u) => say(ref(u.name, 'int'))), workgroups: [x, y, z], when: trueExpr },
    bound, ids, uses: bound.map((b) => ({ id: b, bound: 'whole' })), chunkable: false,
  });
  return id;
}

function lowered(l: Linking, program: TileProgram): KernelProgram | undefined {
  const kernel = l.conversions.lower(program);
  if (kernel.ok) return kernel.value;
  l.problems.push(...kernel.diagnostics);
  return undefined;
}

function linkCall(l: Linking, call: ChainCall): void {
  const unit = l.units[call.unit];
  const renamed = l.kernelNames[call.unit];
  if (unit === undefined || renamed === undefined) throw new CompilerBug('link', `call ${call.name} is of unit ${call.unit}, which does not exist`);
  const { hostPlan: plan } = unit;
  const used = new Set(plan.steps.flatMap((s) => s.buffers));
  const scope = callScope(call, plan, l.sizes, used, l.values);
  l.requires.push(...scope.requires);
  l.problems.push(...scope.problems);
  const names = new Map(scope.names);
  const say = (e: Expr): Expr => substitute(e, names);
  for (const v of plan.variables) names.set(v.name, l.variables.add(v.name, say(v.value)));
  const ids = new Map(scope.inputs.map((input) => [input.buffer.name, scope.problems.length > 0 ? input.value.id : idFor(l, input)]));
  for (const b of plan.buffers) {
    if (b.role === 'input') continue;
    const id = `${call.name}/${b.name}`;
    const extents = b.extents.map(say);
    const results = resultsOf(unit, b).map((result) => resultName(call, result));
    const output = results.flatMap((name) => l.given.get(name) ?? [])[0];
    ids.set(b.name, id);
    l.buffers.push({ id, name: output ?? l.bufferNames(results[0] ?? `${call.name}_${b.name}`), role: output === undefined ? 'workspace' : 'output', element: b.element, extents });
    results.forEach((name, i) => {
      const precision = precisionOf(unit, resultsOf(unit, b)[i] ?? '');
      l.values.set(name, { name, id, element: b.element, extents, ...(precision === undefined ? {} : { precision }) });
    });
  }
  for (const s of plan.steps) {
    const when = say(s.when);
    if (when.kind === 'literal' && when.value === 0) continue;
    const bound = s.buffers.map((name) => ids.get(name) ?? missing(call.name, name));
    const onlyRead = (unit.tilePrograms.find((p) => p.name === s.kernel)?.buffers ?? []).flatMap(({ name }) => (s.buffers.includes(name) ? [] : ids.get(name) ?? []));
    const chunkedOf = (name: string): HostBuffer['chunked'] => plan.buffers.find((b) => b.name === name)?.chunked ?? 'whole';
    const uses: readonly LinkUse[] = [...bound.map((id, i) => ({ id, bound: chunkedOf(s.buffers[i] ?? '') })), ...onlyRead.map((id) => ({ id }))];
    const [x, y, z] = s.workgroups;
    l.steps.push({
      step: { kernel: renamed.get(s.kernel) ?? missing(call.name, s.kernel), uniforms: s.uniforms.map(say), workgroups: [say(x), say(y), say(z)], when },
      bound, ids, uses, chunkable: s.chunkable,
    });
  }
}

/** Links the plans of a chain's units; `units[i]` was compiled from `chain.units[i]`. */
export function linkChain(chain: ChainSpec, units: readonly LinkUnit[], conversions: Conversions): Checked<Linked> {
  const sizes = fixedSizes(chain);
  const extentNames = chain.tensors.flatMap((t) => t.axes.flatMap((a) => (a.kind === 'free' ? [extentName(t.name, a.name)] : [])));
  const bufferNames = namer();
  const values = new Map<string, LinkValue>();
  const buffers: LinkBuffer[] = [];
  linkParameters({ chain, sizes: sizes.names, values, buffers, bufferNames });
  const l: Linking = {
    chain, units, conversions, values, buffers, bufferNames,
    kernelNames: linkKernels(units, new Set(chain.calls.map((c) => c.unit))),
    sizes: sizes.names,
    variables: variablePool([...sizeNames, ...chunkNames, ...chain.scalars.map((s) => s.name), ...extentNames]),
    given: new Map(chain.outputs.map((o) => [o.value, bufferNames(o.name)])),
    steps: [], problems: [], requires: [...sizes.requires, ...chain.requires], copies: new Map(), copied: new Map(),
  };
  for (const call of chain.calls) linkCall(l, call);
  return l.problems.length > 0 ? bad(l.problems) : good(finish(l));
}

/** Places memory and gathers what runs. */
function finish(l: Linking): Linked {
  const { chain, units, steps } = l;
  const memory = placeMemory(l.buffers, steps);
  const placed = (id: string): string => memory.nameOf.get(id) ?? notPlaced(id);
  const hostSteps = steps.map(({ step, bound }, i): HostStep => {
    const begins = memory.begins[i] ?? [];
    return { ...step, buffers: bound.map(placed), chunkable: memory.chunkable[i] === true, ...(begins.length === 0 ? {} : { begins }) };
  });
  const running = new Set(hostSteps.map((s) => s.kernel));
  const renamedOf = <T extends { readonly name: string }>(list: (u: LinkUnit) => readonly T[]): readonly T[] =>
    units.flatMap((u, i) => list(u).flatMap((item) => {
      const name = l.kernelNames[i]?.get(item.name);
      return name === undefined || !running.has(name) ? [] : [{ ...item, name }];
    }));
  const copies = [...l.copies.values()];
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
    requires: distinct(l.requires),
    variables: stillUsed(l.variables.all, users),
    stages: { attention: false, outputs: chain.outputs.map((o) => ({ name: o.name, buffer: placed(l.values.get(o.value)?.id ?? o.value) })) },
    chain: { heads: chain.sizes.heads, kvHeads: chain.sizes.kvHeads },
    buffers: memory.buffers,
    kernels: [...copies.map((c) => hostKernel(c.kernel)), ...renamedOf<HostKernel>((u) => u.hostPlan.kernels)],
    steps: hostSteps,
  };
  return {
    hostPlan,
    tilePrograms: [...copies.map((c) => c.program), ...renamedOf<TileProgram>((u) => u.tilePrograms)],
    kernelPrograms: [...copies.map((c) => c.kernel), ...renamedOf<KernelProgram>((u) => u.kernelPrograms)],
    tileBuffers: steps.map(({ ids }) => new Map([...ids].flatMap(([name, id]) => {
      const at = memory.nameOf.get(id);
      return at === undefined ? [] : [[name, at] as const];
    }))),
  };
}

function missing(owner: string, name: string): never {
  throw new CompilerBug('link', `${owner} has no '${name}'`);
}

function notPlaced(id: string): never {
  throw new CompilerBug('link', `nothing makes or gives '${id}'`);
}
