/**
 * Integer and bit instructions (section 4 of the PTX subset): wrap-around, clamped shifts, products of twice the width. Dispatch by
 * opcode and type; the float forms of add, mul and so on live in ops-float.ts.
 */
import { mulHighSigned, mulHighUnsigned, popcount, reverseBits } from './arithmetic.ts';
import { general, lanes1, lanes2, lanes3, plain, setPredicate, wideLanes, wordPairs } from './lanewise.ts';
import type { Decode, View } from './lanewise.ts';
import type { Exec, Warp } from './state.ts';
import { setWide, wide } from './values.ts';

const viewFor = (type: string): View => (type.startsWith('s') ? 'I' : 'U');
const isInteger = (type: string): boolean => /^[sub]\d+$/.test(type);
const widthOf = (type: string): number => Number(type.slice(1));

type Op2 = (a: number, b: number) => number;
type Big2 = (a: bigint, b: bigint) => bigint;

export function integer2(small: Op2, big: Big2): Decode {
  return (mods, ops) => {
    const type = mods.type();
    if (!isInteger(type)) return undefined;
    const [d, a, b] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type), ops.source(ops.at(2), type)];
    if (widthOf(type) === 64) return plain(wideLanes(type.startsWith('s'), d, [a, b], big));
    return plain(widthOf(type) === 32 ? lanes2(viewFor(type), d, a, b, small) : general(type, d, [a, b], small));
  };
}

function integer1(small: (a: number) => number, big: (a: bigint) => bigint): Decode {
  return (mods, ops) => {
    const type = mods.type();
    if (!isInteger(type)) return undefined;
    const [d, a] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type)];
    if (widthOf(type) === 64) return plain(wideLanes(type.startsWith('s'), d, [a], big));
    return plain(widthOf(type) === 32 ? lanes1(viewFor(type), d, a, small) : general(type, d, [a], small));
  };
}

/** 64-bit sums are by far the most frequent wide operation: addresses. */
function wideSum(d: number, a: number, b: number, sign: 1 | -1): Exec {
  return (w, m) => {
    const r = w.U;
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const low = (r[a + l] ?? 0) + sign * (r[b + l] ?? 0);
      const carry = low > 0xffffffff ? 1 : low < 0 ? -1 : 0;
      const high = (r[a + 32 + l] ?? 0) + sign * (r[b + 32 + l] ?? 0) + carry;
      r[d + l] = low;
      r[d + 32 + l] = high;
    }
  };
}

export const addSub = (sign: 1 | -1): Decode => (mods, ops) => {
  const type = mods.type();
  if (!isInteger(type)) return undefined;
  const [d, a, b] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type), ops.source(ops.at(2), type)];
  if (widthOf(type) === 64) return plain(wideSum(d, a, b, sign));
  if (mods.has('sat')) return plain(lanes2('I', d, a, b, (x, y) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, x + sign * y))));
  const op = (x: number, y: number): number => x + sign * y;
  return plain(widthOf(type) === 32 ? lanes2('U', d, a, b, op) : general(type, d, [a, b], op));
};

function wideProduct(w: Warp, l: number, d: number, a: number, b: number, signed: boolean): void {
  const x = w.U[a + l] ?? 0;
  const y = w.U[b + l] ?? 0;
  const high = signed ? mulHighSigned(x | 0, y | 0) : mulHighUnsigned(x, y);
  w.U[d + l] = Math.imul(x, y);
  w.U[d + 32 + l] = high;
}

/** mul and mad of integers: .lo, .hi, .wide. */
export const multiply = (withSum: boolean): Decode => (mods, ops) => {
  const half = mods.take('lo', 'hi', 'wide', '24');
  const type = mods.type();
  if (half === undefined || !isInteger(type)) return undefined;
  const width = widthOf(type);
  const signed = type.startsWith('s');
  const result = half === 'wide' ? `${type[0] ?? 'u'}${width * 2}` : type;
  const d = ops.target(ops.at(0), result);
  const a = ops.source(ops.at(1), type);
  const b = ops.source(ops.at(2), type);
  const c = withSum ? ops.source(ops.at(3), result) : undefined;
  if (width === 32 && half === 'lo') {
    return plain(c === undefined ? lanes2('I', d, a, b, Math.imul) : lanes3('I', d, a, b, c, (x, y, z) => Math.imul(x, y) + z));
  }
  if (width === 32 && half === 'hi') {
    const high = signed ? mulHighSigned : mulHighUnsigned;
    return plain(c === undefined ? lanes2(viewFor(type), d, a, b, high) : lanes3(viewFor(type), d, a, b, c, (x, y, z) => high(x, y) + z));
  }
  if (width === 32 && half === 'wide') {
    const t = c === undefined ? d : ops.scratch();
    const product: Exec = (w, m) => {
      for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) wideProduct(w, l, t, a, b, signed);
    };
    if (c === undefined) return plain(product);
    const sum = wideSum(d, t, c, 1);
    return plain((w, m) => {
      product(w, m);
      sum(w, m);
    });
  }
  if (width === 16 && half === 'wide') {
    const shift = (x: number): number => (signed ? (x << 16) >> 16 : x & 0xffff);
    return plain(lanes3('I', d, a, b, c ?? ops.constant(0), (x, y, z) => Math.imul(shift(x), shift(y)) + z));
  }
  if (width === 16 && half === 'lo') return plain(general(type, d, c === undefined ? [a, b] : [a, b, c], (x = 0, y = 0, z = 0) => Math.imul(x, y) + z));
  if (width === 64) {
    const pick = (p: bigint): bigint => (half === 'hi' ? p >> 64n : p);
    return plain(wideLanes(signed, d, c === undefined ? [a, b] : [a, b, c], (x = 0n, y = 0n, z = 0n) => pick(x * y) + z));
  }
  return undefined;
};

const logic = (op: Op2): Decode => (mods, ops) => {
  const type = mods.type();
  const d = ops.target(ops.at(0), type);
  const a = ops.source(ops.at(1), type);
  const b = ops.source(ops.at(2), type);
  if (type === 'pred') {
    return plain((w, m) => setPredicate(w, d, m, op(w.I[a] ?? 0, w.I[b] ?? 0)));
  }
  return plain(type === 'b64' ? wordPairs(d, a, b, op) : lanes2('I', d, a, b, op));
};

const not: Decode = (mods, ops) => {
  const type = mods.type();
  const [d, a] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type)];
  if (type === 'pred') return plain((w, m) => setPredicate(w, d, m, ~(w.I[a] ?? 0)));
  if (type === 'b64') return plain(wordPairs(d, a, a, (x) => ~x));
  return plain(lanes1('I', d, a, type === 'b16' ? (x) => ~x & 0xffff : (x) => ~x));
};

/** Shift amounts are unsigned 32-bit numbers and clamp. */
const shift = (left: boolean): Decode => (mods, ops) => {
  const type = mods.type();
  if (!isInteger(type)) return undefined;
  const [d, a, b] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type), ops.source(ops.at(2), 'u32')];
  const width = widthOf(type);
  const signed = type.startsWith('s');
  if (width === 64) {
    return plain((w, m) => {
      const run = wideShift(left, signed, d, a, b);
      run(w, m);
    });
  }
  const small = (x: number, n: number): number => {
    const amount = Math.min(n >>> 0, signed && !left ? width - 1 : width);
    if (left) return amount >= width ? 0 : x << amount;
    return amount >= width ? 0 : signed ? x >> amount : x >>> amount;
  };
  if (width === 32) {
    return plain((w, m) => {
      for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) w.I[d + l] = small(w.I[a + l] ?? 0, w.U[b + l] ?? 0);
    });
  }
  return plain((w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if ((m >>> l) & 1) {
        const x = w.U[a + l] ?? 0;
        w.U[d + l] = small(signed ? (x << 16) >> 16 : x & 0xffff, w.U[b + l] ?? 0) & 0xffff;
      }
    }
  });
};

function wideShift(left: boolean, signed: boolean, d: number, a: number, b: number): Exec {
  return (w, m) => {
    const r = w.U;
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const n = r[b + l] ?? 0;
      const low = r[a + l] ?? 0;
      const high = r[a + 32 + l] ?? 0;
      const fill = signed ? (high | 0) >> 31 : 0;
      if (left) {
        r[d + l] = n >= 32 ? 0 : low << n;
        r[d + 32 + l] = n >= 64 ? 0 : n >= 32 ? low << (n - 32) : n === 0 ? high : (high << n) | (low >>> (32 - n));
      } else {
        r[d + l] = n >= 64 ? fill : n >= 32 ? (signed ? (high | 0) >> (n - 32) : high >>> (n - 32)) : n === 0 ? low : (low >>> n) | (high << (32 - n));
        r[d + 32 + l] = n >= 32 ? fill : signed ? (high | 0) >> n : high >>> n;
      }
    }
  };
}

/** Funnel shift: .l takes the high word of (b:a) << n, .r the low word of (b:a) >> n. */
const funnel: Decode = (mods, ops) => {
  const side = mods.take('l', 'r');
  const mode = mods.take('wrap', 'clamp');
  const type = mods.type();
  if (side === undefined || mode === undefined) return undefined;
  const [d, a, b, c] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type), ops.source(ops.at(2), type), ops.source(ops.at(3), 'u32')];
  return plain(lanes3('U', d, a, b, c, (x, y, n) => {
    const by = mode === 'wrap' ? n & 31 : Math.min(n, 32);
    if (by === 32) return side === 'l' ? x : y;
    if (by === 0) return side === 'l' ? y : x;
    return side === 'l' ? (y << by) | (x >>> (32 - by)) : (x >>> by) | (y << (32 - by));
  }));
};

/** The wide form takes all 32 bits of position and length. */
function wideInsert(d: number, a: number, b: number, c: number, n: number): Exec {
  return (w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const start = Math.min(w.U[c + l] ?? 0, 64);
      const length = Math.min(w.U[n + l] ?? 0, 64);
      const field = BigInt.asUintN(64, ((1n << BigInt(length)) - 1n) << BigInt(start));
      setWide(w, d, l, (wide(w, b, l) & ~field) | ((wide(w, a, l) << BigInt(start)) & field));
    }
  };
}

const bfi: Decode = (mods, ops) => {
  const type = mods.type();
  if (type === 'b64') {
    const [a, b] = [ops.source(ops.at(1), type), ops.source(ops.at(2), type)];
    return plain(wideInsert(ops.target(ops.at(0), type), a, b, ops.source(ops.at(3), 'u32'), ops.source(ops.at(4), 'u32')));
  }
  if (type !== 'b32') return undefined;
  const d = ops.target(ops.at(0), 'b32');
  const [a = 0, b = 0, c = 0, n = 0] = [1, 2, 3, 4].map((i) => ops.source(ops.at(i), 'b32'));
  return plain((w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if (((m >>> l) & 1) === 0) continue;
      const start = (w.U[c + l] ?? 0) & 255;
      const length = (w.U[n + l] ?? 0) & 255;
      const field = start > 31 || length === 0 ? 0 : ((length > 31 ? 0xffffffff : 2 ** length - 1) << start) | 0;
      w.I[d + l] = ((w.I[b + l] ?? 0) & ~field) | (start > 31 ? 0 : ((w.I[a + l] ?? 0) << start) & field);
    }
  });
};

const bfe: Decode = (mods, ops) => {
  const type = mods.type();
  if (type !== 'u32' && type !== 's32') return undefined;
  const [d, a, b, c] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type), ops.source(ops.at(2), 'u32'), ops.source(ops.at(3), 'u32')];
  return plain(lanes3('U', d, a, b, c, (x, p, n) => {
    const start = p & 255;
    const length = n & 255;
    if (length === 0) return 0;
    const top = Math.min(start + length - 1, 31);
    const sign = type === 's32' && ((x >>> top) & 1) === 1 ? -1 : 0;
    const body = start > 31 ? 0 : x >>> start;
    const kept = start > 31 ? 0 : top - start + 1;
    return kept >= 32 ? body : kept <= 0 ? sign : (body & (2 ** kept - 1)) | (sign & ~(2 ** kept - 1));
  }));
};

const bfind: Decode = (mods, ops) => {
  const amount = mods.has('shiftamt');
  const type = mods.type();
  if (type !== 'u32' && type !== 's32') return undefined;
  return plain(lanes1('I', ops.target(ops.at(0), 'u32'), ops.source(ops.at(1), type), (x) => {
    const zeros = Math.clz32(type === 's32' && x < 0 ? ~x : x);
    return zeros === 32 ? -1 : amount ? zeros : 31 - zeros;
  }));
};

const count = (op: (x: number) => number, big: (w: Warp, a: number, l: number) => number): Decode => (mods, ops) => {
  const type = mods.type();
  const [d, a] = [ops.target(ops.at(0), 'u32'), ops.source(ops.at(1), type)];
  if (type === 'b32') return plain(lanes1('U', d, a, op));
  return plain((w, m) => {
    for (let l = 0; l < 32; l += 1) if ((m >>> l) & 1) w.U[d + l] = big(w, a, l);
  });
};

const prmt: Decode = (mods, ops) => {
  if (mods.type() !== 'b32') return undefined;
  const [d, a, b, c] = [ops.target(ops.at(0), 'b32'), ops.source(ops.at(1), 'b32'), ops.source(ops.at(2), 'b32'), ops.source(ops.at(3), 'b32')];
  return plain(lanes3('U', d, a, b, c, (x, y, s) => {
    let result = 0;
    for (let i = 0; i < 4; i += 1) {
      const selector = (s >>> (4 * i)) & 15;
      const byte = ((selector & 4 ? y : x) >>> (8 * (selector & 3))) & 255;
      result |= (selector & 8 ? (byte & 128 ? 255 : 0) : byte) << (8 * i);
    }
    return result;
  }));
};

const lop3: Decode = (mods, ops) => {
  if (mods.type() !== 'b32') return undefined;
  const [d, a, b, c] = [ops.target(ops.at(0), 'b32'), ops.source(ops.at(1), 'b32'), ops.source(ops.at(2), 'b32'), ops.source(ops.at(3), 'b32')];
  const table = ops.at(4);
  if (table.kind !== 'immediate') return undefined;
  const lut = table.low;
  return plain(lanes3('I', d, a, b, c, (x, y, z) => {
    let result = 0;
    for (let i = 0; i < 8; i += 1) if ((lut >>> i) & 1) result |= (i & 4 ? x : ~x) & (i & 2 ? y : ~y) & (i & 1 ? z : ~z);
    return result;
  }));
};

const dp4a: Decode = (mods, ops) => {
  const [first, second] = [mods.type(), mods.type()];
  const [d, a, b, c] = [ops.target(ops.at(0), 's32'), ops.source(ops.at(1), 'b32'), ops.source(ops.at(2), 'b32'), ops.source(ops.at(3), 'b32')];
  const byte = (x: number, i: number, type: string): number => (type === 's32' ? (x << (24 - 8 * i)) >> 24 : (x >>> (8 * i)) & 255);
  return plain(lanes3('I', d, a, b, c, (x, y, z) => [0, 1, 2, 3].reduce((sum, i) => sum + byte(x, i, first) * byte(y, i, second), z)));
};

/** Division by zero has no defined result: reported, and answered with all ones. */
const divide = (remainder: boolean): Decode => (mods, ops) => {
  const type = mods.type();
  if (!isInteger(type)) return undefined;
  const [d, a, b] = [ops.target(ops.at(0), type), ops.source(ops.at(1), type), ops.source(ops.at(2), type)];
  const wideType = widthOf(type) === 64;
  const run: Exec = wideType
    ? wideLanes(type.startsWith('s'), d, [a, b], (x = 0n, y = 0n) => (y === 0n ? -1n : remainder ? x % y : x / y))
    : general(type, d, [a, b], (x = 0, y = 0) => (y === 0 ? -1 : remainder ? x % y : Math.trunc(x / y)));
  return plain((w, m) => {
    for (let l = 0; l < 32; l += 1) {
      if ((m >>> l) & 1 && w.U[b + l] === 0 && (!wideType || w.U[b + 32 + l] === 0)) w.cta.grid.report('division-by-zero', 'integer division by zero', w, l);
    }
    run(w, m);
  });
};

export const integerMinMax = (least: boolean): Decode =>
  integer2((a, b) => (least ? Math.min(a, b) : Math.max(a, b)), (a, b) => (a < b === least ? a : b));

export const integerNegate = integer1((a) => -a, (a) => -a);
export const integerAbsolute = integer1((a) => Math.abs(a), (a) => (a < 0n ? -a : a));
export const integerDivide = divide(false);

export const integerOps: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['rem', divide(true)], ['mad', multiply(true)],
  ['and', logic((a, b) => a & b)], ['or', logic((a, b) => a | b)], ['xor', logic((a, b) => a ^ b)], ['not', not],
  ['shl', shift(true)], ['shr', shift(false)], ['shf', funnel], ['bfi', bfi], ['bfe', bfe], ['bfind', bfind],
  ['popc', count(popcount, (w, a, l) => popcount(w.U[a + l] ?? 0) + popcount(w.U[a + 32 + l] ?? 0))],
  ['clz', count((x) => Math.clz32(x), (w, a, l) => (w.U[a + 32 + l] === 0 ? 32 + Math.clz32(w.U[a + l] ?? 0) : Math.clz32(w.U[a + 32 + l] ?? 0)))],
  ['brev', (mods, ops) => (mods.type() === 'b32' ? plain(lanes1('U', ops.target(ops.at(0), 'b32'), ops.source(ops.at(1), 'b32'), reverseBits)) : undefined)],
  ['prmt', prmt], ['lop3', lop3], ['dp4a', dp4a],
]);
