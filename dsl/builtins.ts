/**
 * What is built into the language, as tables: constructors of masks, functions on numbers, sizes, reserved names. The checker reads the
 * arities and types from here; the meaning stands in docs/language.md and in compiler/spec.
 */

/** What the argument of a constructor may be. */
export type ConstructorShape = 'nothing' | 'range' | 'range-or-list' | 'list' | 'segments' | 'table';

export const constructors: ReadonlyMap<string, ConstructorShape> = new Map<string, ConstructorShape>([
  ['all', 'nothing'],
  ['none', 'nothing'],
  ['causal', 'nothing'],
  ['band', 'range'],
  ['levels', 'range'],
  ['keys', 'range-or-list'],
  ['queries', 'range-or-list'],
  ['slashes', 'list'],
  ['segments', 'segments'],
  ['tiles', 'table'],
]);

/**
 * How a function treats its arguments: `numeric` keeps ints and turns to float where one argument is; `int` takes and gives ints;
 * `float` takes numbers and gives a float, `int-of-float` an int. `same-unit`: the arguments must agree in their unit, which the result has.
 */
export interface FunctionShape {
  readonly domain: 'numeric' | 'int' | 'float' | 'int-of-float';
  readonly least: number;
  readonly most: number;
  readonly unit: 'same' | 'none';
}

/** `min` and `max` of more arguments than this are no help to anybody. */
const manyArguments = 16;

export const functions: ReadonlyMap<string, FunctionShape> = new Map<string, FunctionShape>([
  ['abs', { domain: 'numeric', least: 1, most: 1, unit: 'same' }],
  ['min', { domain: 'numeric', least: 2, most: manyArguments, unit: 'same' }],
  ['max', { domain: 'numeric', least: 2, most: manyArguments, unit: 'same' }],
  ['clamp', { domain: 'numeric', least: 3, most: 3, unit: 'same' }],
  ['bit_and', { domain: 'int', least: 2, most: 2, unit: 'none' }],
  ['bit_or', { domain: 'int', least: 2, most: 2, unit: 'none' }],
  ['bit_xor', { domain: 'int', least: 2, most: 2, unit: 'none' }],
  ['shl', { domain: 'int', least: 2, most: 2, unit: 'none' }],
  ['shr', { domain: 'int', least: 2, most: 2, unit: 'none' }],
  ['bit_length', { domain: 'int', least: 1, most: 1, unit: 'none' }],
  ['popcount', { domain: 'int', least: 1, most: 1, unit: 'none' }],
  ['level', { domain: 'int', least: 2, most: 2, unit: 'none' }],
  ['exp', { domain: 'float', least: 1, most: 1, unit: 'none' }],
  ['log', { domain: 'float', least: 1, most: 1, unit: 'none' }],
  ['tanh', { domain: 'float', least: 1, most: 1, unit: 'none' }],
  ['sqrt', { domain: 'float', least: 1, most: 1, unit: 'none' }],
  ['rsqrt', { domain: 'float', least: 1, most: 1, unit: 'none' }],
  ['float', { domain: 'float', least: 1, most: 1, unit: 'none' }],
  ['floor', { domain: 'int-of-float', least: 1, most: 1, unit: 'none' }],
  ['ceil_div', { domain: 'int', least: 2, most: 2, unit: 'none' }],
]);

/** Sizes of a launch; those that count tokens have that unit. */
export const sizeNames: ReadonlyMap<string, 'tokens' | undefined> = new Map<string, 'tokens' | undefined>([
  ['n_q', 'tokens'], ['n_k', 'tokens'], ['heads', undefined], ['kv_heads', undefined], ['batch', undefined], ['dim', undefined],
  ['first_q', 'tokens'],
]);

/** The constructors that are written without arguments. */
export const bareMasks: ReadonlySet<string> = new Set(['all', 'none', 'causal']);

/** Names that no parameter, axis, local or declaration can have. */
export const reservedNames: ReadonlySet<string> = new Set([
  'q', 'k', 'h', 'b', 's', ...sizeNames.keys(), 'queries', 'keys', ...bareMasks, 'int', 'float', 'bool',
]);

export function isMaskConstructor(name: string): boolean {
  return constructors.has(name);
}

export function isBuiltin(name: string): boolean {
  return constructors.has(name) || functions.has(name) || name === 'dot';
}

/** The pins of a schedule and the largest value of each. */
export const schedulePins: ReadonlyMap<string, number> = new Map([
  ['query_tile', 1024], ['key_tile', 1024], ['splits', 1024],
]);
