/**
 * The legal forms of a spec, as small named rules. In: a spec. Out: what is wrong with it, empty for a good one. A finding is a bug of
 * the step that made the spec; users never see one. `assertSpec` turns findings into a CompilerBug.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import { children } from '../expr/traverse.ts';
import type { Axis, MaskExpr, Spec, TensorParam, TensorUse } from './ir.ts';
import { extentName, headNames, pairNames, sizeNames } from './names.ts';
import { maskChildren, maskOperands, maskTensors } from './traverse.ts';

export interface Violation {
  readonly rule: string;
  readonly detail: string;
}

type Rule = (spec: Spec) => readonly string[];

/** All masks of a tree, itself first. */
function masksOf(m: MaskExpr): readonly MaskExpr[] {
  return [m, ...maskChildren(m).flatMap(masksOf)];
}

/** What masks and scores may read: parameters and stage tensors. */
function readable(spec: Spec): readonly Pick<TensorParam, 'name' | 'element' | 'axes'>[] {
  return [...spec.tensors, ...spec.stages.map(({ name, element, indices }) => ({ name, element, axes: indices.map((i) => i.axis) }))];
}

function launchNames(spec: Spec): readonly string[] {
  const extents = spec.tensors.flatMap((t) => t.axes.flatMap((a) => (a.kind === 'free' ? [extentName(t.name, a.name)] : [])));
  return [...sizeNames, ...spec.scalars.map((p) => p.name), ...extents];
}

/** Every scalar expression with its place, the refs legal there, the type wanted, and whether it may read tensors. */
interface PlacedExpr {
  readonly place: string;
  readonly expr: Expr;
  readonly names: readonly string[];
  readonly type: Expr['type'];
  readonly reads: boolean;
}

function placedExprs(spec: Spec): readonly PlacedExpr[] {
  const launch = launchNames(spec);
  const perHead = [...launch, ...headNames];
  const perPair = [...perHead, ...pairNames];
  const masks = masksOf(spec.mask).flatMap((m) =>
    maskOperands(m).map((expr): PlacedExpr =>
      m.kind === 'predicate'
        ? { place: 'predicate', expr, names: perPair, type: 'bool', reads: true }
        : { place: m.kind, expr, names: perHead, type: 'int', reads: true },
    ),
  );
  const blocks = spec.tensors.flatMap((t) =>
    t.axes.flatMap((a): readonly PlacedExpr[] => (a.kind === 'blocks' ? [{ place: `block of ${t.name}`, expr: a.size, names: launch, type: 'int', reads: false }] : [])),
  );
  return [
    ...masks,
    ...blocks,
    { place: 'scale', expr: spec.scale, names: launch, type: 'float', reads: false },
    ...(spec.score === undefined ? [] : [{ place: 'score', expr: spec.score, names: [...perPair, 's'], type: 'float' as const, reads: true }]),
    ...(spec.sink === undefined ? [] : [{ place: 'sink', expr: spec.sink, names: perHead, type: 'float' as const, reads: true }]),
    ...spec.requires.map((r) => ({ place: 'require', expr: r.condition, names: launch, type: 'bool' as const, reads: false })),
  ];
}

/** Calls `visit` on every node with the locals bound around it. */
function walk(e: Expr, bound: readonly string[], visit: (node: Expr, bound: readonly string[]) => void): void {
  visit(e, bound);
  if (e.kind === 'fold') {
    walk(e.from, bound, visit);
    walk(e.to, bound, visit);
    walk(e.body, [...bound, e.local], visit);
  } else {
    for (const child of children(e)) walk(child, bound, visit);
  }
}

function inEveryExpr(spec: Spec, look: (node: Expr, bound: readonly string[], at: PlacedExpr) => string | undefined): readonly string[] {
  const found: string[] = [];
  for (const at of placedExprs(spec)) {
    walk(at.expr, [], (node, bound) => {
      const wrong = look(node, bound, at);
      if (wrong !== undefined) found.push(`${at.place}: ${wrong}`);
    });
  }
  return found;
}

const refsAreInScope: Rule = (spec) =>
  inEveryExpr(spec, (node, bound, at) =>
    node.kind === 'ref' && !at.names.includes(node.name) && !bound.includes(node.name) ? `ref ${node.name} is not in scope` : undefined,
  );

const refTypesAgree: Rule = (spec) => {
  const types = new Map<string, string>([['s', 'float'], ...spec.scalars.map((p): [string, string] => [p.name, p.type])]);
  return inEveryExpr(spec, (node, bound) => {
    if (node.kind !== 'ref') return undefined;
    const wanted = bound.includes(node.name) ? 'int' : (types.get(node.name) ?? 'int');
    return node.type === wanted ? undefined : `ref ${node.name} is ${node.type}, not ${wanted}`;
  });
};

const typesFitTheirPlace: Rule = (spec) =>
  placedExprs(spec).flatMap((at) => (at.expr.type === at.type ? [] : [`${at.place}: ${at.expr.type} where ${at.type} is needed`]));

const readsFitTheirTensor: Rule = (spec) =>
  inEveryExpr(spec, (node, _bound, at) => {
    if (node.kind !== 'read') return undefined;
    if (!at.reads) return `reads ${node.tensor}, but nothing may be read here`;
    const tensor = readable(spec).find((t) => t.name === node.tensor);
    if (tensor === undefined) return `reads ${node.tensor}, which is no parameter`;
    if (tensor.element !== node.type) return `reads ${node.tensor} as ${node.type}, but it holds ${tensor.element}`;
    return tensor.axes.length === node.indices.length ? undefined : `${node.tensor} has ${tensor.axes.length} axes, read with ${node.indices.length} indices`;
  });

const noTiles: Rule = (spec) => inEveryExpr(spec, (node) => (node.kind === 'element' ? `element of tile ${node.tile}` : undefined));

const noDeadLocals: Rule = (spec) =>
  inEveryExpr(spec, (node, bound, at) =>
    node.kind === 'fold' && (bound.includes(node.local) || at.names.includes(node.local)) ? `local ${node.local} hides another name` : undefined,
  );

const isPosition = (a: Axis): boolean => a.kind === 'free' || a.kind === 'fixed' || a.kind === 'counted';

function useFault(spec: Spec, t: TensorUse, element: Expr['type'], fits: readonly ((a: Axis) => boolean)[]): string | undefined {
  const tensor = readable(spec).find((p) => p.name === t.tensor);
  if (tensor === undefined) return `${t.tensor} is no parameter`;
  if (tensor.element !== element) return `${t.tensor} holds ${tensor.element}, not ${element}`;
  if (tensor.axes.length !== t.leading.length + fits.length) return `${t.tensor} has ${tensor.axes.length} axes, used with ${t.leading.length} + ${fits.length}`;
  const open = tensor.axes.slice(t.leading.length);
  return open.every((a, i) => fits[i]?.(a) === true) ? undefined : `the open axes of ${t.tensor} do not fit`;
}

const tensorUsesFit: Rule = (spec) =>
  masksOf(spec.mask).flatMap((m) =>
    maskTensors(m).flatMap((t) => {
      const fault =
        m.kind === 'tiles'
          ? useFault(spec, t, 'bool', [(a) => a.kind === 'blocks' && a.of === 'queries', (a) => a.kind === 'keys' || (a.kind === 'blocks' && a.of === 'keys')])
          : m.kind === 'listed' && readable(spec).find((p) => p.name === t.tensor)?.element === 'bool'
            ? useFault(spec, t, 'bool', [(a) => (m.what === 'slashes' ? isPosition(a) || a.kind === 'keys' : a.kind === m.what)])
            : useFault(spec, t, 'int', [m.kind === 'segments' ? (a) => a.kind === 'keys' : isPosition]);
      return fault === undefined ? [] : [`${m.kind}: ${fault}`];
    }),
  );

const namesAreUnique: Rule = (spec) => {
  const names = [...spec.scalars.map((p) => p.name), ...spec.tensors.map((p) => p.name), ...sizeNames, ...headNames, ...pairNames, 's'];
  const made = readable(spec).map((p) => p.name);
  return [names, made].flatMap((list) => list.filter((n, i) => list.indexOf(n) !== i)).map((n) => `${n} is named twice`);
};

const chainsHaveParts: Rule = (spec) =>
  masksOf(spec.mask).flatMap((m) => ((m.kind === 'and' || m.kind === 'or') && m.args.length < 2 ? [`${m.kind} of ${m.args.length}`] : []));

const extentsArePositive: Rule = (spec) =>
  spec.tensors.flatMap((t) => t.axes.flatMap((a) => (a.kind === 'fixed' && !(Number.isInteger(a.extent) && a.extent >= 1) ? [`${t.name} has an axis of ${a.extent}`] : [])));

/** Every mask of a program came from a place in its source. */
const masksHavePlaces: Rule = (spec) => masksOf(spec.mask).flatMap((m) => (m.span.end > m.span.start ? [] : [`${m.kind} has no span`]));

export const specRules: Readonly<Record<string, Rule>> = {
  refsAreInScope, refTypesAgree, typesFitTheirPlace, readsFitTheirTensor, noTiles, noDeadLocals, tensorUsesFit, namesAreUnique,
  chainsHaveParts, extentsArePositive, masksHavePlaces,
};

/** What breaks a rule; empty for a legal spec. */
export function verifySpec(spec: Spec): readonly Violation[] {
  return Object.entries(specRules).flatMap(([rule, check]) => check(spec).map((detail) => ({ rule, detail })));
}

export function assertSpec(spec: Spec): void {
  const [first] = verifySpec(spec);
  if (first !== undefined) throw new CompilerBug('spec', `${first.rule}: ${first.detail}`);
}
