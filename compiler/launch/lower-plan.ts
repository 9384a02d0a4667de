/**
 * From a plan to the programs that compute it. In: plan, schedules, head dimension and storage type. Out: for each kernel its tile
 * program, schedule and launch condition; the launch's variables and buffers (host-plan.ts makes the host plan of them). Every size is an expression of the launch:
 * nothing here knows a sequence length.
 *
 * Which kernels run is decided at launch: `decode` (few query rows) chooses the decode schedule; `splits` > 1 or several
 * passes go through partial results and the merge.
 */
import { CompilerBug, good, type Checked } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import { add, and, bool, eq, gt, int, le, max, min, mul, not, or, ref, select, trueExpr } from '../expr/build.ts';
import { freeRefs, substitute } from '../expr/traverse.ts';
import type { MappedRows, Pass, Plan, Table } from '../plan/ir.ts';
import { queryTileOf, type Schedule } from '../schedule.ts';
import { stageBuffers } from '../stage/buffers.ts';
import { lowerStages } from '../stage/lower-stages.ts';
import type { OrderShape } from '../stage/orders.ts';
import { ceilDiv, isLaunchModulus, rowTiles } from '../tile/arrangement.ts';
import type { BufferDecl, FloatElement, GridAxis, TileProgram } from '../tile/ir.ts';
import { lowerMerge } from '../tile/lower-merge.ts';
import { lowerPass, type PassGeometry } from '../tile/lower-pass.ts';
import { extentsOf } from '../tile/extents.ts';
import { domainSize, listOf, lowerTable } from '../tile/lower-table.ts';
import { bufferName, makeNames, type Names } from '../tile/names.ts';
import type { MapAccess } from '../tile/walk.ts';
import type { HostBuffer, HostVariable } from './plan.ts';

export interface Schedules {
  readonly prefill: Schedule;
  readonly decode: Schedule;
  readonly merge: Schedule;
  readonly table: Schedule;
  /** Stage tensors that are sums of products; absent: they are made as all others are. */
  readonly contraction?: Schedule;
  /** How orders of stages are made; absent: as usual. */
  readonly orders?: OrderShape;
}

export interface LowerOptions {
  readonly dim: number;
  readonly dtype: FloatElement;
  readonly products?: 'tf32';
  readonly schedules: Schedules;
  /** Workgroups that fill the machine: fewer than this, and keys are split. */
  readonly parallelism: number;
}

/** A kernel before layout: its program, how it will be scheduled, and when and how wide it is launched (launch level). */
export interface KernelRequest {
  readonly program: TileProgram;
  readonly schedule: Schedule;
  readonly when: Expr;
  readonly chunkable: boolean;
}

export interface LoweredPlan {
  readonly requests: readonly KernelRequest[];
  readonly variables: readonly HostVariable[];
  readonly buffers: readonly HostBuffer[];
  /** Names of buffers whose last elements may never be written, such as those of lists with a count in front. */
  readonly partlyWritten: ReadonlySet<string>;
  /** Translates an expression of a program into the names of the host plan. */
  readonly toHost: (e: Expr) => Expr;
}

const i = (name: string): Expr => ref(name, 'int');
const isFalse = (e: Expr): boolean => e.kind === 'literal' && e.value === 0;

/** Passes that keep partial states, in the order of their slots: what visits no key has none, unless it is all there is. */
function slottedPasses(plan: Plan): readonly Pass[] {
  const visiting = plan.passes.filter((pass) => pass.phases.length > 0);
  return visiting.length > 0 ? visiting : plan.passes;
}

/** Whether a kernel of the pass reads a sorted table: it is written in part and cannot be packed with others. */
function readsSorted(pass: Pass): boolean {
  return [pass.rows, ...pass.phases.map((phase) => phase.keys)].some((a) => a.kind === 'listed');
}

/**
 * How rows are finished where keys are not split: each by its pass, by its pass or the merge, or all by the merge. A kernel that writes both
 * rows and states binds seven buffers besides its tables, and beside a sorted table more than the eight that every device allows.
 */
function finishedBy(plan: Plan): 'passes' | 'both' | 'merge' {
  if (isFalse(plan.merged.rows)) return 'passes';
  const writesBoth = plan.passes.filter((pass) => !isFalse(pass.alone) && !isFalse(pass.shared));
  return plan.passes.every((pass) => isFalse(pass.alone)) || writesBoth.some(readsSorted) ? 'merge' : 'both';
}

const decoding = ref('decode', 'bool');
const partial = ref('partial', 'bool');

/** Launch-time choices, in order of evaluation. */
function hostVariables(plan: Plan, o: LowerOptions): readonly HostVariable[] {
  const { prefill, decode } = o.schedules;
  const groups = max(int(1), mul(i('query_tiles'), mul(i('batch'), i('heads'))));
  const wanted = plan.spec.pins.splits === undefined ? ceilDiv(int(o.parallelism), groups) : int(plan.spec.pins.splits);
  const variable = (name: string, value: Expr): HostVariable => ({ name, type: value.type, value });
  return [
    variable('decode', le(i('n_q'), int(queryTileOf(decode)))),
    variable('query_tile', select(decoding, int(queryTileOf(decode)), int(queryTileOf(prefill)))),
    variable('key_tile', select(decoding, int(decode.keyTile), int(prefill.keyTile))),
    variable('query_tiles', ceilDiv(i('n_q'), i('query_tile'))),
    variable('key_tiles', ceilDiv(i('n_k'), i('key_tile'))),
    variable('splits', max(int(1), min(wanted, i('key_tiles')))),
    variable('partial', or(decoding, or(gt(i('splits'), int(1)), bool(finishedBy(plan) !== 'passes')))),
    variable('slots', select(partial, mul(int(slottedPasses(plan).length), i('splits')), int(0))),
  ];
}

/** Extents of a derived table (launch level, user's names). */
function tableExtents(plan: Plan, table: Table): readonly Expr[] {
  switch (table.kind) {
    case 'marks': {
      const list = extentsOf(listOf(plan.spec, table.list));
      return [...list.slice(0, -1), ceilDiv(domainSize(table.domain), int(32))];
    }
    case 'sorted': {
      const list = extentsOf(listOf(plan.spec, table.list));
      const length = list[list.length - 1] ?? int(0);
      return [...list.slice(0, -1), add(length, int(1))];
    }
    case 'map':
      return [
        int(2),
        table.perBatch ? i('batch') : int(1),
        table.perHead ? i('heads') : int(1),
        table.rows.kind === 'contiguous' ? i('query_tiles') : ceilDiv(mostRows(plan, table.rows), i('query_tile')),
        ceilDiv(i('key_tiles'), int(32)),
      ];
  }
}

/** Rows that a list can have, or all there are (launch level, user's names). */
function mostRows(plan: Plan, rows: MappedRows): Expr {
  if (rows.kind === 'contiguous') return i('n_q');
  const { table } = rows;
  const found = plan.tables.find((t) => t.name === table);
  if (found?.kind !== 'sorted') throw new CompilerBug('launch', `'${table}' is no sorted table`);
  const list = extentsOf(listOf(plan.spec, found.list));
  return min(list[list.length - 1] ?? int(0), i('n_q'));
}

function hostBuffers(plan: Plan, o: LowerOptions): readonly HostBuffer[] {
  const perRow = [i('batch'), i('heads'), i('n_q')];
  const perKey = [i('batch'), i('kv_heads'), i('n_k'), int(o.dim)];
  const slots = [i('slots'), mul(i('batch'), i('heads')), i('n_q')];
  const tensors = plan.spec.tensors.map((t): HostBuffer => ({
    name: bufferName(t.name, new Set()),
    role: 'input',
    element: t.element === 'float' ? 'f32' : t.element,
    extents: extentsOf(t),
    chunked: 'whole',
  }));
  const tables = plan.tables.map((t): HostBuffer => ({
    name: bufferName(t.name, new Set([t.name])), role: 'workspace', element: 'int', extents: tableExtents(plan, t), chunked: 'whole',
  }));
  const attention: readonly HostBuffer[] = plan.spec.computes === 'stages' ? [] : [
    { name: 'out', role: 'output', element: o.dtype, extents: [...perRow, int(o.dim)], chunked: 'query-heads' },
    // Bound whole: a part would have to start at an aligned byte, and n_q may be odd.
    { name: 'lse', role: 'output', element: 'f32', extents: perRow, chunked: 'whole' },
    ...tables,
    // Plane 0: running maxima, plane 1: running sums. One buffer, since devices bind few.
    { name: 'part_state', role: 'workspace', element: 'f32', extents: [int(2), ...slots], chunked: 'whole' },
    // Heads outermost, so that pieces over heads bind their own part of what may be the largest buffer.
    { name: 'part_out', role: 'workspace', element: 'f32', extents: [i('batch'), i('heads'), i('slots'), i('n_q'), int(o.dim)], chunked: 'query-heads' },
  ];
  return [
    { name: 'q', role: 'input', element: o.dtype, extents: [...perRow, int(o.dim)], chunked: 'query-heads' },
    { name: 'k', role: 'input', element: o.dtype, extents: perKey, chunked: 'kv-heads' },
    { name: 'v', role: 'input', element: o.dtype, extents: perKey, chunked: 'kv-heads' },
    ...tensors,
    ...attention,
    ...stageBuffers(plan.spec),
  ];
}

/** The same buffers as a program sees them: chunks start at their first head, and names are inner ones. */
function programBuffers(buffers: readonly HostBuffer[], names: Names): ReadonlyMap<string, Omit<BufferDecl, 'access'>> {
  return new Map(buffers.map((buffer) => {
    const rest = buffer.extents.slice(2);
    const extents = buffer.chunked === 'query-heads' ? [i('head_count'), ...rest] : buffer.chunked === 'kv-heads' ? [i('kv_count'), ...rest] : buffer.extents;
    return [buffer.name, { name: buffer.name, element: buffer.element, extents: extents.map(names.inside) }];
  }));
}

/**
 * Tiles of a pass along the rows. When the modulus is read from a tensor or differs by head, as many as any modulus m needs: one class has at
 * most ceil(n_q / rows), with m = 1; all m classes together m * ceil(ceil(n_q / m) / rows), which is at most n_q for tiles of two rows and more,
 * and below 2 n_q for tiles of one. Of listed rows there are at most as many as the list has places.
 */
function passTiles(plan: Plan, pass: Pass, names: Names, rows: number): Expr {
  if (pass.rows.kind === 'contiguous') return rowTiles(pass.rows, int(rows), int(1));
  if (pass.rows.kind === 'listed') return ceilDiv(names.inside(mostRows(plan, pass.rows)), int(rows));
  const { modulus, only } = pass.rows;
  if (isLaunchModulus(modulus)) return rowTiles(pass.rows, int(rows), names.inside(modulus));
  return only !== undefined ? ceilDiv(i('n_q'), int(rows)) : rows === 1 ? mul(int(2), i('n_q')) : i('n_q');
}

/** The programs of the spec's stage tensors, which everything else may read. */
function stageRequests(plan: Plan, o: LowerOptions, names: Names, toHost: (e: Expr) => Expr, buffers: readonly HostBuffer[]): Checked<readonly KernelRequest[]> {
  const declared = new Map(buffers.map(({ name, element, extents }) => [name, { name, element, extents: extents.map(names.inside) }]));
  const { table, contraction, orders } = o.schedules;
  const dots = contraction === undefined ? {} : { contraction: { rows: queryTileOf(contraction), cols: contraction.keyStep, piece: 64 } };
  const lowered = lowerStages({ spec: plan.spec, rows: queryTileOf(table), names, buffers: declared, ...dots, ...(orders === undefined ? {} : { orders }) });
  if (!lowered.ok) return lowered;
  return good(lowered.value.map(({ program, schedule, when }) => ({
    program, schedule: schedule === 'contraction' ? contraction ?? table : table, when: toHost(when), chunkable: false,
  })));
}

export function lowerPlan(plan: Plan, o: LowerOptions): Checked<LoweredPlan> {
  const tableNames = new Set(plan.tables.map((t) => t.name));
  const names = makeNames(plan.spec, tableNames, o.dim);
  const buffers = hostBuffers(plan, o);
  const declarations = programBuffers(buffers, names);
  const maps = new Map<string, MapAccess>(
    plan.tables.flatMap((t) => (t.kind === 'map' ? [[t.name, { perBatch: t.perBatch, perHead: t.perHead }] as const] : [])),
  );
  const partlyWritten = new Set(plan.tables.flatMap((t) => (t.kind === 'sorted' ? [bufferName(t.name, tableNames)] : [])));
  const toHost = (e: Expr): Expr => substitute(e, new Map([...freeRefs(e)].map((name) => [name, names.valueOf(name)])));
  const stages = stageRequests(plan, o, names, toHost, buffers);
  if (!stages.ok) return stages;
  const requests: KernelRequest[] = [...stages.value];
  if (plan.spec.computes === 'stages') return good({ requests, variables: hostVariables(plan, o), buffers, partlyWritten, toHost });

  for (const table of plan.tables) {
    const rows = queryTileOf(o.schedules.table);
    const extents = tableExtents(plan, table).map(names.inside);
    const mappedRows = table.kind === 'map' ? names.inside(mostRows(plan, table.rows)) : i('n_q');
    const words = table.kind === 'sorted' ? ceilDiv(domainSize(table.domain), int(32)) : extents[extents.length - 1] ?? int(1);
    const lists = (table.kind === 'map' ? extents.slice(1, 3) : extents.slice(0, -1)).reduce((product, e) => mul(product, e), int(1));
    const axes: readonly GridAxis[] = table.kind === 'map'
      ? [{ name: 'tile', extent: ceilDiv(extents[3] ?? int(1), int(rows)) }, { name: 'word', extent: words }]
      : [{ name: 'tile', extent: ceilDiv(words, int(rows)) }, { name: 'one', extent: int(1) }];
    const grid: readonly GridAxis[] = [...axes, { name: 'list', extent: lists }];
    const program = lowerTable({ spec: plan.spec, table, name: bufferName(table.name, tableNames), rows, mappedRows, grid, names, buffers: declarations });
    requests.push({ program, schedule: o.schedules.table, when: trueExpr, chunkable: false });
  }

  const slotted = slottedPasses(plan);
  const finished = finishedBy(plan);
  const attention = (pass: Pass, kind: 'prefill' | 'decode', output: 'final' | 'partial'): KernelRequest => {
    const schedule = o.schedules[kind];
    const geometry: PassGeometry = { queryTile: queryTileOf(schedule), keyTile: schedule.keyTile, keyStep: schedule.keyStep, dim: o.dim, scaled: schedule.layout === 'fragments' ? 'scores' : 'query' };
    const suffix = [plan.passes.length > 1 ? pass.name : '', kind === 'decode' ? 'decode' : '', output === 'partial' ? 'partial' : ''].filter((s) => s !== '');
    const grid: readonly GridAxis[] = [
      { name: 'tile', extent: passTiles(plan, pass, names, geometry.queryTile) },
      { name: 'split', extent: output === 'partial' ? i('splits') : int(1) },
      { name: 'head_local', extent: i('head_count') },
    ];
    const program = lowerPass({
      plan, pass, geometry, names, maps, grid,
      name: [plan.name, ...suffix].join('_').replace(/[^A-Za-z0-9_]/g, '_'),
      output: { kind: output, firstSlot: mul(int(Math.max(0, slotted.indexOf(pass))), i('splits')) },
      buffers: declarations,
    });
    const chosen = kind === 'decode' ? decoding : not(decoding);
    const onlyStates = isFalse(pass.alone);
    const when = finished === 'merge' || onlyStates || kind === 'decode' ? chosen : and(chosen, output === 'partial' ? gt(i('splits'), int(1)) : eq(i('splits'), int(1)));
    return { program, schedule, when, chunkable: true };
  };
  for (const pass of plan.passes) {
    // A pass that is alone with no row leaves states only, whether keys are split or not.
    if (finished !== 'merge' && !isFalse(pass.alone)) requests.push(attention(pass, 'prefill', 'final'));
    if (slotted.includes(pass)) requests.push(attention(pass, 'prefill', 'partial'), attention(pass, 'decode', 'partial'));
  }

  const mergeRows = queryTileOf(o.schedules.merge);
  const merge = (of: 'all' | 'shared', when: Expr): KernelRequest => ({
    program: lowerMerge({
      plan, passes: slotted, of, names, buffers: declarations, dim: o.dim, rows: mergeRows, name: of === 'all' ? `${plan.name}_merge` : `${plan.name}_merge_shared`,
      grid: [
        { name: 'tile', extent: ceilDiv(i('n_q'), int(mergeRows)) },
        { name: 'one', extent: int(1) },
        { name: 'head_local', extent: i('head_count') },
      ],
    }),
    schedule: o.schedules.merge, when, chunkable: true,
  });
  const split = or(decoding, gt(i('splits'), int(1)));
  if (finished === 'both') requests.push(merge('shared', not(split)));
  requests.push(merge('all', finished === 'both' ? split : partial));

  return good({ requests, variables: hostVariables(plan, o), buffers, partlyWritten, toHost });
}
