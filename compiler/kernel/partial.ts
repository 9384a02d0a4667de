/**
 * Tiles of which each lane holds a share: sums over keys that are spread over lanes. A map that is linear in such tiles may act on the
 * shares; whatever else wants the elements gets the sum over all lanes, by a subgroup operation where one subgroup is the
 * whole workgroup on this target, else through workgroup memory. The barriers are placed later.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Expr } from '../expr/ir.ts';
import { children } from '../expr/traverse.ts';
import type { Schedule } from '../schedule.ts';
import type { TargetRecord } from '../target.ts';
import { bin, boolean, i32, lane, pick, zeroOf } from './build.ts';
import type { Held, Lowering } from './held.ts';
import type { KernelBinary, KernelExpr } from './ir.ts';
import type { Layout } from './layout.ts';

export function mentionsTile(e: Expr, tiles: ReadonlySet<string>): boolean {
  return (e.kind === 'element' && tiles.has(e.tile)) || children(e).some((c) => mentionsTile(c, tiles));
}

/** Whether the expression is a linear function of the tiles' elements (without a constant term). */
export function isLinear(e: Expr, tiles: ReadonlySet<string>): boolean {
  if (e.type !== 'float') return false;
  switch (e.kind) {
    case 'literal':
      return e.value === 0;
    case 'element':
      return tiles.has(e.tile);
    case 'unary':
      return e.op === 'neg' && isLinear(e.arg, tiles);
    case 'binary':
      if (e.op === 'add' || e.op === 'sub') return isLinear(e.left, tiles) && isLinear(e.right, tiles);
      if (e.op === 'mul') return (isLinear(e.left, tiles) && !mentionsTile(e.right, tiles)) || (isLinear(e.right, tiles) && !mentionsTile(e.left, tiles));
      return e.op === 'divide' && isLinear(e.left, tiles) && !mentionsTile(e.right, tiles);
    case 'select':
      return !mentionsTile(e.cond, tiles) && isLinear(e.then, tiles) && isLinear(e.otherwise, tiles);
    default:
      return false;
  }
}

/** Whether all lanes of a workgroup are certainly in one subgroup. */
export function isOneSubgroup(schedule: Schedule, target: TargetRecord): boolean {
  return target.subgroups !== undefined && target.subgroups.min === target.subgroups.max && schedule.lanes <= target.subgroups.min;
}

/** A full value as a share: the first lane has it, the others 0. */
export function asShare(low: Lowering, value: KernelExpr): KernelExpr {
  const { emit } = low;
  const zero = value.kind === 'unary' && value.op === 'splat' ? value.arg : value;
  if (zero.kind === 'literal' && zero.value === 0) return value;
  return emit.value(pick(emit.value(bin('eq', lane, i32(0))), value, zeroOf(value.type)));
}

/** Values of the lanes that hold one row combined, the same in each of them: the lane's column digits are exchanged bit by bit. */
export function alongColumns(low: Lowering, op: 'sum' | 'max', layout: Layout, value: KernelExpr): KernelExpr {
  low.usesSubgroups.value = true;
  let result = value;
  let below = 1;
  for (const digit of layout.lane) {
    if (digit.axis === 'col' && digit.stride !== 0) {
      if (below * digit.count > 32 || (digit.count & (digit.count - 1)) !== 0) throw new CompilerBug('lower-tile', 'columns over more lanes than exchange values');
      for (let mask = below; mask < below * digit.count; mask *= 2) {
        const other = low.emit.value({ kind: 'shuffle_xor', type: result.type, value: result, mask });
        result = low.emit.value(bin(op === 'sum' ? 'add' : 'max', result, other));
      }
    }
    below *= digit.count;
  }
  return result;
}

/** Values of all lanes combined, the same in every lane. */
export function overLanes(low: Lowering, op: 'sum' | 'max', values: readonly KernelExpr[]): readonly KernelExpr[] {
  const { emit, schedule } = low;
  if (isOneSubgroup(schedule, low.target)) {
    low.usesSubgroups.value = true;
    return values.map((value) => emit.value({ kind: 'subgroup', type: value.type, op, value }));
  }
  // Few values: every lane adds up all. Many: lane i adds up value i, and the others read its result.
  const results: KernelExpr[] = [];
  const most = values.length <= 2 ? values.length : Math.min(schedule.lanes, batchOf(low, values));
  for (let first = 0; first < values.length; first += most) results.push(...batchOverLanes(low, op, values.slice(first, first + most)));
  return results;
}

/** Values that are exchanged together: an eighth of the workgroup memory. */
function batchOf(low: Lowering, values: readonly KernelExpr[]): number {
  const bytes = values[0]?.type === 'vec4f' ? 16 : 4;
  return Math.max(1, Math.floor(low.target.workgroupBytes / 8 / (bytes * low.schedule.lanes)));
}

function exchangeOf(low: Lowering, type: KernelExpr['type'], length: number, hint: string): string {
  if (type !== 'f32' && type !== 'vec4f') throw new CompilerBug('lower-tile', `lanes cannot exchange ${type}`);
  const known = low.exchanges.get(`${hint} ${type}`);
  const index = known === undefined ? -1 : low.shared.findIndex((d) => d.name === known);
  const decl = low.shared[index];
  if (known === undefined || decl === undefined) {
    const name = low.emit.fresh(hint);
    low.shared.push({ name, element: type, length });
    low.exchanges.set(`${hint} ${type}`, name);
    return name;
  }
  low.shared[index] = { ...decl, length: Math.max(decl.length, length) };
  return known;
}

function batchOverLanes(low: Lowering, op: 'sum' | 'max', values: readonly KernelExpr[]): readonly KernelExpr[] {
  const { emit } = low;
  const { lanes } = low.schedule;
  const operator: KernelBinary = op === 'sum' ? 'add' : 'max';
  const type = values[0]?.type ?? 'f32';
  // Sums and maxima take turns; with memory of their own, one barrier less stands between them.
  const shares = exchangeOf(low, type, lanes * values.length, `shares_${op}`);
  const at = (shared: string, index: KernelExpr): KernelExpr => ({ kind: 'load_shared', type, shared, index });
  values.forEach((value, v) => {
    emit.push({ kind: 'store_shared', shared: shares, index: emit.value(bin('add', lane, i32(v * lanes))), value, origin: emit.origin() });
  });
  const total = (first: KernelExpr): KernelExpr => {
    const sum = emit.variable('total', at(shares, first));
    emit.loop('other', i32(1), i32(lanes), true, [sum], (other) => {
      emit.assign(sum, bin(operator, sum, at(shares, emit.value(bin('add', first, other)))));
    });
    return sum;
  };
  if (values.length <= 2) return values.map((_, v) => emit.copy('total', total(i32(v * lanes))));
  const totals = exchangeOf(low, type, values.length, `totals_${op}`);
  const then = emit.block(false, () => {
    const sum = total(emit.value(bin('mul', lane, i32(lanes))));
    emit.push({ kind: 'store_shared', shared: totals, index: lane, value: sum, origin: emit.origin() });
  });
  const cond = values.length === lanes ? boolean(true) : emit.value(bin('lt', lane, i32(values.length)));
  emit.push({ kind: 'if', cond, uniform: false, then, otherwise: [], origin: emit.origin() });
  return values.map((_, v) => emit.value(at(totals, i32(v))));
}

/** The environment in which the shared tiles among `tiles` have their full values. */
export function withTotals(low: Lowering, tiles: readonly string[]): Lowering {
  const partial = tiles.filter((t) => {
    const held = low.env.tiles.get(t);
    return held?.kind === 'registers' && held.partial;
  });
  if (partial.length === 0) return low;
  const full = new Map(low.env.tiles);
  for (const name of new Set(partial)) {
    const held = low.env.tiles.get(name);
    if (held?.kind !== 'registers') continue;
    const slots = overLanes(low, 'sum', held.slots);
    const settled: Held = { ...held, slots, partial: false };
    full.set(name, settled);
  }
  return { ...low, env: { scalars: low.env.scalars, tiles: full } };
}
