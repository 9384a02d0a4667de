/**
 * Types of operators. In: the operator and the types of its operands. Out: the type of the result, with reports for operands that do
 * not fit and for units that do not go together.
 */
import type { BinaryOp, Expr } from './ast.ts';
import * as report from './catalogue/index.ts';
import { asScalar, refuse } from './check-env.ts';
import type { Env } from './check-env.ts';
import { unreachable } from './diagnostic.ts';
import type { Span } from './span.ts';
import { errorType, joinUnits, maskType, scalarType, typeText } from './types.ts';
import type { ScalarType, Type, Unit } from './types.ts';

type Unary = Extract<Expr, { readonly kind: 'unary' }>;
type Binary = Extract<Expr, { readonly kind: 'binary' }>;

export function unaryType(e: Unary, arg: Type, env: Env): Type {
  if (e.op === '~' && arg.kind === 'mask') return maskType;
  if (e.op === '-' && arg.kind === 'mask') {
    return refuse(report.wrongOperand(e.arg.span, { op: '-', wanted: 'a number', found: 'a mask', help: 'the complement of a mask is written `~`' }), env);
  }
  const type = asScalar(arg, e.arg.span, env);
  if (type === undefined) return errorType;
  if (e.op === '~') {
    if (type.scalar === 'bool') return type;
    return refuse(report.wrongOperand(e.arg.span, { op: '~', wanted: 'a mask or a bool', found: type.scalar }), env);
  }
  if (type.scalar !== 'bool') return type;
  return refuse(report.wrongOperand(e.arg.span, { op: '-', wanted: 'a number', found: 'bool', help: 'the negation of a condition is written `~`' }), env);
}

export function binaryType(e: Binary, left: Type, right: Type, env: Env): Type {
  if (e.op === '&' || e.op === '|' || e.op === '-') {
    if (left.kind === 'mask' || right.kind === 'mask') return maskOperation(e, left, right, env);
  }
  const a = asScalar(left, e.left.span, env);
  const b = asScalar(right, e.right.span, env);
  if (a === undefined || b === undefined) return errorType;
  const constant = a.constant && b.constant;
  switch (e.op) {
    case '&':
    case '|':
      return accepts(e, a, b, env, 'two bools or two masks', (t) => t.scalar === 'bool') ? scalarType('bool', constant) : errorType;
    case '==':
    case '!=':
      if (a.scalar === 'bool' && b.scalar === 'bool') return scalarType('bool', constant);
      return compare(e, a, b, env);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compare(e, a, b, env);
    case '+':
    case '-': {
      if (!accepts(e, a, b, env, e.op === '-' ? 'two numbers or two masks' : 'two numbers', isNumber)) return errorType;
      return scalarType(numberOf(a, b), constant, unitOf(e.op, e.span, a, b, env));
    }
    case '*':
      return accepts(e, a, b, env, 'two numbers', isNumber) ? scalarType(numberOf(a, b), constant) : errorType;
    case '/':
      return accepts(e, a, b, env, 'two numbers', isNumber) ? scalarType('float', constant) : errorType;
    case 'div':
    case 'mod':
      return division(e, a, b, env);
    default:
      return unreachable(e.op);
  }
}

function maskOperation(e: Binary, left: Type, right: Type, env: Env): Type {
  for (const [type, part] of [[left, e.left], [right, e.right]] as const) {
    if (type.kind !== 'mask' && type.kind !== 'error') {
      return refuse(report.valueAsMask(part.span, { found: typeText(type) }), env);
    }
  }
  return maskType;
}

function isNumber(t: ScalarType): boolean {
  return t.scalar !== 'bool';
}

function numberOf(a: ScalarType, b: ScalarType): 'int' | 'float' {
  return a.scalar === 'float' || b.scalar === 'float' ? 'float' : 'int';
}

function accepts(e: Binary, a: ScalarType, b: ScalarType, env: Env, wanted: string, fits: (t: ScalarType) => boolean): boolean {
  for (const [type, part] of [[a, e.left], [b, e.right]] as const) {
    if (fits(type)) continue;
    env.checking.report(report.wrongOperand(part.span, { op: e.op, wanted, found: type.scalar, help: helpFor(e.op, type, part) }));
    return false;
  }
  return true;
}

function helpFor(op: BinaryOp, type: ScalarType, part: Expr): string | undefined {
  if ((op === '&' || op === '|') && type.scalar === 'int') return `bits of ints are joined with \`${op === '&' ? 'bit_and' : 'bit_or'}(a, b)\``;
  if ((op === 'div' || op === 'mod') && type.scalar === 'float' && part.kind === 'binary' && part.op === '/') return 'whole numbers are divided with `div`';
  return undefined;
}

function compare(e: Binary, a: ScalarType, b: ScalarType, env: Env): Type {
  if (!accepts(e, a, b, env, e.op === '==' || e.op === '!=' ? 'two numbers or two bools' : 'two numbers', isNumber)) return errorType;
  unitOf(e.op, e.span, a, b, env);
  return scalarType('bool', a.constant && b.constant);
}

function division(e: Binary, a: ScalarType, b: ScalarType, env: Env): Type {
  if (!accepts(e, a, b, env, 'two ints', (t) => t.scalar === 'int')) return errorType;
  if (e.right.kind === 'int' && e.right.value < 1) {
    return refuse(report.divisorTooSmall(e.right.span, { op: e.op, value: e.right.value }), env);
  }
  // A remainder counts what was divided; a quotient is a count of something else.
  return e.op === 'mod' ? scalarType('int', a.constant && b.constant, a.unit) : scalarType('int', a.constant && b.constant);
}

function unitOf(op: string, span: Span, a: ScalarType, b: ScalarType, env: Env): Unit | undefined {
  return agreeOnUnit(`\`${op}\``, span, a.unit, b.unit, env);
}

/** The unit of two quantities that are put together; reports where they count different things. */
export function agreeOnUnit(what: string, span: Span, a: Unit | undefined, b: Unit | undefined, env: Env): Unit | undefined {
  const unit = joinUnits(a, b);
  if (unit !== 'mixed') return unit;
  env.checking.report(report.unitsMixed(span, { op: what, left: a ?? '', right: b ?? '' }));
  return undefined;
}
