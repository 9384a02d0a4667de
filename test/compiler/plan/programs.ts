/**
 * Masks as users write them, with a launch of any size: what the plan tests measure. Every text is compiled by the front end, so a
 * test reads like a program. Lists, ids and tables come from a fixed sequence.
 */
import { compileSource } from '../../../compiler/spec/from-source.ts';
import type { Launch, Spec } from '../../../compiler/spec/ir.ts';
import { makePlan } from '../../../compiler/plan/make-plan.ts';
import type { Plan } from '../../../compiler/plan/ir.ts';
import { randomSequence } from '../../support/random-parameters.ts';

export interface Program {
  readonly name: string;
  readonly parameters: string;
  readonly mask: string;
  readonly scalars?: Readonly<Record<string, number>>;
  /** Bound of visited / needed tiles; 1 where the iteration is closed form of plain ranges. */
  readonly waste: number;
  /** Query rows, where they are not all. */
  readonly rows?: number;
}

export const programs: readonly Program[] = [
  { name: 'causal', parameters: '', mask: 'causal', waste: 1 },
  { name: 'everything', parameters: '', mask: 'all', waste: 1 },
  { name: 'a sliding window', parameters: 'w: int', mask: 'band(0 .. w)', scalars: { w: 70 }, waste: 1 },
  { name: 'a two-sided band', parameters: 'w: int', mask: 'band(-w .. w + 1)', scalars: { w: 30 }, waste: 1 },
  { name: 'a range of keys', parameters: 'a: int, z: int', mask: 'keys(a .. z)', scalars: { a: 37, z: 141 }, waste: 1 },
  { name: 'an A-shape', parameters: 'w: int, sinks: int', mask: 'causal & (band(0 .. w) | keys(0 .. sinks))', scalars: { w: 50, sinks: 20 }, waste: 1 },
  { name: 'a dilated window', parameters: 'w: int, step: int', mask: 'band(0 .. w) & { (q, k) => (q - k) mod step == 0 }', scalars: { w: 96, step: 4 }, waste: 1.05 },
  { name: 'strided', parameters: 'step: int, p: int', mask: 'causal & { (q, k) => (q - k) mod step == p }', scalars: { step: 8, p: 3 }, waste: 1.05 },
  { name: 'a window and strides', parameters: 'step: int', mask: 'band(0 .. step) | causal & { (q, k) => q mod step == k mod step }', scalars: { step: 16 }, waste: 1.05 },
  { name: 'antidiagonals', parameters: 'step: int, p: int', mask: 'causal & { (q, k) => (q + k) mod step == p }', scalars: { step: 8, p: 5 }, waste: 1.05 },
  {
    name: 'a grid of row and column lines', parameters: 'step: int, p: int, w: int',
    mask: 'causal & (band(0 .. w) | { (q, k) => q mod step == p } | { (q, k) => k mod step == p })', scalars: { step: 9, p: 4, w: 24 }, waste: 1.05,
  },
  { name: 'vertical lines and slashes', parameters: 'columns: int[heads, c], slants: int[heads, d]', mask: 'causal & (keys(columns) | slashes(slants))', waste: 1.05 },
  { name: 'packed documents', parameters: 'doc: int[keys]', mask: 'causal & segments(doc)', waste: 1 },
  { name: 'a prefix', parameters: 'prefix: int', mask: 'keys(0 .. prefix) | causal', scalars: { prefix: 77 }, waste: 1 },
  {
    name: 'a 2-D neighbourhood', parameters: 'width: int, r: int',
    mask: '{ (q, k) => abs(q div width - k div width) <= r & abs(q mod width - k mod width) <= r }', scalars: { width: 16, r: 2 }, waste: 1.05,
  },
  { name: 'chunks', parameters: 'c: int', mask: 'causal & { (q, k) => q div c == k div c }', scalars: { c: 40 }, waste: 1.05 },
  { name: 'a block table', parameters: 'granted: bool[heads, queries / 64, keys / 64]', mask: 'tiles(granted)', waste: 1 },
  { name: 'Fenwick levels', parameters: 'fine: int', mask: 'levels(2 .. fine)', scalars: { fine: 6 }, waste: 1.05 },
  { name: 'a pattern per head', parameters: 'w: int, step: int', mask: 'per head choose h { 0 => band(0 .. w), 1 => causal & { (q, k) => k mod step == 1 }, else => causal }', scalars: { w: 40, step: 8 }, waste: 1.05 },
  { name: 'cross attention up to a length', parameters: 'n: int[batch]', mask: 'keys(0 .. n[b])', waste: 1 },
  { name: 'decoding', parameters: '', mask: 'causal', waste: 1, rows: 3 },
  { name: 'nothing', parameters: '', mask: 'none', waste: 1 },
];

export function compile(program: Program): { readonly spec: Spec; readonly plan: Plan } {
  const text = `attention program(${program.parameters}) { mask ${program.mask} }\n`;
  const spec = compileSource({ file: 'program.fil', text }, () => undefined, 'program');
  if (!spec.ok) throw new Error(spec.diagnostics.map((d) => d.message).join('; '));
  const plan = makePlan(spec.value);
  if (!plan.ok) throw new Error('no plan');
  return { spec: spec.value, plan: plan.value };
}

function dataOf(name: string, extents: readonly number[], nK: number): Int32Array | Uint8Array {
  const size = extents.reduce((a, b) => a * b, 1);
  const random = randomSequence(name.length);
  const pick = (n: number): number => Math.floor(random() * n);
  switch (name) {
    case 'granted':
      return Uint8Array.from({ length: size }, () => (random() < 0.4 ? 1 : 0));
    case 'doc':
      return Int32Array.from({ length: size }, (_, i) => Math.floor(i / 53));
    case 'n':
      return Int32Array.from({ length: size }, () => nK - 30);
    default:
      return Int32Array.from({ length: size }, () => pick(nK + 4) - 2);
  }
}

export function launchOf(program: Program, spec: Spec, n: number, heads = 2): Launch {
  const nQ = program.rows ?? n;
  const tensors = spec.tensors.map((t) => {
    const extents = t.axes.map((axis): number => {
      switch (axis.kind) {
        case 'batch':
          return 1;
        case 'heads':
        case 'kv_heads':
          return heads;
        case 'queries':
          return nQ;
        case 'keys':
          return n;
        case 'blocks':
          return Math.ceil((axis.of === 'queries' ? nQ : n) / (axis.size.kind === 'literal' ? axis.size.value : 1));
        case 'free':
          return 9;
        case 'fixed':
          return axis.extent;
        case 'dim':
          return 64;
        case 'counted':
          return 8;
      }
    });
    return [t.name, { extents, data: dataOf(t.name, extents, n) }] as const;
  });
  return {
    sizes: { batch: 1, heads, kvHeads: heads, nQ, nK: n, dim: 64 },
    scalars: new Map(Object.entries(program.scalars ?? {})),
    tensors: new Map(tensors),
  };
}
