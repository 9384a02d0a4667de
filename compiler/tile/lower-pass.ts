/**
 * One pass of the plan as a tile program: online softmax of a query tile over the key tiles that its phases walk.
 * In: the pass, geometry, and whether it writes final rows or a partial state (running maximum, sum and unnormalised output) for
 * the merge. Out: a tile program with grid (tile, split, head_local). Source: arXiv 2307.08691, algorithm 1, with a
 * finite lowest score in place of minus infinity.
 */
import { through, type Origin } from '../../dsl/span.ts';
import type { Expr } from '../expr/ir.ts';
import {
  add, and, div, divide, element, eq, falseExpr, float, gt, int, le, lt, max, min, mod, mul, not, or, ref, select, sub, trueExpr, unary,
} from '../expr/build.ts';
import { sameExpr, substitute } from '../expr/traverse.ts';
import type { Pass, Phase, Plan, RowArrangement } from '../plan/ir.ts';
import { ceilDiv, defineRows, firstPosition, isPhase, listedEntry, rowAt, rowLimit, rowsHere } from './arrangement.ts';
import { builderAt, finishProgram, type Builder } from './build.ts';
import { lowest, type BufferDecl, type GridAxis, type TileProgram, type TileStmt } from './ir.ts';
import type { Names } from './names.ts';
import { declareWalk, enterPhase, fullBit, rangeCount, settle, type MapAccess } from './walk.ts';

export interface PassGeometry {
  readonly queryTile: number;
  readonly keyTile: number;
  readonly keyStep: number;
  readonly dim: number;
  /** What the scale multiplies: Q once, or the scores, where Q must stay as it is stored (matrix operations take 16-bit operands). */
  readonly scaled: 'query' | 'scores';
}

/**
 * `final`: rows that the pass is alone with are normalised and stored, and where it shares some, their state goes to slot `firstSlot`;
 * `partial`: the state of all rows goes to slot `firstSlot + split` of the partial buffers.
 */
export interface PassOutput {
  readonly kind: 'final' | 'partial';
  readonly firstSlot: Expr;
}

const i = (name: string): Expr => ref(name, 'int');
const f = (tile: string): Expr => element(tile, 'float');
const exp = (e: Expr): Expr => unary('exp', e);

/** Below this a running maximum means: nothing seen yet. */
const nothingSeen = float(lowest / 2);

/** Statements that define `b`, `h`, `head` (flattened) and `kv_local` from the grid. */
export function defineHeads(b: Builder, withKeys: boolean): readonly TileStmt[] {
  const group = div(i('heads'), i('kv_heads'));
  return [
    b.letScalar('head', add(i('head_first'), i('head_local'))),
    b.letScalar('b', div(i('head'), i('heads'))),
    b.letScalar('h', mod(i('head'), i('heads'))),
    ...(withKeys ? [b.letScalar('kv_local', sub(add(mul(i('b'), i('kv_heads')), div(i('h'), group)), i('kv_first')))] : []),
  ];
}

/** Folds the sink logit into the state of finished rows and stores output and lse. */
export function storeFinal(b: Builder, sink: Expr | undefined, rows: number, dim: number, row: Expr, exists: Expr): readonly TileStmt[] {
  const column = { rows, cols: 1 };
  const head = i('head_local');
  const sinkSteps = sink === undefined ? [] : [
    b.note('the sink: one more logit in the denominator'),
    b.letScalar('sink', sink),
    b.tile('m_sink', 'float', column, max(f('m'), ref('sink', 'float'))),
    b.tile('sink_alpha', 'float', column, exp(sub(f('m'), f('m_sink')))),
    b.map('O', mul(f('O'), f('sink_alpha'))),
    b.map('l', add(mul(f('l'), f('sink_alpha')), exp(sub(ref('sink', 'float'), f('m_sink'))))),
    b.map('m', f('m_sink')),
  ];
  const seen = gt(f('l'), float(0));
  return [
    ...sinkSteps,
    b.note('rows that saw nothing give zeros and minus infinity'),
    b.tile('inverse', 'float', column, select(seen, divide(float(1), f('l')), float(0))),
    b.store('out', { rows, cols: dim }, [head, row, i('col')], mul(f('O'), f('inverse')), exists),
    b.store('lse', column, [i('b'), i('h'), row], select(seen, add(f('m'), unary('log', f('l'))), float(-Infinity)), exists),
  ];
}

/** Chooses by phase; with one phase, just that. */
function byPhase(count: number, pick: (index: number) => Expr): Expr {
  let out = pick(count - 1);
  for (let p = count - 2; p >= 0; p -= 1) out = select(isPhase(p), pick(p), out);
  return out;
}

function branchByPhase(b: Builder, count: number, pick: (index: number) => readonly TileStmt[]): readonly TileStmt[] {
  let out = pick(count - 1);
  for (let p = count - 2; p >= 0; p -= 1) out = b.when(isPhase(p), pick(p), out);
  return out;
}

/**
 * Position of the key in `slot` under the current phase. Machines evaluate both sides of a select, and only `count` entries of a
 * sorted table are written: slots beyond repeat the last entry, and other phases read entry 0, the count.
 */
function keyAt(names: Names, phases: readonly Phase[], slot: Expr): Expr {
  return byPhase(phases.length, (p) => {
    const keys = phases[p]?.keys;
    if (keys?.kind !== 'listed') return add(i('key_base'), mul(slot, i('key_step')));
    const last = min(slot, sub(i('slot_count'), int(1)));
    return listedEntry(names, keys.table, keys.leading, phases.length === 1 ? last : select(isPhase(p), last, int(-1)));
  });
}

/** Whether all pairs of the tile are live, and whether none is. */
function tileFacts(names: Names, phase: Phase, maps: ReadonlyMap<string, MapAccess>): { full: Expr; skip: Expr } {
  const full = names.inside(phase.full);
  const skip = names.inside(phase.skip);
  if (phase.walk.kind !== 'map') return { full, skip };
  const access = maps.get(phase.walk.table) ?? { perBatch: true, perHead: true };
  return { full: or(full, fullBit(phase.walk.table, access)), skip };
}

/** Score modification and masking of one step's scores S. */
function scoreSteps(b: Builder, plan: Plan, names: Names, phases: readonly Phase[], g: PassGeometry): readonly TileStmt[] {
  const atElement = new Map<string, Expr>([
    ['q', element('q_pos', 'int')],
    ['k', element('k_pos', 'int')],
    ['s', f('S')],
  ]);
  const modified = plan.spec.score === undefined ? [] : [b.map('S', substitute(names.inside(plan.spec.score), atElement))];
  const exists = lt(element('k_slot', 'int'), i('slot_count'));
  const keep = (live: Expr): TileStmt => b.map('S', select(live, f('S'), float(lowest)));
  return [
    ...modified,
    ...b.when(lt(i('slots_here'), int(g.keyTile)), [keep(exists)]),
    ...b.when(ref('masked', 'bool'), branchByPhase(b, phases.length, (p) =>
      (phases[p]?.tests ?? []).flatMap((test, t) => b.when(ref(askName(p, t), 'bool'), [keep(substitute(names.inside(test.predicate), atElement))])))),
  ];
}

/** Whether the tile must ask test `t` of phase `p`. */
function askName(p: number, t: number): string {
  return `ask_${p}_${t}`;
}

/** One step: keyStep keys into the running softmax. */
function stepBody(b: Builder, plan: Plan, names: Names, phases: readonly Phase[], g: PassGeometry): readonly TileStmt[] {
  const column = { rows: g.queryTile, cols: 1 };
  const scores = { rows: g.queryTile, cols: g.keyStep };
  const operand = { rows: g.keyStep, cols: g.dim };
  const line = { rows: 1, cols: g.keyStep };
  const slot = (index: Expr): Expr => add(i('slot_first'), index);
  const keyIndex = keyAt(names, phases, slot(i('row')));
  const present = lt(slot(i('row')), i('slot_count'));
  const lastMax = f('m');
  const values = b.load('V', operand, 'v', [i('kv_local'), keyIndex], present);
  // Matrix operations take operands that are copied in the background: V arrives while the scores are made.
  const early = g.scaled === 'scores';
  return [
    b.tile('k_slot', 'int', line, slot(i('col'))),
    b.tile('k_pos', 'int', line, keyAt(names, phases, slot(i('col')))),
    b.load('K', operand, 'k', [i('kv_local'), keyIndex], present),
    ...(early ? [values] : []),
    b.tile('S', 'float', scores, float(0)),
    b.dot('S', 'Q', 'K', true, false),
    ...(g.scaled === 'scores' ? [b.map('S', mul(f('S'), names.inside(plan.spec.scale)))] : []),
    ...scoreSteps(b, plan, names, phases, g),
    b.tile('m_step', 'float', column, float(lowest)),
    b.reduce('m_step', 'max', 'S'),
    b.tile('m_new', 'float', column, max(lastMax, f('m_step'))),
    b.note('a row that has seen nothing subtracts 0, so that its weights underflow to 0'),
    b.tile('m_safe', 'float', column, select(le(f('m_new'), nothingSeen), float(0), f('m_new'))),
    b.tile('alpha', 'float', column, exp(sub(lastMax, f('m_safe')))),
    b.map('S', exp(sub(f('S'), f('m_safe')))),
    b.tile('l_step', 'float', column, float(0)),
    b.reduce('l_step', 'sum', 'S'),
    b.map('l', add(mul(f('l'), f('alpha')), f('l_step'))),
    b.map('O', mul(f('O'), f('alpha'))),
    ...(early ? [] : [values]),
    b.dot('O', 'S', 'V', false, true),
    b.map('m', f('m_new')),
  ];
}

/** Whether the keys of the step that starts at `slot` may hold a live pair. */
function stepTouched(names: Names, phases: readonly Phase[], g: PassGeometry, slot: Expr): Expr {
  const last = sub(min(add(slot, int(g.keyStep)), i('slot_count')), int(1));
  const keys = new Map<string, Expr>([['k_first', keyAt(names, phases, slot)], ['k_last', keyAt(names, phases, last)]]);
  return or(not(ref('masked', 'bool')), byPhase(phases.length, (p) => substitute(names.inside(phases[p]?.touched ?? trueExpr), keys)));
}

/**
 * The key steps of a tile in order; where a tile has several and the mask can be asked in passing, those that hold nothing are passed
 * over, by a loop that looks for the next: a branch would not save their work on machines that mask both its sides.
 */
function stepLoop(b: Builder, names: Names, phases: readonly Phase[], g: PassGeometry, body: readonly TileStmt[]): readonly TileStmt[] {
  const steps = ceilDiv(i('slots_here'), int(g.keyStep));
  const slotOf = (step: Expr): Expr => add(mul(i('next_tile'), int(g.keyTile)), mul(step, int(g.keyStep)));
  if (g.keyStep === g.keyTile || phases.every((p) => p.touched.kind === 'literal')) {
    return [b.loop('step', int(0), steps, [b.letScalar('slot_first', slotOf(i('step'))), ...body])];
  }
  const seek: readonly TileStmt[] = [
    b.set('passing', int(1)),
    b.repeat(and(eq(i('passing'), int(1)), lt(i('step'), i('steps'))), [
      b.set('passing', select(stepTouched(names, phases, g, slotOf(i('step'))), int(0), int(1))),
      b.set('step', add(i('step'), i('passing'))),
    ]),
  ];
  return [
    b.letScalar('steps', steps),
    b.varScalar('step', int(0)),
    b.varScalar('passing', int(1)),
    ...seek,
    b.repeat(lt(i('step'), i('steps')), [b.letScalar('slot_first', slotOf(i('step'))), ...body, b.set('step', add(i('step'), int(1))), ...seek]),
  ];
}

function walkBody(b: Builder, plan: Plan, names: Names, phases: readonly Phase[], g: PassGeometry, maps: ReadonlyMap<string, MapAccess>): readonly TileStmt[] {
  const firstSlot = mul(i('next_tile'), int(g.keyTile));
  const slotsHere = min(int(g.keyTile), sub(i('slot_count'), i('slot_tile')));
  const facts = phases.map((p) => tileFacts(names, p, maps));
  const pick = (what: 'full' | 'skip'): Expr => byPhase(phases.length, (p) => facts[p]?.[what] ?? falseExpr);
  return [
    b.letScalar('slot_tile', firstSlot),
    b.letScalar('slots_here', slotsHere),
    b.letScalar('k_first', keyAt(names, phases, i('slot_tile'))),
    b.letScalar('k_last', keyAt(names, phases, add(i('slot_tile'), sub(i('slots_here'), int(1))))),
    b.letScalar('masked', not(pick('full'))),
    ...phases.flatMap((phase, p) => phase.tests.map((test, t) => b.letScalar(askName(p, t), not(names.inside(test.implied))))),
    ...b.when(not(pick('skip')), [
      ...stepLoop(b, names, phases, g, stepBody(b, plan, names, phases, g)),
    ]),
    b.set('next_tile', add(i('next_tile'), int(1))),
    ...settle(b, phases, maps),
  ];
}

export interface PassRequest {
  readonly plan: Plan;
  readonly pass: Pass;
  readonly name: string;
  readonly geometry: PassGeometry;
  readonly output: PassOutput;
  readonly grid: readonly GridAxis[];
  readonly names: Names;
  readonly maps: ReadonlyMap<string, MapAccess>;
  readonly buffers: ReadonlyMap<string, Omit<BufferDecl, 'access'>>;
}

const isTrue = (e: Expr): boolean => e.kind === 'literal' && e.value !== 0;

/** The number of rows of the tile, and the positions of the first and the last. */
function endsOfRows(b: Builder, names: Names, rows: RowArrangement, tileRows: number): readonly TileStmt[] {
  const last = sub(i('rows_here'), int(1));
  return [
    b.letScalar('q_first', add(rowAt(names, rows, int(0)), firstPosition)),
    b.letScalar('rows_here', rowsHere(rows, tileRows)),
    b.letScalar('q_last', rows.kind === 'listed' ? add(rowAt(names, rows, last), firstPosition) : add(i('q_first'), mul(last, i('row_step')))),
  ];
}

export function lowerPass(request: PassRequest): TileProgram {
  const { plan, pass, geometry: g, names, maps } = request;
  const origin: Origin = through(pass.origin, 'tile');
  const b = builderAt(origin);
  const { phases } = pass;
  const partial = request.output.kind === 'partial';
  const column = { rows: g.queryTile, cols: 1 };
  const row = rowAt(names, pass.rows, i('row'));
  // A row far behind the last one may have wrapped: rows are told by their number in the tile.
  const exists = lt(i('row'), i('rows_here'));
  const walkPhase: readonly TileStmt[] = phases.length === 0 ? [] : [
    ...branchByPhase(b, phases.length, (p) => {
      const phase = phases[p];
      return phase === undefined ? [] : [b.note(phase.name), ...enterPhase(b, names, phase, p, g.keyTile, rangeCount(phases), partial)];
    }),
    ...settle(b, phases, maps),
    b.repeat(lt(i('next_tile'), i('walk_end')), walkBody(b, plan, names, phases, g, maps)),
  ];
  const walk: readonly TileStmt[] = [
    ...(phases.length === 0 ? [] : declareWalk(b, phases)),
    ...(phases.length < 2 ? walkPhase : [b.loop('phase', int(0), int(phases.length), walkPhase)]),
  ];
  const slot = partial ? add(request.output.firstSlot, i('split')) : request.output.firstSlot;
  const sink = plan.spec.sink === undefined ? undefined : names.inside(plan.spec.sink);
  const ofRow = (fact: Expr): Expr => and(exists, substitute(names.inside(fact), new Map([['q', add(row, firstPosition)]])));
  const storePartial = (where: Expr): readonly TileStmt[] => [
    b.store('part_state', column, [int(0), slot, i('head'), row], f('m'), where),
    b.store('part_state', column, [int(1), slot, i('head'), row], f('l'), where),
    b.store('part_out', { rows: g.queryTile, cols: g.dim }, [i('head_local'), slot, row, i('col')], f('O'), where),
  ];
  // What a tile makes of a row that the pass does not serve is nothing; where no other pass does, the row is finished here.
  const keepServed = (of: string, otherwise: Expr): TileStmt => b.map(of, select(ofRow(pass.serves), f(of), otherwise));
  const emptyRows = phases.length === 0 || sameExpr(pass.alone, pass.serves) || isTrue(pass.serves) ? [] : [keepServed('m', float(lowest)), keepServed('l', float(0))];
  const sharesRows = pass.shared.kind !== 'literal' || pass.shared.value !== 0;
  const ending = partial
    ? storePartial(exists)
    : [...(sharesRows ? storePartial(ofRow(pass.shared)) : []), ...emptyRows, ...storeFinal(b, sink, g.queryTile, g.dim, row, ofRow(pass.alone))];
  const body: readonly TileStmt[] = [
    ...defineHeads(b, phases.length > 0),
    ...defineRows(b, names, pass.rows, g.queryTile),
    ...b.when(lt(i('row_base'), rowLimit(pass.rows)), [
      ...endsOfRows(b, names, pass.rows, g.queryTile),
      b.tile('q_pos', 'int', column, add(row, firstPosition)),
      // A pass that visits no key needs no query.
      ...(phases.length === 0 ? [] : [
        b.load('Q', { rows: g.queryTile, cols: g.dim }, 'q', [i('head_local'), row], exists),
        ...(g.scaled === 'query' ? [b.map('Q', mul(f('Q'), names.inside(plan.spec.scale)))] : []),
      ]),
      b.tile('m', 'float', column, float(lowest)),
      b.tile('l', 'float', column, float(0)),
      b.tile('O', 'float', { rows: g.queryTile, cols: g.dim }, float(0)),
      ...walk,
      ...ending,
    ]),
  ];
  return finishProgram({ name: request.name, summary: `${plan.name}: ${pass.name}`, grid: request.grid, body, origin }, request.buffers);
}
