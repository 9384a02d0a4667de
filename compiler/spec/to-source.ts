/**
 * A spec as the text of a `.fil` file, so that a program made by a fuzzer can be stored, read and replayed. In: a spec.
 * Out: one `attention` with the same meaning: parameters with their axes, the mask, scale, score, sink and pins. Names
 * of free axes that several tensors share are made different. What the language cannot say (folds other than `any` and
 * `all`, which no program lowers to) is a bug of the caller.
 */
import { CompilerBug, unreachable } from '../../dsl/diagnostic.ts';
import { add, not, ref, sub } from '../expr/build.ts';
import type { BinaryOp, Expr, UnaryOp } from '../expr/ir.ts';
import { printExpr } from '../expr/print.ts';
import { mapChildren, sameExpr } from '../expr/traverse.ts';
import type { MaskExpr, ScalarParam, Spec, TensorParam } from './ir.ts';
import { axisText } from './names.ts';

type Print = (e: Expr) => string;

/** The text of a file that declares this attention. */
export function specToSource(spec: Spec): string {
  const print = printerFor(spec);
  const params = [...spec.scalars.map(scalarText), ...spec.tensors.map((t) => tensorText(t, spec.tensors, print))];
  const pins = Object.entries({ query_tile: spec.pins.queryTile, key_tile: spec.pins.keyTile, splits: spec.pins.splits }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} = ${value}`],
  );
  const clauses = [
    `mask ${maskText(spec.mask, print).text}`,
    `scale ${print(spec.scale)}`,
    ...(spec.score === undefined ? [] : [`score s => ${print(spec.score)}`]),
    ...(spec.sink === undefined ? [] : [`sink ${print(spec.sink)}`]),
    ...(pins.length === 0 ? [] : [`schedule { ${pins.join(', ')} }`]),
  ];
  const head = params.length === 0 ? '()' : `(\n${params.map((p) => `  ${p}`).join(',\n')}\n)`;
  return [...spec.doc.map((line) => `///${line}`), `attention ${spec.name}${head} {`, ...clauses.map((c) => `  ${c}`), '}', ''].join('\n');
}

function scalarText(p: ScalarParam): string {
  const value = p.defaultValue === undefined ? '' : ` = ${p.type === 'bool' ? (p.defaultValue !== 0 ? 'true' : 'false') : floatOrInt(p)}`;
  return `${p.name}: ${p.type}${p.unit === undefined ? '' : ` ${p.unit}`}${value}`;
}

function floatOrInt(p: ScalarParam): string {
  return printExpr({ kind: 'literal', type: p.type, value: p.defaultValue ?? 0 });
}

function tensorText(p: TensorParam, all: readonly TensorParam[], print: Print): string {
  const axes = p.axes.map((axis) => (axis.kind === 'free' ? freeName(axis.name, p.name, all) : axisText(axis, print)));
  return `${p.name}: ${p.element}${p.unit === undefined ? '' : ` ${p.unit} `}[${axes.join(', ')}]`;
}

/** An axis name means one extent within a declaration, so a shared one gets its tensor's name in front. */
function freeName(axis: string, tensor: string, all: readonly TensorParam[]): string {
  const owners = all.filter((t) => t.axes.some((a) => a.kind === 'free' && a.name === axis));
  return owners.length > 1 ? `${tensor}_${axis}` : axis;
}

function printerFor(spec: Spec): Print {
  const axesOf = new Map(spec.tensors.map((t) => [t.name, t.axes]));
  const readText = (tensor: string, indices: readonly Expr[], print: Print): string => {
    const axes = axesOf.get(tensor) ?? [];
    return `${tensor}[${indices.map((e, i) => print(axes[i]?.kind === 'queries' ? positionOf(e) : e)).join(', ')}]`;
  };
  const refText = (name: string): string => {
    const dot = name.indexOf('.');
    return dot < 0 ? name : freeName(name.slice(dot + 1), name.slice(0, dot), spec.tensors);
  };
  return (e) => printExpr(sayable(e), { read: readText, ref: refText, functionName });
}

const q = ref('q', 'int');
const nQ = ref('n_q', 'int');
const nK = ref('n_k', 'int');

/** The position whose row is `row`: in the language the index of a `queries` axis is a position. */
function positionOf(row: Expr): Expr {
  const isRowOfQ = [add(sub(q, nK), nQ), add(q, sub(nQ, nK)), sub(add(q, nQ), nK), sub(q, sub(nK, nQ))].some((e) => sameExpr(e, row));
  return isRowOfQ ? q : sub(add(row, nK), nQ);
}

function functionName(op: UnaryOp | BinaryOp): string {
  switch (op) {
    case 'to_float':
      return 'float';
    case 'trailing_zeros':
    case 'floor_to_int':
    case 'bit_not':
      throw new CompilerBug('to source', `the language has no '${op}'`);
    default:
      return op;
  }
}

/** Rewrites what the language says in other words. */
function sayable(e: Expr): Expr {
  if (e.kind === 'unary' && e.op === 'bit_not') {
    // -x - 1
    const negated: Expr = { kind: 'unary', type: 'int', op: 'neg', arg: sayable(e.arg) };
    return { kind: 'binary', type: 'int', op: 'sub', left: negated, right: { kind: 'literal', type: 'int', value: 1 } };
  }
  if (e.kind === 'fold' && e.op === 'all') {
    return not({ ...e, op: 'any', from: sayable(e.from), to: sayable(e.to), body: not(sayable(e.body)) });
  }
  if (e.kind === 'fold' && e.op !== 'any') throw new CompilerBug('to source', `the language has no '${e.op}' over a range`);
  return mapChildren(e, sayable);
}

// Levels of the operators of masks, as in expr/print.ts.
const union = 1;
const intersection = 2;
const difference = 4;
const prefix = 6;
const atom = 7;

interface Text {
  readonly text: string;
  readonly level: number;
}

function maskText(m: MaskExpr, print: Print): Text {
  const at = (part: MaskExpr, level: number): string => {
    const printed = maskText(part, print);
    return printed.level >= level ? printed.text : `(${printed.text})`;
  };
  const joined = (args: readonly MaskExpr[], operator: string, level: number, empty: string): Text => {
    const [only] = args;
    if (only === undefined) return { text: empty, level: atom };
    if (args.length === 1) return maskText(only, print);
    return { text: args.map((arg, i) => at(arg, i === 0 ? level : level + 1)).join(` ${operator} `), level };
  };
  const call = (name: string, argument: string): Text => ({ text: `${name}(${argument})`, level: atom });
  switch (m.kind) {
    case 'all':
    case 'none':
    case 'causal':
      return { text: m.kind, level: atom };
    case 'band':
    case 'keys':
    case 'queries':
    case 'levels':
      return call(m.kind, `${print(m.from)} .. ${print(m.to)}`);
    case 'listed':
      return call(m.what, m.list.tensor);
    case 'segments':
      return call('segments', m.ids.tensor);
    case 'tiles':
      return call('tiles', m.table.tensor);
    case 'predicate':
      return { text: `{ (q, k) => ${print(m.body)} }`, level: atom };
    case 'and':
      return joined(m.args, '&', intersection, 'all');
    case 'or':
      return joined(m.args, '|', union, 'none');
    case 'not':
      return { text: `~${at(m.arg, prefix)}`, level: prefix };
    case 'minus':
      return { text: `${at(m.left, difference)} - ${at(m.right, difference + 1)}`, level: difference };
    case 'choose': {
      const cases = m.cases.map((c) => `${print(c.value)} => ${maskText(c.mask, print).text}`);
      const rest = `else => ${maskText(m.otherwise, print).text}`;
      return { text: `(per head choose ${print(m.selector)} { ${[...cases, rest].join(', ')} })`, level: atom };
    }
    default:
      return unreachable(m);
  }
}
