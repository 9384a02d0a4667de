/**
 * The text of random sums of products: two factors that share the summed index and bring an index of the result each. In: a random number,
 * whether the equation is over heads. Out: indices of the result, and expressions of them. Inner lengths are 68 and 67 (longer than a piece, by
 * fours and not), the head dimension, and the rows of a launch, whole or in part.
 */
import type { TensorValue } from '../../compiler/spec/ir.ts';

export interface ProductText {
  /** Indices of the result besides h. */
  readonly own: readonly { readonly name: string; readonly axis: 'queries' | 'keys' | 'dim' | 'long' | 'odd' | 'wide' | 'at' }[];
  readonly text: string;
}

/** Parameters that the products read, and the indices that they are over. */
export const productParams = 'rows: float[keys, 68], deep: float[68, 12], few: float[queries, 67], table: float[9, 67]';
export const productIndices = ['long in 0 .. 68', 'odd in 0 .. 67', 'wide in 0 .. 12', 'at in 0 .. 9'];

export function productTensors(nQ: number, nK: number, values: (count: number, seed: number) => Float32Array): readonly (readonly [string, TensorValue])[] {
  const shapes: Readonly<Record<string, readonly [number, number]>> = { rows: [nK, 68], deep: [68, 12], few: [nQ, 67], table: [9, 67] };
  return Object.entries(shapes).map(([name, extents], n) => [name, { extents, data: values(extents[0] * extents[1], 40 + n) }]);
}

type Axis = ProductText['own'][number]['axis'];

const axisOf: Readonly<Record<string, Axis>> = { I: 'queries', J: 'keys', c: 'dim', long: 'long', odd: 'odd', wide: 'wide', at: 'at' };

/** By the summed index: factors, each with its index of the result. */
function factors(h: string): Readonly<Record<string, readonly (readonly [string, string])[]>> {
  return {
    long: [['rows[J, long]', 'J'], ['deep[long, wide]', 'wide']],
    odd: [['few[I, odd]', 'I'], ['table[at, odd]', 'at'], ['few[I - 1, odd]', 'I']],
    c: [[`q[${h}, I, c]`, 'I'], [`k[${h}, J, c]`, 'J'], [`v[${h}, J + 1, c]`, 'J']],
    J: [['rows[J, long]', 'long'], [`k[${h}, J, c]`, 'c'], [`v[${h}, J, c]`, 'c'], [`q[${h}, I, 0] * float(J * 1)`, 'I']],
    I: [[`q[${h}, I, c]`, 'c'], ['few[I, odd]', 'odd']],
  };
}

interface Dice {
  readonly coin: (chance: number) => boolean;
  readonly pick: <T>(list: readonly [T, ...T[]]) => T;
}

/** A sum of products of two indices, or undefined where the drawn factors share one. */
export function randomProduct(d: Dice, isOverHeads: boolean): ProductText | undefined {
  const inner = d.pick(['long', 'odd', 'c', 'J', 'I']);
  const list = factors(isOverHeads ? 'h' : '0')[inner] ?? [];
  const one = (): readonly [string, string] => d.pick([list[0] ?? ['1.0', 'c'], ...list.slice(1)]);
  const [left, right] = [one(), one()];
  if (left[1] === right[1]) return undefined;
  const more = d.pick(['', '', '', ' * gain', ` * float((${inner} * 1) mod 3)`]);
  const where = d.coin(0.2) ? ` where ${d.pick([`(${inner} * 1) mod 2 == 0`, `(${inner} * 1) <= (${left[1]} * 1)`, `(${right[1]} * 1) < 3`])}` : '';
  const body = `${left[0]} * ${right[0]}${more}`;
  const isRange = (inner === 'J' || inner === 'long') && d.coin(0.2);
  const sum = isRange ? `(sum t in ${d.pick(['1', '0', '3'])} .. ${inner === 'J' ? 'n_k - 1' : '67'}: ${body.replaceAll(new RegExp(`\\b${inner}\\b`, 'g'), 't')})` : `(sum ${inner}${where}: ${body})`;
  const own = [left[1], right[1]].map((name) => ({ name, axis: axisOf[name] ?? 'dim' }));
  const residual = inner === 'long' ? 'table[0, wide]' : 'gain';
  const text = d.pick([sum, sum, `0.5 * ${sum} + ${residual}`, `max(${sum}, 0.0) * 0.25 * ${sum}`, `tanh(min(${sum} * 0.0625, 4.0))`]);
  return { own: d.coin(0.3) ? [...own].reverse() : own, text };
}
