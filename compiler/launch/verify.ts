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
import type { HostBuffer, HostKernel, HostPlan, HostStep } from './plan.ts';

const headNames = ['head_first', 'head_count', 'kv_first', 'kv_count'];

type Types = ReadonlyMap<string, ScalarType>;
type Report = (rule: string, message: string) => void;

/** Elements by which a kernel may see a buffer. */
function views(element: BufferElement): readonly StorageElement[] {
  switch (element) {
    case 'f32':
      return ['f32', 'vec4f'];
    case 'f16':
      return ['f16', 'vec4h', 'u32', 'vec2u', 'vec4u'];
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
  const scalars = [...launchTypes(plan).keys(), ...plan.variables.map((v) => v.name), ...headNames];
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
  const wanted: readonly (readonly [string, HostBuffer['role']])[] = [['q', 'input'], ['k', 'input'], ['v', 'input'], ...attention, ...given];
  for (const [name, role] of wanted) {
    if (!plan.buffers.some((b) => b.name === name && b.role === role)) report('interface', `there is no ${role} '${name}'`);
  }
}

function checkKernel(plan: HostPlan, k: HostKernel, report: Report): void {
  for (const s of k.storage) {
    const buffer = plan.buffers.find((b) => b.name === s.buffer);
    if (buffer === undefined) report('buffers', `kernel '${k.name}' binds unknown buffer '${s.buffer}'`);
    else if (!views(buffer.element).includes(s.element)) report('buffers', `kernel '${k.name}' sees '${s.buffer}' of ${buffer.element} as ${s.element}`);
    else if (s.access === 'write' && buffer.role === 'input') report('buffers', `kernel '${k.name}' writes the input '${s.buffer}'`);
  }
  if (!plan.steps.some((s) => s.kernel === k.name)) report('kernels', `no step runs kernel '${k.name}'`);
}

function checkStep(plan: HostPlan, step: HostStep, types: Types, written: ReadonlySet<string>, report: Report): void {
  const kernel = plan.kernels.find((k) => k.name === step.kernel);
  if (kernel === undefined) return report('kernels', `a step runs unknown kernel '${step.kernel}'`);
  const scope: Types = new Map([...types, ...headNames.map((name): [string, ScalarType] => [name, 'int'])]);
  const what = `step '${step.kernel}'`;
  check(report, `the condition of ${what}`, step.when, 'bool', types);
  for (const w of step.workgroups) check(report, `workgroups of ${what}`, w, 'int', scope);
  if (step.uniforms.length !== kernel.uniforms.length) report('uniforms', `${what} gives ${step.uniforms.length} of ${kernel.uniforms.length} uniforms`);
  step.uniforms.forEach((u, i) => {
    const declared = kernel.uniforms[i];
    const wanted = declared?.type === 'f32' ? 'float' : u.type === 'bool' ? 'bool' : 'int';
    check(report, `uniform '${declared?.name ?? i}' of ${what}`, u, wanted, scope);
  });
  for (const s of kernel.storage) {
    const buffer = plan.buffers.find((b) => b.name === s.buffer);
    if (s.access === 'read' && buffer !== undefined && buffer.role !== 'input' && !written.has(s.buffer)) {
      report('written-before-read', `${what} reads '${s.buffer}', which no earlier step writes`);
    }
  }
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
    checkStep(plan, step, types, written, report);
    for (const s of plan.kernels.find((k) => k.name === step.kernel)?.storage ?? []) if (s.access === 'write') written.add(s.buffer);
  }
  for (const b of plan.buffers) if (b.role === 'output' && !written.has(b.name)) report('written-before-read', `no step writes the output '${b.name}'`);
  return findings;
}
