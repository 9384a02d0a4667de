/**
 * Tile programs for the tests of the lowering: small ones that each use one construct, and the attention pass with everything at once.
 * They are written with the constructors of tile programs, by hand, so that the lowering is tested apart from the plan.
 */
import { originOf } from '../../../dsl/span.ts';
import { add, and, divide, element, float, gt, int, le, lt, max, min, mul, ref, select, sub, unary } from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { builderAt } from '../../../compiler/tile/build.ts';
import { lowest, type BufferDecl, type FloatElement, type TileProgram, type TileStmt } from '../../../compiler/tile/ir.ts';
import type { Schedule } from '../../../compiler/schedule.ts';

export const origin = originOf({ file: 'test.fil', start: 0, end: 1 });
export const b = builderAt(origin);
export const i = (name: string): Expr => ref(name, 'int');
export const f = (tile: string): Expr => element(tile, 'float');
export const row = i('row');
export const col = i('col');

export interface AttentionShape {
  readonly queryTile: number;
  readonly keyTile: number;
  readonly keyStep: number;
  readonly dim: number;
  readonly element: FloatElement;
  /** The scores are scaled, not Q, which matrix operations take as it is stored. */
  readonly scaled?: 'scores';
}

/** Causal attention of one head a grid column, walking key tiles of which the last ones are masked. */
export function attention(g: AttentionShape): TileProgram {
  const column = { rows: g.queryTile, cols: 1 };
  const scores = { rows: g.queryTile, cols: g.keyStep };
  const operand = { rows: g.keyStep, cols: g.dim };
  const buffer = (name: string, heads: Expr, length: Expr, access: 'read' | 'write'): BufferDecl => ({ name, element: g.element, access, extents: [heads, length, int(g.dim)] });
  const query = add(mul(i('tile'), int(g.queryTile)), row);
  const key = (x: Expr): Expr => add(add(mul(i('t'), int(g.keyTile)), mul(i('step'), int(g.keyStep))), x);
  const step: readonly TileStmt[] = [
    b.tile('k_pos', 'int', { rows: 1, cols: g.keyStep }, key(col)),
    b.load('K', operand, 'k', [i('head'), key(row)], lt(key(row), i('n_k'))),
    b.tile('S', 'float', scores, float(0)),
    b.dot('S', 'Q', 'K', true, false),
    ...(g.scaled === 'scores' ? [b.map('S', mul(f('S'), ref('scale', 'float')))] : []),
    ...b.when(ref('masked', 'bool'), [
      b.map('S', select(and(le(element('k_pos', 'int'), element('q_pos', 'int')), lt(element('k_pos', 'int'), i('n_k'))), f('S'), float(lowest))),
    ]),
    b.tile('m_step', 'float', column, float(lowest)),
    b.reduce('m_step', 'max', 'S'),
    b.tile('m_new', 'float', column, max(f('m'), f('m_step'))),
    b.tile('m_safe', 'float', column, select(le(f('m_new'), float(lowest / 2)), float(0), f('m_new'))),
    b.tile('alpha', 'float', column, unary('exp', sub(f('m'), f('m_safe')))),
    b.map('S', unary('exp', sub(f('S'), f('m_safe')))),
    b.tile('l_step', 'float', column, float(0)),
    b.reduce('l_step', 'sum', 'S'),
    b.map('l', add(mul(f('l'), f('alpha')), f('l_step'))),
    b.map('O', mul(f('O'), f('alpha'))),
    b.load('V', operand, 'v', [i('head'), key(row)], lt(key(row), i('n_k'))),
    b.dot('O', 'S', 'V', false, true),
    b.map('m', f('m_new')),
  ];
  const last = add(mul(i('tile'), int(g.queryTile)), add(int(g.queryTile - 1), sub(i('n_k'), i('n_q'))));
  const body: readonly TileStmt[] = [
    b.tile('q_pos', 'int', column, add(query, sub(i('n_k'), i('n_q')))),
    b.tile('here', 'bool', column, lt(query, i('n_q'))),
    b.load('Q', { rows: g.queryTile, cols: g.dim }, 'q', [i('head'), query], g.scaled === 'scores' ? lt(query, i('n_q')) : element('here', 'bool')),
    ...(g.scaled === 'scores' ? [] : [b.map('Q', mul(f('Q'), ref('scale', 'float')))]),
    b.tile('m', 'float', column, float(lowest)),
    b.tile('l', 'float', column, float(0)),
    b.tile('O', 'float', { rows: g.queryTile, cols: g.dim }, float(0)),
    b.varScalar('t', int(0)),
    b.repeat(and(le(mul(i('t'), int(g.keyTile)), last), lt(mul(i('t'), int(g.keyTile)), i('n_k'))), [
      b.letScalar('masked', gt(add(mul(i('t'), int(g.keyTile)), int(g.keyTile - 1)), min(add(mul(i('tile'), int(g.queryTile)), sub(i('n_k'), i('n_q'))), sub(i('n_k'), int(1))))),
      b.loop('step', int(0), int(g.keyTile / g.keyStep), step),
      b.set('t', add(i('t'), int(1))),
    ]),
    b.tile('inverse', 'float', column, select(gt(f('l'), float(0)), divide(float(1), f('l')), float(0))),
    b.store('out', { rows: g.queryTile, cols: g.dim }, [i('head'), query, col], mul(f('O'), f('inverse')), element('here', 'bool')),
    b.store('lse', column, [i('head'), query], select(gt(f('l'), float(0)), add(f('m'), unary('log', f('l'))), float(-1000)), element('here', 'bool')),
  ];
  return {
    name: 'attention', summary: 'causal attention', origin, body,
    grid: [{ name: 'tile', extent: i('tiles') }, { name: 'head', extent: i('heads') }],
    scalars: [{ name: 'n_q', type: 'int' }, { name: 'n_k', type: 'int' }, { name: 'scale', type: 'float' }],
    buffers: [
      buffer('q', i('heads'), i('n_q'), 'read'), buffer('k', i('heads'), i('n_k'), 'read'), buffer('v', i('heads'), i('n_k'), 'read'),
      buffer('out', i('heads'), i('n_q'), 'write'),
      { name: 'lse', element: 'f32', access: 'write', extents: [i('heads'), i('n_q')] },
    ],
  };
}

export function rowsSchedule(change: Partial<Schedule> = {}): Schedule {
  return {
    layout: 'rows-on-lanes', lanes: 4, rowsPerLane: 2, keyStep: 4, keyTile: 8, operand: 'direct', subgroup: 4,
    rowStorage: 'registers', chunkUnroll: 64, ...change,
  };
}
