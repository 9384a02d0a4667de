/**
 * Merging partial softmax states. In: per slot (pass, split) a running maximum, sum and unnormalised output of every row. Out: the tile
 * program that combines them in slot order and stores `out` and `lse`: of all rows, or of those that several passes share. A slot is read
 * for the rows that its pass serves; of the others it may hold nothing.
 */
import type { Expr } from '../expr/ir.ts';
import { add, and, div, element, eq, float, int, le, lt, max, min, mul, read, ref, select, sub, trueExpr, unary } from '../expr/build.ts';
import { substitute } from '../expr/traverse.ts';
import type { Pass, Plan } from '../plan/ir.ts';
import { firstPosition, nQ } from './arrangement.ts';
import { builderAt, finishProgram } from './build.ts';
import { lowest, type BufferDecl, type GridAxis, type TileProgram } from './ir.ts';
import { defineHeads, storeFinal } from './lower-pass.ts';
import type { Names } from './names.ts';

const i = (name: string): Expr => ref(name, 'int');
const f = (tile: string): Expr => element(tile, 'float');

/** Whether the slot of this loop round is read for the row at position q (element level). */
function servedBySlot(names: Names, passes: readonly Pass[], which: 'serves' | 'shared'): Expr {
  const served = passes.map((pass) => names.inside(pass[which]));
  return served.reduceRight(
    (later, here, p) => (p === served.length - 1 ? here : select(eq(div(i('slot'), i('splits')), int(p)), here, later)),
    trueExpr,
  );
}

export interface MergeRequest {
  readonly plan: Plan;
  /** The passes that have slots, in their order. */
  readonly passes: readonly Pass[];
  /** `shared`: rows of one pass are finished already, each pass has one slot. */
  readonly of: 'all' | 'shared';
  readonly name: string;
  readonly rows: number;
  readonly dim: number;
  readonly grid: readonly GridAxis[];
  readonly names: Names;
  readonly buffers: ReadonlyMap<string, Omit<BufferDecl, 'access'>>;
}

export function lowerMerge(request: MergeRequest): TileProgram {
  const { plan, passes, rows, dim, names } = request;
  const onlyShared = request.of === 'shared';
  const origin = { span: plan.spec.span, via: ['merge'] };
  const b = builderAt(origin);
  const column = { rows, cols: 1 };
  const row = add(mul(i('tile'), int(rows)), i('row'));
  const ofRow = (fact: Expr): Expr => substitute(fact, new Map([['q', add(row, firstPosition)]]));
  const exists = onlyShared ? and(lt(row, nQ), ofRow(names.inside(plan.merged.rows))) : lt(row, nQ);
  const served = ofRow(servedBySlot(names, passes, onlyShared ? 'shared' : 'serves'));
  const state = (plane: 0 | 1): Expr => read('part_state', 'float', [int(plane), i('slot'), i('head'), row]);
  const sink = plan.spec.sink === undefined ? undefined : names.inside(plan.spec.sink);
  const merge = [
    b.tile('m', 'float', column, float(lowest)),
    b.tile('l', 'float', column, float(0)),
    b.tile('O', 'float', { rows, cols: dim }, float(0)),
    b.loop('slot', int(0), mul(int(passes.length), i('splits')), [
      b.tile('has', 'bool', column, and(exists, served)),
      b.tile('m_part', 'float', column, select(element('has', 'bool'), state(0), float(lowest))),
      b.tile('m_new', 'float', column, max(f('m'), f('m_part'))),
      b.tile('m_safe', 'float', column, select(le(f('m_new'), float(lowest / 2)), float(0), f('m_new'))),
      b.tile('alpha', 'float', column, unary('exp', sub(f('m'), f('m_safe')))),
      b.tile('beta', 'float', column, unary('exp', sub(f('m_part'), f('m_safe')))),
      b.tile('l_part', 'float', column, select(element('has', 'bool'), state(1), float(0))),
      b.map('l', add(mul(f('l'), f('alpha')), mul(f('l_part'), f('beta')))),
      b.load('O_part', { rows, cols: dim }, 'part_out', [i('head_local'), i('slot'), row], and(exists, served)),
      b.map('O', add(mul(f('O'), f('alpha')), mul(f('O_part'), f('beta')))),
      b.map('m', f('m_new')),
    ]),
    ...storeFinal(b, sink, rows, dim, row, exists),
  ];
  const first = mul(i('tile'), int(rows));
  const body = [
    ...defineHeads(b, false),
    ...(onlyShared
      ? [
          b.letScalar('q_first', add(first, firstPosition)),
          b.letScalar('q_last', sub(add(min(add(first, int(rows)), nQ), firstPosition), int(1))),
          ...b.when(names.inside(plan.merged.tiles), merge),
        ]
      : merge),
  ];
  return finishProgram({ name: request.name, summary: `${plan.name}: merge of partial results`, grid: request.grid, body, origin }, request.buffers);
}

