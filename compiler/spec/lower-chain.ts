/**
 * A checked chain to its calls. In: the files, the name of a chain, values of its `const` parameters, the attentions that its parameters
 * of that type stand for. Out: units, calls and outputs (chain.ts), or why there are none. Each use becomes a call of a unit: the
 * declaration lowered by itself, shared by all uses that give it the same constants and tensors of the same leading axes.
 */
import type { Arg, AttentionUse, ChainDecl, ChainItem, Param, SourceFile, StageUse } from '../../dsl/ast.ts';
import * as report from '../../dsl/catalogue/index.ts';
import { bad, DiagnosticError, unreachable } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { buildScopes, matchArguments } from '../../dsl/program.ts';
import type { Program } from '../../dsl/program.ts';
import { noSpan } from '../../dsl/span.ts';
import type { Span } from '../../dsl/span.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { printExpr } from '../expr/print.ts';
import { readTensors, substitute } from '../expr/traverse.ts';
import type { ChainCall, ChainOutput, ChainSpec } from './chain.ts';
import type { Axis, ScalarParam, Spec, TensorParam } from './ir.ts';
import { finished, lowerDeclaration, newLowering, unknownConstants } from './lower-ast.ts';
import type { Declared } from './lower-ast.ts';
import { lower } from './lower-expr.ts';
import { extentAt, specParams } from './lower-params.ts';
import { broken, scalarAt, scalarValue } from './lower-scalar.ts';
import { inputAxes } from './lower-stage.ts';
import { require, stop } from './lower-state.ts';
import type { BoundTensor, Env, Lowering, Value } from './lower-state.ts';
import { axisName, extentName, extentOfAxis, knownSizes } from './names.ts';
import { ruleParts } from './stage.ts';

type Use = StageUse | AttentionUse;

/** Rounds of `repeat`, all taken together, and calls that come of them. */
const callLimit = 4096;

/** The spec of an attention, for each parameter that stands for one. */
export type ChosenAttentions = ReadonlyMap<string, Spec>;

interface State {
  readonly l: Lowering;
  readonly chosen: ChosenAttentions;
  /** heads, kv_heads and dim. */
  readonly known: ReadonlyMap<string, Expr>;
  readonly units: { readonly key: string; readonly spec: Spec }[];
  readonly calls: ChainCall[];
  readonly outputs: ChainOutput[];
  readonly scalars: ScalarParam[];
  readonly tensors: TensorParam[];
}

/** Lowers chain `name` of `entryFile`. The files must have passed the checker. */
export function lowerChain(
  files: ReadonlyMap<string, SourceFile>,
  entryFile: string,
  name: string,
  constants: ReadonlyMap<string, number> = new Map(),
  chosen: ChosenAttentions = new Map(),
): Checked<ChainSpec> {
  const program: Program = { entryFile, files, scopes: buildScopes(files).scopes };
  const chains = (files.get(entryFile)?.items ?? []).flatMap((i): readonly ChainDecl[] => (i.kind === 'chain' ? [i] : []));
  const decl = chains.find((i) => i.name.name === name);
  if (decl === undefined) return bad([report.unknownDeclaration(noSpan, { name, file: entryFile, candidates: chains.map((i) => i.name.name) })]);
  const attentions = decl.params.filter((p) => p.type.scalar === 'attention');
  const unknown = [
    ...unknownConstants(decl, constants),
    ...attentions.filter((p) => !chosen.has(p.name.name)).map((p) => report.attentionNotChosen(p.span, { name: p.name.name, chain: name })),
    ...[...chosen.keys()].filter((n) => !attentions.some((p) => p.name.name === n)).map((n) =>
      report.unknownParameter(decl.name.span, { owner: name, name: n, candidates: attentions.map((p) => p.name.name) })),
  ];
  if (unknown.length > 0) return bad(unknown);
  const l = newLowering(program, name);
  return finished(l, () => chainOf(l, decl, constants, chosen));
}

function chainOf(l: Lowering, decl: ChainDecl, constants: ReadonlyMap<string, number>, chosen: ChosenAttentions): ChainSpec {
  const scope = l.program.scopes.get(l.program.entryFile) ?? broken('no scope of the entry file');
  const params = decl.params.filter((p) => p.type.scalar !== 'attention');
  const { scalars, tensors, values } = specParams(l, params, constants, (e) => lower(l, e, { values: new Map(), scope, locals: [] }));
  const env: Env = { values, scope, locals: [] };
  const sizes = sizesOf(l, decl, env);
  const state: State = { l, chosen, known: knownSizes(sizes), units: [], calls: [], outputs: [], scalars: [...scalars], tensors: [...tensors] };
  lowerItems(state, decl.items, env);
  return {
    name: decl.name.name, doc: decl.doc, scalars: state.scalars, tensors: state.tensors, sizes,
    units: state.units.map((u) => u.spec), calls: state.calls, outputs: state.outputs, requires: l.requires, span: decl.span,
  };
}

function sizesOf(l: Lowering, decl: ChainDecl, env: Env): ChainSpec['sizes'] {
  const given = new Map<string, number>();
  for (const item of decl.items) {
    if (item.kind !== 'sizes') continue;
    for (const { name, value } of item.sizes) {
      const e = scalarAt(l, value, env);
      const most = name.name === 'dim' ? 256 : 65536;
      if (e.kind !== 'literal' || e.value < 1 || e.value > most) stop(report.badSizes(value.span, { reason: `\`${name.name}\` lies between 1 and ${most}` }));
      else given.set(name.name, e.value);
    }
  }
  const heads = given.get('heads') ?? 1;
  const kvHeads = given.get('kv_heads') ?? heads;
  if (heads % kvHeads !== 0) stop(report.headsNotMultiple(decl.name.span, { heads, kvHeads }));
  return { heads, kvHeads, dim: given.get('dim') ?? 1 };
}

function lowerItems(s: State, items: readonly ChainItem[], start: Env): Env {
  const { l } = s;
  let env = start;
  const set = (name: string, value: Value): void => void (env = { ...env, values: new Map(env.values).set(name, value) });
  for (const item of items) {
    switch (item.kind) {
      case 'sizes':
        break;
      case 'let':
        set(item.name.name, l.lower(item.value, env));
        break;
      case 'stage':
      case 'attention':
        env = { ...env, values: lowerUse(s, item, env) };
        break;
      case 'repeat': {
        const { range } = item;
        if (range.kind !== 'range') return broken('rounds without a range');
        const [from, to] = [scalarAt(l, range.from, env), scalarAt(l, range.to, env)];
        if (from.kind !== 'literal' || to.kind !== 'literal') return broken('a range that is not known');
        if (to.value <= from.value) stop(report.requirementNotMet(range.span, { message: '`repeat` runs its items at least once' }));
        if (to.value - from.value > callLimit) stop(report.programTooLarge(item.span, { name: l.name, what: 'rounds', limit: callLimit }));
        let inner = env;
        for (let round = from.value; round < to.value; round += 1) {
          const values = new Map(inner.values).set(item.variable.name, scalarValue(x.int(round)));
          inner = lowerItems(s, item.items, { ...inner, values });
        }
        // What a round declares beside results of uses ends with it.
        const results = [...inner.values].filter(([name]) => name.includes('.'));
        env = { ...env, values: new Map([...env.values, ...results]) };
        break;
      }
      case 'output':
        for (const t of item.tensors) {
          const value = env.values.get(t.name);
          if (value?.kind !== 'tensor') return broken(`no tensor ${t.name}`);
          s.outputs.push({ name: t.name, value: value.tensor.name });
        }
        break;
      default:
        return unreachable(item);
    }
  }
  return env;
}

/** A unit with what the arguments of a use are for it. */
interface Callee {
  readonly spec: Spec;
  readonly index: number;
  /** Arguments of its parameters, by name. */
  readonly given: ReadonlyMap<string, Arg>;
}

/** The environment after a use: its results under the use's name, and no older ones. */
function lowerUse(s: State, use: Use, env: Env): ReadonlyMap<string, Value> {
  const { l } = s;
  if (s.calls.length >= callLimit) stop(report.programTooLarge(use.span, { name: l.name, what: 'uses', limit: callLimit }));
  const parameter = use.kind === 'attention' ? s.chosen.get(use.callee.name) : undefined;
  const callee = parameter !== undefined && !env.scope.has(use.callee.name) ? chosenUnit(s, use, parameter, env) : declaredUnit(s, use, env);
  const name = freshCall(s, use.name.name);
  const { spec } = callee;
  const inside = new Map(s.known);
  const scalars = new Map<string, Expr>();
  for (const p of spec.scalars) {
    const value = scalarArgument(s, p, callee.given.get(p.name), env);
    scalars.set(p.name, value);
    inside.set(p.name, value);
  }
  const tensors = new Map<string, string>();
  for (const p of spec.tensors) {
    const arg = callee.given.get(p.name);
    const tensor = arg === undefined ? { name: p.name, axes: p.axes } : tensorAt(l, arg, env);
    tensors.set(p.name, tensor.name);
    p.axes.forEach((axis, i) => bindAxis(s, p.name, axis, tensor, tensor.axes[i] ?? broken('a tensor with too few axes'), inside, arg?.span ?? use.span));
  }
  for (const [input, wanted] of inputAxes) bindInput(s, use, spec, input, wanted, env, tensors);
  for (const r of spec.requires) require(l, substitute(r.condition, inside), r.message, r.span);
  s.calls.push({ name, unit: callee.index, scalars, tensors, span: use.span });
  const kept = [...env.values].filter(([n]) => !n.startsWith(`${use.name.name}.`));
  return new Map([...kept, ...resultsOf(spec, use.name.name, name, inside)]);
}

/** A unit that is lowered from its declaration, once for each set of constants and leading axes. */
function declaredUnit(s: State, use: Use, env: Env): Callee {
  const { l } = s;
  const global = env.scope.get(use.callee.name) ?? broken(`no ${use.callee.name}`);
  if (global.kind !== 'stage' && global.kind !== 'attention') return broken(`${use.callee.name} is neither stage nor attention`);
  const { given } = matchArguments(global.decl.params, use.args.filter((a) => a.name === undefined || !inputAxes.has(a.name.name)));
  const constants = new Map<string, number>();
  const leading = new Map<string, readonly Axis[]>();
  for (const p of global.decl.params) {
    const arg = given.get(p.name.name);
    if (arg === undefined) continue;
    if (p.type.axes.length > 0) leading.set(p.name.name, leadingOf(l, p, arg, env));
    else if (p.isConst) constants.set(p.name.name, constantArgument(l, p, arg, env));
  }
  const axes = [...leading].map(([name, list]) => `${name}[${list.map(axisName).join(', ')}]`);
  const key = [`${global.file}#${use.callee.name}`, ...[...constants].map(([name, value]) => `${name}=${value}`), ...axes].join(' ');
  return { ...unitOf(s, key, use.span, () => lowerUnit(l.program, global.file, global.decl, constants, leading)), given };
}

function lowerUnit(program: Program, file: string, decl: Declared, constants: ReadonlyMap<string, number>, leading: ReadonlyMap<string, readonly Axis[]>): Spec {
  const lowered = lowerDeclaration({ program, file, decl, constants, leading });
  if (!lowered.ok) throw new DiagnosticError(lowered.diagnostics);
  return lowered.value;
}

/** The attention that a parameter stands for. Its parameters without an argument become those of the chain. */
function chosenUnit(s: State, use: Use, spec: Spec, env: Env): Callee {
  const { l } = s;
  const names = new Set([...spec.scalars, ...spec.tensors].map((p) => p.name));
  const given = new Map(use.args.flatMap((a) => (a.name !== undefined && names.has(a.name.name) ? [[a.name.name, a] as const] : [])));
  const open = (name: string, span: Span, has: { readonly span: Span } | undefined): boolean => {
    if (given.has(name)) return false;
    if (has !== undefined && has.span === span) return false;
    if (has !== undefined || env.values.has(name) || l.taken.has(name)) stop(report.chosenClash(span, { name, chain: l.name, attention: spec.name }));
    return true;
  };
  const own = (name: string): { readonly span: Span } | undefined => s.scalars.find((p) => p.name === name) ?? s.tensors.find((p) => p.name === name);
  const scalars = spec.scalars.filter((p) => open(p.name, p.span, own(p.name)));
  const tensors = spec.tensors.filter((p) => open(p.name, p.span, own(p.name)));
  s.scalars.push(...scalars);
  s.tensors.push(...tensors);
  for (const p of [...scalars, ...tensors]) l.taken.add(p.name);
  return { ...unitOf(s, `parameter ${use.callee.name}`, use.span, () => spec), given };
}

function unitOf(s: State, key: string, at: Span, make: () => Spec): Pick<Callee, 'spec' | 'index'> {
  const known = s.units.findIndex((u) => u.key === key);
  if (known >= 0) return { spec: s.units[known]?.spec ?? broken('no unit'), index: known };
  if (s.units.length >= callLimit) stop(report.programTooLarge(at, { name: s.l.name, what: 'uses', limit: callLimit }));
  const spec = make();
  s.units.push({ key, spec });
  return { spec, index: s.units.length - 1 };
}

function freshCall(s: State, base: string): string {
  let name = base;
  for (let i = 1; s.calls.some((c) => c.name === name); i += 1) name = `${base}'${i}`;
  return name;
}

function valueOf(arg: Arg): Extract<Arg['value'], { readonly kind: Exclude<Arg['value']['kind'], 'range'> }> {
  return arg.value.kind === 'range' ? broken('a range as an argument') : arg.value;
}

function tensorAt(l: Lowering, arg: Arg, env: Env): BoundTensor {
  const value = l.lower(valueOf(arg), env);
  return value.kind === 'tensor' ? value.tensor : broken('a tensor argument that is none');
}

/** Batch and heads axes of an argument before those that the parameter declares. */
function leadingOf(l: Lowering, p: Param, arg: Arg, env: Env): readonly Axis[] {
  const { axes } = tensorAt(l, arg, env);
  return axes.slice(0, axes.length - p.type.axes.length);
}

function constantArgument(l: Lowering, p: Param, arg: Arg, env: Env): number {
  const e = scalarAt(l, valueOf(arg), env);
  if (e.kind !== 'literal') return broken(`a constant argument ${p.name.name} that is not known`);
  return e.value;
}

function scalarArgument(s: State, p: ScalarParam, arg: Arg | undefined, env: Env): Expr {
  if (arg === undefined) {
    // A parameter that the chain has taken over keeps its name; any other has a default.
    if (s.scalars.some((own) => own.name === p.name && own.span === p.span)) return x.ref(p.name, p.type);
    const value = p.defaultValue ?? broken(`no value of ${p.name}`);
    return p.type === 'bool' ? x.bool(value !== 0) : p.type === 'float' ? x.float(value) : x.int(value);
  }
  const value = scalarAt(s.l, valueOf(arg), env);
  const fits = value.type === p.type || (p.type === 'float' && value.type === 'int');
  if (!fits) stop(report.typeMismatch(arg.span, { where: `argument \`${p.name}\``, wanted: p.type, found: value.type }));
  return p.type === 'float' ? x.toFloat(value) : value;
}

/** Requires that an axis of an argument is as long as the parameter wants it; names of free axes stand for it inside. */
function bindAxis(s: State, param: string, wanted: Axis, tensor: Pick<BoundTensor, 'name'>, found: Axis, inside: Map<string, Expr>, span: Span): void {
  const has = substitute(extentAt(tensor, found), s.known);
  if (wanted.kind === 'free') {
    inside.set(extentName(param, wanted.name), has);
    return;
  }
  const needs = substitute(extentOfAxis(wanted), inside);
  require(s.l, x.eq(needs, has), `\`${param}\` needs an axis of \`${printExpr(needs)}\`, not of \`${printExpr(has)}\``, span);
}

/** q, k or v of a use: the tensor that is given, where the unit has use for it. */
function bindInput(s: State, use: Use, spec: Spec, input: string, wanted: readonly Axis[], env: Env, tensors: Map<string, string>): void {
  const { l } = s;
  if (spec.computes === 'stages' && !spec.stages.some((t) => ruleParts(t.rule).some((e) => readTensors(e).has(input)))) return;
  const arg = use.args.find((a) => a.name?.name === input);
  const tell = (found: string): never =>
    stop(report.inputExpected(arg?.span ?? use.span, { callee: use.callee.name, name: input, wanted: `float[${wanted.map(axisName).join(', ')}]`, found }));
  if (arg === undefined) return void tell('it is not given');
  const tensor = tensorAt(l, arg, env);
  if (tensor.axes.length !== wanted.length) return void tell('this one has no batch axis');
  tensors.set(input, tensor.name);
  wanted.forEach((axis, i) => bindAxis(s, input, axis, tensor, tensor.axes[i] ?? broken('too few axes'), new Map(s.known), arg.span));
}

/** What a call gives, under the name of its use. */
function resultsOf(spec: Spec, use: string, call: string, inside: ReadonlyMap<string, Expr>): readonly (readonly [string, Value])[] {
  const bound = (axis: Axis): Axis => {
    switch (axis.kind) {
      case 'counted':
        return { kind: 'counted', extent: substitute(axis.extent, inside) };
      case 'blocks':
        return { ...axis, size: substitute(axis.size, inside) };
      case 'batch':
      case 'heads':
      case 'kv_heads':
      case 'queries':
      case 'keys':
      case 'dim':
      case 'fixed':
      case 'free':
        return axis;
      default:
        return unreachable(axis);
    }
  };
  const value = (name: string, element: BoundTensor['element'], axes: readonly Axis[]): readonly [string, Value] =>
    [`${use}.${name}`, { kind: 'tensor', tensor: { name: `${call}.${name}`, element, leading: [], axes: axes.map(bound) } }];
  const perRow: readonly Axis[] = [{ kind: 'batch' }, { kind: 'heads' }, { kind: 'queries' }];
  const attention = spec.computes === 'attention' ? [value('out', 'float', [...perRow, { kind: 'dim' }]), value('lse', 'float', perRow)] : [];
  const outputs = spec.outputs.map(({ name, tensor }) => {
    const made = spec.stages.find((t) => t.name === tensor) ?? broken(`no tensor ${tensor}`);
    return value(name, made.element, made.indices.map((i) => i.axis));
  });
  return [...attention, ...outputs];
}
