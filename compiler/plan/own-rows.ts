/**
 * Which rows are whose. In: the passes of a plan with the parts that each serves. Out: for each pass the rows it serves, those it
 * finishes alone and those it shares, and the rows that must be merged (plan/ir.ts says what holds). Rows are told apart by what a
 * part says of the row only; where nothing is said, a pass serves all rows that it arranges.
 */
import type { Box } from '../algebra/abstract.ts';
import { anyMayHold, contiguous, freeOfKeys } from '../algebra/ask.ts';
import { product, simplifyParts, type Part } from '../algebra/dnf.ts';
import { qFirst, qLast } from '../algebra/eliminate.ts';
import type { Atom } from '../algebra/formula.ts';
import { coefficientOf } from '../algebra/sums.ts';
import * as x from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import type { Pass, RowArrangement } from './ir.ts';
import { predicateOf } from './predicate.ts';

/** More ways to say which rows than this are not worth asking of each row. */
const maxRowParts = 8;

export interface ServedPass {
  readonly pass: Omit<Pass, 'serves' | 'alone' | 'shared'>;
  /** What the arrangement says of its rows; undefined where it holds all of them. */
  readonly ofRows: Atom | undefined;
  /** What the phases serve; undefined where that is not known as parts. */
  readonly parts: readonly Part[] | undefined;
}

/** Whether an atom speaks of the row alone. */
function isOfRow(atom: Atom): boolean {
  return atom.kind === 'uniform' || (atom.kind === 'linear' && coefficientOf(atom.sum, 'k') === 0) || freeOfKeys(atom);
}

export function holdsAllRows(rows: RowArrangement): boolean {
  return rows.kind === 'contiguous' || (rows.kind === 'residue' && rows.only === undefined);
}

function rowParts({ ofRows, parts }: ServedPass): readonly Part[] {
  const arranged: Part = ofRows === undefined ? [] : [ofRows];
  // Too many to ask: then at least in which cases of the mask.
  const said = [isOfRow, (atom: Atom) => atom.kind === 'uniform'].map((speaks) => (parts === undefined ? undefined : product([arranged], parts.map((part) => part.filter(speaks)))));
  return said.find((found) => found !== undefined && found.length <= maxRowParts) ?? [arranged];
}

/** Rows in both; undefined where that takes too many parts to say. */
function inBoth(a: readonly Part[], b: readonly Part[]): readonly Part[] | undefined {
  const parts = product(a, b);
  return parts === undefined || parts.length > maxRowParts ? undefined : parts;
}

export interface OwnedRows {
  readonly passes: readonly Pass[];
  readonly merged: { readonly rows: Expr; readonly tiles: Expr };
}

/**
 * The passes, each with its rows. One of the passes must hold all rows: what no pass serves is finished by the first that does.
 */
export function ownRows(given: readonly ServedPass[]): OwnedRows {
  const rowsOf = given.map(rowParts);
  const serves = rowsOf.map(predicateOf);
  const home = given.findIndex(({ pass }) => holdsAllRows(pass.rows));
  const others = (own: number): readonly number[] => given.map((_, p) => p).filter((p) => p !== own);
  const sharedParts = rowsOf.map((own, p) => inBoth(own, simplifyParts(others(p).flatMap((other) => rowsOf[other] ?? []))));
  const servedElsewhere = given.map((_, p) => x.any(others(p).map((other) => serves[other] ?? x.falseExpr)));
  const passes = given.map(({ pass }, p): Pass => {
    const [own, elsewhere, parts] = [serves[p] ?? x.trueExpr, servedElsewhere[p] ?? x.falseExpr, sharedParts[p]];
    const shared = parts === undefined ? x.and(own, elsewhere) : predicateOf(parts);
    const mine = p === home ? x.trueExpr : own;
    // Where the rows of no two passes meet, serving a row is being alone with it.
    const alone = parts?.length === 0 && p !== home ? own : x.and(mine, x.not(elsewhere));
    return { ...pass, serves: own, alone, shared };
  });
  const both = sharedParts.every((parts) => parts !== undefined) ? simplifyParts(sharedParts.flatMap((parts) => parts ?? [])) : undefined;
  const box: Box = { q: { lo: qFirst, hi: qLast }, k: { lo: qFirst, hi: qLast } };
  return {
    passes,
    merged: both === undefined
      ? { rows: x.any(passes.map((pass) => pass.shared)), tiles: x.trueExpr }
      : { rows: predicateOf(both), tiles: anyMayHold(both, box, contiguous) },
  };
}
