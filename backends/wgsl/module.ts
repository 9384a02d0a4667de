/**
 * A whole WGSL module from one kernel program. In: a verified kernel program. Out: the text and a region map from its lines
 * to origins. Holds: group 0 has the storage buffers in order and then the uniform block (when there are uniforms); the
 * entry point is named after the kernel; the same program gives the same bytes.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { KernelExpr, KernelProgram, SharedDecl, StorageDecl } from '../../compiler/kernel/ir.ts';
import { commentDoc, statementDoc, type PrintContext } from '../c-like.ts';
import { block, concat, lines, list, nothing, render, text, withOrigin, type Doc, type Printed } from '../document.ts';
import { walkExpressions } from '../../compiler/kernel/walk.ts';
import { helperLines, helperNames, needsBits, operatorHelpers, storageTypes, wgslDialect } from './dialect.ts';
import { legaliseForWgsl } from './legalise.ts';
import type { Naming } from '../names.ts';
import { frameNames, nameProgram } from './names.ts';

type Builtin = Extract<KernelExpr, { kind: 'builtin' }>['name'];

/** What the module must declare because the body uses it. */
interface Uses {
  readonly builtins: ReadonlySet<Builtin>;
  readonly helpers: ReadonlySet<keyof typeof helperNames>;
  readonly subgroups: boolean;
  readonly f16: boolean;
}

function usesOf(program: KernelProgram): Uses {
  const builtins = new Set<Builtin>();
  const helpers = new Set<keyof typeof helperNames>();
  let subgroups = false;
  walkExpressions(program.body, (expr) => {
    switch (expr.kind) {
      case 'builtin':
        builtins.add(expr.name);
        if (expr.name === 'subgroup_lane') subgroups = true;
        return;
      case 'literal':
        if (expr.type === 'f32' && needsBits(expr.value)) helpers.add('fromBits');
        return;
      case 'unary':
      case 'binary': {
        const helper = operatorHelpers.get(expr.op);
        if (helper !== undefined) helpers.add(helper);
        return;
      }
      case 'shuffle':
      case 'shuffle_xor':
      case 'subgroup':
        subgroups = true;
        return;
      case 'ref':
      case 'fma':
      case 'select':
      case 'vec4':
      case 'extract':
      case 'load':
      case 'load_shared':
      case 'load_array':
        return;
      default:
        return unreachable(expr);
    }
  });
  const f16 = program.storage.some((s) => s.element === 'f16' || s.element === 'vec4h');
  return { builtins, helpers, subgroups, f16 };
}

function enableLines(uses: Uses): readonly Doc[] {
  const enabled = [...(uses.f16 ? ['f16'] : []), ...(uses.subgroups ? ['subgroups'] : [])];
  const directives = enabled.map((feature) => concat('enable ', feature, ';'));
  // The kernel verifier has shown subgroup operations to stand in uniform control flow; Tint's own analysis is coarser.
  return uses.subgroups ? [...directives, text('diagnostic(off, subgroup_uniformity);')] : directives;
}

function bindingDoc(index: number, rest: Doc): Doc {
  return concat('@group(0) @binding(', String(index), ') ', rest);
}

function storageDoc(decl: StorageDecl, index: number, naming: Naming): Doc {
  const access = decl.access === 'read' ? 'read' : 'read_write';
  const type = concat('array<', storageTypes[decl.element], '>');
  return bindingDoc(index, concat('var<storage, ', access, '> ', naming.name('storage', decl.name), ': ', type, ';'));
}

function sharedDoc(decl: SharedDecl, naming: Naming): Doc {
  const type = concat('array<', decl.element, ', ', String(decl.length), '>');
  return concat('var<workgroup> ', naming.name('shared', decl.name), ': ', type, ';');
}

function uniformDocs(program: KernelProgram, naming: Naming): readonly Doc[] {
  if (program.uniforms.length === 0) return [];
  const members = program.uniforms.map((u) => concat(naming.member(u.name), ': ', u.type, ','));
  const { uniformBlock, uniformType } = frameNames;
  return [
    block(concat('struct ', uniformType, ' {'), members, text('}')),
    bindingDoc(program.storage.length, concat('var<uniform> ', uniformBlock, ': ', uniformType, ';')),
  ];
}

const groupParts = { group_x: '.x', group_y: '.y', group_z: '.z' } as const;

/** Parameters of the entry point and the signed copies of them that the body works with. */
function builtinDocs(uses: Uses): { readonly parameters: readonly Doc[]; readonly copies: readonly Doc[] } {
  const { localIndex, groupId, subgroupIndex } = frameNames;
  const parameters: Doc[] = [];
  const copies: Doc[] = [];
  const parameter = (builtin: string, name: string, type: string): void => {
    parameters.push(concat('@builtin(', builtin, ') ', name, ': ', type));
  };
  const copy = (name: string, from: string): void => {
    copies.push(concat('let ', name, ': i32 = i32(', from, ');'));
  };
  if (uses.builtins.has('lane')) {
    parameter('local_invocation_index', localIndex, 'u32');
    copy('lane', localIndex);
  }
  const axes = (['group_x', 'group_y', 'group_z'] as const).filter((axis) => uses.builtins.has(axis));
  if (axes.length > 0) parameter('workgroup_id', groupId, 'vec3u');
  for (const axis of axes) copy(axis, groupId + groupParts[axis]);
  if (uses.builtins.has('subgroup_lane')) {
    parameter('subgroup_invocation_id', subgroupIndex, 'u32');
    copy('subgroup_lane', subgroupIndex);
  }
  return { parameters, copies };
}

function entryDocs(program: KernelProgram, naming: Naming, uses: Uses): readonly Doc[] {
  const elements = new Map(program.storage.map((s) => [s.name, s.element]));
  const context: PrintContext = {
    dialect: wgslDialect,
    name: naming.name,
    builtin: (name) => name,
    element: (storage) => elements.get(storage) ?? 'f32',
  };
  const { parameters, copies } = builtinDocs(uses);
  const head = concat(list(['fn ', naming.entry, '('].join(''), parameters, ')'), ' {');
  const body = [...copies, ...program.body.map((s) => statementDoc(context, s))];
  return [concat('@compute @workgroup_size(', String(program.workgroupSize), ')'), block(head, body, text('}'))];
}

function section(docs: readonly Doc[]): readonly Doc[] {
  return docs.length === 0 ? [] : [nothing, ...docs];
}

/** Prints a kernel as one WGSL module. `regions` gives for each line the origin of what it prints. */
export function printWgsl(kernel: KernelProgram): Printed {
  const program = legaliseForWgsl(kernel);
  const naming = nameProgram(program);
  const uses = usesOf(program);
  const helpers = [...uses.helpers].sort().flatMap((h) => section(helperLines[h].map(text)));
  const module = lines([
    commentDoc(program.summary === '' ? program.name : program.summary),
    ...enableLines(uses),
    ...section(program.storage.map((s, i) => storageDoc(s, i, naming))),
    ...section(uniformDocs(program, naming)),
    ...section(program.shared.map((s) => sharedDoc(s, naming))),
    ...helpers,
    ...section(entryDocs(program, naming, uses)),
  ]);
  return render(withOrigin(program.origin, module));
}

/** The entry point that `printWgsl` gives this kernel. */
export function entryPointOf(kernel: KernelProgram): string {
  return nameProgram(kernel).entry;
}

/** The texts of all kernels of a plan, by kernel name: what `preparePlan` takes. */
export function printKernels(kernels: readonly KernelProgram[]): ReadonlyMap<string, Printed> {
  return new Map(kernels.map((k) => [k.name, printWgsl(k)]));
}
