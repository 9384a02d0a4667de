/**
 * Moves, packs and conversions (sections 4 and 6.3 of the PTX subset): integers truncate or extend, floats to integers saturate and NaN
 * gives 0, narrow floats round once; the first source of a pack goes to the upper half.
 */
import { flush, roundInteger, roundSingle } from './arithmetic.ts';
import type { Rounding } from './arithmetic.ts';
import { lanes1, plain, setPredicate } from './lanewise.ts';
import type { Decode } from './lanewise.ts';
import type { Operand } from './syntax.ts';
import type { Operands } from './operands.ts';
import { sizeOf } from './parse.ts';
import type { Exec } from './state.ts';
import { bfloatBits, halfBits } from './narrow.ts';
import { reader, setWide, wide, writer } from './values.ts';

const isFloat = (type: string): boolean => /^(f|bf|tf)/.test(type);
const bitsOf = (type: string): number => Number(/\d+/.exec(type)?.[0] ?? '0');

const mov: Decode = (mods, ops) => {
  const type = mods.type();
  const [to, from] = [ops.at(0), ops.at(1)];
  if (to.kind === 'vector') return unpack(ops, to.items, ops.source(from, type), type);
  if (from.kind === 'vector') return pack(ops, ops.target(to, type), from.items, type);
  const [d, a] = [ops.target(to, type), ops.source(from, type)];
  if (type === 'pred') return plain((w, m) => setPredicate(w, d, m, w.I[a] ?? 0));
  if (sizeOf(type) < 8) return plain(lanes1('U', d, a, (x) => x));
  return plain((w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if ((m >>> l) & 1) {
        w.U[d + l] = w.U[a + l] ?? 0;
        w.U[d + 32 + l] = w.U[a + 32 + l] ?? 0;
      }
    }
  });
};

function unpack(ops: Operands, items: readonly Operand[], a: number, type: string): ReturnType<Decode> {
  const size = (sizeOf(type) * 8) / items.length;
  const part = `b${size}`;
  const targets = items.map((item) => (item.kind === 'sink' ? undefined : ops.target(item, part)));
  return plain((w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const [low, high] = [w.U[a + l] ?? 0, sizeOf(type) === 8 ? (w.U[a + 32 + l] ?? 0) : 0];
      targets.forEach((d, i) => {
        if (d === undefined) return;
        const at = i * size;
        const word = at >= 32 ? high : low;
        w.U[d + l] = size === 32 ? word : (word >>> (at & 31)) & (2 ** size - 1);
      });
    }
  });
}

function pack(ops: Operands, d: number, items: readonly Operand[], type: string): ReturnType<Decode> {
  const size = (sizeOf(type) * 8) / items.length;
  const sources = items.map((item) => ops.source(item, `b${size}`));
  return plain((w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      let [low, high] = [0, 0];
      sources.forEach((s, i) => {
        const value = size === 32 ? (w.U[s + l] ?? 0) : (w.U[s + l] ?? 0) & (2 ** size - 1);
        if (i * size >= 32) high |= value << (i * size - 32);
        else low |= value << (i * size);
      });
      w.U[d + l] = low;
      if (sizeOf(type) === 8) w.U[d + 32 + l] = high;
    }
  });
}

function saturate(x: number, type: string): number {
  if (Number.isNaN(x)) return 0;
  const bits = bitsOf(type);
  const [least, most] = type.startsWith('s') ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return Math.max(least, Math.min(most, x));
}

const cvt: Decode = (mods, ops, instruction) => {
  if (mods.take('pack') !== undefined) return undefined;
  const integerRounding = mods.take('rni', 'rzi', 'rmi', 'rpi');
  const away = mods.has('rna');
  const named = mods.take('rn', 'rz', 'rm', 'rp');
  const mode: Rounding = named === 'rz' || named === 'rm' || named === 'rp' ? named : 'rn';
  const ftz = mods.has('ftz');
  const sat = mods.has('sat');
  const relu = mods.has('relu');
  const [to, from] = instruction.parts.filter((p) => /^(?:[busf](?:8|16|32|64)|bf16|f16x2|bf16x2|tf32)$/.test(p));
  if (to === undefined || from === undefined) return undefined;
  mods.take(to);
  mods.take(from);
  const clamp = (x: number): number => (relu ? (x > 0 ? x : Number.isNaN(x) ? x : 0) : sat ? (x > 0 ? Math.min(x, 1) : 0) : x);
  if (to === 'f16x2' || to === 'bf16x2') {
    if (from !== 'f32' || mode !== 'rn') return undefined;
    const bits = to === 'f16x2' ? halfBits : bfloatBits;
    const [d, a, b] = [ops.target(ops.at(0), 'b32'), ops.source(ops.at(1), 'f32'), ops.source(ops.at(2), 'f32')];
    return plain((w, m) => {
      for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) w.U[d + l] = (bits(clamp(w.F[a + l] ?? 0)) << 16) | bits(clamp(w.F[b + l] ?? 0));
    });
  }
  if (to === 'tf32') {
    const [d, a] = [ops.target(ops.at(0), 'b32'), ops.source(ops.at(1), 'f32')];
    if (!away) return undefined;
    return plain(lanes1('U', d, a, (x) => ((x & 0x7f800000) === 0x7f800000 ? x : (x + 0x1000) & ~0x1fff)));
  }
  const [d, a] = [ops.target(ops.at(0), to), ops.source(ops.at(1), from)];
  if (!isFloat(to) && !isFloat(from)) return plain(integers(to, from, d, a, sat));
  const read = reader(from, a);
  const write = writer(isFloat(to) || bitsOf(to) === 64 ? to : /^[su]8$/.test(to) ? `${to[0] ?? 'u'}32` : to, d);
  if (read === undefined || write === undefined) return undefined;
  const narrowing = isFloat(to) && isFloat(from) && bitsOf(to) < bitsOf(from) && to !== 'f32';
  if (narrowing && mode !== 'rn') return undefined;
  if (isFloat(from) && from === 'f32' && to === 'f32' && integerRounding === undefined && !sat && !ftz && !relu && named === undefined) return undefined;
  return plain((w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      let x = read(w, l);
      if (ftz && from === 'f32' && to !== 'f16') x = flush(x);
      if (isFloat(from) && integerRounding !== undefined) x = roundInteger(x, integerRounding);
      if (!isFloat(to)) write(w, l, saturate(x, to));
      else write(w, l, clamp(to === 'f32' ? roundSingle(x, mode) : x));
    }
  });
};

function integers(to: string, from: string, d: number, a: number, sat: boolean): Exec {
  const signed = from.startsWith('s');
  const size = bitsOf(from);
  return (w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const low = w.U[a + l] ?? 0;
      if (sat) {
        const x = size === 64 ? wide(w, a, l) : BigInt(size === 32 ? low : low & (2 ** size - 1));
        setWideOr(w, d, l, saturate(Number(signed ? BigInt.asIntN(size, x) : x), to), to);
        continue;
      }
      const value = size >= 32 ? low : signed ? (low << (32 - size)) >> (32 - size) : low & (2 ** size - 1);
      const bits = bitsOf(to);
      w.U[d + l] = bits >= 32 ? value : to.startsWith('s') && bits === 8 ? (value << 24) >> 24 : value & (2 ** bits - 1);
      if (bits === 64) w.U[d + 32 + l] = size === 64 ? (w.U[a + 32 + l] ?? 0) : signed ? (value | 0) >> 31 : 0;
    }
  };
}

function setWideOr(w: Parameters<Exec>[0], d: number, l: number, value: number, type: string): void {
  if (bitsOf(type) === 64) setWide(w, d, l, BigInt(value));
  else w.U[d + l] = value;
}

export const convertOps: ReadonlyMap<string, Decode> = new Map<string, Decode>([['mov', mov], ['cvt', cvt]]);
