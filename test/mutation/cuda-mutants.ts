/**
 * Ways in which the CUDA path can be wrong, below what the other levels see. In the text that nvcc emits (what a wrong helper, printer or
 * assembler form would give): each mutant is a pattern of an instruction and what takes its place. In kernel programs, before they are
 * printed: fragments, copies, guards. The emulator must report a problem or give another result.
 */
import { is, nodeAt, removed, type Match, type Node } from './rewrite.ts';

export interface TextMutant {
  readonly name: string;
  /** Matched against one instruction, without its label and comments. */
  readonly match: RegExp;
  /** What takes its place; empty: nothing. */
  readonly change: string;
}

const register = '(%\\w+)';
const four = `\\{${[register, register, register, register].join(', ')}\\}`;
const product = new RegExp(`^(mma\\.sync\\S+ \\{[^}]*\\}), ${four}, \\{${register}, ${register}\\}, (.*)$`);
const matrices = new RegExp(`^ldmatrix\\.sync\\.aligned\\.m8n8\\.x4(\\S*)\\.shared\\.b16 ${four}, \\[${register}\\];$`);

export const textMutants: readonly TextMutant[] = [
  { name: 'the rows of a left fragment are exchanged by eight', match: product, change: '$1, {$3, $2, $5, $4}, {$6, $7}, $8' },
  { name: 'the terms of a left fragment are exchanged by eight', match: product, change: '$1, {$4, $5, $2, $3}, {$6, $7}, $8' },
  { name: 'the halves of a right fragment are exchanged', match: product, change: '$1, {$2, $3, $4, $5}, {$7, $6}, $8' },
  { name: 'a left fragment stands where the right one belongs', match: product, change: '$1, {$2, $3, $4, $5}, {$2, $3}, $8' },
  { name: 'halves are multiplied as bfloat16', match: /^(mma\.sync\.aligned\.m16n8k16\.row\.col\.f32)\.f16\.f16(.*)$/, change: '$1.bf16.bf16$2' },
  { name: 'a product is left out', match: /^mma\.sync.*$/, change: '' },
  { name: 'a matrix is read 16 bytes further on', match: matrices, change: 'ldmatrix.sync.aligned.m8n8.x4$1.shared.b16 {$2, $3, $4, $5}, [$6+16];' },
  { name: 'a matrix is read 2 bytes further on', match: matrices, change: 'ldmatrix.sync.aligned.m8n8.x4$1.shared.b16 {$2, $3, $4, $5}, [$6+2];' },
  { name: 'two matrices change places', match: matrices, change: 'ldmatrix.sync.aligned.m8n8.x4$1.shared.b16 {$2, $4, $3, $5}, [$6];' },
  { name: 'values are not transposed', match: /^(ldmatrix\.sync\.aligned\.m8n8\.x4)\.trans(.*)$/, change: '$1$2' },
  { name: 'keys are transposed', match: /^(ldmatrix\.sync\.aligned\.m8n8\.x4)(\.shared.*)$/, change: '$1.trans$2' },
  { name: 'a wait is missing', match: /^cp\.async\.wait_group.*$/, change: '' },
  { name: 'a wait lets one group more be under way', match: /^cp\.async\.wait_group 0;$/, change: 'cp.async.wait_group 1;' },
  { name: 'a group of copies is not closed', match: /^cp\.async\.commit_group;$/, change: '' },
  { name: 'a barrier is dropped', match: /^bar\.sync.*$/, change: '' },
  { name: 'a copy is left out', match: /^cp\.async\.cg.*$/, change: '' },
  { name: 'a copy goes 16 bytes further on', match: /^(cp\.async\.cg\.shared\.global \[%\w+)\](.*)$/, change: '$1+16]$2' },
  { name: 'a copy brings zeros', match: /^(cp\.async\.cg\.shared\.global \[%\w+\], \[%\w+\], 16), %\w+;$/, change: '$1, 0;' },
  { name: 'a copy brings half of its bytes', match: /^(cp\.async\.cg\.shared\.global \[%\w+\], \[%\w+\], 16), %\w+;$/, change: '$1, 8;' },
  { name: 'a quad exchanges with another lane', match: /^(shfl\.sync\.bfly\.b32 \S+ %\w+), %\w+, (.*)$/, change: '$1, 4, $2' },
  { name: 'a pair of weights is packed the other way round', match: /^(cvt\.rn\.f16x2\.f32 %\w+), (%\w+), (%\w+);$/, change: '$1, $3, $2;' },
  { name: 'exp2 is left out', match: /^ex2\.approx\.ftz\.f32 (.*)$/, change: 'mov.f32 $1' },
  { name: 'a store goes to the next element', match: /^(st\.global\.f32 \[%\w+)\](.*)$/, change: '$1+4]$2' },
  { name: 'a store is left out', match: /^st\.global.*$/, change: '' },
];

export interface KernelMutant {
  readonly name: string;
  readonly match: Match;
}

const next = (n: Node, field: string, by = 1): Node => ({ ...n, [field]: { kind: 'binary', type: 'i32', op: 'add', left: n[field], right: { kind: 'literal', type: 'i32', value: by } } });
/** The place of the key that a lane's first column of a step stands for. */
const isKeySlot = (n: Node): boolean => is(n, 'ref') && /^k_slot/.test(String(n['name']));

export const kernelMutants: readonly KernelMutant[] = [
  { name: 'keys one past the end are seen', match: (n) => (is(n, 'binary', { op: 'lt' }) && isKeySlot(nodeAt(n, 'left')) ? { ...n, op: 'le' } : undefined) },
  { name: 'the last key is not seen', match: (n) => (is(n, 'binary', { op: 'lt' }) && isKeySlot(nodeAt(n, 'left')) ? { ...n, left: next({ left: n['left'] }, 'left')['left'] } : undefined) },
  { name: 'values are copied from the keys', match: (n) => (is(n, 'copy_async', { storage: 'v' }) ? { ...n, storage: 'k' } : undefined) },
  { name: 'a row is copied from its neighbour', match: (n) => (is(n, 'copy_async') ? next(n, 'index') : undefined) },
  { name: 'matrices of the next row are read', match: (n) => (is(n, 'load_matrix') ? next(n, 'index', 3) : undefined) },
  { name: 'a quad reduces over half of its lanes', match: (n) => (is(n, 'shuffle_xor', { mask: 2 }) ? { ...n, mask: 1 } : undefined) },
  { name: 'two sums of a product change places', match: (n) => (is(n, 'mma') && Array.isArray(n['sums']) ? { ...n, sums: [n['sums'][2], n['sums'][1], n['sums'][0], n['sums'][3]] } : undefined) },
  { name: 'stores are not guarded', match: (n) => (is(n, 'if', { uniform: false }) && JSON.stringify(n['then']).includes('"kind":"store"') && !is(nodeAt(n, 'cond'), 'literal') ? { ...n, cond: { kind: 'literal', type: 'bool', value: 1 } } : undefined) },
  { name: 'a kernel waits for no copy', match: (n) => (is(n, 'copy_wait') ? removed : undefined) },
];
