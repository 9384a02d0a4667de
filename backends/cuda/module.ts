/**
 * A whole `.cu` file from the kernel programs of a compilation. In: a unit: name, doc, verified kernels. Out: the text and a region map
 * from its lines to origins. Holds: each kernel is `extern "C" __global__` with a pointer for each storage declaration in order and
 * then a struct of its uniforms (when there are any); workgroup memory is dynamic, its declarations one after the other at
 * offsets that sharedLayout gives; the same unit gives the same bytes.
 */
import type { Origin } from '../../dsl/span.ts';
import { bytesOfShared } from '../../compiler/kernel/resources.ts';
import type { KernelExpr, KernelProgram, SharedDecl } from '../../compiler/kernel/ir.ts';
import type { HostPlan } from '../../compiler/launch/plan.ts';
import { walkExpressions } from '../../compiler/kernel/walk.ts';
import { commentDoc, statementDoc, type PrintContext } from '../c-like.ts';
import { block, concat, lines, list, nothing, render, text, withOrigin, type Doc, type Printed } from '../document.ts';
import type { Naming } from '../names.ts';
import { cudaDialect, storageTypes } from './dialect.ts';
import { helperLines } from './helpers.ts';
import { launcherDoc } from './launcher/print.ts';
import { legaliseForCuda } from './legalise.ts';
import { cudaUniforms, frameNames, nameCudaProgram } from './names.ts';

export interface CudaUnit {
  /** Of the attention. */
  readonly name: string;
  readonly doc: readonly string[];
  readonly kernels: readonly KernelProgram[];
}

export interface CudaOptions {
  /** A place in words, such as `strided.fil:3`; where it changes, a comment says so. Absent: no such comments. */
  readonly placeOf?: (origin: Origin) => string | undefined;
  /** The plan of the one unit, whose C launcher follows its kernels. */
  readonly launcher?: HostPlan;
}

/** Where a declaration lies in workgroup memory. */
export interface SharedPlace {
  readonly decl: SharedDecl;
  readonly offset: number;
}

const sharedTypes = { f32: 'float', i32: 'int', u32: 'unsigned', vec4f: 'float4', vec4u: 'uint4' } as const;

/** The declarations with the most strictly aligned first, so that no gap is needed: their bytes are all that is passed at launch. */
export function sharedLayout(shared: readonly SharedDecl[]): readonly SharedPlace[] {
  const wide = (d: SharedDecl): boolean => d.element === 'vec4f' || d.element === 'vec4u';
  const ordered = [...shared.filter(wide), ...shared.filter((d) => !wide(d))];
  let offset = 0;
  return ordered.map((decl) => {
    const at = offset;
    offset += bytesOfShared(decl);
    return { decl, offset: at };
  });
}

function sharedDocs(program: KernelProgram, naming: Naming): readonly Doc[] {
  if (program.shared.length === 0) return [];
  const pointers = sharedLayout(program.shared).map(({ decl, offset }) => {
    const type = sharedTypes[decl.element];
    const place = offset === 0 ? frameNames.memory : [frameNames.memory, String(offset)].join(' + ');
    return concat(type, '* const ', naming.name('shared', decl.name), ' = reinterpret_cast<', type, '*>(', place, ');  // ', String(decl.length));
  });
  return [concat('extern __shared__ __align__(1024) unsigned char ', frameNames.memory, '[];'), ...pointers];
}

type Builtin = Extract<KernelExpr, { kind: 'builtin' }>['name'];

const builtinValues: Readonly<Record<Builtin, string>> = {
  lane: 'threadIdx.x', group_x: 'blockIdx.x', group_y: 'blockIdx.y', group_z: 'blockIdx.z', subgroup_lane: 'threadIdx.x & 31',
};

function builtinDocs(program: KernelProgram): readonly Doc[] {
  const used = new Set<Builtin>();
  walkExpressions(program.body, (e) => {
    if (e.kind === 'builtin') used.add(e.name);
  });
  return (['lane', 'group_x', 'group_y', 'group_z', 'subgroup_lane'] as const)
    .filter((name) => used.has(name))
    .map((name) => concat('const int ', name, ' = ', builtinValues[name], ';'));
}

/** How many lanes the own warp has: the text, and the declaration it needs where the last warp has fewer. */
function warpLanes(size: number): { readonly lanes: string; readonly docs: readonly Doc[] } {
  if (size < 32) return { lanes: String(size), docs: [] };
  if (size % 32 === 0) return { lanes: '32', docs: [] };
  const value = concat('const int ', frameNames.lanes, ' = min(32, ', String(size), ' - (int(threadIdx.x) & -32));');
  return { lanes: frameNames.lanes, docs: [value] };
}

function kernelDocs(unit: string, program: KernelProgram): readonly Doc[] {
  const naming = nameCudaProgram(unit, program);
  const elements = new Map(program.storage.map((s) => [s.name, s.element]));
  const { lanes, docs } = warpLanes(program.workgroupSize);
  const context: PrintContext = {
    dialect: cudaDialect(lanes),
    name: naming.name,
    builtin: (name) => name,
    element: (storage) => elements.get(storage) ?? 'f32',
  };
  const struct = cudaUniforms(unit, program.name);
  const uniforms = program.uniforms.map((u) => concat(u.type === 'i32' ? 'int ' : 'float ', naming.member(u.name), ';'));
  const pointers = program.storage.map((s) =>
    concat(s.access === 'read' ? 'const ' : '', storageTypes[s.element], '* __restrict__ ', naming.name('storage', s.name)));
  const parameters = uniforms.length === 0 ? pointers : [...pointers, concat('const ', struct, ' ', frameNames.uniforms)];
  // One workgroup on a multiprocessor is enough: left to itself the assembler keeps to numbers of registers that let one more be there, and spills.
  const bounds = ['extern "C" __global__ void __launch_bounds__(', String(program.workgroupSize), ', 1) '].join('');
  const head = concat(list([bounds, naming.entry, '('].join(''), parameters, ')'), ' {');
  const body = [...sharedDocs(program, naming), ...builtinDocs(program), ...docs, ...program.body.map((s) => statementDoc(context, s))];
  return [
    ...(uniforms.length === 0 ? [] : [block(concat('struct ', struct, ' {'), uniforms, text('};')), nothing]),
    ...(program.summary === '' ? [] : [commentDoc(program.summary)]),
    withOrigin(program.origin, block(head, body, text('}'))),
    nothing,
  ];
}

/** Comments where lines begin to come from another place of the source. */
function annotated(printed: Printed, placeOf: NonNullable<CudaOptions['placeOf']>): Printed {
  const out: string[] = [];
  const regions: (Origin | undefined)[] = [];
  let last: string | undefined;
  printed.text.replace(/\n$/, '').split('\n').forEach((line, i) => {
    const origin = printed.regions[i];
    const place = origin === undefined || /^\s*[}]/.test(line) ? last : placeOf(origin) ?? last;
    if (place !== undefined && place !== last) {
      out.push([/^ */.exec(line)?.[0] ?? '', '// ', place].join(''));
      regions.push(origin);
      last = place;
    }
    out.push(line);
    regions.push(origin);
  });
  return { text: [...out, ''].join('\n'), regions };
}

/** Prints the kernels of several units as one file: what one run of nvcc compiles. */
export function printCudaUnits(units: readonly CudaUnit[], options: CudaOptions = {}): Printed {
  const legal = units.map((u) => ({ ...u, kernels: u.kernels.map(legaliseForCuda) }));
  const helpers = helperLines(legal.flatMap((u) => u.kernels));
  const printed = render(lines([
    ...legal.flatMap((u) => [commentDoc([[u.name, ': kernels in CUDA C++, generated by filigree.'].join(''), ...u.doc].join('\n'))]),
    commentDoc('Compile with nvcc -std=c++17 --fmad=false: float operators round one by one, and only fmaf is fused.'),
    nothing,
    ...helpers.flatMap((h) => [...h.map(text), nothing]),
    ...legal.flatMap((u) => u.kernels.flatMap((k) => kernelDocs(u.name, k))),
    ...(options.launcher === undefined ? [] : [launcherDoc(options.launcher)]),
  ]));
  const trimmed = { text: [printed.text.trimEnd(), '\n'].join(''), regions: printed.regions };
  return options.placeOf === undefined ? trimmed : annotated(trimmed, options.placeOf);
}

/** Prints the kernels of one compilation as one self-contained file. */
export function printCuda(unit: CudaUnit, options: CudaOptions = {}): Printed {
  return printCudaUnits([unit], options);
}
