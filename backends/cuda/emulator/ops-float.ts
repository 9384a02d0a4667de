/**
 * Floating point of 16, 32 and 64 bits, comparisons and selection (section 4 of the PTX subset). f32 rounds once; approximate
 * instructions are rounded correctly, their slack is a matter of the comparison. Opcodes shared with integers dispatch by type.
 */
import { floatMax, floatMin, flush, fusedOdd, quotientOdd, roundSingle, sumOdd } from './arithmetic.ts';
import type { Rounding } from './arithmetic.ts';
import { addSub, integerAbsolute, integerDivide, integerMinMax, integerNegate, multiply } from './ops-integer.ts';
import { general, lanes1, lanes2, lanes3, plain, setPredicate } from './lanewise.ts';
import type { Decode } from './lanewise.ts';
import type { Modifiers, Operands } from './operands.ts';
import { bfloatBits, bfloatValues, halfBits, halfValues } from './narrow.ts';
import { reader } from './values.ts';
import type { Exec } from './state.ts';

const floatType = /^(?:f16|f16x2|bf16|bf16x2|f32|f64)$/;

function peekType(parts: readonly string[]): string {
  return parts.find((p) => /^(?:[busf](?:8|16|32|64)|bf16|f16x2|bf16x2|pred)$/.test(p)) ?? '';
}

function rounding(mods: Modifiers): Rounding {
  const mode = mods.take('rn', 'rz', 'rm', 'rp');
  return mode === 'rz' || mode === 'rm' || mode === 'rp' ? mode : 'rn';
}

const clampUnit = (x: number): number => (x > 0 ? Math.min(x, 1) : 0);

/** `exact`: the result as a double that is exact or rounded to odd; `relu` makes negatives and NaN zero. */
function arithmetic(count: number, exact: (a: number, b: number, c: number) => number): Decode {
  return (mods, ops) => {
    const mode = rounding(mods);
    const ftz = mods.has('ftz');
    const sat = mods.has('sat');
    const relu = mods.has('relu');
    mods.take('full', 'approx');
    mods.has('noftz');
    const type = mods.type();
    const nan = mods.has('NaN');
    const base = nan ? (a: number, b: number, c: number): number => (Number.isNaN(a) || Number.isNaN(b) ? NaN : exact(a, b, c)) : exact;
    const finish = (x: number): number => (sat ? clampUnit(x) : relu ? (x > 0 ? x : 0) : x);
    const d = ops.target(ops.at(0), type);
    const [a = 0, b = 0, c = 0] = Array.from({ length: count }, (_, i) => ops.source(ops.at(i + 1), type));
    if (type === 'f32') return plain(single(count, mode, ftz, finish, base, d, a, b, c));
    if (mode !== 'rn' || !floatType.test(type)) return undefined;
    if (type === 'f64') return plain(general('f64', d, [a, b, c].slice(0, count), (x = 0, y = 0, z = 0) => exact(x, y, z)));
    return plain(packed(type, count, (x, y, z) => finish(base(x, y, z)), d, a, b, c));
  };
}

function single(count: number, mode: Rounding, ftz: boolean, finish: (x: number) => number, exact: (a: number, b: number, c: number) => number, d: number, a: number, b: number, c: number): Exec {
  const bare = mode === 'rn' && !ftz && finish(-1) === -1;
  const op = bare
    ? exact
    : (x: number, y: number, z: number): number => {
        const result = finish(roundSingle(ftz ? exact(flush(x), flush(y), flush(z)) : exact(x, y, z), mode));
        return ftz ? flush(result) : result;
      };
  if (count === 1) return lanes1('F', d, a, (x) => op(x, 0, 0));
  if (count === 2) return lanes2('F', d, a, b, (x, y) => op(x, y, 0));
  return lanes3('F', d, a, b, c, op);
}

/** f16, bf16 and their pairs: each half rounded once. */
function packed(type: string, count: number, op: (a: number, b: number, c: number) => number, d: number, a: number, b: number, c: number): Exec {
  const half = type.startsWith('f16');
  const values = half ? halfValues : bfloatValues;
  const bits = half ? halfBits : bfloatBits;
  const pairs = type.endsWith('x2');
  return (w, m) => {
    const r = w.U;
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const x = r[a + l] ?? 0;
      const y = count > 1 ? (r[b + l] ?? 0) : 0;
      const z = count > 2 ? (r[c + l] ?? 0) : 0;
      const low = bits(op(values[x & 0xffff] ?? 0, values[y & 0xffff] ?? 0, values[z & 0xffff] ?? 0));
      r[d + l] = pairs ? low | (bits(op(values[x >>> 16] ?? 0, values[y >>> 16] ?? 0, values[z >>> 16] ?? 0)) << 16) : low;
    }
  };
}

/** Float form by type, integer form otherwise. */
const either = (float: Decode, integer: Decode): Decode => (mods, ops, instruction) =>
  floatType.test(peekType(instruction.parts.slice(1))) ? float(mods, ops, instruction) : integer(mods, ops, instruction);

/** Bit operations on the sign, which also keep NaN payloads. */
const signBit = (op: (bits: number, sign: number) => number): Decode => (mods, ops) => {
  const ftz = mods.has('ftz');
  const type = mods.type();
  const [d, a] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type)];
  if (type === 'f64') {
    return plain((w, m) => {
      for (let l = 0; l < 32; l += 1) {
        if ((m >>> l) & 1) {
          w.U[d + l] = w.U[a + l] ?? 0;
          w.U[d + 32 + l] = op(w.U[a + 32 + l] ?? 0, 0x80000000);
        }
      }
    });
  }
  const sign = type === 'f32' ? 0x80000000 : type.endsWith('x2') ? 0x80008000 : 0x8000;
  return plain(lanes1('U', d, a, (x) => op(ftz && type === 'f32' && (x & 0x7f800000) === 0 ? x & 0x80000000 : x, sign)));
};

const copysign: Decode = (mods, ops) => {
  if (mods.type() !== 'f32') return undefined;
  return plain(lanes2('U', ops.target(ops.at(0), 'f32'), ops.source(ops.at(1), 'f32'), ops.source(ops.at(2), 'f32'), (s, x) => (s & 0x80000000) | (x & 0x7fffffff)));
};

/** min and max of floats: the number wins over NaN unless `.NaN`. */
const extreme = (op: (a: number, b: number) => number): Decode => (mods, ops, instruction) => {
  mods.take('xorsign');
  return arithmetic(2, op)(mods, ops, instruction);
};

const divApprox: Decode = (mods, ops, instruction) => {
  const approx = instruction.parts.includes('approx');
  // Above 2^126 the approximate form divides by a flushed reciprocal (section 4 of the subset).
  return arithmetic(2, (a, b) => (approx && Math.abs(b) > 2 ** 126 && Number.isFinite(b) ? (Number.isFinite(a) ? Math.sign(a) * Math.sign(b) * 0 : NaN) : quotientOdd(a, b)))(mods, ops, instruction);
};

const compares: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  eq: (a, b) => a === b, ne: (a, b) => a < b || a > b, lt: (a, b) => a < b, le: (a, b) => a <= b, gt: (a, b) => a > b, ge: (a, b) => a >= b,
  equ: (a, b) => !(a < b || a > b), neu: (a, b) => a !== b, ltu: (a, b) => !(a >= b), leu: (a, b) => !(a > b), gtu: (a, b) => !(a <= b), geu: (a, b) => !(a < b),
  num: (a, b) => !Number.isNaN(a) && !Number.isNaN(b), nan: (a, b) => Number.isNaN(a) || Number.isNaN(b),
  lo: (a, b) => a < b, ls: (a, b) => a <= b, hi: (a, b) => a > b, hs: (a, b) => a >= b,
};

/** Bits of the lanes for which the comparison holds. */
function comparison(mods: Modifiers, ops: Operands, first: number, type: string): ((w: Parameters<Exec>[0], m: number) => number) | undefined {
  const name = mods.take(...Object.keys(compares));
  const test = name === undefined ? undefined : compares[name];
  if (test === undefined) return undefined;
  const ftz = mods.has('ftz');
  const [a, b] = [ops.source(ops.at(first), type), ops.source(ops.at(first + 1), type)];
  if (/^[sub]64$/.test(type)) {
    const signed = type === 's64';
    return (w, m) => {
      let bits = 0;
      for (let l = 0; l < 32; l += 1) {
        if (((m >>> l) & 1) === 0) continue;
        const [ah, bh] = signed ? [w.I[a + 32 + l] ?? 0, w.I[b + 32 + l] ?? 0] : [w.U[a + 32 + l] ?? 0, w.U[b + 32 + l] ?? 0];
        if (ah !== bh ? test(ah, bh) : test(w.U[a + l] ?? 0, w.U[b + l] ?? 0)) bits |= 1 << l;
      }
      return bits;
    };
  }
  const readA = reader(type, a);
  const readB = reader(type, b);
  if (readA === undefined || readB === undefined) return undefined;
  return (w, m) => {
    let bits = 0;
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const x = readA(w, l);
      const y = readB(w, l);
      if (ftz ? test(flush(x), flush(y)) : test(x, y)) bits |= 1 << l;
    }
    return bits;
  };
}

const setp: Decode = (mods, ops, instruction) => {
  const type = peekType(instruction.parts.slice(1));
  mods.take(type);
  const target = ops.at(0);
  const p = ops.target(target.kind === 'pair' ? target.first : target, 'pred');
  const q = target.kind === 'pair' ? ops.target(target.second, 'pred') : undefined;
  const bits = comparison(mods, ops, 1, type);
  if (bits === undefined) return undefined;
  const combine = mods.take('and', 'or', 'xor');
  const third = combine === undefined ? undefined : ops.at(3);
  const c = third === undefined ? undefined : ops.source(third, 'pred');
  const negated = third?.kind === 'register' && third.negated;
  return plain((w, m) => {
    const holds = bits(w, m);
    const other = c === undefined ? 0 : negated ? ~(w.I[c] ?? 0) : (w.I[c] ?? 0);
    const mix = (x: number): number => (combine === 'and' ? x & other : combine === 'or' ? x | other : combine === 'xor' ? x ^ other : x);
    setPredicate(w, p, m, mix(holds));
    if (q !== undefined) setPredicate(w, q, m, mix(~holds));
  });
};

const selp: Decode = (mods, ops) => {
  const type = mods.type();
  const condition = ops.at(3);
  const negated = condition.kind === 'register' && condition.negated;
  const [d, a, b, p] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type), ops.source(ops.at(2), type), ops.source(condition, 'pred')];
  const wide = /64$/.test(type);
  return plain((w, m) => {
    const r = w.U;
    const bits = negated ? ~(w.I[p] ?? 0) : (w.I[p] ?? 0);
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const from = (bits >>> l) & 1 ? a : b;
      r[d + l] = r[from + l] ?? 0;
      if (wide) r[d + 32 + l] = r[from + 32 + l] ?? 0;
    }
  });
};

const testp: Decode = (mods, ops) => {
  const what = mods.take('finite', 'infinite', 'number', 'notanumber');
  const type = mods.type();
  const d = ops.target(ops.at(0), 'pred');
  const read = reader(type, ops.source(ops.at(1), type));
  if (what === undefined || read === undefined) return undefined;
  return plain((w, m) => {
    let bits = 0;
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const x = read(w, l);
      const holds = what === 'finite' ? Number.isFinite(x) : what === 'infinite' ? Math.abs(x) === Infinity : Number.isNaN(x) === (what === 'notanumber');
      if (holds) bits |= 1 << l;
    }
    setPredicate(w, d, m, bits);
  });
};

const exponential = (x: number): number => 2 ** x;

export const floatOps: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['add', either(arithmetic(2, sumOdd), addSub(1))],
  ['sub', either(arithmetic(2, (a, b) => sumOdd(a, -b)), addSub(-1))],
  ['mul', either(arithmetic(2, (a, b) => a * b), multiply(false))],
  ['fma', arithmetic(3, fusedOdd)],
  ['div', either(divApprox, integerDivide)],
  ['min', either(extreme(floatMin), integerMinMax(true))],
  ['max', either(extreme(floatMax), integerMinMax(false))],
  ['neg', either(signBit((x, s) => x ^ s), integerNegate)],
  ['abs', either(signBit((x, s) => x & ~s), integerAbsolute)],
  ['copysign', copysign],
  ['rcp', arithmetic(1, (x) => quotientOdd(1, x))],
  ['sqrt', arithmetic(1, Math.sqrt)],
  ['rsqrt', arithmetic(1, (x) => 1 / Math.sqrt(x))],
  ['ex2', arithmetic(1, exponential)],
  ['lg2', arithmetic(1, Math.log2)],
  ['sin', arithmetic(1, Math.sin)], ['cos', arithmetic(1, Math.cos)], ['tanh', arithmetic(1, Math.tanh)],
  ['setp', setp], ['selp', selp], ['testp', testp],
]);
