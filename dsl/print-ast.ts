/**
 * Syntax trees to source text with the fewest parentheses. In: a tree without holes (made by hand, or by a generator of programs). Out:
 * text that parses to the same tree; its layout is plain, formatSource makes it canonical.
 */
import type { Arg, AttentionUse, ChainItem, Clause, Expr, Item, Param, RangeExpr, StageItem, StageUse } from './ast.ts';
import { precedenceOf } from './build-expr.ts';
import { unreachable } from './diagnostic.ts';

/** Binding of the forms that reach as far right as they can, and of those that need no parentheses anywhere. */
const openEnded = 0;
const prefix = 6;
const atom = 7;

function levelOf(e: Expr): number {
  switch (e.kind) {
    case 'binary':
      return precedenceOf(e.op);
    case 'unary':
      return prefix;
    case 'if':
    case 'let':
    case 'any':
    case 'reduce':
      return openEnded;
    case 'int':
    case 'float':
      // A sign in front of a literal belongs to it.
      return e.value < 0 || Object.is(e.value, -0) ? prefix : atom;
    case 'hole':
    case 'bool':
    case 'name':
    case 'call':
    case 'index':
    case 'predicate':
    case 'choose':
      return atom;
    default:
      return unreachable(e);
  }
}

function at(e: Expr, least: number): string {
  const text = printExpression(e);
  return levelOf(e) >= least ? text : `(${text})`;
}

export function printExpression(e: Expr): string {
  switch (e.kind) {
    case 'hole':
      return '';
    case 'int':
      return String(e.value);
    case 'float':
      return e.text;
    case 'bool':
      return String(e.value);
    case 'name':
      return e.name;
    case 'call':
      return `${e.callee.name}(${e.args.map(printArg).join(', ')})`;
    case 'index':
      return `${e.base.name}[${e.indices.map(printExpression).join(', ')}]`;
    case 'unary':
      // A minus before a literal would become part of it.
      return `${e.op}${e.op === '-' && (e.arg.kind === 'int' || e.arg.kind === 'float') && levelOf(e.arg) === atom ? `(${printExpression(e.arg)})` : at(e.arg, prefix)}`;
    case 'binary': {
      const level = precedenceOf(e.op);
      // Operators group to the left; comparisons do not chain at all.
      return `${at(e.left, level === 3 ? 4 : level)} ${e.op} ${at(e.right, level + 1)}`;
    }
    case 'if':
      return `if ${printExpression(e.cond)} then ${printExpression(e.then)} else ${printExpression(e.otherwise)}`;
    case 'let':
      return `let ${e.name.name} = ${printExpression(e.value)}; ${printExpression(e.body)}`;
    case 'any':
      return `any ${e.variable.name} in ${printExpression(e.from)} .. ${printExpression(e.to)}: ${printExpression(e.body)}`;
    case 'reduce': {
      const over = e.over.map((i) => (i.range === undefined ? i.name.name : `${i.name.name} in ${printArgValue(i.range)}`)).join(', ');
      const arg = e.arg === undefined ? '' : `(${printExpression(e.arg)})`;
      return `${e.op}${arg} ${over}${e.where === undefined ? '' : ` where ${printExpression(e.where)}`}: ${printExpression(e.body)}`;
    }
    case 'predicate':
      return `{ (${e.query.name}, ${e.key.name}) => ${printExpression(e.body)} }`;
    case 'choose': {
      const cases = e.cases.map((c) => `${printExpression(c.value)} => ${printExpression(c.body)}`);
      const all = e.otherwise === undefined ? cases : [...cases, `else => ${printExpression(e.otherwise)}`];
      return `per head choose ${printExpression(e.selector)} { ${all.join(', ')} }`;
    }
    default:
      return unreachable(e);
  }
}

function printArg(arg: Arg): string {
  return `${arg.name === undefined ? '' : `${arg.name.name} = `}${printArgValue(arg.value)}`;
}

function printArgValue(value: Expr | RangeExpr): string {
  return value.kind === 'range' ? `${printExpression(value.from)} .. ${printExpression(value.to)}` : printExpression(value);
}

function docLines(doc: readonly string[], margin: string): string {
  return doc.map((line) => `${margin}///${line === '' ? '' : ` ${line}`}\n`).join('');
}

function printParam(p: Param): string {
  const { scalar, unit, axes } = p.type;
  const type = `${scalar}${unit === undefined ? '' : ` ${unit.name}`}${axes.length === 0 ? '' : `${unit === undefined ? '' : ' '}[${axes.map(printExpression).join(', ')}]`}`;
  const text = `${p.isConst ? 'const ' : ''}${p.name.name}: ${type}${p.defaultValue === undefined ? '' : ` = ${printExpression(p.defaultValue)}`}`;
  return p.doc.length === 0 ? text : `\n${docLines(p.doc, '  ')}  ${text}`;
}

function printParams(params: readonly Param[]): string {
  return params.length === 0 ? '' : `(${params.map(printParam).join(', ')})`;
}

function printClause(c: Clause): string {
  switch (c.kind) {
    case 'mask':
    case 'scale':
    case 'sink':
      return `${c.kind} ${printExpression(c.body)}`;
    case 'score':
      return `score ${c.variable.name} => ${printExpression(c.body)}`;
    case 'stage':
      return printUse(c);
    case 'output':
      return `output ${c.tensors.map((t) => t.name).join(', ')}`;
    case 'schedule':
      return `schedule { ${c.pins.map((p) => `${p.name.name} = ${printExpression(p.value)}`).join(', ')} }`;
    default:
      return unreachable(c);
  }
}

function printUse(u: StageUse | AttentionUse): string {
  return `${u.kind} ${u.name.name} = ${u.callee.name}${u.args.length === 0 ? '' : `(${u.args.map(printArg).join(', ')})`}`;
}

function printStageItem(item: StageItem, margin: string): string {
  switch (item.kind) {
    case 'index':
      return `${margin}index ${item.name.name} in ${printArgValue(item.range)}\n`;
    case 'let':
      return `${margin}let ${item.name.name} = ${printExpression(item.value)}\n`;
    case 'equation': {
      const indices = item.indices.length === 0 ? '' : `[${item.indices.map((i) => i.name).join(', ')}]`;
      const precision = item.precision === undefined ? '' : `: ${item.precision.name}`;
      return `${docLines(item.doc, margin)}${margin}${item.name.name}${indices}${precision} = ${printExpression(item.body)}\n`;
    }
    case 'repeat':
      return `${margin}repeat ${printExpression(item.count)} {\n${item.items.map((i) => printStageItem(i, `${margin}  `)).join('')}${margin}}\n`;
    case 'stage':
      return `${margin}${printUse(item)}\n`;
    default:
      return unreachable(item);
  }
}

function printChainItem(item: ChainItem, margin: string): string {
  switch (item.kind) {
    case 'sizes':
      return `${margin}sizes ${item.sizes.map((s) => `${s.name.name} = ${printExpression(s.value)}`).join(', ')}\n`;
    case 'let':
      return `${margin}let ${item.name.name} = ${printExpression(item.value)}\n`;
    case 'repeat':
      return `${margin}repeat ${item.variable.name} in ${printArgValue(item.range)} {\n${item.items.map((i) => printChainItem(i, `${margin}  `)).join('')}${margin}}\n`;
    case 'stage':
    case 'attention':
      return `${margin}${printUse(item)}\n`;
    case 'output':
      return `${margin}output ${item.tensors.map((t) => t.name).join(', ')}\n`;
    default:
      return unreachable(item);
  }
}

function printItem(item: Item): string {
  switch (item.kind) {
    case 'import': {
      const names = item.names.map(({ name, alias }) => (alias === undefined ? name.name : `${name.name} as ${alias.name}`));
      return `import ${names.join(', ')} from "${item.from}"`;
    }
    case 'mask':
      return `${docLines(item.doc, '')}mask ${item.name.name}${printParams(item.params)} =\n  ${printExpression(item.body)}`;
    case 'stage':
      return `${docLines(item.doc, '')}stage ${item.name.name}${printParams(item.params)} {\n${item.items.map((i) => printStageItem(i, '  ')).join('')}}`;
    case 'attention':
      return `${docLines(item.doc, '')}attention ${item.name.name}${printParams(item.params)} {\n${item.clauses.map((c) => `  ${printClause(c)}\n`).join('')}}`;
    case 'chain':
      return `${docLines(item.doc, '')}chain ${item.name.name}${printParams(item.params)} {\n${item.items.map((i) => printChainItem(i, '  ')).join('')}}`;
    default:
      return unreachable(item);
  }
}

/** The text of a whole file. */
export function printItems(items: readonly Item[]): string {
  return items.map((item) => `${printItem(item)}\n`).join('\n');
}
