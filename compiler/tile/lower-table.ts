/**
 * Derived tables as tile programs: bit sets of lists, sorted distinct lists, and tile maps. All of them are elementwise over
 * words, one word a row (of a map: one query tile a row), so that no two rows write the same place and no atomics are needed. Layouts: compiler/plan/ir.ts.
 */
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import { through } from '../../dsl/span.ts';
import type { Expr } from '../expr/ir.ts';
import { add, and, binary, div, element, eq, fold, int, lt, min, mod, mul, ne, read, ref, select, sub, trueExpr, unary } from '../expr/build.ts';
import { substitute } from '../expr/traverse.ts';
import type { Table } from '../plan/ir.ts';
import type { Spec, TensorParam } from '../spec/ir.ts';
import { allTensors } from '../stage/tensors.ts';
import { ceilDiv, firstPosition, inRange, listedEntry, nK, nQ } from './arrangement.ts';
import { builderAt, finishProgram, type Builder } from './build.ts';
import { extentsOf } from './extents.ts';
import type { BufferDecl, GridAxis, TileProgram, TileStmt } from './ir.ts';
import { bufferName, type Names } from './names.ts';

const i = (name: string): Expr => ref(name, 'int');
const cell = (tile: string): Expr => element(tile, 'int');
const bitAt = (bit: Expr): Expr => binary('shl', int(1), bit);

/** Number of position indices of a marks domain (launch level). */
export function domainSize(domain: 'keys' | 'queries' | 'slashes'): Expr {
  switch (domain) {
    case 'keys':
      return nK;
    case 'queries':
      return nQ;
    case 'slashes':
      return sub(add(nQ, nK), int(1));
    default:
      return unreachable(domain);
  }
}

/** The domain index of a list entry. */
function domainIndex(domain: 'keys' | 'queries' | 'slashes', entry: Expr): Expr {
  switch (domain) {
    case 'keys':
      return entry;
    case 'queries':
      return sub(entry, firstPosition);
    case 'slashes':
      return add(entry, sub(nQ, int(1)));
    default:
      return unreachable(domain);
  }
}

export function listOf(spec: Spec, name: string): TensorParam {
  const found = allTensors(spec).find((t) => t.name === name);
  if (found === undefined) throw new CompilerBug('tables', `list '${name}' is no tensor`);
  return found;
}

/** Decodes grid index `list` into one index per leading axis. */
function leadingIndices(extents: readonly Expr[]): readonly Expr[] {
  return extents.map((extent, at) => {
    const inner = extents.slice(at + 1).reduce((product, e) => mul(product, e), int(1));
    return mod(div(i('list'), inner), extent);
  });
}

interface TableRequest {
  readonly spec: Spec;
  readonly table: Table;
  readonly name: string;
  readonly rows: number;
  /** Of a map of listed rows: how many there may be. */
  readonly mappedRows: Expr;
  readonly grid: readonly GridAxis[];
  readonly names: Names;
  readonly buffers: ReadonlyMap<string, Omit<BufferDecl, 'access'>>;
}

/** word index of this row, and the statement that names it. */
function wordTile(b: Builder, rows: number): TileStmt {
  return b.tile('word', 'int', { rows, cols: 1 }, add(mul(i('tile'), int(rows)), i('row')));
}

function marksBody(b: Builder, r: TableRequest, table: Extract<Table, { kind: 'marks' }>): readonly TileStmt[] {
  const list = listOf(r.spec, table.list);
  const extents = extentsOf(list).map(r.names.inside);
  const leading = leadingIndices(extents.slice(0, -1));
  const length = extents[extents.length - 1] ?? int(0);
  const column = { rows: r.rows, cols: 1 };
  const size = domainSize(table.domain);
  if (list.element === 'bool') return setMarks(b, r, table, leading);
  const entry = read(bufferName(table.list, new Set()), 'int', [...leading, i('entry')]);
  const at = domainIndex(table.domain, entry);
  const here = and(inRange(at, int(0), size), eq(div(at, int(32)), cell('word')));
  return [
    wordTile(b, r.rows),
    b.tile('bits', 'int', column, fold('bit_or', 'entry', int(0), length, select(here, bitAt(mod(at, int(32))), int(0)))),
    b.store(r.name, column, [...leading, add(mul(i('tile'), int(r.rows)), i('row'))], cell('bits'), lt(cell('word'), ceilDiv(size, int(32)))),
  ];
}

/** Marks of a list that is a set already: entry x of a keys set is key x, of a queries set row x, of a slashes set the distance x. */
function setMarks(b: Builder, r: TableRequest, table: Extract<Table, { kind: 'marks' }>, leading: readonly Expr[]): readonly TileStmt[] {
  const column = { rows: r.rows, cols: 1 };
  const size = domainSize(table.domain);
  const index = add(mul(cell('word'), int(32)), i('bit'));
  const entry = table.domain === 'slashes' ? sub(index, sub(nQ, int(1))) : index;
  const set = and(lt(index, size), read(bufferName(table.list, new Set()), 'bool', [...leading, entry]));
  return [
    wordTile(b, r.rows),
    b.tile('bits', 'int', column, fold('bit_or', 'bit', int(0), int(32), select(set, bitAt(i('bit')), int(0)))),
    b.store(r.name, column, [...leading, add(mul(i('tile'), int(r.rows)), i('row'))], cell('bits'), lt(cell('word'), ceilDiv(size, int(32)))),
  ];
}

function sortedBody(b: Builder, r: TableRequest, table: Extract<Table, { kind: 'sorted' }>): readonly TileStmt[] {
  const list = listOf(r.spec, table.list);
  const extents = extentsOf(list).map(r.names.inside);
  const leading = leadingIndices(extents.slice(0, -1));
  const column = { rows: r.rows, cols: 1 };
  const words = ceilDiv(domainSize(table.domain), int(32));
  const word = (w: Expr): Expr => read(bufferName(table.marks, new Set([table.marks])), 'int', [...leading, w]);
  const countBefore = (w: Expr): Expr => fold('sum', 'earlier', int(0), w, unary('popcount', word(i('earlier'))));
  const below = unary('popcount', binary('bit_and', cell('bits'), sub(bitAt(i('bit')), int(1))));
  const set = ne(binary('bit_and', binary('shr', cell('bits'), i('bit')), int(1)), int(0));
  return [
    wordTile(b, r.rows),
    b.tile('bits', 'int', column, select(lt(cell('word'), words), word(cell('word')), int(0))),
    b.tile('before', 'int', column, countBefore(min(cell('word'), words))),
    b.note('entry 0 is the count'),
    b.store(r.name, column, [...leading, int(0)], add(cell('before'), unary('popcount', cell('bits'))), eq(cell('word'), sub(words, int(1)))),
    b.loop('bit', int(0), int(32), [
      b.store(r.name, column, [...leading, add(add(cell('before'), below), int(1))], add(mul(cell('word'), int(32)), i('bit')), set),
    ]),
  ];
}

/**
 * A row is a query tile; the word (32 key tiles) is one for all rows, so that what is asked of the keys alone is the same on all lanes and
 * machines with vectors lose none of them on short sequences.
 */
function mapBody(b: Builder, r: TableRequest, table: Extract<Table, { kind: 'map' }>): readonly TileStmt[] {
  const column = { rows: r.rows, cols: 1 };
  const queryTile = add(mul(i('tile'), int(r.rows)), i('row'));
  const inside = new Map<string, Expr>([['q_first', cell('q_start')], ['q_last', cell('q_end')]]);
  const { rows } = table;
  const first = mul(queryTile, i('query_tile'));
  const end = add(first, i('query_tile'));
  const entry = (slot: Expr): Expr => (rows.kind === 'listed' ? add(listedEntry(r.names, rows.table, rows.leading, min(slot, sub(i('row_count'), int(1)))), firstPosition) : slot);
  const ends = rows.kind === 'listed'
    ? [
        b.letScalar('row_count', listedEntry(r.names, rows.table, rows.leading, int(-1))),
        b.tile('q_start', 'int', column, entry(first)),
        b.tile('q_end', 'int', column, entry(sub(end, int(1)))),
      ]
    : [
        b.tile('q_start', 'int', column, add(first, firstPosition)),
        b.tile('q_end', 'int', column, sub(min(add(cell('q_start'), i('query_tile')), nK), int(1))),
      ];
  const hasRows = rows.kind === 'listed' ? lt(first, i('row_count')) : trueExpr;
  const tiles = rows.kind === 'listed' ? ceilDiv(r.mappedRows, i('query_tile')) : i('query_tiles');
  const fact = (e: Expr): Expr => substitute(r.names.inside(e), inside);
  const bit = bitAt(i('bit'));
  const bitsHere = min(int(32), sub(i('key_tiles'), mul(i('word'), int(32))));
  const at = (plane: number): readonly Expr[] => [
    int(plane), table.perBatch ? i('b') : int(0), table.perHead ? i('h') : int(0), queryTile, i('word'),
  ];
  return [
    b.letScalar('h', table.perHead ? mod(i('list'), i('heads')) : int(0)),
    b.letScalar('b', table.perBatch ? div(i('list'), table.perHead ? i('heads') : int(1)) : int(0)),
    ...ends,
    b.tile('needed', 'int', column, int(0)),
    b.tile('full', 'int', column, int(0)),
    b.loop('bit', int(0), bitsHere, [
      b.letScalar('k_first', mul(add(mul(i('word'), int(32)), i('bit')), i('key_tile'))),
      b.letScalar('k_last', sub(min(nK, add(i('k_first'), i('key_tile'))), int(1))),
      b.map('needed', binary('bit_or', cell('needed'), select(and(hasRows, fact(table.needed)), bit, int(0)))),
      b.map('full', binary('bit_or', cell('full'), select(and(hasRows, fact(table.full)), bit, int(0)))),
    ]),
    b.store(r.name, column, at(0), cell('needed'), lt(queryTile, tiles)),
    b.store(r.name, column, at(1), cell('full'), lt(queryTile, tiles)),
  ];
}

export function lowerTable(r: TableRequest): TileProgram {
  const origin = through(r.table.origin, 'table');
  const b = builderAt(origin);
  const { table } = r;
  const parts = (() => {
    switch (table.kind) {
      case 'marks':
        return { body: marksBody(b, r, table), summary: `bit set of the ${table.domain} in list ${table.list}` };
      case 'sorted':
        return { body: sortedBody(b, r, table), summary: `distinct entries of list ${table.list}, ascending` };
      case 'map':
        return { body: mapBody(b, r, table), summary: 'which key tiles each query tile needs, and which of them are full' };
      default:
        return unreachable(table);
    }
  })();
  return finishProgram({ name: `make_${r.table.name}`, summary: parts.summary, grid: r.grid, body: parts.body, origin }, r.buffers);
}

export type { TableRequest };
