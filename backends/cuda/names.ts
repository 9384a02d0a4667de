/**
 * Names of a `.cu` file. In: a unit (an attention by name, with its kernels). Out: identifiers for entry points, uniform structs and what
 * stands in the kernels. Holds: entry points start with the name of the unit, so that several units can be linked together.
 */
import type { KernelProgram } from '../../compiler/kernel/ir.ts';
import { chooseNames } from '../names.ts';
import type { Naming } from '../names.ts';
import { helperNames } from './helpers.ts';

/** Keywords of C++17 and of CUDA, alternative tokens, and macros of the headers that nvcc includes by itself. */
const reserved = `alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl const const_cast
constexpr continue decltype default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline
int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename
union unsigned using virtual void volatile wchar_t while xor xor_eq linux unix NULL NAN INFINITY EOF BUFSIZ RAND_MAX assert errno
stdin stdout stderr isnan isinf signbit isfinite offsetof major minor makedev`;

/** Types, functions and variables that the printed text uses; a variable of the same name would hide them. */
const builtins = `float4 uint2 uint4 make_float4 make_uint2 min max fminf fmaxf fmaf fabsf tanhf sqrtf rsqrtf floorf threadIdx blockIdx blockDim
gridDim warpSize workgroup_memory main`;

/** Names of the kernel frame. */
export const frameNames = { uniforms: 'launch', lanes: 'subgroup_lanes', memory: 'workgroup_memory' } as const;

function identifier(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[0-9])/, 'n');
  return clean === '' ? 'unnamed' : clean;
}

/** The name of a kernel in the text: `strided_kernel`, `strided_merge_kernel`. */
export function cudaEntry(unit: string, kernel: string): string {
  const full = kernel.startsWith(unit) ? kernel : [unit, kernel].join('_');
  return [identifier(full), '_kernel'].join('');
}

/** The struct of a kernel's uniforms. */
export function cudaUniforms(unit: string, kernel: string): string {
  return [cudaEntry(unit, kernel), '_launch'].join('');
}

export function nameCudaProgram(unit: string, program: KernelProgram): Naming {
  const taken = [...builtins.split(/\s+/), ...helperNames, ...Object.values(frameNames), 'lane', 'group_x', 'group_y', 'group_z', 'subgroup_lane'];
  return chooseNames(program, cudaEntry(unit, program.name), { reserved: reserved.split(/\s+/), taken, uniformBlock: frameNames.uniforms });
}
