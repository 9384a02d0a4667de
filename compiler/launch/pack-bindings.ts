/**
 * Kernels that bind more buffers than the device allows read their small tensors from one packed buffer instead. In: the requests of a
 * plan, the kernels made from them, the target. Out: the same with copies put in front and kernels rewritten; nothing changes where all
 * fit. A pack holds tensors of one element type one behind the other; where each begins is an expression of the launch that the kernel
 * gets as a uniform. What makes or gives a tensor is not touched: one small kernel copies all of them after they are there. Those whose
 * extents name the fewest lengths of the launch are packed first, and no more of them than needed.
 */
import { bad, good, type Checked } from '../../dsl/diagnostic.ts';
import { originOf, noSpan } from '../../dsl/span.ts';
import { add, element, int, lt, max, mul, or, read, ref, select } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { freeRefs, substitute } from '../expr/traverse.ts';
import { bin, refer } from '../kernel/build.ts';
import type { KernelProgram, StorageDecl, UniformDecl } from '../kernel/ir.ts';
import { bindingDiagnostics } from '../kernel/resources.ts';
import { mapProgram } from '../kernel/walk.ts';
import { queryTileOf, type Schedule } from '../schedule.ts';
import { gridOf, instanceNumber } from '../stage/places.ts';
import { product } from '../stage/tensors.ts';
import type { TargetRecord } from '../target.ts';
import { ceilDiv } from '../tile/arrangement.ts';
import { builderAt, finishProgram } from '../tile/build.ts';
import type { BufferDecl, TileProgram } from '../tile/ir.ts';
import type { KernelRequest, LoweredPlan } from './lower-plan.ts';
import type { HostBuffer } from './plan.ts';

export interface PackRequest {
  readonly lowered: LoweredPlan;
  /** `kernels[n]` was made from `lowered.requests[n]`. */
  readonly kernels: readonly KernelProgram[];
  readonly target: TargetRecord;
  /** Of the kernels that copy. */
  readonly schedule: Schedule;
  readonly lower: (program: TileProgram, schedule: Schedule) => Checked<KernelProgram>;
}

export type PackedPlan = Pick<PackRequest, 'lowered' | 'kernels'>;

/** A tensor in a pack; expressions are in the names of programs. */
interface Member {
  readonly decl: BufferDecl;
  readonly length: Expr;
  readonly offset: Expr;
  /** Of the uniform that says where it begins. No other name has a quote within. */
  readonly uniform: string;
}

type Word = 'int' | 'f32';

interface Pack {
  readonly buffer: string;
  readonly word: Word;
  readonly members: readonly Member[];
  readonly total: Expr;
  /** Number of the request before which it is filled. */
  readonly at: number;
  /** Numbers of the requests that read from it. */
  readonly users: readonly number[];
}

const wordOf = (decl: BufferDecl): Word => (decl.element === 'f32' ? 'f32' : 'int');
const fixed = new Set(['batch', 'heads', 'kv_heads', 'dim']);

/** How a tensor grows with the lengths of a launch: how many of its extents name one. */
function degree(decl: BufferDecl): number {
  return decl.extents.filter((e) => [...freeRefs(e)].some((name) => !fixed.has(name))).length;
}

/** What may move to a pack: whole tensors of words that the kernel only reads, element by element. Smallest first. */
function candidates(kernel: KernelProgram, { program }: KernelRequest, { buffers, partlyWritten }: LoweredPlan): readonly BufferDecl[] {
  const movable = (s: StorageDecl): boolean => {
    const host = buffers.find((b) => b.name === s.buffer);
    const alone = kernel.storage.filter((other) => other.buffer === s.buffer).length === 1;
    return s.access === 'read' && host?.chunked === 'whole' && alone && !partlyWritten.has(s.buffer) && (s.element === 'i32' || s.element === 'f32');
  };
  const found = kernel.storage.filter(movable).flatMap((s) => program.buffers.find((b) => b.name === s.buffer) ?? []);
  return [...found].sort((a, b) => degree(a) - degree(b));
}

/** The fewest candidates, by word, whose packing brings `bindings` down to `limit`; all of them where nothing does. */
function choose(list: readonly BufferDecl[], bindings: number, limit: number): readonly (readonly BufferDecl[])[] {
  const groups = (n: number): readonly (readonly BufferDecl[])[] =>
    (['int', 'f32'] as const).map((word) => list.slice(0, n).filter((d) => wordOf(d) === word)).filter((g) => g.length > 1);
  const saved = (n: number): number => groups(n).reduce((sum, g) => sum + g.length - 1, 0);
  const enough = list.findIndex((_, at) => bindings - saved(at + 1) <= limit);
  return groups(enough < 0 ? list.length : enough + 1);
}

function makePack(buffer: string, decls: readonly BufferDecl[], word: Word, at: number): Pack {
  let total: Expr = int(0);
  const members = decls.map((decl): Member => {
    const length = product(decl.extents);
    const member = { decl, length, offset: total, uniform: `${buffer}'${decl.name}` };
    total = add(total, length);
    return member;
  });
  // One word more: a kernel that looks into an empty tensor loads the word where it would begin, and drops it.
  return { buffer, word, members, total: add(total, int(1)), at, users: [at] };
}

const holds = (pack: Pack, buffer: string): boolean => pack.members.some((m) => m.decl.name === buffer);

/** Whether nothing between the filling of a pack and request `at` writes one of its members again. */
function isCurrent(pack: Pack, at: number, requests: readonly KernelRequest[]): boolean {
  return !requests.slice(pack.at, at).some(({ program }) => program.buffers.some((b) => b.access === 'write' && holds(pack, b.name)));
}

/** The packs that the kernels need, and for each kernel those it reads from. */
function choosePacks({ lowered, kernels, target }: PackRequest): readonly Pack[] {
  const packs: Pack[] = [];
  kernels.forEach((kernel, at) => {
    const request = lowered.requests[at];
    if (request === undefined || kernel.storage.length <= target.maxStorageBuffers) return;
    for (const decls of choose(candidates(kernel, request, lowered), kernel.storage.length, target.maxStorageBuffers)) {
      const known = packs.findIndex((p) => decls.every((d) => holds(p, d.name)) && isCurrent(p, at, lowered.requests));
      const pack = packs[known];
      if (pack !== undefined) packs[known] = { ...pack, users: [...pack.users, at] };
      else if (decls[0] !== undefined) packs.push(makePack(`packed_${packs.length}`, decls, wordOf(decls[0]), at));
    }
  });
  return packs;
}

/** The kernel with the pack in place of its members. */
function readingFrom(pack: Pack, kernel: KernelProgram): KernelProgram {
  const moved = new Map(kernel.storage.flatMap((s) => {
    const member = pack.members.find((m) => m.decl.name === s.buffer);
    return member === undefined ? [] : [[s.name, member] as const];
  }));
  const [first] = moved.keys();
  const own: StorageDecl = { name: pack.buffer, buffer: pack.buffer, element: pack.word === 'int' ? 'i32' : 'f32', access: 'read' };
  const rewritten = mapProgram(kernel, (e) => {
    const member = e.kind === 'load' ? moved.get(e.storage) : undefined;
    if (e.kind !== 'load' || member === undefined) return e;
    return { ...e, storage: pack.buffer, index: bin('add', refer(member.uniform, 'i32'), e.index) };
  });
  return {
    ...rewritten,
    storage: kernel.storage.flatMap((s) => (s.name === first ? [own] : moved.has(s.name) ? [] : [s])),
    uniforms: [...kernel.uniforms, ...[...moved.values()].map((m): UniformDecl => ({ name: m.uniform, type: 'i32' }))],
  };
}

/** Copies members into their pack, one element of each a row. Instances lie on two grid axes, since devices limit each. */
function copyProgram(pack: Pack, members: readonly Member[], name: string, rows: number): TileProgram {
  const tiles = ceilDiv(members.map((m) => m.length).reduce((a, b) => max(a, b), int(0)), int(rows));
  const shape = { rows, cols: 1 };
  const origin = originOf(noSpan);
  const b = builderAt(origin);
  const place = element('place', 'int');
  const valueOf = ({ decl: { name: tensor, element: kind } }: Member): Expr =>
    kind === 'bool' ? select(read(tensor, 'bool', [place]), int(1), int(0)) : read(tensor, kind === 'int' ? 'int' : 'float', [place]);
  const body = [
    b.tile('place', 'int', shape, add(mul(instanceNumber, int(rows)), ref('row', 'int'))),
    ...members.map((m) => b.store(pack.buffer, shape, [add(m.offset, place)], valueOf(m), lt(place, m.length))),
  ];
  const declared = [{ name: pack.buffer, element: pack.word, extents: [pack.total] }, ...members.map((m) => ({ name: m.decl.name, element: m.decl.element, extents: [m.length] }))];
  const summary = `small tensors one behind the other: ${members.map((m) => m.decl.name).join(', ')}`;
  return finishProgram({ name, summary, grid: gridOf(tiles), body, origin }, new Map(declared.map((d) => [d.name, d])));
}

/** The programs that fill a pack: as many as it takes to bind all members. */
function fillings(pack: Pack, { lowered, target, schedule }: PackRequest): readonly KernelRequest[] {
  const most = Math.max(1, target.maxStorageBuffers - 1);
  const when = pack.users.flatMap((n) => lowered.requests[n]?.when ?? []).reduce(or);
  return Array.from({ length: Math.ceil(pack.members.length / most) }, (_, n) => ({
    program: copyProgram(pack, pack.members.slice(n * most, (n + 1) * most), `fill_${pack.buffer}_${n}`, queryTileOf(schedule)),
    schedule, when, chunkable: false,
  }));
}

/** Packs what does not fit; refuses kernels that bind too much even then. */
export function packBindings(r: PackRequest): Checked<PackedPlan> {
  const { lowered, target } = r;
  const packs = choosePacks(r);
  const requests: KernelRequest[] = [];
  const kernels: KernelProgram[] = [];
  const refused = r.kernels.flatMap((kernel, at) => {
    const request = lowered.requests[at];
    if (request === undefined) return [];
    for (const filling of packs.filter((p) => p.at === at).flatMap((p) => fillings(p, r))) {
      const copy = r.lower(filling.program, filling.schedule);
      if (!copy.ok) return copy.diagnostics;
      requests.push(filling);
      kernels.push(copy.value);
    }
    const packed = packs.filter((p) => p.users.includes(at)).reduce((k, pack) => readingFrom(pack, k), kernel);
    requests.push(request);
    kernels.push(packed);
    return bindingDiagnostics(packed, target).length === 0 ? [] : bindingDiagnostics(kernel, target);
  });
  if (refused.length > 0) return bad(refused);
  const offsets = new Map(packs.flatMap((p) => p.members.map((m) => [m.uniform, m.offset] as const)));
  const own = packs.map((p): HostBuffer => ({ name: p.buffer, role: 'workspace', element: p.word, extents: [lowered.toHost(p.total)], chunked: 'whole' }));
  return good({
    lowered: { ...lowered, requests, buffers: [...lowered.buffers, ...own], toHost: (e) => lowered.toHost(substitute(e, offsets)) },
    kernels,
  });
}
