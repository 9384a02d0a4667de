/**
 * Element-level predicates of unions of parts, written small: atoms common to several parts are tested once. In: parts. Out: a
 * bool expression of q and k that holds exactly for the pairs in one of the parts.
 */
import type { Box } from '../algebra/abstract.ts';
import { allHold, anyMayHold, type Arrangement } from '../algebra/ask.ts';
import { atomKey, atomTest, type Atom } from '../algebra/formula.ts';
import { meet, type Part } from '../algebra/dnf.ts';
import { unreachable } from '../../dsl/diagnostic.ts';
import type { Formula } from '../algebra/formula.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { PhaseTest } from './ir.ts';

/** The predicate of a phase, whose walk is empty unless the uniform atoms of some part hold: those common to all are not asked. */
export function phasePredicate(parts: readonly Part[]): Expr {
  const [first] = parts;
  const common = new Set((first ?? []).filter((a) => a.kind === 'uniform').map(atomKey).filter((key) => parts.every((p) => p.some((a) => atomKey(a) === key))));
  return predicateOf(parts.map((part) => part.filter((a) => !common.has(atomKey(a)))));
}

/** Parts under the same uniform guards, the guards taken out. */
interface Guarded {
  readonly guards: readonly Atom[];
  readonly parts: readonly Part[];
}

function byGuards(parts: readonly Part[]): readonly Guarded[] {
  const groups = new Map<string, Guarded>();
  for (const part of parts) {
    const guards = part.filter((atom) => atom.kind === 'uniform');
    const key = guards.map(atomKey).join(' ');
    groups.set(key, { guards, parts: [...(groups.get(key)?.parts ?? []), part.filter((atom) => atom.kind !== 'uniform')] });
  }
  return [...groups.values()];
}

/** Whether the guards of no two groups can hold at once. */
function excludeEachOther(groups: readonly Guarded[]): boolean {
  return groups.every((a, i) => groups.slice(i + 1).every((b) => meet(a.guards, b.guards) === undefined));
}

/**
 * The conjuncts of a phase's predicate, each with the question whether a tile need not ask it: an atom that all parts share, the union of
 * what is left of the parts, and that no part served earlier holds. Cases that exclude each other by uniform guards have conjuncts of
 * their own, so that a tile asks those of its case only (it is not walked where no guard holds). `cheap` says which atoms may be asked of a
 * tile in passing.
 */
export function phaseTests(parts: readonly Part[], except: readonly Part[], box: Box, arrangement: Arrangement, cheap: (part: Part) => boolean): readonly PhaseTest[] {
  const covered = (some: readonly Part[]): Expr => (some.every(cheap) ? allHold(some, box, arrangement) : x.falseExpr);
  const conjuncts = (some: readonly Part[]): readonly PhaseTest[] => {
    const shared = (some[0] ?? []).filter((atom) => some.every((part) => part.some((a) => atomKey(a) === atomKey(atom))));
    const keys = new Set(shared.map(atomKey));
    const rest = some.map((part) => part.filter((atom) => !keys.has(atomKey(atom))));
    const own = shared.filter((atom) => atom.kind !== 'uniform').map((atom): PhaseTest => ({ predicate: atomTest(atom), implied: covered([[atom]]) }));
    if (rest.some((part) => part.length === 0)) return own;
    const groups = byGuards(rest);
    if (groups.length < 2 || !excludeEachOther(groups)) return [...own, { predicate: predicateOf(rest), implied: covered(rest) }];
    const cases = groups.flatMap((group) => {
      const elsewhere = x.not(x.all(group.guards.map(atomTest)));
      return conjuncts(group.parts).map((test): PhaseTest => ({ ...test, implied: x.or(elsewhere, test.implied) }));
    });
    return [...own, ...cases];
  };
  const fresh: PhaseTest = { predicate: x.not(predicateOf(except)), implied: except.every(cheap) ? x.not(anyMayHold(except, box, arrangement)) : x.falseExpr };
  return [...conjuncts(parts), ...(except.length === 0 ? [] : [fresh])];
}

/** (a & r1) | (a & r2) | r3 as a & (r1 | r2) | r3, for the atom that occurs most often. */
export function predicateOf(parts: readonly Part[]): Expr {
  if (parts.some((p) => p.length === 0)) return x.trueExpr;
  const counts = new Map<string, number>();
  for (const part of parts) for (const key of new Set(part.map(atomKey))) counts.set(key, (counts.get(key) ?? 0) + 1);
  const [best, count] = [...counts].reduce<readonly [string, number]>((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
  if (count < 2) return x.any(parts.map((part) => x.all(part.map(atomTest))));
  const having = parts.filter((part) => part.some((atom) => atomKey(atom) === best));
  const others = parts.filter((part) => !having.includes(part));
  const shared = having[0]?.find((atom) => atomKey(atom) === best);
  const inner = predicateOf(having.map((part) => part.filter((atom) => atomKey(atom) !== best)));
  const first = shared === undefined ? inner : x.and(atomTest(shared), inner);
  return others.length === 0 ? first : x.or(first, predicateOf(others));
}

/** A formula as a bool expression of q and k, as it stands. */
export function formulaTest(f: Formula): Expr {
  switch (f.kind) {
    case 'constant':
      return x.bool(f.value);
    case 'atom':
      return atomTest(f.atom);
    case 'and':
      return x.all(f.args.map(formulaTest));
    case 'or':
      return x.any(f.args.map(formulaTest));
    case 'cases':
      return x.any(f.arms.map((arm) => x.and(x.all(arm.guard), formulaTest(arm.body))));
    default:
      return unreachable(f);
  }
}
