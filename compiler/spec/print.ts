/**
 * A spec as readable text: parameters, the mask as an indented tree, the other clauses, requirements and pins. For traces,
 * `explain` and golden tests; one idea per line, stable names, no spans.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import { printExpr } from '../expr/print.ts';
import type { Axis, MaskExpr, ScalarParam, Spec, TensorParam, TensorUse } from './ir.ts';
import { axisText } from './names.ts';

export function printSpec(spec: Spec): string {
  const pins = Object.entries(spec.pins).map(([name, value]) => `${name} = ${String(value)}`);
  const lines = [
    `spec ${spec.name}`,
    ...spec.scalars.map((p) => `  scalar ${printScalarParam(p)}`),
    ...spec.tensors.map((p) => `  tensor ${printTensorParam(p)}`),
    '  mask',
    ...maskLines(spec.mask).map((line) => `    ${line}`),
    `  scale ${printExpr(spec.scale)}`,
    ...(spec.score === undefined ? [] : [`  score ${printExpr(spec.score)}`]),
    ...(spec.sink === undefined ? [] : [`  sink ${printExpr(spec.sink)}`]),
    ...spec.requires.map((r) => `  require ${printExpr(r.condition)}  // ${r.message}`),
    ...(pins.length === 0 ? [] : [`  schedule ${pins.join(', ')}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** An axis as it is written in source, block sizes as expressions. */
export function printAxis(axis: Axis): string {
  return axisText(axis, printExpr);
}

function printScalarParam(p: ScalarParam): string {
  const unit = p.unit === undefined ? '' : ` ${p.unit}`;
  return `${p.name}: ${p.type}${unit}${p.defaultValue === undefined ? '' : ` = ${valueText(p)}`}`;
}

function valueText(p: ScalarParam): string {
  return p.type === 'bool' ? (p.defaultValue === 0 ? 'false' : 'true') : String(p.defaultValue);
}

function printTensorParam(p: TensorParam): string {
  return `${p.name}: ${p.element}[${p.axes.map(printAxis).join(', ')}]${p.unit === undefined ? '' : ` ${p.unit}`}`;
}

function use(t: TensorUse, open: number): string {
  return `${t.tensor}[${[...t.leading.map((e) => printExpr(e)), ...Array.from({ length: open }, () => ':')].join(', ')}]`;
}

/** The mask as a tree, inner masks indented by two. */
export function printMask(m: MaskExpr): string {
  return maskLines(m).join('\n');
}

function nested(head: string, parts: readonly MaskExpr[]): readonly string[] {
  return [head, ...parts.flatMap((p) => maskLines(p).map((line) => `  ${line}`))];
}

function maskLines(m: MaskExpr): readonly string[] {
  switch (m.kind) {
    case 'all':
    case 'none':
    case 'causal':
      return [m.kind];
    case 'band':
    case 'keys':
    case 'queries':
    case 'levels':
      return [`${m.kind}(${printExpr(m.from)} .. ${printExpr(m.to)})`];
    case 'listed':
      return [`${m.what}(${use(m.list, 1)})`];
    case 'segments':
      return [`segments(${use(m.ids, 1)})`];
    case 'tiles':
      return [`tiles(${use(m.table, 2)}) of ${printExpr(m.queryBlock)} x ${printExpr(m.keyBlock)}`];
    case 'predicate':
      return [`{ (q, k) => ${printExpr(m.body)} }`];
    case 'and':
    case 'or':
      return nested(m.kind, m.args);
    case 'not':
      return nested('not', [m.arg]);
    case 'minus':
      return nested('minus', [m.left, m.right]);
    case 'choose':
      return [
        `choose ${printExpr(m.selector)}`,
        ...m.cases.flatMap((c) => nested(`  ${printExpr(c.value)} =>`, [c.mask]).map((line, i) => (i === 0 ? line : `  ${line}`))),
        ...nested('  else =>', [m.otherwise]).map((line, i) => (i === 0 ? line : `  ${line}`)),
      ];
    default:
      return unreachable(m);
  }
}
