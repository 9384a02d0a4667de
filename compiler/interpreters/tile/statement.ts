/**
 * Tile statements as closures. In: a statement and the machine it runs on. Out: a closure that does it: whole tiles at once, stores with
 * their checks, loops within the step budget.
 */
import { unreachable } from '../../../dsl/diagnostic.ts';
import type { Expr } from '../../expr/ir.ts';
import type { TileShape, TileStmt } from '../../tile/ir.ts';
import { roundTo } from '../number.ts';
import { isWritten, locate, storeElement } from './buffers.ts';
import { bufferNamed, elementwise, report, scalar, slotOf, tileNamed, where } from './machine.ts';
import type { ElementValue, Machine, Run, Tile } from './machine.ts';

type Precision = Extract<TileStmt, { readonly kind: 'store' }>['precision'];

function roundedElements(m: Machine, e: Expr, precision: Precision): ElementValue {
  const exact = elementwise(m, e);
  return precision === undefined ? exact : (row, col) => roundTo(precision, exact(row, col));
}

function fill(m: Machine, tile: Tile, e: Expr, precision?: Precision): Run {
  const value = roundedElements(m, e, precision);
  const { rows, cols } = tile.decl;
  const { data } = tile;
  return () => {
    for (let r = 0; r < rows; r += 1) for (let c = 0; c < cols; c += 1) data[r * cols + c] = value(r, c);
  };
}

function load(m: Machine, s: Extract<TileStmt, { readonly kind: 'load' }>): Run {
  const { data, decl } = tileNamed(m, s.tile.name);
  const buffer = bufferNamed(m, s.buffer);
  const wanted = elementwise(m, s.where);
  const index = s.index.map((e) => elementwise(m, e));
  const at = new Array<number>(index.length + 1).fill(0);
  return () => {
    data.fill(0);
    const last = buffer.extents[buffer.extents.length - 1] ?? 0;
    for (let r = 0; r < decl.rows; r += 1) {
      if (wanted(r, 0) === 0) continue;
      for (let i = 0; i < index.length; i += 1) at[i] = index[i]?.(r, 0) ?? 0;
      at[index.length] = 0;
      const count = Math.min(decl.cols, last);
      if (count <= 0) continue;
      const first = locate(buffer, at);
      if (first < 0) {
        const shown = at.slice(0, -1).join(', ');
        report(m, 'outside', s.buffer, () => `row ${r} loads ${s.buffer}[${shown}, :], outside [${buffer.extents.join(', ')}]${where(m)}`);
        continue;
      }
      for (let c = 0; c < count; c += 1) {
        if (!isWritten(buffer, first + c)) {
          report(m, 'unwritten', s.buffer, () => `loads element ${first + c} of ${s.buffer}, which nothing has written${where(m)}`);
        }
        data[r * decl.cols + c] = buffer.value.data[first + c] ?? 0;
      }
    }
  };
}

function dot(m: Machine, s: Extract<TileStmt, { readonly kind: 'dot' }>): Run {
  const target = tileNamed(m, s.target);
  const left = tileNamed(m, s.left);
  const right = tileNamed(m, s.right);
  const { rows, cols } = target.decl;
  const depth = left.decl.cols;
  const rightCols = right.decl.cols;
  const alongDepth = s.transposed ? 1 : rightCols;
  const alongCol = s.transposed ? rightCols : 1;
  return () => {
    for (let r = 0; r < rows; r += 1) {
      for (let c = 0; c < cols; c += 1) {
        let sum = s.accumulate ? target.data[r * cols + c] ?? 0 : 0;
        for (let d = 0; d < depth; d += 1) sum += (left.data[r * depth + d] ?? 0) * (right.data[c * alongCol + d * alongDepth] ?? 0);
        target.data[r * cols + c] = sum;
      }
    }
  };
}

function reduce(m: Machine, s: Extract<TileStmt, { readonly kind: 'reduce' }>): Run {
  const target = tileNamed(m, s.target);
  const source = tileNamed(m, s.source);
  const { rows, cols } = source.decl;
  const isInt = source.decl.type === 'int';
  return () => {
    for (let r = 0; r < rows; r += 1) {
      let result = source.data[r * cols] ?? 0;
      for (let c = 1; c < cols; c += 1) {
        const x = source.data[r * cols + c] ?? 0;
        result = s.op === 'max' ? Math.max(result, x) : isInt ? (result + x) | 0 : result + x;
      }
      target.data[r] = result;
    }
  };
}

function store(m: Machine, s: Extract<TileStmt, { readonly kind: 'store' }>): Run {
  const buffer = bufferNamed(m, s.buffer);
  const wanted = elementwise(m, s.where);
  const index = s.index.map((e) => elementwise(m, e));
  const value = roundedElements(m, s.value, s.precision);
  const at = new Array<number>(index.length).fill(0);
  const { rows, cols }: TileShape = s.shape;
  return () => {
    for (let r = 0; r < rows; r += 1) {
      for (let c = 0; c < cols; c += 1) {
        if (wanted(r, c) === 0) continue;
        for (let i = 0; i < index.length; i += 1) at[i] = index[i]?.(r, c) ?? 0;
        const linear = locate(buffer, at);
        if (linear < 0 || linear >= buffer.stored.length) {
          const shown = at.join(', ');
          report(m, 'outside', s.buffer, () => `element (${r}, ${c}) stores ${s.buffer}[${shown}], outside [${buffer.extents.join(', ')}]${where(m)}`);
        } else if (!storeElement(buffer, linear, value(r, c))) {
          const shown = at.join(', ');
          report(m, 'store-twice', s.buffer, () => `element (${r}, ${c}) stores ${s.buffer}[${shown}] a second time${where(m)}`);
        }
      }
    }
  };
}

/** Takes a step of the budget; false when there is none left. */
function step(m: Machine, s: TileStmt): boolean {
  m.stepsLeft -= 1;
  if (m.stepsLeft >= 0) return true;
  m.current = s;
  if (!m.stopped) report(m, 'budget', '', () => `the step budget is used up${where(m)}`);
  m.stopped = true;
  return false;
}

function statement(m: Machine, s: TileStmt): Run {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'set': {
      const value = scalar(m, s.value);
      const slot = slotOf(m, s.name);
      const { frame } = m;
      return () => {
        frame[slot] = value();
      };
    }
    case 'tile':
      return fill(m, tileNamed(m, s.tile.name), s.value);
    case 'map':
      return fill(m, tileNamed(m, s.target), s.value, s.precision);
    case 'load':
      return load(m, s);
    case 'dot':
      return dot(m, s);
    case 'reduce':
      return reduce(m, s);
    case 'store':
      return store(m, s);
    case 'if': {
      const cond = scalar(m, s.cond);
      const then = block(m, s.then);
      const otherwise = block(m, s.otherwise);
      return () => (cond() !== 0 ? then() : otherwise());
    }
    case 'for': {
      const from = scalar(m, s.from);
      const to = scalar(m, s.to);
      const body = block(m, s.body);
      const slot = slotOf(m, s.index);
      const { frame } = m;
      return () => {
        const end = to();
        for (let i = from(); i < end && !m.stopped && step(m, s); i += 1) {
          frame[slot] = i;
          body();
        }
      };
    }
    case 'while': {
      const cond = scalar(m, s.cond);
      const body = block(m, s.body);
      return () => {
        for (;;) {
          m.current = s;
          if (cond() === 0 || m.stopped || !step(m, s)) return;
          body();
        }
      };
    }
    case 'comment':
      return () => {};
    default:
      return unreachable(s);
  }
}

/** A list of statements, one after another. */
export function block(m: Machine, body: readonly TileStmt[]): Run {
  const runs = body.filter((s) => s.kind !== 'comment').map((s) => ({ s, run: statement(m, s) }));
  return () => {
    for (const { s, run } of runs) {
      if (m.stopped) return;
      m.current = s;
      run();
    }
  };
}
