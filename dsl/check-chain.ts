/**
 * Checks chains: sizes, uses of stages and attentions, rounds, outputs. In: a declaration and the state of the checker. Out: reports.
 * The results of a use are bound as `name.tensor`; in rounds a use under a name that exists gives it new results.
 */
import type { Arg, AttentionUse, ChainDecl, ChainItem, Ident, StageUse } from './ast.ts';
import { reservedNames } from './builtins.ts';
import * as report from './catalogue/index.ts';
import { asScalar, requireInt } from './check-env.ts';
import type { Binding, Checking, Env } from './check-env.ts';
import { checkArguments } from './check-mask-call.ts';
import { declareParams } from './check-params.ts';
import { inputAxes, stageResults, useBindings } from './check-stage.ts';
import { unreachable } from './diagnostic.ts';
import type { Global } from './scope.ts';
import { scalarType, tensorText, typeText } from './types.ts';
import type { AxisType, TensorType, Type } from './types.ts';

type AttentionGlobal = Extract<Global, { readonly kind: 'attention' }>;

/** Sizes that a chain can fix. */
const chainSizes = ['heads', 'kv_heads', 'dim'] as const;

interface ChainState {
  readonly checking: Checking;
  values: ReadonlyMap<string, Binding>;
  /** Names of uses so far. */
  readonly uses: Map<string, Ident>;
  readonly repeated: boolean;
}

export function checkChain(decl: ChainDecl, checking: Checking): void {
  const state: ChainState = { checking, values: declareParams(decl.params, checking), uses: new Map(), repeated: false };
  checkSizes(decl, state);
  checkItems(decl.items, state);
  if (!decl.items.some((i) => i.kind === 'output')) checking.report(report.missingOutput(decl.name.span, { name: decl.name.name }));
}

function envOf(state: ChainState): Env {
  return { place: 'chain', values: state.values, checking: state.checking };
}

function checkSizes(decl: ChainDecl, state: ChainState): void {
  const { checking } = state;
  const seen = new Set<string>();
  decl.items.forEach((item, at) => {
    if (item.kind !== 'sizes') return;
    if (at > 0) checking.report(report.badSizes(item.span, { reason: '`sizes` stands once, above all that uses them' }));
    for (const { name, value } of item.sizes) {
      const known = chainSizes.some((s) => s === name.name);
      if (!known) checking.report(report.badSizes(name.span, { reason: `\`${name.name}\` is no size that a chain fixes; those are heads, kv_heads and dim` }));
      if (seen.has(name.name)) checking.report(report.badSizes(name.span, { reason: `\`${name.name}\` is given twice` }));
      seen.add(name.name);
      const type = requireInt(value, `the size \`${name.name}\``, envOf(state));
      if (type !== undefined && !type.constant) checking.report(report.notConstant(value.span, { where: `the size \`${name.name}\`` }));
    }
  });
}

function checkItems(items: readonly ChainItem[], state: ChainState): void {
  for (const item of items) {
    switch (item.kind) {
      case 'sizes':
        if (state.repeated) state.checking.report(report.badSizes(item.span, { reason: '`sizes` stands once, above all that uses them' }));
        break;
      case 'let': {
        const type = asScalar(state.checking.infer(item.value, envOf(state)), item.value.span, envOf(state));
        if (type !== undefined) declare(item.name, type, 'a local name', state);
        break;
      }
      case 'stage':
      case 'attention':
        checkUse(item, state);
        break;
      case 'repeat':
        checkRounds(item, state);
        break;
      case 'output':
        for (const t of item.tensors) checkOutput(t, state);
        break;
      default:
        unreachable(item);
    }
  }
}

function checkOutput(t: Ident, state: ChainState): void {
  const type = state.checking.infer({ kind: 'name', name: t.name, span: t.span }, envOf(state));
  if (type.kind !== 'error' && (type.kind !== 'tensor' || !t.name.includes('.'))) state.checking.report(report.notOutput(t.span, {}));
  if (state.repeated) state.checking.report(report.badSizes(t.span, { reason: '`output` stands outside of `repeat`' }));
}

function declare(name: Ident, type: Type, what: string, state: ChainState): void {
  const taken = state.values.get(name.name);
  if (reservedNames.has(name.name)) state.checking.report(report.reservedName(name.span, { name: name.name, what }));
  else if (taken !== undefined) state.checking.report(report.duplicateName(name.span, { name: name.name }, [{ span: taken.span, text: 'first meaning' }]));
  state.values = new Map(state.values).set(name.name, { type, span: name.span });
}

/** The items are checked with what is there before the first round, and then with what a round leaves behind. */
function checkRounds(item: Extract<ChainItem, { readonly kind: 'repeat' }>, state: ChainState): void {
  const { range } = item;
  if (range.kind !== 'range') {
    state.checking.report(report.notConstant(range.span, { where: 'the range of `repeat`' }));
    return;
  }
  for (const [bound, where] of [[range.from, 'the start of `repeat`'], [range.to, 'the end of `repeat`']] as const) {
    const type = requireInt(bound, where, envOf(state));
    if (type !== undefined && !type.constant) state.checking.report(report.notConstant(bound.span, { where }));
  }
  const before = state.values;
  declare(item.variable, scalarType('int', true), 'a number of rounds', state);
  let errors = 0;
  const counted: Checking = { ...state.checking, report: (d) => { errors += d.severity === 'error' ? 1 : 0; state.checking.report(d); } };
  const round = { ...state, checking: counted, uses: new Map(state.uses), repeated: true };
  checkItems(item.items, round);
  if (errors === 0) {
    // Local names of the round are new in each.
    const again = { ...round, values: new Map([...round.values].filter(([name]) => name.includes('.') || before.has(name) || name === item.variable.name)), uses: new Map(round.uses) };
    checkItems(item.items, again);
  }
  const results = [...round.values].filter(([name]) => name.includes('.'));
  for (const [name, at] of round.uses) state.uses.set(name, at);
  state.values = new Map([...before, ...results]);
}

function checkUse(use: StageUse | AttentionUse, state: ChainState): void {
  const { checking } = state;
  const { name, span } = use.name;
  const first = state.uses.get(name);
  const taken = state.values.get(name);
  if (reservedNames.has(name)) checking.report(report.reservedName(span, { name, what: `a used ${use.kind}` }));
  else if (taken !== undefined) checking.report(report.duplicateName(span, { name }, [{ span: taken.span, text: 'first meaning' }]));
  else if (first !== undefined && !state.repeated) checking.report(report.duplicateName(span, { name }, [{ span: first.span, text: 'first meaning' }]));
  const results = use.kind === 'stage' ? stageUse(use, state) : attentionUse(use, state);
  const kept = [...state.values].filter(([n]) => !n.startsWith(`${name}.`));
  state.values = new Map([...kept, ...results]);
  state.uses.set(name, use.name);
}

/** Arguments other than q, k and v. */
function parametersOf(use: StageUse | AttentionUse): readonly Arg[] {
  return use.args.filter((a) => a.name === undefined || !inputAxes.has(a.name.name));
}

/** Checks q, k and v where they are given; all three must be where `all`. */
function checkInputs(use: StageUse | AttentionUse, all: boolean, state: ChainState): void {
  for (const [name, axes] of inputAxes) {
    const args = use.args.filter((a) => a.name?.name === name);
    const [arg, second] = args;
    const wanted: TensorType = { kind: 'tensor', name, element: 'float', axes };
    const tell = (at: Arg | undefined, found: string): void =>
      state.checking.report(report.inputExpected(at?.span ?? use.callee.span, { callee: use.callee.name, name, wanted: typeText(wanted), found }));
    if (second !== undefined) tell(second, 'it is given twice');
    if (arg === undefined) {
      if (all) tell(undefined, 'it is not given');
      continue;
    }
    if (arg.value.kind === 'range') {
      tell(arg, 'this is a range');
      continue;
    }
    const found = state.checking.infer(arg.value, envOf(state));
    if (found.kind === 'error') continue;
    const fits = found.kind === 'tensor' && found.element === 'float' && inputFits(axes, found.axes);
    if (!fits) tell(arg, `this is ${found.kind === 'tensor' ? tensorText(found.element, found.axes) : typeText(found)}`);
  }
}

/** The axes of q, k or v; the batch may be left out, and an extent that is counted may be the head dimension. */
function inputFits(wanted: readonly AxisType[], found: readonly AxisType[]): boolean {
  const own = found.length === wanted.length ? wanted : wanted.slice(1);
  return own.length === found.length && own.every((axis, i) => {
    const kind = found[i]?.kind;
    return kind === axis.kind || (axis.kind !== 'batch' && axis.kind !== 'queries' && axis.kind !== 'keys' && (kind === 'counted' || kind === 'fixed'));
  });
}

function stageUse(use: StageUse, state: ChainState): readonly (readonly [string, Binding])[] {
  checkInputs(use, false, state);
  // The name has been judged here; the use is checked as in a stage.
  const values = new Map([...state.values].filter(([n]) => n !== use.name.name));
  return useBindings({ ...use, args: parametersOf(use) }, { place: 'chain', values, checking: state.checking });
}

function attentionUse(use: AttentionUse, state: ChainState): readonly (readonly [string, Binding])[] {
  const { checking } = state;
  checkInputs(use, true, state);
  const parameter = state.values.get(use.callee.name);
  if (parameter?.type.kind === 'attention') {
    checking.usedNames.add(use.callee.name);
    for (const arg of parametersOf(use)) {
      if (arg.name === undefined) checking.report(report.namedOnly(arg.span, { callee: use.callee.name }));
      if (arg.value.kind === 'range') checking.report(report.rangeNotAllowed(arg.span, { name: use.callee.name }));
      else checking.infer(arg.value, envOf(state));
    }
    return resultsOf(use, []);
  }
  const global = checking.scope.get(use.callee.name);
  if (global?.kind !== 'attention') {
    const candidates = [...checking.scope].flatMap(([n, g]) => (g.kind === 'attention' ? [n] : []));
    const found = global === undefined ? 'not declared' : `a declared ${global.kind}, not an attention`;
    checking.report(report.attentionExpected(use.callee.span, { name: use.callee.name, found, candidates }));
    return resultsOf(use, []);
  }
  checking.uses.push({ global, at: use.callee.span });
  checkArguments({ callee: use.callee, args: parametersOf(use), span: use.span }, global.decl, envOf(state));
  return resultsOf(use, outputsOf(global, checking));
}

function resultsOf(use: AttentionUse, outputs: readonly (readonly [string, TensorType])[]): readonly (readonly [string, Binding])[] {
  const made = (name: string, axes: readonly AxisType[]): readonly [string, TensorType] => [name, { kind: 'tensor', name, element: 'float', axes }];
  const query = inputAxes.get('q') ?? [];
  return [made('out', query), made('lse', query.slice(0, -1)), ...outputs].map(([name, type]) => {
    const full = `${use.name.name}.${name}`;
    return [full, { type: { ...type, name: full }, span: use.name.span }];
  });
}

/** The tensors that an attention gives back beside out and lse. */
function outputsOf(global: AttentionGlobal, checking: Checking): readonly (readonly [string, TensorType])[] {
  const scope = checking.scopeOf(global.file);
  const made = new Map<string, TensorType>();
  for (const clause of global.decl.clauses) {
    if (clause.kind !== 'stage') continue;
    const callee = scope.get(clause.callee.name);
    if (callee?.kind !== 'stage') continue;
    for (const [name, type] of stageResults(callee, checking)) made.set(`${clause.name.name}.${name}`, type);
  }
  return global.decl.clauses.flatMap((c) => (c.kind === 'output' ? c.tensors : [])).flatMap((t) => {
    const type = made.get(t.name);
    return type === undefined ? [] : [[t.name, type] as const];
  });
}
