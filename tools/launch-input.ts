/**
 * From settings and tensors to a launch. In: a spec, sizes as far as they are known, texts of `--set`, raw tensors. Out: a launch
 * that has passed compiler/spec/check-launch.ts, or diagnostics that point at the argument that is wrong. Sizes left open
 * are taken from the tensors, then 1 (kv_heads: heads).
 */
import type { Diagnostic } from '../dsl/diagnostic.ts';
import { unreachable } from '../dsl/diagnostic.ts';
import type { Span } from '../dsl/span.ts';
import { checkLaunch, withDefaults } from '../compiler/spec/check-launch.ts';
import type { Axis, Declared, Launch, ScalarParam, Sizes, TensorValue } from '../compiler/spec/ir.ts';
import type { Checked } from '../dsl/diagnostic.ts';
import { bad, good } from '../dsl/diagnostic.ts';
import * as report from '../dsl/catalogue/index.ts';
import { axisName, valueFor } from './tensors.ts';
import type { RawTensor } from './tensors.ts';

export interface LaunchRequest {
  readonly sizes: { readonly nQ: number; readonly nK: number; readonly dim: number; readonly batch?: number; readonly heads?: number; readonly kvHeads?: number };
  /** Values of scalar parameters; `const` parameters have been taken out. */
  readonly settings: ReadonlyMap<string, Setting>;
  readonly tensors: ReadonlyMap<string, RawTensor>;
  /** Where the tensors came from, for messages. */
  readonly tensorSpan: Span;
  readonly tensorSource: string;
}

export interface Setting {
  readonly text: string;
  readonly span: Span;
}

/** A setting as the value of a scalar: whole numbers, decimals, true and false. */
export function parseScalar(type: ScalarParam['type'], text: string): number | undefined {
  switch (type) {
    case 'int':
      return /^[+-]?\d{1,10}$/.test(text) ? Number(text) : undefined;
    case 'float':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'bool':
      return text === 'true' || text === '1' ? 1 : text === 'false' || text === '0' ? 0 : undefined;
    default:
      return unreachable(type);
  }
}

const forms = { int: 'a whole number', float: 'a number', bool: 'true or false' };

/** The diagnostic for a setting that is not of the parameter's type. */
export function badSetting(name: string, type: ScalarParam['type'], setting: Setting): Diagnostic {
  return report.badValue(setting.span, { name, text: `'${setting.text}'`, wanted: forms[type] });
}

/** The launch, checked against the spec. */
export function launchOf(spec: Declared, request: LaunchRequest): Checked<Launch> {
  const faults: Diagnostic[] = [];
  const scalars = new Map<string, number>();
  for (const param of spec.scalars) {
    const setting = request.settings.get(param.name);
    if (setting === undefined) {
      if (param.defaultValue === undefined) faults.push(report.missingValue(param.span, { name: param.name, type: param.type }));
      continue;
    }
    const value = parseScalar(param.type, setting.text);
    if (value === undefined) faults.push(badSetting(param.name, param.type, setting));
    else scalars.set(param.name, value);
  }
  const tensors = new Map<string, TensorValue>();
  for (const param of spec.tensors) {
    const raw = request.tensors.get(param.name);
    const wanted = `${param.element}[${param.axes.map(axisName).join(', ')}]`;
    const related = [{ span: param.span, text: 'declared here' }];
    if (raw === undefined) {
      const where = request.tensorSource === '' ? {} : { file: request.tensorSource, candidates: [...request.tensors.keys()] };
      const missing = report.missingTensor(request.tensorSpan, { name: param.name, wanted, ...where }, related);
      faults.push(request.tensorSource === '' ? { ...missing, help: 'give a safetensors file that holds it' } : missing);
      continue;
    }
    const converted = valueFor(param, raw);
    if (converted.ok) tensors.set(param.name, { extents: raw.shape, data: converted.data });
    else faults.push(report.wrongElementType(request.tensorSpan, { name: param.name, found: converted.reason, wanted: param.element }, related));
  }
  if (faults.length > 0) return bad(faults);
  const launch: Launch = { sizes: sizesOf(spec, request), scalars, tensors };
  const wrong = checkLaunch(spec, launch);
  return wrong.length > 0 ? bad(wrong) : good(withDefaults(spec, launch));
}

/** The extent that the tensors give to an axis, if one has it. */
export function extentFrom(spec: Declared, tensors: ReadonlyMap<string, RawTensor>, kind: Axis['kind']): number | undefined {
  for (const param of spec.tensors) {
    const shape = tensors.get(param.name)?.shape;
    const at = param.axes.findIndex((axis) => axis.kind === kind);
    const extent = at < 0 ? undefined : shape?.[at];
    if (extent !== undefined && extent > 0) return extent;
  }
  return undefined;
}

function sizesOf(spec: Declared, { sizes, tensors }: LaunchRequest): Sizes {
  const kvFromTensors = extentFrom(spec, tensors, 'kv_heads');
  const heads = sizes.heads ?? extentFrom(spec, tensors, 'heads') ?? kvFromTensors ?? 1;
  return {
    batch: sizes.batch ?? extentFrom(spec, tensors, 'batch') ?? 1,
    heads,
    kvHeads: sizes.kvHeads ?? kvFromTensors ?? heads,
    nQ: sizes.nQ,
    nK: sizes.nK,
    dim: sizes.dim,
  };
}
