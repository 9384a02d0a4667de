/**
 * Helper functions of a `.cu` file. In: kernel programs (legalised). Out: the lines of those functions that their text calls, in a
 * fixed order, what a function itself calls before it. Holds: every function is total, and inline PTX has the forms that the assembler accepts.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { KernelExpr, KernelProgram, KernelStmt, KernelType } from '../../compiler/kernel/ir.ts';
import { walkExpressions, walkStatements } from '../../compiler/kernel/walk.ts';
import { multiplications } from './dialect.ts';

const head = '__device__ __forceinline__';
const parts = ['x', 'y', 'z', 'w'] as const;

/** `name(a, ...)` for each component. */
function componentwise(name: string, types: readonly ('float' | 'float4')[]): readonly string[] {
  const names = ['a', 'b', 'c'].slice(0, types.length);
  const parameters = types.map((t, i) => [t, names[i]].join(' ')).join(', ');
  const component = (p: string): string => [name, '(', types.map((t, i) => [names[i], t === 'float4' ? ['.', p].join('') : ''].join('')).join(', '), ')'].join('');
  return [[head, ' float4 ', name, '(', parameters, ') {'].join(''), ['  return make_float4(', parts.map(component).join(', '), ');'].join(''), '}'];
}

function operator(sign: string, left: 'float' | 'float4', right: 'float' | 'float4'): readonly string[] {
  const component = (p: string): string => [left === 'float4' ? ['a.', p].join('') : 'a', sign, right === 'float4' ? ['b.', p].join('') : 'b'].join(' ');
  return [
    [head, ' float4 operator', sign, '(', left, ' a, ', right, ' b) {'].join(''),
    ['  return make_float4(', parts.map(component).join(', '), ');'].join(''),
    '}',
  ];
}

function matrixLoad(name: string, modifier: string): readonly string[] {
  return [
    [head, ' void ', name, '(unsigned& a, unsigned& b, unsigned& c, unsigned& d, const void* row) {'].join(''),
    '  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));',
    ['  asm volatile("ldmatrix.sync.aligned.m8n8.x4', modifier, '.shared.b16 {%0, %1, %2, %3}, [%4];"'].join(''),
    '               : "=r"(a), "=r"(b), "=r"(c), "=r"(d) : "r"(address) : "memory");',
    '}',
  ];
}

function matrixMultiply(name: string, shape: string, type: string): readonly string[] {
  return [
    [head, ' void ', name, '(float& s0, float& s1, float& s2, float& s3, unsigned a0, unsigned a1, unsigned a2, unsigned a3,'].join(''),
    '                                     unsigned b0, unsigned b1) {',
    ['  asm volatile("mma.sync.aligned.', shape, '.row.col.f32.', type, '.', type, '.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"'].join(''),
    '               : "+f"(s0), "+f"(s1), "+f"(s2), "+f"(s3) : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));',
    '}',
  ];
}

function packed(name: string, type: string): readonly string[] {
  return [
    '// The first source of the conversion goes to the upper half.',
    [head, ' unsigned ', name, '(float low, float high) {'].join(''),
    '  unsigned pair;',
    ['  asm("cvt.rn.', type, '.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));'].join(''),
    '  return pair;',
    '}',
  ];
}

function half(name: string, which: string): readonly string[] {
  return [
    [head, ' float ', name, '(unsigned pair) {'].join(''),
    '  float value;',
    ['  asm("{.reg .b16 low, high; mov.b32 {low, high}, %1; cvt.f32.f16 %0, ', which, ';}" : "=f"(value) : "r"(pair));'].join(''),
    '  return value;',
    '}',
  ];
}

function exchange(name: string, call: string, vector: string): readonly string[] {
  return [
    '// All lanes that the warp has take part.',
    [head, ' unsigned ', vector, '_mask(int lanes) { return 0xffffffffu >> (32 - lanes); }'].join(''),
    'template <typename T>',
    [head, ' T ', name, '(T value, int lane, int lanes) {'].join(''),
    ['  return ', call, ';'].join(''),
    '}',
    [head, ' float4 ', name, '(float4 v, int lane, int lanes) {'].join(''),
    ['  return make_float4(', parts.map((p) => [name, '(v.', p, ', lane, lanes)'].join('')).join(', '), ');'].join(''),
    '}',
    [head, ' uint2 ', name, '(uint2 v, int lane, int lanes) {'].join(''),
    ['  return make_uint2(', name, '(v.x, lane, lanes), ', name, '(v.y, lane, lanes));'].join(''),
    '}',
  ];
}

function reduction(op: 'sum' | 'max'): readonly string[] {
  const name = ['subgroup_', op].join('');
  const join = (type: string): string => (op === 'sum' ? 'value + other' : type === 'float' ? 'fmaxf(value, other)' : 'max(value, other)');
  const scalar = (type: string): readonly string[] => [
    [head, ' ', type, ' ', name, '(', type, ' value, int lanes) {'].join(''),
    '  const unsigned mask = 0xffffffffu >> (32 - lanes);',
    '  const int lane = threadIdx.x & 31;',
    '  if ((lanes & (lanes - 1)) == 0) {',
    '    for (int distance = lanes / 2; distance > 0; distance /= 2) {',
    ['      const ', type, ' other = __shfl_xor_sync(mask, value, distance);'].join(''),
    ['      value = ', join(type), ';'].join(''),
    '    }',
    '    return value;',
    '  }',
    '  // Any other number of lanes: down to lane 0, then to all. A lane without a partner keeps what it has.',
    '  for (int distance = 16; distance > 0; distance /= 2) {',
    '    const bool paired = lane + distance < lanes;',
    ['    const ', type, ' other = __shfl_sync(mask, value, paired ? lane + distance : lane);'].join(''),
    ['    value = paired ? ', join(type), ' : value;'].join(''),
    '  }',
    '  return __shfl_sync(mask, value, 0);',
    '}',
  ];
  return [
    ...scalar('float'), ...scalar('int'), ...scalar('unsigned'),
    [head, ' float4 ', name, '(float4 v, int lanes) {'].join(''),
    ['  return make_float4(', parts.map((p) => [name, '(v.', p, ', lanes)'].join('')).join(', '), ');'].join(''),
    '}',
  ];
}

/** All helpers in the order they are printed; what a later one calls stands before it. */
const library: ReadonlyMap<string, { readonly lines: readonly string[]; readonly needs?: readonly string[] }> = new Map(Object.entries({
  wrapping_abs: { lines: [[head, ' int wrapping_abs(int a) { return a < 0 ? int(0u - unsigned(a)) : a; }'].join('')] },
  splat: { lines: [[head, ' float4 splat(float a) { return make_float4(a, a, a, a); }'].join('')] },
  fast_exp: {
    lines: [
      '// Two units in the last place, and the rounding of a / ln 2; results below 2^-126 become 0.',
      [head, ' float fast_exp(float a) {'].join(''),
      '  float power;',
      '  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(a * 1.44269504f));',
      '  return power;',
      '}',
    ],
  },
  fast_exp4: { lines: componentwise('fast_exp', ['float4']), needs: ['fast_exp'] },
  __logf4: { lines: componentwise('__logf', ['float4']) },
  tanhf4: { lines: componentwise('tanhf', ['float4']) },
  sqrtf4: { lines: componentwise('sqrtf', ['float4']) },
  rsqrtf4: { lines: componentwise('rsqrtf', ['float4']) },
  floorf4: { lines: componentwise('floorf', ['float4']) },
  fabsf4: { lines: componentwise('fabsf', ['float4']) },
  fminf4: { lines: componentwise('fminf', ['float4', 'float4']) },
  fmaxf4: { lines: componentwise('fmaxf', ['float4', 'float4']) },
  neg4: { lines: [[head, ' float4 operator-(float4 a) { return make_float4(-a.x, -a.y, -a.z, -a.w); }'].join('')] },
  add44: { lines: operator('+', 'float4', 'float4') },
  sub44: { lines: operator('-', 'float4', 'float4') },
  mul44: { lines: operator('*', 'float4', 'float4') },
  mul41: { lines: operator('*', 'float4', 'float') },
  mul14: { lines: operator('*', 'float', 'float4') },
  div44: { lines: operator('/', 'float4', 'float4') },
  fma44: { lines: componentwise('fmaf', ['float4', 'float4', 'float4']) },
  fma14: { lines: componentwise('fmaf', ['float', 'float4', 'float4']) },
  fma41: { lines: componentwise('fmaf', ['float4', 'float', 'float4']) },
  fma11: { lines: componentwise('fmaf', ['float', 'float', 'float4']) },
  dot: { lines: [[head, ' float dot(float4 a, float4 b) { return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, a.x * b.x))); }'].join('')] },
  from_half: {
    lines: [[head, ' float from_half(unsigned short bits) {'].join(''), '  float value;', '  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));', '  return value;', '}'],
  },
  to_half: {
    lines: [[head, ' unsigned short to_half(float value) {'].join(''), '  unsigned short bits;', '  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));', '  return bits;', '}'],
  },
  from_bfloat: { lines: [[head, ' float from_bfloat(unsigned short bits) { return __uint_as_float(unsigned(bits) << 16); }'].join('')] },
  to_bfloat: {
    lines: [[head, ' unsigned short to_bfloat(float value) {'].join(''), '  unsigned short bits;', '  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));', '  return bits;', '}'],
  },
  unpack_half_low: { lines: half('unpack_half_low', 'low') },
  unpack_half_high: { lines: half('unpack_half_high', 'high') },
  pack_half2: { lines: packed('pack_half2', 'f16x2') },
  pack_bfloat2: { lines: packed('pack_bfloat2', 'bf16x2') },
  unpack_half4: {
    lines: [
      [head, ' float4 unpack_half4(uint2 pairs) {'].join(''),
      '  return make_float4(unpack_half_low(pairs.x), unpack_half_high(pairs.x), unpack_half_low(pairs.y), unpack_half_high(pairs.y));',
      '}',
    ],
    needs: ['unpack_half_low', 'unpack_half_high'],
  },
  pack_half4: { lines: [[head, ' uint2 pack_half4(float4 v) { return make_uint2(pack_half2(v.x, v.y), pack_half2(v.z, v.w)); }'].join('')], needs: ['pack_half2'] },
  unpack_bfloat_low: { lines: [[head, ' float unpack_bfloat_low(unsigned pair) { return __uint_as_float(pair << 16); }'].join('')] },
  unpack_bfloat_high: { lines: [[head, ' float unpack_bfloat_high(unsigned pair) { return __uint_as_float(pair & 0xffff0000u); }'].join('')] },
  unpack_bfloat4: {
    lines: [
      [head, ' float4 unpack_bfloat4(uint2 pairs) {'].join(''),
      '  return make_float4(unpack_bfloat_low(pairs.x), unpack_bfloat_high(pairs.x), unpack_bfloat_low(pairs.y), unpack_bfloat_high(pairs.y));',
      '}',
    ],
    needs: ['unpack_bfloat_low', 'unpack_bfloat_high'],
  },
  pack_bfloat4: { lines: [[head, ' uint2 pack_bfloat4(float4 v) { return make_uint2(pack_bfloat2(v.x, v.y), pack_bfloat2(v.z, v.w)); }'].join('')], needs: ['pack_bfloat2'] },
  shuffle: { lines: exchange('shuffle', '__shfl_sync(shuffle_mask(lanes), value, lane)', 'shuffle') },
  shuffle4: { lines: exchange('shuffle4', '__shfl_sync(shuffle4_mask(lanes), value, lane, 4)', 'shuffle4') },
  shuffle_xor: { lines: exchange('shuffle_xor', '__shfl_xor_sync(shuffle_xor_mask(lanes), value, lane)', 'shuffle_xor') },
  subgroup_sum: { lines: reduction('sum') },
  subgroup_max: { lines: reduction('max') },
  copy_async: {
    lines: [
      [head, ' void copy_async(void* to, const void* from, int bytes) {'].join(''),
      '  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to));',
      '  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" : : "r"(address), "l"(__cvta_generic_to_global(from)), "r"(bytes) : "memory");',
      '}',
    ],
  },
  copy_commit: { lines: [[head, ' void copy_commit() { asm volatile("cp.async.commit_group;" : : : "memory"); }'].join('')] },
  copy_wait: {
    lines: ['template <int pending>', [head, ' void copy_wait() { asm volatile("cp.async.wait_group %0;" : : "n"(pending) : "memory"); }'].join('')],
  },
  load_matrix: { lines: matrixLoad('load_matrix', '') },
  load_matrix_transposed: { lines: matrixLoad('load_matrix_transposed', '.trans') },
  load_word: { lines: [[head, ' float load_word(const uint4* rows, int index) { return reinterpret_cast<const float*>(rows)[index]; }'].join('')] },
  round_tf32: {
    lines: [[head, ' unsigned round_tf32(float value) {'].join(''), '  unsigned bits;', '  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));', '  return bits;', '}'],
  },
  mma_half: { lines: matrixMultiply('mma_half', 'm16n8k16', 'f16') },
  mma_bfloat: { lines: matrixMultiply('mma_bfloat', 'm16n8k16', 'bf16') },
  mma_tf32: { lines: matrixMultiply('mma_tf32', 'm16n8k8', 'tf32') },
}));

/** Names that no variable may take. */
export const helperNames: readonly string[] = [
  ...[...library.keys()].map((k) => k.replace(/[14]+$/, '')), 'shuffle4', 'unpack_half4', 'pack_half4', 'unpack_bfloat4', 'pack_bfloat4', 'shuffle_mask', 'shuffle4_mask', 'shuffle_xor_mask',
];

const unaryHelpers: ReadonlyMap<string, string> = new Map([
  ['exp', 'fast_exp'], ['log', '__logf'], ['tanh', 'tanhf'], ['sqrt', 'sqrtf'], ['rsqrt', 'rsqrtf'], ['floor', 'floorf'], ['abs', 'fabsf'], ['neg', 'neg'],
]);

function factor(type: KernelType): string {
  return type === 'vec4f' ? '4' : '1';
}

/** Keys of the library that an expression calls for itself; unknown keys are builtins of the language. */
function helpersOfExpression(e: KernelExpr): readonly string[] {
  switch (e.kind) {
    case 'unary':
      if (e.op === 'abs' && e.arg.type === 'i32') return ['wrapping_abs'];
      if (e.arg.type === 'vec4f') return [[unaryHelpers.get(e.op) ?? e.op, e.op === 'pack_half4' || e.op === 'pack_bfloat4' ? '' : '4'].join('')];
      return [unaryHelpers.get(e.op) ?? e.op];
    case 'binary':
      if (e.op === 'min' || e.op === 'max') return e.type === 'vec4f' ? [['f', e.op, 'f4'].join('')] : [];
      return e.type === 'vec4f' ? [[e.op, factor(e.left.type), factor(e.right.type)].join('')] : [e.op];
    case 'fma':
      return e.type === 'vec4f' ? [['fma', factor(e.a.type), factor(e.b.type)].join('')] : [];
    case 'shuffle':
      return [e.group === 4 ? 'shuffle4' : 'shuffle'];
    case 'shuffle_xor':
      return ['shuffle_xor'];
    case 'subgroup':
      return [['subgroup_', e.op].join('')];
    case 'literal':
    case 'ref':
    case 'builtin':
    case 'select':
    case 'vec4':
    case 'extract':
    case 'load':
    case 'load_shared':
    case 'load_array':
      return [];
    default:
      return unreachable(e);
  }
}

function helpersOfStatement(s: KernelStmt): readonly string[] {
  switch (s.kind) {
    case 'copy_async':
    case 'copy_commit':
    case 'copy_wait':
      return [s.kind];
    case 'load_matrix':
      return [s.transposed ? 'load_matrix_transposed' : 'load_matrix'];
    case 'load_words':
      return ['load_word'];
    case 'mma':
      return [multiplications[s.operands]];
    case 'let':
    case 'var':
    case 'assign':
    case 'array':
    case 'assign_array':
    case 'store':
    case 'store_shared':
    case 'barrier':
    case 'if':
    case 'for':
    case 'while':
    case 'comment':
      return [];
    default:
      return unreachable(s);
  }
}

/** The helpers that these kernels call, one list of lines for each. */
export function helperLines(kernels: readonly KernelProgram[]): readonly (readonly string[])[] {
  const used = new Set<string>();
  const use = (key: string): void => {
    const found = library.get(key);
    if (found === undefined || used.has(key)) return;
    used.add(key);
    found.needs?.forEach(use);
  };
  for (const kernel of kernels) {
    walkStatements(kernel.body, (s) => helpersOfStatement(s).forEach(use));
    walkExpressions(kernel.body, (e) => helpersOfExpression(e).forEach(use));
    for (const { element, access } of kernel.storage) {
      if (element === 'f16') use(access === 'read' ? 'from_half' : 'to_half');
      if (element === 'bf16') use(access === 'read' ? 'from_bfloat' : 'to_bfloat');
      if (element === 'vec4h') use(access === 'read' ? 'unpack_half4' : 'pack_half4');
    }
  }
  return [...library].flatMap(([key, { lines }]) => (used.has(key) ? [lines] : []));
}
