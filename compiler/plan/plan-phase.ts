/**
 * One phase of the plan. In: parts that share an arrangement (without what it implies), and parts served earlier that could not be
 * taken out. Out: the walk (key ranges in closed form, or a tile map where tiles must be asked), the questions `full` and
 * `skip`, the element predicate, and a sentence for the user.
 */
import type { Origin } from '../../dsl/span.ts';
import type { Box } from '../algebra/abstract.ts';
import { allHold, anyMayHold, formulaMay, freeOfKeys, mayHold, contiguous, type Arrangement } from '../algebra/ask.ts';
import type { Part } from '../algebra/dnf.ts';
import { keyBounds, kFirst, kLast, qFirst, qLast } from '../algebra/eliminate.ts';
import { atomTest, negate, nK, type Atom, type Formula } from '../algebra/formula.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { printExpr } from '../expr/print.ts';
import { exprKey, freeRefs, hasFold, readTensors } from '../expr/traverse.ts';
import type { KeyRange, MappedRows, Phase, StrategyName, Table } from './ir.ts';
import { formulaTest, phasePredicate, phaseTests, predicateOf } from './predicate.ts';

export interface PhaseRequest {
  readonly name: string;
  readonly arrangement: Arrangement;
  readonly parts: readonly Part[];
  /** What is true of all rows that the pass serves, beyond the parts: tiles without such a row are not walked, pairs are not asked. */
  readonly ofRows: readonly Atom[];
  /** Served by earlier phases; their pairs must not count again. */
  readonly except: readonly Part[];
  readonly origin: Origin;
  /** Questions for measuring on the host (abstract.ts). */
  readonly wideReads: boolean;
}

export interface PlannedPhase {
  readonly phase: Phase;
  readonly map?: Extract<Table, { readonly kind: 'map' }>;
  readonly strategy: StrategyName;
  readonly reason: string;
}

const tileBox: Box = { q: { lo: qFirst, hi: qLast }, k: { lo: kFirst, hi: kLast } };
/** The name of the tile map of an order of rows. */
function mapName(rows: MappedRows): string {
  return rows.kind === 'listed' ? `tile_map_of_${rows.table}` : 'tile_map';
}

/** Whether tiles that the closed-form bounds leave must still be asked. */
function asksTiles(atom: Atom): boolean {
  switch (atom.kind) {
    case 'linear':
    case 'bound':
    case 'uniform':
    case 'congruence':
      return false;
    case 'member':
    case 'opaque':
      return !freeOfKeys(atom);
  }
}

/**
 * What key steps of a partial tile are asked: the question where it takes arithmetic alone. True where tables would be read or pieces looked
 * through for every few keys, and where bounds in closed form leave little to find.
 */
function stepQuestion(question: Expr, asked: boolean): Expr {
  return asked && readTensors(question).size === 0 && !hasFold(question) ? question : x.trueExpr;
}

export interface PartBounds {
  /** bool; false: no key. */
  readonly guard: Expr;
  /** The first key is the largest of these. */
  readonly lowers: readonly Expr[];
  /** One past the last key is the smallest of these. */
  readonly ends: readonly Expr[];
}

/** The keys that a query tile meets in a part, as the bounds of one range. */
export function partBounds(part: Part, arrangement: Arrangement = contiguous): PartBounds {
  const bounds = keyBounds(part, tileBox.q);
  const rowAtoms = part.filter(freeOfKeys);
  const guards = [...bounds.guards, ...(rowAtoms.length === 0 ? [] : [mayHold(rowAtoms, { ...tileBox, k: tileBox.q }, arrangement)])];
  return {
    guard: x.all(guards),
    lowers: bounds.lowers.length === 0 ? [x.int(0)] : bounds.lowers,
    ends: bounds.uppers.length === 0 ? [nK] : bounds.uppers.map((u) => x.add(u, x.int(1))),
  };
}

function rangeOf(part: Part, arrangement: Arrangement): KeyRange {
  const { guard, lowers, ends } = partBounds(part, arrangement);
  return { from: lowers.reduce(x.max), to: x.select(guard, ends.reduce(x.min), x.int(0)) };
}

function distinctRanges(ranges: readonly KeyRange[]): readonly KeyRange[] {
  const seen = new Map<string, KeyRange>();
  for (const r of ranges) {
    if (r.to.kind === 'literal' && r.to.value <= 0) continue;
    seen.set(`${exprKey(r.from)} .. ${exprKey(r.to)}`, r);
  }
  return [...seen.values()];
}

function shown(e: Expr): string {
  const text = printExpr(e);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function strategyOf(arrangement: Arrangement, map: boolean, parts: readonly Part[]): StrategyName {
  if (arrangement.keys.kind === 'listed' || arrangement.rows.kind === 'listed') return 'given-lists';
  if (arrangement.keys.kind === 'residue' || arrangement.rows.kind === 'residue') return 'permutation';
  if (!map) return 'closed-form';
  const asked = parts.flatMap((part) => part.filter(asksTiles));
  return asked.every((a) => a.kind === 'member' || (a.kind === 'opaque' && a.cond.kind === 'read')) ? 'given-lists' : 'tile-map';
}

function reasonOf(strategy: StrategyName, arrangement: Arrangement, map: boolean, predicate: Expr): string {
  const what = `\`${shown(predicate)}\``;
  if (arrangement.rows.kind === 'listed') {
    const keys = { contiguous: 'keys in order', listed: 'the listed keys as well', residue: 'keys of one residue' }[arrangement.keys.kind];
    const walked = map ? 'each tile is asked once by interval reasoning; two bits of memory a tile' : 'ranges of keys in closed form';
    return `${what}: the listed rows are gathered into tiles of their own, ${keys}; ${walked}`;
  }
  if (arrangement.keys.kind === 'listed') return `${what}: the listed keys are gathered into dense tiles, in order; ranges of them in closed form`;
  if (arrangement.rows.kind === 'residue') {
    const { modulus, only } = arrangement.rows;
    const rows = only === undefined ? `rows grouped by residue mod ${shown(modulus)}` : `only rows congruent to ${shown(only)} mod ${shown(modulus)}`;
    const keys = arrangement.keys.kind === 'residue' ? 'keys grouped to match' : 'keys in order';
    return `${what}: ${rows}, ${keys}, so that its tiles are dense; key ranges in closed form, no mask memory`;
  }
  if (arrangement.keys.kind === 'residue') {
    return `${what}: keys congruent to ${shown(arrangement.keys.residue)} mod ${shown(arrangement.keys.modulus)} are gathered into dense tiles; key ranges in closed form, no mask memory`;
  }
  if (!map) return `${what}: key ranges in closed form from the query tile; no mask memory`;
  return strategy === 'given-lists'
    ? `${what}: tiles are looked up in the given tables once; two bits of memory a tile`
    : `${what}: no closed form for its key ranges, so each tile is asked once by interval reasoning; two bits of memory a tile`;
}

/** Plans a phase; undefined when no pair can satisfy it. */
export function planPhase(request: PhaseRequest): PlannedPhase | undefined {
  const { arrangement, parts, ofRows, except, origin } = request;
  const whole = parts.map((part) => [...part, ...ofRows]);
  const box: Box = { ...tileBox, wideReads: request.wideReads };
  const asked = parts.some((part) => part.some(asksTiles));
  const predicate = except.length === 0 ? phasePredicate(parts) : x.and(phasePredicate(parts), x.not(predicateOf(except)));
  const own = allHold(parts, box, arrangement);
  const full = except.length === 0 ? own : x.and(own, x.not(anyMayHold(except, box, arrangement)));
  const servedBefore = x.any(except.map((part) => allHold([part], box, arrangement)));
  const { rows, keys } = arrangement;
  const mapped = asked && rows.kind !== 'residue' && keys.kind === 'contiguous' ? rows : undefined;
  const map = mapped !== undefined;
  const strategy = strategyOf(arrangement, map, parts);
  const reason = reasonOf(strategy, arrangement, map, x.and(x.all(ofRows.map(atomTest)), predicate));
  const tests = phaseTests(parts, except, box, arrangement, (part) => !part.some(asksTiles));
  const base = { name: request.name, keys: arrangement.keys, predicate, tests, touched: stepQuestion(anyMayHold(parts, box, arrangement), asked), origin };
  if (mapped !== undefined) {
    const needed = x.and(anyMayHold(whole, box, arrangement), x.not(servedBefore));
    return {
      phase: { ...base, walk: { kind: 'map', table: mapName(mapped) }, skip: x.falseExpr, full: x.falseExpr },
      map: mapTable(mapped, needed, full, origin),
      strategy,
      reason,
    };
  }
  const ranges = distinctRanges(whole.map((part) => rangeOf(part, arrangement)));
  if (ranges.length === 0) return undefined;
  const skip = asked ? x.or(x.not(anyMayHold(parts, box, arrangement)), servedBefore) : servedBefore;
  return { phase: { ...base, walk: { kind: 'ranges', ranges }, skip, full }, strategy, reason };
}

function mapTable(rows: MappedRows, needed: Expr, full: Expr, origin: Origin): Extract<Table, { readonly kind: 'map' }> {
  const leading = rows.kind === 'listed' ? rows.leading : [];
  const uses = (name: string): boolean => [needed, full, ...leading].some((e) => freeRefs(e).has(name));
  return { kind: 'map', name: mapName(rows), rows, needed, full, perBatch: uses('b'), perHead: uses('h'), origin };
}

/** The phase of a mask that is no union of few parts: a map over the formula as it stands. */
export function opaquePhase(formula: Formula, origin: Origin, wideReads: boolean): PlannedPhase {
  const box: Box = { ...tileBox, wideReads };
  const predicate = formulaTest(formula);
  const needed = formulaMay(formula, box, contiguous);
  const full = x.not(formulaMay(negate(formula), box, contiguous));
  const map = mapTable({ kind: 'contiguous' }, needed, full, origin);
  return {
    phase: { name: 'phase_0', keys: contiguous.keys, walk: { kind: 'map', table: map.name }, skip: x.falseExpr, touched: stepQuestion(needed, true), full: x.falseExpr, predicate, tests: [{ predicate, implied: x.falseExpr }], origin },
    map,
    strategy: 'tile-map',
    reason: `\`${shown(predicate)}\`: too many parts to walk one by one, so each tile is asked once by interval reasoning; two bits of memory a tile`,
  };
}
