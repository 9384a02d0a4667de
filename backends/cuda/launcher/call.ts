/**
 * The arguments of a compiled attention as C sees them. In: a host plan. Out: the fields of its call struct, in order: pointers to device
 * memory first, then whole numbers and floats of four bytes, so that no language that mirrors the struct has to think of padding.
 */
import type { Axis, TensorParam } from '../../../compiler/spec/ir.ts';
import { axisName } from '../../../compiler/launch/check-parameters.ts';
import { hostInputs } from '../../../compiler/launch/inputs.ts';
import type { HostBuffer, HostPlan } from '../../../compiler/launch/plan.ts';

export type CallField =
  | { readonly kind: 'buffer'; readonly name: string; readonly buffer: HostBuffer; readonly tensor?: TensorParam; readonly doc: string }
  | { readonly kind: 'size'; readonly name: 'batch' | 'heads' | 'kv_heads' | 'n_q' | 'n_k'; readonly doc: string }
  | { readonly kind: 'extent'; readonly name: string; readonly tensor: string; readonly axis: string; readonly doc: string }
  | { readonly kind: 'scalar'; readonly name: string; readonly scalar: string; readonly type: 'int' | 'float' | 'bool'; readonly doc: string };

const keywords = new Set(`alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const constexpr continue decltype default
delete do double else enum explicit export extern false float for friend goto if inline int long mutable namespace new not nullptr operator or
private protected public register restrict return short signed sizeof static struct switch template this throw true try typedef typename union
unsigned using virtual void volatile while xor`.split(/\s+/));

/** The name as an identifier of C, and of C++. */
export function cIdentifier(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[0-9])/, 'n');
  return keywords.has(clean) ? [clean, '_'].join('') : clean;
}

/** How q, k, v and out are stored, and what products round. */
export function storageWords({ dtype, products }: HostPlan): string {
  return products === undefined ? dtype : [dtype, ' (products in ', products, ')'].join('');
}

/** The tensor parameter whose values a buffer holds. */
export function tensorOf(plan: HostPlan, buffer: HostBuffer): TensorParam | undefined {
  return hostInputs(plan).find((i) => i.buffer.name === buffer.name)?.tensor;
}

/** Tensor axes in words: `[batch, keys]`. */
export function axesText(axes: readonly Axis[]): string {
  return ['[', axes.map(axisName).join(', '), ']'].join('');
}

const shapes: ReadonlyMap<string, string> = new Map([
  ['q', '[batch, heads, n_q, dim]'], ['k', '[batch, kv_heads, n_k, dim]'], ['v', '[batch, kv_heads, n_k, dim]'],
  ['out', '[batch, heads, n_q, dim]; zeros where a row sees nothing'],
  ['lse', '[batch, heads, n_q]: natural log of the denominator; minus infinity where a row sees nothing'],
]);

const sizeFields = new Set(['batch', 'heads', 'kv_heads', 'n_q', 'n_k']);

export type BufferField = Extract<CallField, { kind: 'buffer' }>;

function bufferField(plan: HostPlan, buffer: HostBuffer): BufferField {
  const tensor = tensorOf(plan, buffer);
  if (tensor === undefined) {
    const given = plan.stages?.outputs.find((o) => o.buffer === buffer.name);
    const words = buffer.element === 'bool' ? ', a 32-bit word an element' : '';
    const doc = shapes.get(buffer.name) ?? [plan.chain === undefined ? 'the stage tensor ' : 'the tensor ', given?.name ?? buffer.name, words].join('');
    return { kind: 'buffer', name: cIdentifier(buffer.name), buffer, doc };
  }
  const words = tensor.element === 'bool' ? ', a 32-bit word an element' : '';
  const doc = [axesText(tensor.axes), words, ...tensor.doc.map((d) => ['. ', d].join(''))].join('');
  const own = cIdentifier(tensor.name);
  return { kind: 'buffer', name: plan.buffers.some((b) => b.name === own) || sizeFields.has(own) ? cIdentifier(buffer.name) : own, buffer, tensor, doc };
}

/** All fields; the caller allocates every buffer, outputs too. */
export function callFields(plan: HostPlan): readonly CallField[] {
  const taken = new Set(sizeFields);
  // Different names may become one identifier, such as the tensors `a.b_c` and `a_b.c` of stages.
  const free = (wanted: string): string => {
    let name = cIdentifier(wanted);
    while (taken.has(name)) name = [name, '_'].join('');
    taken.add(name);
    return name;
  };
  const buffers = plan.buffers.filter((b) => b.role !== 'workspace').map((b) => {
    const field = bufferField(plan, b);
    return { ...field, name: free(field.name) };
  });
  return [
    ...buffers,
    { kind: 'size', name: 'batch', doc: '' },
    { kind: 'size', name: 'heads', doc: 'a multiple of kv_heads' },
    { kind: 'size', name: 'kv_heads', doc: '' },
    { kind: 'size', name: 'n_q', doc: 'query row i stands at position i + n_k - n_q' },
    { kind: 'size', name: 'n_k', doc: '' },
    ...plan.tensors.flatMap((t) => t.axes.flatMap((a): readonly CallField[] =>
      (a.kind === 'free' ? [{ kind: 'extent', name: free([t.name, '_', a.name].join('')), tensor: t.name, axis: a.name, doc: ['extent of the axis ', a.name, ' of ', t.name].join('') }] : []))),
    ...plan.scalars.map((s): CallField => {
      const words = [...s.doc, ...(s.unit === undefined ? [] : [['unit: ', s.unit].join('')]), ...(s.defaultValue === undefined ? [] : [['default ', String(s.defaultValue)].join('')])];
      return { kind: 'scalar', name: free(s.name), scalar: s.name, type: s.type, doc: words.join('; ') };
    }),
  ];
}
