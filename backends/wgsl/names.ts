/**
 * Names of a kernel program as WGSL identifiers. In: the program. Out: a function from IR names to identifiers. Holds: it is
 * injective over all name spaces together, never gives a keyword, a reserved word, a builtin or a name of the module frame,
 * and leaves a name that is good as it is.
 */
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { KernelProgram } from '../../compiler/kernel/ir.ts';
import type { NameSpace } from '../c-like.ts';
import { walkStatements } from '../../compiler/kernel/walk.ts';
import { helperNames } from './dialect.ts';

/** Keywords and reserved words of the WGSL specification (sections 16.1 and 16.2), without those no program would choose. */
const reserved = `alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if
let loop override requires return struct switch true var while
NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class co_await
co_return co_yield coherent column_major common compile compile_fragment concept const_cast consteval constexpr constinit crate
debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit export extends extern external fallthrough filter
final finally friend from fxgroup get goto groupshared highp impl implements import inline instanceof interface layout lowp macro
macro_rules match mediump meta mod module move mut mutable namespace new nil noexcept noinline nointerpolation non_coherent
noncoherent noperspective null nullptr of operator package packoffset partial pass patch pixelfragment precise precision premerge
pub public readonly ref regardless register reinterpret_cast require resource restrict self set shared sizeof smooth snorm static
static_assert static_cast std subroutine super target template this thread_local throw trait try type typedef typeid typename
typeof union unless unorm unsafe unsized use using varying virtual volatile wgsl where with writeonly yield`;

/** Types and functions the printed text uses; a variable of the same name would hide them. */
const builtins = `bool i32 u32 f32 f16 vec2u vec2f vec4f vec4h vec3u array bitcast abs exp log tanh sqrt inverseSqrt floor min max dot
fma select countLeadingZeros countOneBits countTrailingZeros unpack2x16float pack2x16float workgroupBarrier subgroupShuffle
subgroupAdd subgroupMax`;

/** Names of the module frame. */
export const frameNames = {
  uniformBlock: 'launch',
  uniformType: 'Launch',
  localIndex: 'local_index',
  groupId: 'group_id',
  subgroupIndex: 'subgroup_index',
} as const;

export interface Naming {
  readonly entry: string;
  readonly name: (space: NameSpace, name: string) => string;
  /** Of a member of the uniform block. */
  readonly member: (name: string) => string;
}

function sanitised(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^_+(?=.)/, '').replace(/^(?=[0-9])/, 'n');
  return clean === '' || clean === '_' ? 'unnamed' : clean;
}

/** Chooses an identifier for every name of the program. */
export function nameProgram(program: KernelProgram): Naming {
  const taken = new Set([...reserved.split(/\s+/), ...builtins.split(/\s+/)]);
  for (const name of [...Object.values(frameNames), ...Object.values(helperNames)]) taken.add(name);
  for (const name of ['lane', 'group_x', 'group_y', 'group_z', 'subgroup_lane']) taken.add(name);

  const fresh = (wanted: string, used: Set<string>): string => {
    const base = sanitised(wanted);
    let name = base;
    for (let i = 2; used.has(name); i += 1) name = base + '_' + String(i);
    used.add(name);
    return name;
  };
  const chosen = new Map<string, string>();
  const key = (space: NameSpace, name: string): string => [space, name].join(' ');
  const choose = (space: NameSpace, name: string): void => {
    if (!chosen.has(key(space, name))) chosen.set(key(space, name), fresh(name, taken));
  };

  const entry = fresh(program.name, taken);
  for (const s of program.storage) choose('storage', s.name);
  for (const s of program.shared) choose('shared', s.name);
  // Members of a struct live in a space of their own.
  const memberNames = new Set(reserved.split(/\s+/));
  const members = new Map(program.uniforms.map((u) => [u.name, fresh(u.name, memberNames)]));
  for (const [name, member] of members) chosen.set(key('value', name), [frameNames.uniformBlock, member].join('.'));
  walkStatements(program.body, (stmt) => {
    switch (stmt.kind) {
      case 'let':
      case 'var':
        if (members.has(stmt.name)) throw new CompilerBug('wgsl', `'${stmt.name}' is a uniform and a local name`);
        return choose('value', stmt.name);
      case 'for':
        if (members.has(stmt.index)) throw new CompilerBug('wgsl', `'${stmt.index}' is a uniform and a loop index`);
        return choose('value', stmt.index);
      case 'array':
        return choose('array', stmt.name);
      case 'assign':
      case 'assign_array':
      case 'store':
      case 'store_shared':
      case 'barrier':
      case 'if':
      case 'while':
      case 'comment':
        return;
    }
  });

  const found = (name: string | undefined, what: string): string => {
    if (name === undefined) throw new CompilerBug('wgsl', `'${what}' is used but not declared in kernel '${program.name}'`);
    return name;
  };
  return {
    entry,
    name: (space, name) => found(chosen.get(key(space, name)), name),
    member: (name) => found(members.get(name), name),
  };
}
