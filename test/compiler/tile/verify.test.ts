import { describe, expect, it } from 'vitest';
import { noSpan, originOf } from '../../../dsl/span.ts';
import { add, element, float, int, lt, read, ref, trueExpr } from '../../../compiler/expr/build.ts';
import type { Expr } from '../../../compiler/expr/ir.ts';
import { builderAt } from '../../../compiler/tile/build.ts';
import type { BufferDecl, TileProgram, TileStmt } from '../../../compiler/tile/ir.ts';
import { printTile } from '../../../compiler/tile/print.ts';
import { verifyTile } from '../../../compiler/tile/verify.ts';

const t = builderAt(originOf(noSpan));
const row = ref('row', 'int');
const col = ref('col', 'int');
const n = ref('n', 'int');
const square = { rows: 4, cols: 4 };
const column = { rows: 4, cols: 1 };

const buffers: readonly BufferDecl[] = [
  { name: 'x', element: 'f32', access: 'read', extents: [n, int(4)] },
  { name: 'list', element: 'int', access: 'read', extents: [n] },
  { name: 'y', element: 'f16', access: 'write', extents: [n, int(4)] },
];

function program(body: readonly TileStmt[], changes: Partial<TileProgram> = {}): TileProgram {
  return {
    name: 'test', summary: 'a test', grid: [{ name: 'i', extent: n }], scalars: [{ name: 'n', type: 'int' }, { name: 'tau', type: 'float' }],
    buffers, body, origin: originOf(noSpan), ...changes,
  };
}

function rules(body: readonly TileStmt[], changes: Partial<TileProgram> = {}): readonly string[] {
  return verifyTile(program(body, changes)).map((f) => f.rule);
}

const good: readonly TileStmt[] = [
  t.load('a', square, 'x', [add(ref('i', 'int'), row)], lt(row, n)),
  t.tile('s', 'float', square, float(0)),
  t.dot('s', 'a', 'a', true, false),
  t.tile('m', 'float', column, float(0)),
  t.reduce('m', 'max', 's'),
  t.map('s', add(element('s', 'float'), element('m', 'float'))),
  t.varScalar('next', read('list', 'int', [ref('i', 'int')])),
  t.repeat(lt(ref('next', 'int'), n), [t.letScalar('step', int(2)), t.set('next', add(ref('next', 'int'), ref('step', 'int')))]),
  t.loop('j', int(0), int(3), [t.note('nothing')]),
  ...t.when(lt(n, int(3)), [t.letScalar('step', int(1))]),
  t.store('y', square, [row, col], element('s', 'float'), trueExpr),
];

describe('tile programs are verified', () => {
  it('a sound program has no findings', () => {
    expect(verifyTile(program(good))).toEqual([]);
  });

  const broken: readonly (readonly [string, string, readonly TileStmt[]])[] = [
    ['a scalar declared again', 'declared-once', [t.letScalar('v', int(0)), t.letScalar('v', int(1))]],
    ['a scalar named like a grid index', 'declared-once', [t.letScalar('i', int(0))]],
    ['a tile declared in two places', 'declared-once', [...t.when(lt(n, int(1)), [t.tile('s', 'int', square, int(0))], [t.tile('s', 'int', square, int(0))])]],
    ['a name out of scope', 'expressions', [...t.when(lt(n, int(1)), [t.letScalar('v', int(0))]), t.letScalar('w', ref('v', 'int'))]],
    ['a name of another type', 'expressions', [t.letScalar('v', ref('tau', 'int'))]],
    ['a row in a scalar', 'expressions', [t.letScalar('v', row)]],
    ['a tile in a scalar', 'expressions', [t.tile('s', 'float', square, float(0)), t.letScalar('v', element('s', 'float'))]],
    ['a tile before its declaration', 'in-scope', [t.map('s', float(0))]],
    ['a tile of another shape', 'expressions', [t.tile('s', 'float', square, float(0)), t.tile('v', 'float', { rows: 2, cols: 4 }, element('s', 'float'))]],
    ['a tile without elements', 'shapes', [t.tile('s', 'float', { rows: 0, cols: 4 }, float(0))]],
    ['a value of another type than the tile', 'expressions', [t.tile('s', 'float', square, int(0))]],
    ['a dot of shapes that do not fit', 'shapes', [t.tile('s', 'float', square, float(0)), t.tile('v', 'float', column, float(0)), t.dot('s', 's', 'v', true, false)]],
    ['a dot into its own operand', 'shapes', [t.tile('s', 'float', square, float(0)), t.tile('v', 'float', square, float(0)), t.dot('s', 's', 'v', true, false)]],
    ['a dot of ints', 'expressions', [t.tile('s', 'int', square, int(0)), t.tile('v', 'int', square, int(0)), t.tile('w', 'int', square, int(0)), t.dot('w', 's', 'v', true, false)]],
    ['a reduction into a square', 'shapes', [t.tile('s', 'float', square, float(0)), t.tile('m', 'float', square, float(0)), t.reduce('m', 'max', 's')]],
    ['a reduction into another type', 'expressions', [t.tile('s', 'float', square, float(0)), t.tile('m', 'int', column, int(0)), t.reduce('m', 'max', 's')]],
    ['an assignment to an immutable name', 'variables', [t.letScalar('v', int(0)), t.set('v', int(1))]],
    ['an assignment to nothing', 'in-scope', [t.set('v', int(1))]],
    ['a condition that is no bool', 'expressions', [{ kind: 'while', cond: int(1), body: [], origin: originOf(noSpan) }]],
    ['a read of an unknown buffer', 'expressions', [t.letScalar('v', read('z', 'int', [int(0)]))]],
    ['a read of a written buffer', 'expressions', [t.letScalar('v', read('y', 'float', [int(0)]))]],
    ['a read with too many indices', 'expressions', [t.letScalar('v', read('list', 'int', [int(0), int(0)]))]],
    ['a load of a written buffer', 'buffers', [t.load('a', square, 'y', [row], trueExpr)]],
    ['a load with too few indices', 'buffers', [t.load('a', square, 'x', [], trueExpr)]],
    ['a load of ints', 'buffers', [t.load('a', square, 'list', [], trueExpr)]],
    ['a load that speaks of columns', 'expressions', [t.load('a', square, 'x', [col], trueExpr)]],
    ['a store into a read buffer', 'buffers', [t.store('x', square, [row, col], float(0))]],
    ['a store with the wrong number of indices', 'buffers', [t.store('y', square, [row, col, col], float(0))]],
    ['a store of another type', 'expressions', [t.store('y', square, [row, col], int(0))]],
  ];
  for (const [what, rule, body] of broken) {
    it(`${what} breaks \`${rule}\``, () => {
      expect(rules(body)).toContain(rule);
    });
  }

  it('extents speak of launch values only', () => {
    const bad = (extent: Expr): readonly string[] => rules([], { grid: [{ name: 'i', extent }] });
    expect(bad(read('x', 'int', [int(0)]))).toEqual(['launch-level']);
    expect(bad(float(1))).toEqual(['launch-level']);
    expect(rules([], { buffers: [...buffers, ...buffers.slice(0, 1)] })).toEqual(['declared-once']);
  });

  it('a finding carries the origin of its statement', () => {
    const origin = originOf({ file: 'a.fil', start: 2, end: 5 });
    expect(verifyTile(program([{ kind: 'set', name: 'v', value: int(1), origin }]))[0]?.origin).toBe(origin);
  });
});

describe('tile programs are printed', () => {
  it('one statement a line', () => {
    expect(printTile(program(good))).toBe(`program test: a test
  grid i in 0 .. n
  scalar n: int
  scalar tau: float
  read x: f32 [n, 4]
  read list: int [n]
  write y: f16 [n, 4]
  load a: float [4 x 4] = x[i + row, :] where row < n
  tile s: float [4 x 4] = 0.0
  dot s = a . a transposed
  tile m: float [4 x 1] = 0.0
  reduce m = max over columns of s
  map s[.] = s[.] + m[.]
  var next: int = list[i]
  while next < n
    let step: int = 2
    set next = next + step
  for j in 0 .. 3
    # nothing
  if n < 3
    let step: int = 1
  store y[row, col] = s[.] over [4 x 4]
`);
  });

  it('with both arms of a branch', () => {
    expect(printTile(program([...t.when(lt(n, int(1)), [t.note('then')], [t.note('otherwise')])])).split('\n').slice(-5)).toEqual(['  if n < 1', '    # then', '  else', '    # otherwise', '']);
  });
});
