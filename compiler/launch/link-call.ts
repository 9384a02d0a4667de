/**
 * What one call of a chain gives its unit. In: a call, the unit's plan, the values made before. Out: for every name of the unit's plan the
 * expression of the chain that stands for it, the values its inputs are bound to, what a launch must fulfil for it; or what does not fit.
 * Holds: a bound value has the element (or one that a copy turns into it, link-convert.ts), the rank and (as far as it is known) the extents that the unit was compiled for; extents
 * that are only known at launch become requirements.
 */
import { badValue, requirementNotMet, storedOtherwise, wrongRank } from '../../dsl/catalogue/inputs.ts';
import { CompilerBug, type Diagnostic } from '../../dsl/diagnostic.ts';
import { and, bool, eq, float, ge, int, le } from '../expr/build.ts';
import type { Expr } from '../expr/ir.ts';
import { substitute } from '../expr/traverse.ts';
import type { ChainCall } from '../spec/chain.ts';
import type { Requirement, ScalarParam } from '../spec/ir.ts';
import { extentName } from '../spec/names.ts';
import type { BufferElement } from '../tile/ir.ts';
import { hostInputs, type HostInput } from './inputs.ts';
import { keepsNumbers } from './link-convert.ts';
import type { HostBuffer, HostPlan } from './plan.ts';

/** A tensor of the chain: a parameter, or what a call has made. */
export interface LinkValue {
  /** As the chain names it. */
  readonly name: string;
  /** Of the buffer that holds it (see link-memory.ts). */
  readonly id: string;
  readonly element: BufferElement;
  /** In the names of the chain. */
  readonly extents: readonly Expr[];
  /** In what precision its numbers are kept, whatever they are stored as. */
  readonly precision?: 'f32' | 'f16' | 'bf16';
}

/** A binding of an input of the unit. */
export interface LinkInput {
  /** The unit's buffer. */
  readonly buffer: HostBuffer;
  readonly value: LinkValue;
}

export interface CallScope {
  /** Fixed sizes, scalars and free extents of the unit. */
  readonly names: ReadonlyMap<string, Expr>;
  readonly inputs: readonly LinkInput[];
  readonly requires: readonly Requirement[];
  readonly problems: readonly Diagnostic[];
}

// spec/ir.ts: what units count on of their scalars.
const maxScalar = 2 ** 30;
const maxFloat = 3.4028234663852886e38;

function literalOf(p: ScalarParam): Expr {
  const value = p.defaultValue;
  if (value === undefined) throw new CompilerBug('link', `scalar '${p.name}' has no value`);
  return p.type === 'bool' ? bool(value !== 0) : p.type === 'int' ? int(value) : float(value);
}

/** Computed values lie within what launch scalars may be; parameters of the chain do already. */
function rangeOf(p: ScalarParam, e: Expr): Expr {
  if (p.type === 'bool' || e.kind === 'ref') return bool(true);
  const [low, high] = p.type === 'int' ? [int(-maxScalar), int(maxScalar)] : [float(-maxFloat), float(maxFloat)];
  return and(ge(e, low), le(e, high));
}

/** The conditions that a launch decides; those that can never hold are problems. */
function split(call: ChainCall, conditions: readonly Requirement[]): Pick<CallScope, 'requires' | 'problems'> {
  const known = (r: Requirement): boolean => r.condition.kind === 'literal';
  return {
    requires: conditions.filter((r) => !known(r)),
    problems: conditions.filter((r) => r.condition.kind === 'literal' && r.condition.value === 0).map((r) => requirementNotMet(call.span, { message: r.message })),
  };
}

function fits(call: ChainCall, unit: HostPlan, input: HostInput, value: LinkValue): Diagnostic | undefined {
  const { buffer, name } = input;
  const rank = input.tensor?.axes.length ?? buffer.extents.length;
  if (value.extents.length !== rank) {
    return wrongRank(call.span, { name: `${value.name} as ${name} of ${unit.name}`, given: value.extents.length, wanted: rank, type: `${rank} axes` });
  }
  if (value.element === buffer.element || keepsNumbers(value.element, buffer.element, value.precision)) return undefined;
  return storedOtherwise(call.span, { callee: unit.name, parameter: name, wanted: buffer.element, value: value.name, found: value.precision ?? value.element });
}

/**
 * The scope of a call. `fixed` stands for the sizes that the chain fixes, `used` are the unit's buffers that its steps bind, `values` all
 * values made so far.
 */
export function callScope(call: ChainCall, unit: HostPlan, fixed: ReadonlyMap<string, Expr>, used: ReadonlySet<string>, values: ReadonlyMap<string, LinkValue>): CallScope {
  const names = new Map(fixed);
  const conditions: Requirement[] = [];
  const problems: Diagnostic[] = [];
  for (const p of unit.scalars) {
    const given = call.scalars.get(p.name) ?? literalOf(p);
    names.set(p.name, given);
    const range = p.type === 'int' ? 'a whole number within +-2^30' : 'a finite number of single precision';
    if (given.kind !== 'literal') conditions.push({ condition: rangeOf(p, given), message: `\`${p.name}\` of ${unit.name} must be ${range}`, span: call.span });
    else if (p.type !== 'bool' && !(Math.abs(given.value) <= (p.type === 'int' ? maxScalar : maxFloat))) problems.push(badValue(call.span, { name: p.name, text: String(given.value), wanted: range }));
  }
  const inputs = hostInputs(unit).flatMap((input): readonly (LinkInput & { readonly input: HostInput })[] => {
    const bound = call.tensors.get(input.name);
    const value = bound === undefined ? undefined : values.get(bound);
    if (value !== undefined) return [{ buffer: input.buffer, value, input }];
    // Its extents would be free, or its numbers read.
    if (bound !== undefined || used.has(input.buffer.name) || input.tensor !== undefined) throw new CompilerBug('link', `call ${call.name} gives no '${input.name}' that exists`);
    return [];
  });
  for (const { input, value } of inputs) {
    const problem = fits(call, unit, input, value);
    if (problem !== undefined) problems.push(problem);
    input.tensor?.axes.forEach((axis, i) => {
      const extent = value.extents[i];
      if (axis.kind === 'free' && extent !== undefined) names.set(extentName(input.name, axis.name), extent);
    });
  }
  for (const { input, value } of inputs) {
    input.buffer.extents.forEach((wanted, i) => {
      const given = value.extents[i];
      if (given === undefined) return;
      const message = `axis ${i} of \`${value.name}\` must have the extent that \`${input.name}\` of ${unit.name} has`;
      conditions.push({ condition: eq(given, substitute(wanted, names)), message, span: call.span });
    });
  }
  conditions.push(...unit.requires.map((r) => ({ ...r, condition: substitute(r.condition, names) })));
  const decided = split(call, conditions);
  return { names, inputs: inputs.map(({ buffer, value }) => ({ buffer, value })), requires: decided.requires, problems: [...problems, ...decided.problems] };
}
