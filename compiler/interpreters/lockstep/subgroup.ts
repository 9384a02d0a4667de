/**
 * Operations among the lanes of a subgroup. In: operands that have been compiled and are computed before. Out: values whose closure exchanges them.
 * A lane that is missing, or a source that is none, is a problem.
 */
import type { KernelExpr } from '../../kernel/ir.ts';
import { checkUse, componentsOf, laneName, lanesOf, report, room, taintRoom } from './machine.ts';
import type { Machine, Value } from './machine.ts';

/** Where an operation stands. */
interface Together {
  readonly m: Machine;
  /** Under control flow that is not declared uniform. */
  readonly divergent: boolean;
}

/** What every subgroup operation asks: all lanes of the workgroup are here, and the compiler could know it. */
export function checkTogether(scope: Together): void {
  const { m } = scope;
  m.counters.subgroupOps += 1;
  if (!m.full) {
    report(m, 'divergent-subgroup', 'lanes', () => `a subgroup operation that ${lanesOf(m.mask, 0)} of workgroup (${m.group.join(', ')}) did not reach`);
  } else if (scope.divergent) {
    report(m, 'divergent-subgroup', 'flow', () => 'a subgroup operation under control flow that is not declared uniform');
  }
}

export function compileShuffle(scope: Together, e: Extract<KernelExpr, { readonly kind: 'shuffle' }>, value: Value, from: Value): Value {
  const { m } = scope;
  const source = from.out;
  const out = room(e.type, m.lanes);
  const taint = taintRoom(m, m.lanes);
  const n = componentsOf(e.type);
  const limit = e.group ?? m.program.subgroup;
  // Subgroups are multiples of four lanes, so groups of four start at multiples of four within the workgroup too.
  const width = e.group ?? m.width;
  const loop = (): void => {
    checkTogether(scope);
    checkUse(m, from.taint, 'shuffles from a lane');
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      const first = lane - (lane % width);
      const asked = source[lane] ?? 0;
      const other = first + asked;
      if (asked !== source[first] && m.mask[first] === 1) {
        report(m, 'shuffle', 'differs', () => `${laneName(m, lane)} shuffles from subgroup lane ${asked}, lane ${first} from ${source[first] ?? 0}`);
      }
      const inside = asked >= 0 && asked < width && other < m.lanes;
      if (!inside || m.mask[other] === 0) {
        const size = Math.min(width, m.lanes - first);
        report(m, 'shuffle', 'source', () => `${laneName(m, lane)} shuffles from subgroup lane ${asked}, which is ${inside ? 'not active' : `not in its subgroup of ${size}`}`);
        out.fill(0, lane * n, (lane + 1) * n);
        continue;
      }
      if (limit !== undefined && asked >= limit) {
        report(m, 'shuffle', 'limit', () => `${laneName(m, lane)} shuffles from subgroup lane ${asked}; the kernel counts on ${limit} lanes only`);
      }
      taint[lane] = value.taint[other] ?? 0;
      for (let c = 0; c < n; c += 1) out[lane * n + c] = value.out[other * n + c] ?? 0;
    }
  };
  return { type: e.type, out, taint, run: loop };
}

export function compileShuffleXor(scope: Together, e: Extract<KernelExpr, { readonly kind: 'shuffle_xor' }>, value: Value): Value {
  const { m } = scope;
  const out = room(e.type, m.lanes);
  const taint = taintRoom(m, m.lanes);
  const n = componentsOf(e.type);
  const loop = (): void => {
    checkTogether(scope);
    for (let lane = 0; lane < m.lanes; lane += 1) {
      if (m.mask[lane] === 0) continue;
      const own = lane % m.width;
      const other = lane - own + (own ^ e.mask);
      if (other >= m.lanes || (own ^ e.mask) >= m.width || m.mask[other] === 0) {
        report(m, 'shuffle', 'source', () => `${laneName(m, lane)} asks lane ${other}, which does not take part`);
        continue;
      }
      taint[lane] = value.taint[other] ?? 0;
      for (let c = 0; c < n; c += 1) out[lane * n + c] = value.out[other * n + c] ?? 0;
    }
  };
  return { type: e.type, out, taint, run: loop };
}

export function compileSubgroup(scope: Together, e: Extract<KernelExpr, { readonly kind: 'subgroup' }>, value: Value): Value {
  const { m } = scope;
  const out = room(e.type, m.lanes);
  const taint = taintRoom(m, m.lanes);
  const n = componentsOf(e.type);
  const isFloat = e.type === 'f32' || e.type === 'vec4f';
  const loop = (): void => {
    checkTogether(scope);
    for (let first = 0; first < m.lanes; first += m.width) {
      const end = Math.min(first + m.width, m.lanes);
      for (let c = 0; c < n; c += 1) {
        let result: number | undefined;
        for (let lane = first; lane < end; lane += 1) {
          if (m.mask[lane] === 0) continue;
          const x = value.out[lane * n + c] ?? 0;
          if (result === undefined) result = x;
          else if (e.op === 'max') result = Math.max(result, x);
          else result = isFloat ? Math.fround(result + x) : result + x;
        }
        for (let lane = first; lane < end; lane += 1) out[lane * n + c] = result ?? 0;
      }
      if (m.tainted) taint.fill(value.taint.subarray(first, end).find((t) => t !== 0) ?? 0, first, end);
    }
  };
  return { type: e.type, out, taint, run: loop };
}
