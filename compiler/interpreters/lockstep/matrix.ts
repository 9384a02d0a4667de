/**
 * Matrix operations of 32 lanes: loads of 8 x 8 matrices from workgroup memory and products of fragments. In: a statement. Out: a
 * closure over all lanes. Products are exact and a sum of a product is rounded to f32 once; machines round more often and truncate, which the
 * bounds of tests allow (interpreters/bounds.ts).
 */
import type { KernelStmt, MatrixElement, NarrowElement } from '../../kernel/ir.ts';
import { bf16FromBits, f16FromBits, f32FromBits } from '../number.ts';
import { compileValue, lookup } from './expression.ts';
import type { Scope } from './expression.ts';
import { checkUse, floats, ints, room, taintRoom, words } from './machine.ts';
import type { Run } from './machine.ts';
import { inShared, noteSharedLoad } from './memory.ts';
import { checkTogether } from './subgroup.ts';

const warp = 32;

export function compileMatrixLoad(scope: Scope, s: Extract<KernelStmt, { readonly kind: 'load_matrix' }>): Run {
  const { m } = scope;
  const memory = lookup(scope.shared, s.shared, 'workgroup memory');
  const index = compileValue(scope, s.index);
  const places = ints(index.out);
  const outs = s.names.map((name) => {
    const held = { type: 'u32' as const, out: words(room('u32', m.lanes)), taint: taintRoom(m, m.lanes) };
    scope.values.declare(name, held);
    return held;
  });
  // Row j of matrix i of the present 32 lanes at (8i + j) * 4.
  const rows = new Uint32Array(warp * 4);
  const taints = new Uint8Array(warp);
  return () => {
    index.run();
    checkTogether(scope);
    checkUse(m, index.taint, `addresses ${s.shared} with a value`);
    const data = words(memory.data);
    for (let first = 0; first < m.lanes; first += warp) {
      for (let t = 0; t < warp; t += 1) {
        const place = places[first + t] ?? 0;
        const inside = inShared(m, memory, first + t, place, 'loads');
        m.counters.sharedLoads += 1;
        taints[t] = inside ? noteSharedLoad(m, memory, first + t, place) : 0;
        for (let w = 0; w < 4; w += 1) rows[4 * t + w] = inside ? data[4 * place + w] ?? 0 : 0;
      }
      const half = (row: number, col: number): number => ((rows[4 * row + (col >> 1)] ?? 0) >>> (16 * (col & 1))) & 0xffff;
      outs.forEach(({ out, taint }, i) => {
        for (let t = 0; t < warp; t += 1) {
          const g = t >> 2;
          const q = t & 3;
          const [low, high] = s.transposed ? [8 * i + 2 * q, 8 * i + 2 * q + 1] : [8 * i + g, 8 * i + g];
          out[first + t] = s.transposed ? half(low, g) | (half(high, g) << 16) : rows[4 * low + q] ?? 0;
          taint[first + t] = (taints[low] ?? 0) !== 0 ? taints[low] ?? 0 : taints[high] ?? 0;
        }
      });
    }
  };
}

const decoded = new Map<NarrowElement, Float64Array>();

/** Values of all patterns of a format. */
function tableOf(element: NarrowElement): Float64Array {
  const known = decoded.get(element);
  if (known !== undefined) return known;
  const table = Float64Array.from({ length: 65536 }, (_, bits) => (element === 'f16' ? f16FromBits(bits) : bf16FromBits(bits)));
  decoded.set(element, table);
  return table;
}

export function compileWordLoad(scope: Scope, s: Extract<KernelStmt, { readonly kind: 'load_words' }>): Run {
  const { m } = scope;
  const memory = lookup(scope.shared, s.shared, 'workgroup memory');
  const index = compileValue(scope, s.index);
  const places = ints(index.out);
  const outs = s.names.map((name) => {
    const held = { type: 'f32' as const, out: floats(room('f32', m.lanes)), taint: taintRoom(m, m.lanes) };
    scope.values.declare(name, held);
    return held;
  });
  return () => {
    index.run();
    checkUse(m, index.taint, `addresses ${s.shared} with a value`);
    const data = new Float32Array(words(memory.data).buffer);
    outs.forEach(({ out, taint }, i) => {
      for (let lane = 0; lane < m.lanes; lane += 1) {
        if (m.mask[lane] === 0) continue;
        m.counters.sharedLoads += 1;
        const word = (places[lane] ?? 0) + (s.offsets[i] ?? 0);
        const inside = inShared(m, memory, lane, word >> 2, 'loads');
        taint[lane] = inside ? noteSharedLoad(m, memory, lane, word >> 2) : 0;
        out[lane] = inside ? data[word] ?? 0 : 0;
      }
    });
  };
}

/** A pair of columns of the operands in a word, or one: how many numbers a word holds, and what they are. */
interface Words {
  readonly each: 1 | 2;
  readonly value: (word: number, i: number) => number;
}

function wordsOf(element: MatrixElement): Words {
  if (element === 'tf32') return { each: 1, value: (word) => f32FromBits((word & 0xffffe000) >>> 0) };
  const table = tableOf(element);
  return { each: 2, value: (word, i) => table[(word >>> (16 * i)) & 0xffff] ?? 0 };
}

export function compileProduct(scope: Scope, s: Extract<KernelStmt, { readonly kind: 'mma' }>): Run {
  const { m } = scope;
  const { each, value } = wordsOf(s.operands);
  const depth = 8 * each;
  const left = s.a.map((e) => compileValue(scope, e));
  const right = s.b.map((e) => compileValue(scope, e));
  const sums = s.sums.map((name) => lookup(scope.values, name, 'variable'));
  const outs = sums.map((x) => floats(x.out));
  const a = new Float64Array(16 * depth);
  const b = new Float64Array(depth * 8);
  const rowTaint = new Uint8Array(16);
  const colTaint = new Uint8Array(8);

  const gather = (first: number): void => {
    rowTaint.fill(0);
    colTaint.fill(0);
    for (let t = 0; t < warp; t += 1) {
      const g = t >> 2;
      const q = t & 3;
      left.forEach(({ out, taint }, r) => {
        const row = g + 8 * (r & 1);
        const col = each * (q + 4 * (r >> 1));
        for (let i = 0; i < each; i += 1) a[depth * row + col + i] = value(out[first + t] ?? 0, i);
        if ((taint[first + t] ?? 0) !== 0) rowTaint[row] = taint[first + t] ?? 0;
      });
      right.forEach(({ out, taint }, r) => {
        const row = each * (q + 4 * r);
        for (let i = 0; i < each; i += 1) b[8 * (row + i) + g] = value(out[first + t] ?? 0, i);
        if ((taint[first + t] ?? 0) !== 0) colTaint[g] = taint[first + t] ?? 0;
      });
    }
  };

  return () => {
    for (const x of left) x.run();
    for (const x of right) x.run();
    checkTogether(scope);
    for (let first = 0; first < m.lanes; first += warp) {
      gather(first);
      for (let t = 0; t < warp; t += 1) {
        for (let i = 0; i < 4; i += 1) {
          const row = (t >> 2) + 8 * (i >> 1);
          const col = 2 * (t & 3) + (i & 1);
          const out = outs[i];
          const held = sums[i];
          if (out === undefined || held === undefined) continue;
          let sum = out[first + t] ?? 0;
          for (let k = 0; k < depth; k += 1) sum += (a[depth * row + k] ?? 0) * (b[8 * k + col] ?? 0);
          out[first + t] = sum;
          const taint = (rowTaint[row] ?? 0) !== 0 ? rowTaint[row] ?? 0 : colTaint[col] ?? 0;
          if (m.tainted && taint !== 0) held.taint[first + t] = taint;
        }
      }
    }
  };
}
