/**
 * Typed bindings: from a host plan and its WGSL texts to one self-contained TypeScript module that runs on plain WebGPU.
 * In: the plan and a text per kernel. Out: module source. What holds: the call signature is the program's parameters (names, units,
 * doc comments, defaults), every size is checked before anything is dispatched, and the module imports nothing.
 */
import { IndentationText, Project, QuoteKind, VariableDeclarationKind } from 'ts-morph';
import type { CodeBlockWriter, SourceFile } from 'ts-morph';
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { TensorParam } from '../spec/ir.ts';
import { axisCode, callProperties, camelCase, docs, namesOf, pascalCase, resultsOf, taken } from './bindings-call.ts';
import type { Names } from './bindings-call.ts';
import { expressionText } from './bindings-expr.ts';
import { bindingsNumbers } from './bindings-numbers.ts';
import { bindingsRuntime } from './bindings-runtime.ts';
import { hostInputs } from './inputs.ts';
import type { HostBuffer, HostPlan } from './plan.ts';

/** The code that reads and checks the call; afterwards every host name has a local. */
function writeReading(w: CodeBlockWriter, plan: HostPlan, names: Names): void {
  w.writeLine(`const dim: number = ${plan.dim};`);
  w.writeLine(`const batch = wholeNumber('batch', call.batch ?? 1, 1, 16777216);`);
  if (plan.chain === undefined) {
    w.writeLine(`const heads = wholeNumber('heads', call.heads, 1, 16777216);`);
    w.writeLine(`const kvHeads = wholeNumber('kvHeads', call.kvHeads ?? heads, 1, heads);`);
    w.writeLine('if (heads % kvHeads !== 0) throw new RangeError(`heads (${heads}) must be a multiple of kvHeads (${kvHeads})`);');
  } else {
    w.writeLine(`const heads: number = ${plan.chain.heads};`);
    w.writeLine(`const kvHeads: number = ${plan.chain.kvHeads};`);
  }
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

/** Where an input comes from; a buffer may bear another name than its parameter. */
function givenFor(b: HostBuffer, plan: HostPlan, names: Names): string {
  const input = hostInputs(plan).find((i) => i.buffer.name === b.name) ?? missing(b.name);
  return input.tensor === undefined ? input.name : names.property(input.name);
}

function bufferCode(b: HostBuffer, plan: HostPlan, names: Names): string {
  const shape = `shapeOf(reading, ${JSON.stringify(b.name)})`;
  if (b.role === 'input') return `uploadTensor(device, '${givenFor(b, plan, names)}', ${shape}, call.${givenFor(b, plan, names)}, made)`;
  return `emptyBuffer(device, ${shape}, ${b.role === 'output' ? 'outputs' : 'made'})`;
}

function missing(name: string): never {
  throw new CompilerBug('bindings', `the input buffer '${name}' is no parameter`);
}

/** The function that turns a call into numbers. */
function writeReadingFunction(w: CodeBlockWriter, plan: HostPlan, names: Names): void {
  writeReading(w, plan, names);
  w.writeLine('const shapes: readonly BufferShape[] = [');
  w.indent(() => {
    for (const b of plan.buffers) w.writeLine(`${shapeCode(b, names)},`);
  });
  w.writeLine('];');
  w.writeLine('const steps: readonly Step[] = [');
  w.indent(() => {
    for (const step of plan.steps) {
      w.writeLine('{');
      w.indent(() => {
        w.writeLine(`kernel: ${JSON.stringify(step.kernel)},`);
        w.writeLine(`buffers: ${JSON.stringify(step.buffers)},`);
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
  w.writeLine('return { shapes: new Map(shapes.map((s) => [s.name, s])), steps, flatHeads: batch * heads, group: heads / kvHeads };');
}

function writeRecording(w: CodeBlockWriter, plan: HostPlan, names: Names, reader: string): void {
  w.writeLine('const device = kernels.device;');
  w.writeLine(`const reading = ${reader}(call);`);
  w.writeLine('const made: GPUBuffer[] = [];');
  w.writeLine('const outputs: GPUBuffer[] = [];');
  w.writeLine('const destroy = (): void => [...made.splice(0), ...outputs.splice(0)].forEach((b) => b.destroy());');
  w.writeLine('try {');
  w.indent(() => {
    w.writeLine('const buffers = new Map<string, Bound>([');
    w.indent(() => {
      for (const b of plan.buffers) w.writeLine(`[${JSON.stringify(b.name)}, ${bufferCode(b, plan, names)}],`);
    });
    w.writeLine(']);');
    w.writeLine('encodeSteps(device, encoder, kernels.pipelines, buffers, reading, made);');
    const results = resultsOf(plan);
    results.forEach((r, i) => w.writeLine(`const result_${i} = boundOf(buffers, ${JSON.stringify(r.buffer)});`));
    const properties = results.map((r, i) => `${r.property}: result_${i}.buffer, `).join('');
    w.writeLine(`return { ${properties}bounds: [${results.map((_, i) => `result_${i}`).join(', ')}], release: () => made.splice(0).forEach((b) => b.destroy()), destroy };`);
  });
  w.writeLine('} catch (error) {');
  w.writeLine('  destroy();');
  w.writeLine('  throw error;');
  w.writeLine('}');
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
            w.writeLine(`  storage: ${JSON.stringify(kernel.storage.map((s) => s.access))}, uniforms: '${kernel.uniforms.map((u) => (u.type === 'f32' ? 'f' : 'i')).join('')}',`);
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

const readers = { Float32Array: 'floatsOf', Int32Array: 'intsOf', Uint8Array: 'bytesOfBools' } as const;

/** The module's text. `header` is a comment for its first line, such as where it came from. */
export function bindingsModule(plan: HostPlan, wgsl: ReadonlyMap<string, string>, header = 'Generated by filigree build.'): string {
  const project = new Project({ useInMemoryFileSystem: true, manipulationSettings: { indentationText: IndentationText.TwoSpaces, quoteKind: QuoteKind.Single } });
  const file = project.createSourceFile('module.ts', `// ${header.replace(/[\r\n]+/g, ' ')} Do not edit: generate it again.\n`);
  const names = namesOf(plan);
  const pascal = pascalCase(plan.name);
  const camel = camelCase(plan.name);
  const reader = `read${pascal}`;
  const main = taken.has(camel) ? `${camel}Attention` : camel;
  const results = resultsOf(plan);
  file.addInterface({ name: `${pascal}Call`, isExported: true, ...docs([`The arguments of one launch of \`${plan.name}\`.`, ...plan.doc]), properties: callProperties(plan, names) });
  file.addInterface({
    name: `${pascal}Result`,
    isExported: true,
    properties: results.map((r) => ({ name: r.property, type: r.type, isReadonly: true, docs: [r.doc] })),
  });
  file.addInterface({ name: `${pascal}Kernels`, isExported: true, docs: ['The compiled kernels on one device.'], properties: [
    { name: 'device', type: 'GPUDevice', isReadonly: true },
    { name: 'pipelines', type: 'Pipelines', isReadonly: true },
  ] });
  file.addInterface({ name: `${pascal}Recording`, isExported: true, docs: ['What a recorded launch leaves on the device.'], properties: [
    ...results.map((r) => ({ name: r.property, type: 'GPUBuffer', isReadonly: true, docs: [r.stored] })),
    { name: 'bounds', type: 'readonly Bound[]', isReadonly: true, docs: ['The results with their shapes, in this order.'] },
    { name: 'release', type: '() => void', isReadonly: true, docs: ['Frees inputs uploaded here and workspace; call it after submit.'] },
    { name: 'destroy', type: '() => void', isReadonly: true, docs: ['Frees those and the outputs.'] },
  ] });
  file.addFunction({
    name: `prepare${pascal}`, isExported: true, isAsync: true,
    docs: ['Compiles kernels for a device, each once: those that a call needs, or without one all of them.'],
    parameters: [{ name: 'device', type: 'GPUDevice' }, { name: 'call', type: `${pascal}Call`, hasQuestionToken: true }], returnType: `Promise<${pascal}Kernels>`,
    statements: [
      `const needed = call === undefined ? sources : neededKernels(sources, ${reader}(call));`,
      'return { device, pipelines: await guarded(device, () => compileKernels(device, needed)) };',
    ],
  });
  file.addFunction({
    name: `encode${pascal}`, isExported: true, docs: ['Records a launch into an encoder and leaves the results on the device. Throws a RangeError that names the argument when a size does not fit.'],
    parameters: [{ name: 'kernels', type: `${pascal}Kernels` }, { name: 'encoder', type: 'GPUCommandEncoder' }, { name: 'call', type: `${pascal}Call` }],
    returnType: `${pascal}Recording`,
    statements: (w) => writeRecording(w, plan, names, reader),
  });
  file.addFunction({
    name: main, isExported: true, isAsync: true, ...docs([...plan.doc, 'Uploads, runs and reads back. Kernels are compiled at the first call that needs them.']),
    parameters: [{ name: 'device', type: 'GPUDevice' }, { name: 'call', type: `${pascal}Call` }], returnType: `Promise<${pascal}Result>`,
    statements: [
      `const kernels = await prepare${pascal}(device, call);`,
      `return guarded(device, async () => {
  const encoder = device.createCommandEncoder();
  const recording = encode${pascal}(kernels, encoder, call);
  try {
    const bytes = await readBack(device, encoder, recording.bounds);
    const result = (i: number): Result => ({ bound: recording.bounds[i], bytes: bytes[i] });
    return { ${results.map((r, i) => `${r.property}: ${readers[r.type]}(result(${i}))`).join(', ')} };
  } finally {
    recording.destroy();
  }
});`,
    ],
  });
  file.addFunction({
    name: reader, docs: ['Reads and checks a call.'], parameters: [{ name: 'call', type: `${pascal}Call` }], returnType: 'Reading',
    statements: (w) => writeReadingFunction(w, plan, names),
  });
  addRequirements(file, plan, wgsl);
  addKernels(file, plan, wgsl);
  return `${file.getFullText().trimEnd()}\n${bindingsRuntime}${bindingsNumbers}`;
}
