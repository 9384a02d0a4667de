/**
 * What every stage lowering needs: the spec's tensor, its indices with extents in the names of the program, and how an expression of the
 * spec is said there. Stored elements are addressed by one row-major number, so a program declares the buffer it writes with one axis.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import { through, type Origin } from '../../dsl/span.ts';
import type { Expr } from '../expr/ir.ts';
import type { Spec } from '../spec/ir.ts';
import type { StageIndex, StageTensor } from '../spec/stage.ts';
import { builderAt, finishProgram, type Builder } from '../tile/build.ts';
import type { BufferDecl, GridAxis, TileProgram, TileStmt } from '../tile/ir.ts';
import { bufferName, type Names } from '../tile/names.ts';
import { indexExtents, product } from './tensors.ts';
import { placed, type Ranged } from './places.ts';

export interface StageContext {
  readonly spec: Spec;
  readonly tensor: StageTensor;
  readonly b: Builder;
  readonly origin: Origin;
  /** Rows of a tile. */
  readonly rows: number;
  /** The tensor's indices. */
  readonly indices: readonly Ranged[];
  /** Name of the tensor's buffer. */
  readonly buffer: string;
  /** An expression of the spec in the names of the program, with index values in place. */
  readonly say: (e: Expr, ...values: readonly ReadonlyMap<string, Expr>[]) => Expr;
  /** Indices of any list with their extents. */
  readonly ranged: (indices: readonly StageIndex[]) => readonly Ranged[];
  /** Extents of a buffer that a program reads. */
  readonly extentsOf: (buffer: string) => readonly Expr[];
  /** Stores an element at its row-major number. */
  readonly put: (number: Expr, value: Expr, where: Expr) => TileStmt;
  /** A program; `part` tells those of one tensor apart. */
  readonly program: (grid: readonly GridAxis[], body: readonly TileStmt[], part?: string) => TileProgram;
}

export interface StageRequest {
  readonly spec: Spec;
  readonly tensor: StageTensor;
  /** Name of the program. */
  readonly name: string;
  readonly rows: number;
  readonly names: Names;
  /** All buffers with their logical axes. */
  readonly buffers: ReadonlyMap<string, Omit<BufferDecl, 'access'>>;
}

export function contextOf(r: StageRequest): StageContext {
  const { spec, tensor, names } = r;
  const origin = through({ span: tensor.span, via: [] }, 'stage');
  const b = builderAt(origin);
  const buffer = bufferName(tensor.name, new Set());
  const declared = r.buffers.get(buffer);
  if (declared === undefined) throw new CompilerBug('stage', `no buffer '${buffer}'`);
  const buffers = new Map(r.buffers).set(buffer, { ...declared, extents: [product(declared.extents)] });
  const ranged = (indices: readonly StageIndex[]): readonly Ranged[] => {
    const extents = indexExtents(tensor.name, indices).map(names.inside);
    return indices.flatMap((x, i) => {
      const extent = extents[i];
      return extent === undefined ? [] : [{ name: x.name, extent }];
    });
  };
  return {
    spec, tensor, b, origin, buffer, ranged,
    rows: r.rows,
    indices: ranged(tensor.indices),
    extentsOf: (name) => r.buffers.get(name)?.extents ?? [],
    say: (e, ...values) => names.inside(placed(e, ...values)),
    put: (number, value, where) => b.store(buffer, { rows: r.rows, cols: 1 }, [number], value, where, tensor.element === 'float' ? tensor.precision : undefined),
    program: (grid, body, part) => finishProgram({
      name: part === undefined ? r.name : `${r.name}_${part}`, summary: `stage tensor ${tensor.name}${part === undefined ? '' : `: ${part}`}`, grid, body, origin,
    }, buffers),
  };
}
