/**
 * The rules of host plans. In: a plan. Out: findings. A plan without findings can be resolved for any launch that fits its
 * declarations: names are declared before use, kernels and buffers exist and fit each other, what is read has been written before.
 */
import type { Origin } from '../../dsl/span.ts';
import { noSpan, originOf } from '../../dsl/span.ts';
import type { Expr, ScalarType } from '../expr/ir.ts';
import { exprFaults } from '../expr/verify.ts';
import type { Finding } from '../finding.ts';
import type { StorageElement } from '../kernel/ir.ts';
import type { BufferElement } from '../tile/ir.ts';
import { chunkNames } from './plan.ts';
import type { HostBuffer, HostKernel, HostPlan, HostStep } from './plan.ts';

type Types = ReadonlyMap<string, ScalarType>;
type Report = (rule: string, message: string) => void;

/** Elements by which a kernel may see a buffer. */
function views(element: BufferElement): readonly StorageElement[] {
  switch (element) {
    case 'f32':
      return ['f32', 'vec4f', 'vec4u'];
    case 'f16':
      return ['f16', 'vec4h', 'u32', 'vec2u', 'vec4u'];
    case 'bf16':
      return ['bf16', 'u32', 'vec2u', 'vec4u'];
    case 'int':
    case 'bool':
      return ['i32', 'u32'];
  }
}

function check(report: Report, what: string, e: Expr, type: ScalarType, types: Types): void {
  const faults = exprFaults(e, { ref: (name) => types.get(name), read: (tensor) => `the host reads '${tensor}'` });
  for (const fault of faults) report('expressions', `${what}: ${fault}`);
  if (e.type !== type) report('expressions', `${what} is ${e.type}, not ${type}`);
}

function launchTypes(plan: HostPlan): Types {
  const sizes = ['n_q', 'n_k', 'heads', 'kv_heads', 'batch', 'dim'].map((name): [string, ScalarType] => [name, 'int']);
  const free = plan.tensors.flatMap((t) => t.axes.flatMap((a): readonly [string, ScalarType][] => (a.kind === 'free' ? [[`${t.name}.${a.name}`, 'int']] : [])));
  return new Map([...sizes, ...plan.scalars.map((s): [string, ScalarType] => [s.name, s.type]), ...free]);
}

function twice(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
}

function checkNames(plan: HostPlan, report: Report): void {
  const scalars = [...launchTypes(plan).keys(), ...plan.variables.map((v) => v.name), ...chunkNames];
  for (const name of [...twice(scalars), ...twice(plan.buffers.map((b) => b.name)), ...twice(plan.kernels.map((k) => k.name))]) {
    report('declared-once', `'${name}' is declared more than once`);
  }
}

function checkVariables(plan: HostPlan, report: Report): Types {
  let types = launchTypes(plan);
  for (const r of plan.requires) check(report, 'a requirement', r.condition, 'bool', types);
  for (const v of plan.variables) {
    check(report, `variable '${v.name}'`, v.value, v.type, types);
    types = new Map([...types, [v.name, v.type]]);
  }
  return types;
}

function checkBuffers(plan: HostPlan, types: Types, report: Report): void {
  for (const b of plan.buffers) {
    for (const e of b.extents) check(report, `an extent of '${b.name}'`, e, 'int', types);
    if (b.chunked !== 'whole' && b.extents.length < 2) report('chunks', `'${b.name}' has no axes for batch and heads, but is bound in parts over them`);
  }
  const given: readonly (readonly [string, HostBuffer['role']])[] = (plan.stages?.outputs ?? []).map((o) => [o.buffer, 'output'] as const);
  const attention: readonly (readonly [string, HostBuffer['role']])[] = plan.stages?.attention === false ? [] : [['out', 'output'], ['lse', 'output']];
  const own: readonly (readonly [string, HostBuffer['role']])[] = plan.chain !== undefined ? [] : [['q', 'input'], ['k', 'input'], ['v', 'input']];
  const wanted = [...own, ...attention, ...given];
  for (const [name, role] of wanted) {
    if (!plan.buffers.some((b) => b.name === name && b.role === role)) report('interface', `there is no ${role} '${name}'`);
  }
  const inputs = plan.buffers.filter((b) => b.role === 'input').length;
  if (inputs !== own.length + plan.tensors.length) report('interface', `there are ${inputs} inputs for ${own.length + plan.tensors.length} tensors`);
}

/** What a step binds: as many buffers as its kernel has storage, each of a fitting element; what it writes is nothing else there, and no input. */
function checkBindings(plan: HostPlan, step: HostStep, kernel: HostKernel, report: Report): void {
  if (step.buffers.length !== kernel.storage.length) report('buffers', `a step binds ${step.buffers.length} buffers to the ${kernel.storage.length} of kernel '${kernel.name}'`);
  kernel.storage.forEach((s, i) => {
    const name = step.buffers[i];
    const buffer = plan.buffers.find((b) => b.name === name);
    if (name === undefined) return;
    if (buffer === undefined) report('buffers', `kernel '${kernel.name}' binds unknown buffer '${name}'`);
    else if (!views(buffer.element).includes(s.element)) report('buffers', `kernel '${kernel.name}' sees '${name}' of ${buffer.element} as ${s.element}`);
    else if (s.access === 'write' && buffer.role === 'input') report('buffers', `kernel '${kernel.name}' writes the input '${name}'`);
    if (s.access === 'write' && kernel.storage.some((other, j) => other.buffer !== s.buffer && step.buffers[j] === name)) {
      report('buffers', `kernel '${kernel.name}' writes '${name}', which it binds a second time`);
    }
  });
  for (const name of step.begins ?? []) {
    if (!plan.buffers.some((b) => b.name === name && b.role === 'workspace')) report('buffers', `'${name}', which kernel '${kernel.name}' begins anew, is no workspace`);
  }
}

function checkKernel(plan: HostPlan, k: HostKernel, report: Report): void {
  if (!plan.steps.some((s) => s.kernel === k.name)) report('kernels', `no step runs kernel '${k.name}'`);
}

function checkStep(plan: HostPlan, step: HostStep, types: Types, written: ReadonlySet<string>, report: Report): void {
  const kernel = plan.kernels.find((k) => k.name === step.kernel);
  if (kernel === undefined) return report('kernels', `a step runs unknown kernel '${step.kernel}'`);
  const scope: Types = new Map([...types, ...chunkNames.map((name): [string, ScalarType] => [name, 'int'])]);
  const what = `step '${step.kernel}'`;
  check(report, `the condition of ${what}`, step.when, 'bool', types);
  for (const w of step.workgroups) check(report, `workgroups of ${what}`, w, 'int', scope);
  if (step.uniforms.length !== kernel.uniforms.length) report('uniforms', `${what} gives ${step.uniforms.length} of ${kernel.uniforms.length} uniforms`);
  step.uniforms.forEach((u, i) => {
    const declared = kernel.uniforms[i];
    const wanted = declared?.type === 'f32' ? 'float' : u.type === 'bool' ? 'bool' : 'int';
    check(report, `uniform '${declared?.name ?? i}' of ${what}`, u, wanted, scope);
  });
  checkBindings(plan, step, kernel, report);
  kernel.storage.forEach((s, i) => {
    const buffer = plan.buffers.find((b) => b.name === step.buffers[i]);
    if (s.access === 'read' && buffer !== undefined && buffer.role !== 'input' && !written.has(buffer.name)) {
      report('written-before-read', `${what} reads '${buffer.name}', which no earlier step writes`);
    }
  });
}

/** The broken rules of a plan; none: it is well formed. */
export function verifyHostPlan(plan: HostPlan): readonly Finding[] {
  const findings: Finding[] = [];
  const origin: Origin = originOf(noSpan);
  const report: Report = (rule, message) => void findings.push({ rule, message, origin });
  checkNames(plan, report);
  const types = checkVariables(plan, report);
  checkBuffers(plan, types, report);
  for (const k of plan.kernels) checkKernel(plan, k, report);
  const written = new Set<string>();
  for (const step of plan.steps) {
    for (const name of step.begins ?? []) written.delete(name);
    checkStep(plan, step, types, written, report);
    plan.kernels.find((k) => k.name === step.kernel)?.storage.forEach((s, i) => {
      const name = step.buffers[i];
      if (s.access === 'write' && name !== undefined) written.add(name);
    });
  }
  for (const b of plan.buffers) if (b.role === 'output' && !written.has(b.name)) report('written-before-read', `no step writes the output '${b.name}'`);
  return findings;
}
