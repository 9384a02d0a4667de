/**
 * Names of a kernel program as WGSL identifiers. In: the program. Out: a function from IR names to identifiers. Holds: it is
 * injective over all name spaces together, never gives a keyword, a reserved word, a builtin or a name of the module frame,
 * and leaves a name that is good as it is.
 */
import type { KernelProgram } from '../../compiler/kernel/ir.ts';
import { chooseNames } from '../names.ts';
import type { Naming } from '../names.ts';
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

/** Chooses an identifier for every name of the program. */
export function nameProgram(program: KernelProgram): Naming {
  const words = reserved.split(/\s+/);
  const taken = [...builtins.split(/\s+/), ...Object.values(frameNames), ...Object.values(helperNames), 'lane', 'group_x', 'group_y', 'group_z', 'subgroup_lane'];
  return chooseNames(program, program.name, { reserved: words, taken, uniformBlock: frameNames.uniformBlock });
}
