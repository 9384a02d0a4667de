/**
 * The call of a generated module: names and types of its arguments. In: a host plan. Out: names that clash with nothing, the properties
 * of the call object with their doc comments, and the code for the extent of an axis.
 */
import type { OptionalKind, PropertySignatureStructure } from 'ts-morph';
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import { printExpr } from '../expr/print.ts';
import type { Axis, ScalarParam, TensorParam } from '../spec/ir.ts';
import { expressionText } from './bindings-expr.ts';
import type { Naming } from './bindings-expr.ts';
import { bindingsNumbers } from './bindings-numbers.ts';
import { bindingsRuntime } from './bindings-runtime.ts';
import { givesAttention } from './inputs.ts';
import type { HostPlan } from './plan.ts';

/** snake_case to camelCase. */
export function camelCase(name: string): string {
  return name.replace(/_+([A-Za-z0-9])/g, (_, c: string) => c.toUpperCase()).replace(/_+$/, '');
}

export function pascalCase(name: string): string {
  const camel = camelCase(name);
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}

// Words that cannot name a function or constant of a module, or that the module uses itself.
export const taken = new Set(
  ('await break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield arguments eval async undefined NaN Infinity Math Number Array Map Set ' +
    'device call encoder kernels made outputs buffers steps shapes reading needed recording bytes result out lse destroy head_first head_count kv_first kv_count requirements sources').split(' '),
);
for (const [, name] of `${bindingsRuntime}${bindingsNumbers}`.matchAll(/^(?:async )?(?:function|const|interface|type) (\w+)/gm)) if (name !== undefined) taken.add(name);

const sizeNames = new Map([
  ['batch', 'batch'], ['heads', 'heads'], ['kv_heads', 'kvHeads'], ['n_q', 'nQ'], ['n_k', 'nK'], ['dim', 'dim'],
  ['head_first', 'head_first'], ['head_count', 'head_count'], ['kv_first', 'kv_first'], ['kv_count', 'kv_count'],
]);

export interface Names {
  /** Host name -> local constant of the generated function. */
  readonly local: Naming;
  /** Property of the call object for a scalar or tensor parameter. */
  readonly property: (parameter: string) => string;
  /** Property for the extent of a free axis. */
  readonly extent: (tensor: string, axis: string) => string;
}

interface FreeAxis {
  readonly tensor: TensorParam;
  readonly axis: string;
}

function freeAxes(plan: HostPlan): readonly FreeAxis[] {
  return plan.tensors.flatMap((tensor) => tensor.axes.flatMap((axis) => (axis.kind === 'free' ? [{ tensor, axis: axis.name }] : [])));
}

export function namesOf(plan: HostPlan): Names {
  const locals = new Map(sizeNames);
  for (const s of plan.scalars) locals.set(s.name, `p_${s.name}`);
  for (const f of freeAxes(plan)) locals.set(`${f.tensor.name}.${f.axis}`, `x_${f.tensor.name}_${f.axis}`);
  for (const v of plan.variables) locals.set(v.name, `v_${v.name.replace(/[^A-Za-z0-9_]/g, '_')}`);
  const reserved = new Set(['q', 'k', 'v', 'batch', 'heads', 'kvHeads', 'nQ', 'nK', 'out', 'lse']);
  const properties = new Map<string, string>();
  const choose = (key: string, wanted: string): void => {
    let property = wanted;
    while (reserved.has(property)) property += '_';
    reserved.add(property);
    properties.set(key, property);
  };
  for (const { name } of [...plan.scalars, ...plan.tensors]) choose(name, camelCase(name));
  for (const f of freeAxes(plan)) choose(`${f.tensor.name}.${f.axis}`, camelCase(`${f.tensor.name}_${f.axis}`));
  const known = (key: string): string => {
    const property = properties.get(key);
    if (property === undefined) throw new CompilerBug('bindings', `no parameter '${key}'`);
    return property;
  };
  return {
    local: (name) => locals.get(name),
    property: known,
    extent: (tensor, axis) => known(`${tensor}.${axis}`),
  };
}

/** A result of a module: its property, the buffer that holds it, its type on the host. */
export interface BindingResult {
  readonly property: string;
  readonly buffer: string;
  readonly type: 'Float32Array' | 'Int32Array' | 'Uint8Array';
  readonly doc: string;
  /** As it lies on the device. */
  readonly stored: string;
}

/** What a call gives: out and lse of an attention, and the tensors that the program gives back. */
export function resultsOf(plan: HostPlan): readonly BindingResult[] {
  const taken = new Set(['out', 'lse', 'bounds', 'release', 'destroy']);
  const shape = (buffer: string): string => `[${plan.buffers.find((b) => b.name === buffer)?.extents.map((e) => printExpr(e)).join(', ') ?? ''}]`;
  const attention: readonly BindingResult[] = !givesAttention(plan) ? [] : [
    { property: 'out', buffer: 'out', type: 'Float32Array', doc: `[batch, heads, nQ, ${plan.dim}]; zeros where a row sees nothing.`, stored: `${plan.dtype} [batch, heads, nQ, ${plan.dim}].` },
    { property: 'lse', buffer: 'lse', type: 'Float32Array', doc: '[batch, heads, nQ]: natural log of the denominator; -Infinity where a row sees nothing.', stored: 'f32 [batch, heads, nQ].' },
  ];
  const others = (plan.stages?.outputs ?? []).map(({ name, buffer }): BindingResult => {
    let property = camelCase(name.replace(/[^A-Za-z0-9_]/g, '_'));
    while (taken.has(property)) property += '_';
    taken.add(property);
    const element = plan.buffers.find((b) => b.name === buffer)?.element ?? 'f32';
    const type = element === 'int' ? 'Int32Array' : element === 'bool' ? 'Uint8Array' : 'Float32Array';
    return { property, buffer, type, doc: `\`${name}\` ${shape(buffer)}${element === 'bool' ? ': 0 or 1.' : '.'}`, stored: `\`${name}\`, ${element === 'bool' ? 'one 32-bit word an element' : element} ${shape(buffer)}.` };
  });
  return [...attention, ...others];
}

function axisText(axis: Axis, naming: Naming): string {
  switch (axis.kind) {
    case 'batch':
    case 'heads':
    case 'kv_heads':
      return axis.kind;
    case 'queries':
      return 'n_q';
    case 'keys':
      return 'n_k';
    case 'blocks':
      return `${axis.of} / ${expressionText(axis.size, (n) => naming(n) ?? n)}`;
    case 'free':
      return axis.name;
    case 'fixed':
      return `${axis.extent}`;
    case 'dim':
      return axis.kind;
    case 'counted':
      return expressionText(axis.extent, (n) => naming(n) ?? n);
    default:
      return unreachable(axis);
  }
}

/** The extent of an axis as generated code. */
export function axisCode(axis: Axis, tensor: TensorParam, names: Names): string {
  switch (axis.kind) {
    case 'batch':
    case 'heads':
      return axis.kind;
    case 'kv_heads':
      return 'kvHeads';
    case 'queries':
      return 'nQ';
    case 'keys':
      return 'nK';
    case 'blocks':
      return `Math.ceil(${axis.of === 'queries' ? 'nQ' : 'nK'} / ${expressionText(axis.size, names.local)})`;
    case 'free':
      return `x_${tensor.name}_${axis.name}`;
    case 'fixed':
      return `${axis.extent}`;
    case 'dim':
      return expressionText({ kind: 'ref', type: 'int', name: 'dim' }, names.local);
    case 'counted':
      return expressionText(axis.extent, names.local);
    default:
      return unreachable(axis);
  }
}

const floatArrays = { f32: 'Float32Array | GPUBuffer', f16: 'Float32Array | Uint16Array | GPUBuffer', bf16: 'Float32Array | Uint16Array | GPUBuffer' };

function tensorType(tensor: TensorParam): string {
  switch (tensor.element) {
    case 'int':
      return 'Int32Array | GPUBuffer';
    case 'float':
      return 'Float32Array | GPUBuffer';
    case 'bool':
      return 'Uint8Array | GPUBuffer';
    default:
      return unreachable(tensor.element);
  }
}

export function docs(lines: readonly string[]): { readonly docs: string[] } {
  const text = lines.filter((l) => l !== '').join('\n').replaceAll('*/', '* /');
  return { docs: text === '' ? [] : [text] };
}

function scalarProperty(s: ScalarParam, names: Names): OptionalKind<PropertySignatureStructure> {
  const notes = [s.unit === undefined ? '' : `Unit: ${s.unit}.`, s.defaultValue === undefined ? '' : `Default: ${s.type === 'bool' ? s.defaultValue !== 0 : s.defaultValue}.`];
  return {
    name: names.property(s.name),
    type: s.type === 'bool' ? 'boolean' : 'number',
    isReadonly: true,
    hasQuestionToken: s.defaultValue !== undefined,
    ...docs([...s.doc, ...notes]),
  };
}

export function callProperties(plan: HostPlan, names: Names): OptionalKind<PropertySignatureStructure>[] {
  const fixed = (name: string, type: string, doc: string, optional = false): OptionalKind<PropertySignatureStructure> => ({
    name, type, isReadonly: true, hasQuestionToken: optional, ...docs([doc]),
  });
  const data = floatArrays[plan.dtype];
  const half = plan.dtype === 'f32' ? '' : ` A Uint16Array holds the bits of ${plan.dtype === 'f16' ? 'halves' : 'bfloat16 numbers'}; a Float32Array is rounded.`;
  const own = plan.chain !== undefined ? [] : [
    fixed('q', data, `Queries [batch, heads, nQ, ${plan.dim}].${half}`),
    fixed('k', data, `Keys [batch, kvHeads, nK, ${plan.dim}].`),
    fixed('v', data, `Values [batch, kvHeads, nK, ${plan.dim}].`),
    fixed('heads', 'number', 'Query heads.'),
    fixed('kvHeads', 'number', 'Key-value heads, a divisor of `heads`. Default: `heads`.', true),
  ];
  return [
    ...own,
    fixed('nQ', 'number', 'Query rows; row i stands at position i + nK - nQ.'),
    fixed('nK', 'number', 'Keys. Default: `nQ`.', true),
    fixed('batch', 'number', 'Default: 1.', true),
    ...plan.scalars.map((s) => scalarProperty(s, names)),
    ...plan.tensors.map((t) => ({
      name: names.property(t.name),
      type: tensorType(t),
      isReadonly: true,
      ...docs([...t.doc, `${t.element} [${t.axes.map((a) => axisText(a, () => undefined)).join(', ')}], row-major.${t.unit === undefined ? '' : ` Unit: ${t.unit}.`}${t.element === 'bool' ? ' In a GPUBuffer: one 32-bit word an element.' : ''}`]),
    })),
    ...freeAxes(plan).map((f) => fixed(names.extent(f.tensor.name, f.axis), 'number', `Extent of the axis \`${f.axis}\` of \`${names.property(f.tensor.name)}\`. Default: what its length leaves.`, true)),
  ];
}
