/**
 * Typed bindings: from a host plan and its WGSL texts to one self-contained TypeScript module that runs on plain WebGPU.
 * In: the plan and a text per kernel. Out: module source. What holds: the call signature is the program's parameters (names, units,
 * doc comments, defaults), every size is checked before anything is dispatched, and the module imports nothing.
 */
import { IndentationText, Project, QuoteKind, VariableDeclarationKind } from 'ts-morph';
import type { CodeBlockWriter, OptionalKind, PropertySignatureStructure, SourceFile } from 'ts-morph';
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import type { Axis, ScalarParam, TensorParam } from '../spec/ir.ts';
import { expressionText } from './bindings-expr.ts';
import type { Naming } from './bindings-expr.ts';
import { bindingsRuntime } from './bindings-runtime.ts';
import type { HostBuffer, HostPlan } from './plan.ts';

/** snake_case to camelCase. */
export function camelCase(name: string): string {
  return name.replace(/_+([A-Za-z0-9])/g, (_, c: string) => c.toUpperCase()).replace(/_+$/, '');
}

function pascalCase(name: string): string {
  const camel = camelCase(name);
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}

// Words that cannot name a function or constant of a module, or that the module uses itself.
const taken = new Set(
  ('await break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield arguments eval async undefined NaN Infinity Math Number Array Map Set ' +
    'usage mapModeRead device call encoder kernels made steps buffers head_first head_count kv_first kv_count flatHeads group plan requirements sources prepared').split(' '),
);
for (const [, name] of bindingsRuntime.matchAll(/^(?:async )?(?:function|const|interface|type) (\w+)/gm)) if (name !== undefined) taken.add(name);

const sizeNames = new Map([
  ['batch', 'batch'], ['heads', 'heads'], ['kv_heads', 'kvHeads'], ['n_q', 'nQ'], ['n_k', 'nK'], ['dim', 'dim'],
  ['head_first', 'head_first'], ['head_count', 'head_count'], ['kv_first', 'kv_first'], ['kv_count', 'kv_count'],
]);

interface Names {
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

function namesOf(plan: HostPlan): Names {
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
    default:
      return unreachable(axis);
  }
}

/** The extent of an axis as generated code. */
function axisCode(axis: Axis, tensor: TensorParam, names: Names): string {
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
    default:
      return unreachable(axis);
  }
}

const floatArrays = { f32: 'Float32Array | GPUBuffer', f16: 'Float32Array | Uint16Array | GPUBuffer' };

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

function docs(lines: readonly string[]): { readonly docs: string[] } {
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

function callProperties(plan: HostPlan, names: Names): OptionalKind<PropertySignatureStructure>[] {
  const fixed = (name: string, type: string, doc: string, optional = false): OptionalKind<PropertySignatureStructure> => ({
    name, type, isReadonly: true, hasQuestionToken: optional, ...docs([doc]),
  });
  const data = floatArrays[plan.dtype];
  const half = plan.dtype === 'f16' ? ' A Uint16Array holds the bits of halves; a Float32Array is rounded.' : '';
  return [
    fixed('q', data, `Queries [batch, heads, nQ, ${plan.dim}].${half}`),
    fixed('k', data, `Keys [batch, kvHeads, nK, ${plan.dim}].`),
    fixed('v', data, `Values [batch, kvHeads, nK, ${plan.dim}].`),
    fixed('heads', 'number', 'Query heads.'),
    fixed('kvHeads', 'number', 'Key-value heads, a divisor of `heads`. Default: `heads`.', true),
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

/** The code that reads and checks the call; afterwards every host name has a local. */
function writeReading(w: CodeBlockWriter, plan: HostPlan, names: Names): void {
  w.writeLine(`const dim: number = ${plan.dim};`);
  w.writeLine(`const batch = wholeNumber('batch', call.batch ?? 1, 1, 16777216);`);
  w.writeLine(`const heads = wholeNumber('heads', call.heads, 1, 16777216);`);
  w.writeLine(`const kvHeads = wholeNumber('kvHeads', call.kvHeads ?? heads, 1, heads);`);
  w.writeLine('if (heads % kvHeads !== 0) throw new RangeError(`heads (${heads}) must be a multiple of kvHeads (${kvHeads})`);');
  w.writeLine(`const nQ = wholeNumber('nQ', call.nQ, 1, 16777216);`);
  w.writeLine(`const nK = wholeNumber('nK', call.nK ?? nQ, 1, 16777216);`);
  for (const s of plan.scalars) {
    const property = names.property(s.name);
    const given = `call.${property}${s.defaultValue === undefined ? '' : ` ?? ${s.type === 'bool' ? s.defaultValue !== 0 : s.defaultValue}`}`;
    const value = s.type === 'int' ? `wholeNumber('${property}', ${given}, -1073741824, 1073741824)` : s.type === 'float' ? `finiteNumber('${property}', ${given})` : given;
    w.writeLine(`const p_${s.name} = ${value};`);
  }
  for (const tensor of plan.tensors) {
    const open = tensor.axes.filter((a) => a.kind === 'free');
    const others = tensor.axes.filter((a) => a.kind !== 'free').map((a) => axisCode(a, tensor, names)).join(' * ');
    for (const axis of open) {
      const property = names.property(tensor.name);
      const extent = names.extent(tensor.name, axis.name);
      const inferred = open.length === 1 ? `openExtent('${property}', lengthOf(call.${property}, '${elementOf(tensor)}'), ${others === '' ? '1' : others})` : '-1';
      w.writeLine(`const x_${tensor.name}_${axis.name} = wholeNumber('${extent}', call.${extent} ?? ${inferred}, 0, 1073741824);`);
    }
  }
  for (const r of plan.requires) w.writeLine(`if (!${expressionText(r.condition, names.local)}) throw new RangeError(${JSON.stringify(r.message)});`);
  for (const v of plan.variables) w.writeLine(`const v_${v.name.replace(/[^A-Za-z0-9_]/g, '_')} = ${expressionText(v.value, names.local)};`);
}

function elementOf(tensor: TensorParam): 'f32' | 'int' | 'bool' {
  return tensor.element === 'float' ? 'f32' : tensor.element;
}

function shapeCode(b: HostBuffer, names: Names): string {
  const extents = b.extents.map((e) => expressionText(e, names.local)).join(', ');
  return `{ name: ${JSON.stringify(b.name)}, role: '${b.role}', element: '${b.element}', extents: [${extents}], chunked: '${b.chunked}' }`;
}

function bufferCode(b: HostBuffer, plan: HostPlan, names: Names): string {
  if (b.role === 'input') {
    // Inputs stand in the order q, k, v, parameters; a buffer may bear another name than its parameter.
    const at = plan.buffers.filter((x) => x.role === 'input').indexOf(b);
    const given = ['q', 'k', 'v'][at] ?? names.property(plan.tensors[at - 3]?.name ?? missing(b.name));
    return `uploadTensor(device, ${shapeCode(b, names)}, call.${given}, made)`;
  }
  return `emptyBuffer(device, ${shapeCode(b, names)}, ${b.role === 'output' ? 'outputs' : 'made'})`;
}

function missing(name: string): never {
  throw new CompilerBug('bindings', `the input buffer '${name}' is no parameter`);
}

function writeRecording(w: CodeBlockWriter, plan: HostPlan, names: Names): void {
  w.writeLine('const device = kernels.device;');
  writeReading(w, plan, names);
  w.writeLine('const made: GPUBuffer[] = [];');
  w.writeLine('const outputs: GPUBuffer[] = [];');
  w.writeLine('const buffers = new Map<string, Bound>([');
  w.indent(() => {
    for (const b of plan.buffers) w.writeLine(`[${JSON.stringify(b.name)}, ${bufferCode(b, plan, names)}],`);
  });
  w.writeLine(']);');
  w.writeLine('const steps: readonly Step[] = [');
  w.indent(() => {
    for (const step of plan.steps) {
      w.writeLine('{');
      w.indent(() => {
        w.writeLine(`kernel: ${JSON.stringify(step.kernel)},`);
        w.writeLine(`chunkable: ${step.chunkable},`);
        w.writeLine('at: (head_first, head_count, kv_first, kv_count) => ({');
        w.indent(() => {
          w.writeLine(`when: ${expressionText(step.when, names.local)},`);
          w.writeLine(`workgroups: [${step.workgroups.map((e) => expressionText(e, names.local)).join(', ')}],`);
          w.writeLine(`uniforms: [${step.uniforms.map((e) => (e.type === 'bool' ? `Number(${expressionText(e, names.local)})` : expressionText(e, names.local))).join(', ')}],`);
        });
        w.writeLine('}),');
      });
      w.writeLine('},');
    }
  });
  w.writeLine('];');
  w.writeLine('encodeSteps(device, encoder, kernels.pipelines, buffers, steps, batch * heads, heads / kvHeads, made);');
  w.writeLine(`const out = buffers.get('out');`);
  w.writeLine(`const lse = buffers.get('lse');`);
  w.writeLine(`if (out === undefined || lse === undefined) throw new Error('the plan has no outputs');`);
  w.writeLine('return {');
  w.indent(() => {
    w.writeLine('out: out.buffer, lse: lse.buffer, bounds: [out, lse],');
    w.writeLine('release: () => made.splice(0).forEach((b) => b.destroy()),');
    w.writeLine('destroy: () => [...made.splice(0), ...outputs.splice(0)].forEach((b) => b.destroy()),');
  });
  w.writeLine('};');
}

function addKernels(file: SourceFile, plan: HostPlan, wgsl: ReadonlyMap<string, string>): void {
  const escape = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');
  file.addVariableStatement({
    declarationKind: VariableDeclarationKind.Const,
    docs: ['The kernels, as data: sources, entry sizes, buffers in binding order.'],
    declarations: [
      {
        name: 'sources',
        type: 'readonly KernelSource[]',
        initializer: (w) => {
          w.write('[').newLine();
          for (const kernel of plan.kernels) {
            const code = wgsl.get(kernel.name);
            if (code === undefined) throw new CompilerBug('bindings', `no text for the kernel '${kernel.name}'`);
            w.writeLine('{');
            w.writeLine(`  // ${kernel.summary.replace(/[\r\n]+/g, ' ')}`);
            w.writeLine(`  name: ${JSON.stringify(kernel.name)}, workgroupSize: ${kernel.workgroupSize}, sharedBytes: ${kernel.sharedBytes}, subgroup: ${kernel.subgroup ?? 0},`);
            w.writeLine(`  storage: ${JSON.stringify(kernel.storage.map((s) => [s.buffer, s.access]))}, uniforms: '${kernel.uniforms.map((u) => (u.type === 'f32' ? 'f' : 'i')).join('')}',`);
            w.write('  code: /* wgsl */ ').write(`\`${escape(code)}\``).write(',').newLine();
            w.writeLine('},');
          }
          w.write(']');
        },
      },
    ],
  });
}

function addRequirements(file: SourceFile, plan: HostPlan, wgsl: ReadonlyMap<string, string>): void {
  const texts = [...wgsl.values()];
  const features = [
    ...(texts.some((t) => t.includes('enable subgroups;')) ? ['subgroups'] : []),
    ...(texts.some((t) => t.includes('enable f16;')) ? ['shader-f16'] : []),
  ];
  const most = (pick: (k: HostPlan['kernels'][number]) => number): number => Math.max(1, ...plan.kernels.map(pick));
  file.addVariableStatement({
    isExported: true,
    declarationKind: VariableDeclarationKind.Const,
    docs: ['What the kernels need of a device: pass on to `adapter.requestDevice`. Raise maxStorageBufferBindingSize and maxBufferSize as the adapter allows for long inputs.'],
    declarations: [
      {
        name: 'requirements',
        type: '{ readonly requiredFeatures: GPUFeatureName[]; readonly requiredLimits: Record<string, number> }',
        initializer: `{ requiredFeatures: ${JSON.stringify(features)}, requiredLimits: { maxComputeInvocationsPerWorkgroup: ${Math.max(256, most((k) => k.workgroupSize))}, maxComputeWorkgroupStorageSize: ${Math.max(16384, most((k) => k.sharedBytes))}, maxStorageBuffersPerShaderStage: ${Math.max(8, most((k) => k.storage.length))} } }`,
      },
    ],
  });
}

/** The module's text. `header` is a comment for its first line, such as where it came from. */
export function bindingsModule(plan: HostPlan, wgsl: ReadonlyMap<string, string>, header = 'Generated by filigree build.'): string {
  const project = new Project({ useInMemoryFileSystem: true, manipulationSettings: { indentationText: IndentationText.TwoSpaces, quoteKind: QuoteKind.Single } });
  const file = project.createSourceFile('module.ts', `// ${header.replace(/[\r\n]+/g, ' ')} Do not edit: generate it again.\n`);
  const names = namesOf(plan);
  const pascal = pascalCase(plan.name);
  const camel = camelCase(plan.name);
  const main = taken.has(camel) ? `${camel}Attention` : camel;
  file.addInterface({ name: `${pascal}Call`, isExported: true, ...docs([`The arguments of one launch of \`${plan.name}\`.`, ...plan.doc]), properties: callProperties(plan, names) });
  file.addInterface({
    name: `${pascal}Result`,
    isExported: true,
    properties: [
      { name: 'out', type: 'Float32Array', isReadonly: true, docs: [`[batch, heads, nQ, ${plan.dim}]; zeros where a row sees nothing.`] },
      { name: 'lse', type: 'Float32Array', isReadonly: true, docs: ['[batch, heads, nQ]: natural log of the denominator; -Infinity where a row sees nothing.'] },
    ],
  });
  file.addInterface({ name: `${pascal}Kernels`, isExported: true, docs: ['The compiled kernels on one device.'], properties: [
    { name: 'device', type: 'GPUDevice', isReadonly: true },
    { name: 'pipelines', type: 'Pipelines', isReadonly: true },
  ] });
  file.addInterface({ name: `${pascal}Recording`, isExported: true, docs: ['What a recorded launch leaves on the device.'], properties: [
    { name: 'out', type: 'GPUBuffer', isReadonly: true, docs: [`${plan.dtype} [batch, heads, nQ, ${plan.dim}].`] },
    { name: 'lse', type: 'GPUBuffer', isReadonly: true, docs: ['f32 [batch, heads, nQ].'] },
    { name: 'bounds', type: 'readonly Bound[]', isReadonly: true, docs: ['The two outputs with their shapes.'] },
    { name: 'release', type: '() => void', isReadonly: true, docs: ['Frees inputs uploaded here and workspace; call it after submit.'] },
    { name: 'destroy', type: '() => void', isReadonly: true, docs: ['Frees those and the outputs.'] },
  ] });
  file.addFunction({
    name: `prepare${pascal}`, isExported: true, isAsync: true, docs: ['Compiles the kernels for a device, once.'],
    parameters: [{ name: 'device', type: 'GPUDevice' }], returnType: `Promise<${pascal}Kernels>`,
    statements: ['return { device, pipelines: await guarded(device, () => compileKernels(device, sources)) };'],
  });
  file.addFunction({
    name: `encode${pascal}`, isExported: true, docs: ['Records a launch into an encoder and leaves the results on the device. Throws a RangeError that names the argument when a size does not fit.'],
    parameters: [{ name: 'kernels', type: `${pascal}Kernels` }, { name: 'encoder', type: 'GPUCommandEncoder' }, { name: 'call', type: `${pascal}Call` }],
    returnType: `${pascal}Recording`,
    statements: (w) => writeRecording(w, plan, names),
  });
  file.addVariableStatement({ declarationKind: VariableDeclarationKind.Const, declarations: [{ name: 'prepared', initializer: `new WeakMap<GPUDevice, Promise<${pascal}Kernels>>()` }] });
  file.addFunction({
    name: main, isExported: true, isAsync: true, ...docs([...plan.doc, 'Uploads, runs and reads back. Kernels are compiled at the first call for a device.']),
    parameters: [{ name: 'device', type: 'GPUDevice' }, { name: 'call', type: `${pascal}Call` }], returnType: `Promise<${pascal}Result>`,
    statements: [
      `const waiting = prepared.get(device) ?? prepare${pascal}(device);`,
      'prepared.set(device, waiting);',
      'waiting.catch(() => prepared.delete(device));',
      'const kernels = await waiting;',
      `return guarded(device, async () => {
  const encoder = device.createCommandEncoder();
  const recording = encode${pascal}(kernels, encoder, call);
  try {
    const [out = new Float32Array(0), lse = new Float32Array(0)] = await readBack(device, encoder, recording.bounds);
    return { out, lse };
  } finally {
    recording.destroy();
  }
});`,
    ],
  });
  addRequirements(file, plan, wgsl);
  addKernels(file, plan, wgsl);
  return `${file.getFullText().trimEnd()}\n${bindingsRuntime}`;
}
