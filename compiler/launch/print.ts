/**
 * Host plans as text for people. In: a plan. Out: one line a parameter, variable, buffer, kernel and step; the same plan always gives
 * the same text. Machines read the plan as JSON.
 */
import { printExpr } from '../expr/print.ts';
import type { Expr } from '../expr/ir.ts';
import { printAxis } from '../spec/print.ts';
import type { HostBuffer, HostKernel, HostPlan, HostStep } from './plan.ts';

function list(exprs: readonly Expr[]): string {
  return exprs.map((e) => printExpr(e)).join(', ');
}

function bufferLine(b: HostBuffer): string {
  return `  ${b.role} ${b.name}: ${b.element} [${list(b.extents)}]${b.chunked === 'whole' ? '' : ` in parts over ${b.chunked}`}`;
}

function kernelLines(k: HostKernel): readonly string[] {
  const memory = k.sharedBytes > 0 ? `, ${k.sharedBytes} bytes of workgroup memory` : '';
  const subgroup = k.subgroup === undefined ? '' : `, subgroups of at least ${k.subgroup}`;
  return [
    `  kernel ${k.name}: ${k.summary}`,
    `    ${k.workgroupSize} lanes${subgroup}${memory}`,
    ...k.storage.map((s) => `    ${s.access} ${s.name}: ${s.element}[] of ${s.buffer}`),
  ];
}

/** Where a step binds other buffers than the kernel's own names say. */
function rebound(s: HostStep, kernel: HostKernel | undefined): string {
  const changes = [...new Set(s.buffers.flatMap((b, i) => (b === kernel?.storage[i]?.buffer ? [] : [`${kernel?.storage[i]?.buffer ?? '?'} = ${b}`])))];
  return changes.length === 0 ? '' : ` with ${changes.join(', ')}`;
}

function stepLines(s: HostStep, plan: HostPlan): readonly string[] {
  const kernel = plan.kernels.find((k) => k.name === s.kernel);
  const names = kernel?.uniforms ?? [];
  const when = s.when.kind === 'literal' && s.when.value !== 0 ? '' : ` when ${printExpr(s.when)}`;
  return [
    `  run ${s.kernel} over [${list(s.workgroups)}]${rebound(s, kernel)}${when}${s.chunkable ? ', in pieces over heads where needed' : ''}`,
    ...s.uniforms.map((u, i) => `    ${names[i]?.name ?? '?'} = ${printExpr(u)}`),
  ];
}

/** The whole plan, ending in a line feed. */
export function printHostPlan(plan: HostPlan): string {
  return [
    `host plan ${plan.name}: dim ${plan.dim}, ${plan.dtype}${plan.products === undefined ? '' : `, products in ${plan.products}`}`,
    ...plan.scalars.map((s) => `  scalar ${s.name}: ${s.type}${s.defaultValue === undefined ? '' : ` = ${s.defaultValue}`}`),
    ...plan.tensors.map((t) => `  tensor ${t.name}: ${t.element}[${t.axes.map(printAxis).join(', ')}]`),
    ...plan.requires.map((r) => `  require ${printExpr(r.condition)}: ${r.message}`),
    ...plan.variables.map((v) => `  let ${v.name}: ${v.type} = ${printExpr(v.value)}`),
    ...plan.buffers.map(bufferLine),
    ...plan.kernels.flatMap(kernelLines),
    ...plan.steps.flatMap((s) => stepLines(s, plan)),
    '',
  ].join('\n');
}
