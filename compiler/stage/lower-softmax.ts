/**
 * Softmax along any indices, a lane a line: the largest value, the sum of the exponentials, then every element. Elements that take no part
 * are 0, and so is a line of which none does.
 */
import type { Expr } from '../expr/ir.ts';
import { divide, element, float, min, select, sub, unary } from '../expr/build.ts';
import type { StageRule } from '../spec/stage.ts';
import type { TileProgram } from '../tile/ir.ts';
import type { StageContext } from './context.ts';
import { foldOver, loopOver, loopRefs, numberOf, placesOf } from './places.ts';
import { floatMax } from '../expr/arithmetic.ts';

type Softmax = Extract<StageRule, { readonly kind: 'softmax' }>;

export function lowerSoftmax(c: StageContext, rule: Softmax): TileProgram {
  const along = c.indices.filter((x) => rule.over.includes(x.name));
  const lines = c.indices.filter((x) => !rule.over.includes(x.name));
  const places = placesOf(c.b, c.rows, lines);
  const walked = loopRefs(along);
  const column = { rows: c.rows, cols: 1 };
  const where = c.say(rule.where, places.at, walked);
  const value = c.say(rule.value, places.at, walked);
  // Where an element takes no part, the difference may be anything: held at 0 it cannot overflow.
  const weight: Expr = select(where, unary('exp', min(sub(value, element('largest', 'float')), float(0))), float(0));
  const number = numberOf(c.indices, new Map([...places.at, ...walked]));
  return c.program(places.grid, places.around([
    c.b.tile('largest', 'float', column, foldOver('max', along, where, select(where, value, float(-floatMax)))),
    c.b.tile('total', 'float', column, foldOver('sum', along, where, weight)),
    ...loopOver(c.b, along, [c.put(number, select(where, divide(weight, element('total', 'float')), float(0)), places.exists)]),
  ]));
}
