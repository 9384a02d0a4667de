/**
 * Elements that are made one by one: `map`, and `recurrence` with one lane a line that walks along it. A recurrence keeps the last elements of
 * its line, as many as its farthest look back, so that nothing is read from the buffer it writes.
 */
import { unsupported } from '../../dsl/catalogue/resources.ts';
import { bad, good, type Checked } from '../../dsl/diagnostic.ts';
import type { Expr, ScalarType } from '../expr/ir.ts';
import { bool, element, float, int, ref } from '../expr/build.ts';
import { mapChildren, readsOf, sameExpr } from '../expr/traverse.ts';
import type { StageRule } from '../spec/stage.ts';
import type { TileProgram } from '../tile/ir.ts';
import type { StageContext } from './context.ts';
import { loopRefs, numberOf, placesOf } from './places.ts';

export function lowerMap(c: StageContext, value: Expr): TileProgram {
  const places = placesOf(c.b, c.rows, c.indices);
  return c.program(places.grid, places.around([c.put(places.number, c.say(value, places.at), places.exists)]));
}

type Recurrence = Extract<StageRule, { readonly kind: 'recurrence' }>;

/** Elements kept of a line, at most: each is a register of its lane. */
const farthest = 64;

function zeroOf(type: ScalarType): Expr {
  return type === 'float' ? float(0) : type === 'int' ? int(0) : bool(false);
}

/** How far back a read of the tensor itself looks; undefined where that is no constant, or where it leaves its line. */
function lagOf(c: StageContext, along: string, e: Expr & { readonly kind: 'read' }): number | undefined {
  let lag: number | undefined;
  for (const [n, index] of c.indices.entries()) {
    const given = e.indices[n];
    const own = ref(index.name, 'int');
    if (given === undefined) return undefined;
    if (index.name !== along) {
      if (!sameExpr(given, own)) return undefined;
    } else if (given.kind === 'binary' && given.op === 'add' && sameExpr(given.left, own) && given.right.kind === 'literal') lag = -given.right.value;
  }
  return lag !== undefined && lag >= 1 && lag <= farthest ? lag : undefined;
}

const kept = (lag: number): string => `back_${lag}`;

/** The expression with its reads of the own line taken from what is kept. */
function fromKept(c: StageContext, along: string, e: Expr): Expr {
  if (e.kind === 'read' && e.tensor === c.tensor.name) {
    const lag = lagOf(c, along, e);
    if (lag !== undefined) return element(kept(lag), c.tensor.element);
  }
  return mapChildren(e, (x) => fromKept(c, along, x));
}

export function lowerRecurrence(c: StageContext, rule: Recurrence): Checked<TileProgram> {
  const { along, value } = rule;
  const lags = readsOf(value, c.tensor.name).map((r) => lagOf(c, along, r));
  if (lags.includes(undefined)) {
    const reason = `each step may look back a constant number of places, at most ${farthest}, at otherwise the same indices`;
    return bad([unsupported(c.tensor.span, { construct: `\`${c.tensor.name}\``, target: 'kernels', reason })]);
  }
  const most = lags.reduce((a: number, b) => Math.max(a, b ?? 0), 0);
  const lines = c.indices.filter((x) => x.name !== along);
  const steps = c.indices.filter((x) => x.name === along);
  const [step] = steps;
  const places = placesOf(c.b, c.rows, lines);
  const walked = loopRefs(steps);
  const column = { rows: c.rows, cols: 1 };
  const backs = Array.from({ length: most }, (_, n) => n + 1);
  const type = c.tensor.element;
  const body = [
    c.b.tile('next', type, column, c.say(fromKept(c, along, value), places.at, walked)),
    ...(type === 'float' ? [c.b.map('next', element('next', type), c.tensor.precision)] : []),
    c.put(numberOf(c.indices, new Map([...places.at, ...walked])), element('next', type), places.exists),
    ...[...backs].reverse().map((n) => c.b.map(kept(n), element(n === 1 ? 'next' : kept(n - 1), type))),
  ];
  return good(c.program(places.grid, places.around([
    ...backs.map((n) => c.b.tile(kept(n), type, column, zeroOf(type))),
    ...(step === undefined ? [] : [c.b.loop(`${step.name}'`, int(0), step.extent, body)]),
  ])));
}
