/**
 * Tokens to the syntax of a module (syntax.ts). What the parser does not know is a `PtxSyntaxError` with its line, turned into a
 * diagnostic by module.ts. Functions other than entries are skipped: a kernel that calls one is refused when `call` is decoded.
 */
import { tokenize } from './tokens.ts';
import type { Token } from './tokens.ts';
import type { EntrySyntax, Instruction, ModuleSyntax, Operand, Variable } from './syntax.ts';

/** Stays within this folder: module.ts turns it into a diagnostic. */
export class PtxSyntaxError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.name = 'PtxSyntaxError';
    this.line = line;
  }
}

const lineDirectives = ['.loc', '.file', '.maxntid', '.reqntid', '.minnctapersm', '.maxnreg', '.explicitcluster', '.reqnctapercluster', '.maxclusterrank', '.version', '.target', '.address_size'];
const spaces = { '.param': 'param', '.shared': 'shared', '.local': 'local', '.global': 'global', '.const': 'const' } as const;
const specials = /^%(tid|ntid|ctaid|nctaid|laneid|warpid|nwarpid|smid|clock|clock64|globaltimer|cluster_\w+|dynamic_smem_size|total_smem_size|lanemask_\w+)(\.[xyz])?$/;

interface Scope {
  readonly parent: Scope | undefined;
  readonly suffix: string;
  /** Names, and families by their stem followed by `<`. */
  readonly names: Map<string, string>;
  readonly labels: Set<string>;
}

export function parseModule(text: string): ModuleSyntax {
  const tokens = tokenize(text);
  let at = 0;
  const peek = (ahead = 0): Token => tokens[Math.min(at + ahead, tokens.length - 1)] ?? { kind: 'end', text: '', line: 0 };
  const next = (): Token => {
    const token = peek();
    at += 1;
    return token;
  };
  const fail = (token: Token, wanted: string): never => {
    throw new PtxSyntaxError(token.line, `expected ${wanted} and found '${token.text}'`);
  };
  const expect = (text: string): Token => (peek().text === text ? next() : fail(peek(), `'${text}'`));
  const accept = (text: string): boolean => {
    if (peek().text !== text) return false;
    at += 1;
    return true;
  };
  const word = (): string => (peek().kind === 'word' ? next().text : fail(peek(), 'a name'));
  const integer = (): number => {
    const negative = accept('-');
    const token = next();
    if (token.kind !== 'number') fail(token, 'a number');
    const value = Number(token.text.replace(/U$/, ''));
    return negative ? -value : value;
  };
  const skipLine = (): readonly Token[] => {
    const { line } = peek();
    const taken: Token[] = [];
    while (peek().kind !== 'end' && peek().line === line) taken.push(next());
    return taken;
  };
  const skipBraces = (): void => {
    expect('{');
    for (let depth = 1; depth > 0 && peek().kind !== 'end'; at += 1) depth += peek().text === '{' ? 1 : peek().text === '}' ? -1 : 0;
  };

  /** After the space word: `.align 4 .b8 name[128] = {..}`. */
  const variable = (space: Variable['space'], external: boolean): Variable => {
    let align: number | undefined;
    let type: string | undefined;
    for (;;) {
      if (accept('.align')) align = integer();
      else if (accept('.ptr') || /^\.(global|shared|const|local|volatile)$/.test(peek().text) && accept(peek().text)) continue;
      else if (peek().text.startsWith('.')) type = word().slice(1);
      else break;
    }
    const name = word();
    const elementSize = sizeOf(type ?? fail(peek(), 'a type'));
    let count = 1;
    if (accept('[')) {
      count = peek().text === ']' ? 0 : integer();
      expect(']');
    }
    const initial: number[] = [];
    if (accept('=')) {
      if (accept('{')) {
        while (!accept('}')) {
          initial.push(integer());
          accept(',');
        }
      } else initial.push(integer());
    }
    return { name, space, align: align ?? elementSize, size: count * elementSize, external: external || count === 0, initial, elementSize };
  };

  const entry = (): EntrySyntax => {
    const name = word();
    const params: Variable[] = [];
    if (accept('(')) {
      while (!accept(')')) {
        expect('.param');
        params.push(variable('param', false));
        accept(',');
      }
    }
    let maxThreads: number | undefined;
    while (peek().text !== '{') {
      const [first, ...rest] = skipLine();
      if (first === undefined || !lineDirectives.includes(first.text)) fail(first ?? peek(), 'a directive of the entry');
      const brace = rest.findIndex((t) => t.text === '{');
      if (brace >= 0) at -= rest.length - brace;
      if (first?.text === '.maxntid' || first?.text === '.reqntid') {
        maxThreads = rest.filter((t) => t.kind === 'number').reduce((product, t) => product * Number(t.text), 1);
      }
    }
    const locals: Variable[] = [];
    const registers = new Map<string, string>();
    const labels = new Map<string, number>();
    const instructions: Instruction[] = [];
    let source: Instruction['source'];
    let scopes = 0;

    const resolve = (scope: Scope, name: string): { readonly name: string; readonly type: string } | undefined => {
      for (let s: Scope | undefined = scope; s !== undefined; s = s.parent) {
        const type = s.names.get(name) ?? s.names.get(`${name.replace(/\d+$/, '')}<`);
        if (type !== undefined) {
          registers.set(name + s.suffix, type);
          return { name: name + s.suffix, type };
        }
      }
      return undefined;
    };
    const operand = (scope: Scope): Operand => {
      const first = simpleOperand(scope);
      return accept('|') ? { kind: 'pair', first, second: simpleOperand(scope) } : first;
    };
    const simpleOperand = (scope: Scope): Operand => {
      const token = peek();
      if (accept('{')) {
        const items: Operand[] = [];
        while (!accept('}')) {
          items.push(operand(scope));
          accept(',');
        }
        return { kind: 'vector', items };
      }
      if (accept('[')) {
        const base = simpleOperand(scope);
        let offset = 0;
        while (accept('+')) offset += integer();
        if (peek().text === ',') throw new PtxSyntaxError(token.line, 'tensor map addresses are not supported');
        expect(']');
        return { kind: 'address', base, offset };
      }
      if (accept('!')) {
        const inner = simpleOperand(scope);
        return inner.kind === 'register' ? { ...inner, negated: true } : fail(token, 'a predicate');
      }
      if (token.text === '-' || token.kind === 'number') return immediate();
      if (token.text === '_' && token.kind === 'word') {
        at += 1;
        return { kind: 'sink' };
      }
      const name = word();
      const found = resolve(scope, name);
      if (found !== undefined) return { kind: 'register', ...found, negated: false };
      if (specials.test(name)) return { kind: 'special', name };
      for (let s: Scope | undefined = scope; s !== undefined; s = s.parent) {
        if (s.labels.has(name)) return { kind: 'symbol', name: name + s.suffix };
      }
      return { kind: 'symbol', name };
    };
    const immediate = (): Operand => {
      const negative = accept('-');
      const token = next();
      if (token.kind !== 'number') fail(token, 'a number');
      const { text } = token;
      if (/^0[fF]/.test(text)) return { kind: 'immediate', low: Number(`0x${text.slice(2)}`), high: 0, decimal: undefined };
      if (/^0[dD]/.test(text)) return { kind: 'immediate', low: Number(`0x${text.slice(10)}`), high: Number(`0x${text.slice(2, 10)}`), decimal: undefined };
      if (text.includes('.')) return { kind: 'immediate', low: 0, high: 0, decimal: negative ? -Number(text) : Number(text) };
      const value = BigInt.asUintN(64, negative ? -BigInt(text.replace(/U$/, '')) : BigInt(text.replace(/U$/, '')));
      return { kind: 'immediate', low: Number(value & 0xffffffffn), high: Number(value >> 32n), decimal: undefined };
    };
    /** Labels of a scope are found ahead, since branches go forward. Starts behind the opening brace. */
    const labelsAhead = (): Set<string> => {
      const found = new Set<string>();
      for (let i = 0, depth = 1; depth > 0 && peek(i).kind !== 'end'; i += 1) {
        const { text, kind } = peek(i);
        depth += text === '{' ? 1 : text === '}' ? -1 : 0;
        if (depth === 1 && kind === 'word' && peek(i + 1).text === ':') found.add(text);
      }
      return found;
    };
    const block = (parent: Scope | undefined): void => {
      expect('{');
      const scope: Scope = { parent, suffix: parent === undefined ? '' : `~${(scopes += 1)}`, names: new Map(), labels: labelsAhead() };
      while (!accept('}')) {
        const token = peek();
        if (token.kind === 'end') fail(token, "'}'");
        if (token.text === '{') block(scope);
        else if (accept(';')) continue;
        else if (token.kind === 'word' && peek(1).text === ':') {
          labels.set(token.text + scope.suffix, instructions.length);
          at += 2;
        } else if (lineDirectives.includes(token.text)) {
          const [first, file, line] = skipLine();
          if (first?.text === '.loc') source = { file: Number(file?.text), line: Number(line?.text) };
        } else if (token.text === '.pragma') {
          while (next().text !== ';') if (peek().kind === 'end') fail(peek(), "';'");
        } else if (accept('.reg')) {
          const type = word().slice(1);
          do {
            const name = word();
            if (accept('<')) {
              integer();
              expect('>');
              scope.names.set(`${name}<`, type);
            } else scope.names.set(name, type);
          } while (accept(','));
          expect(';');
        } else if (token.text in spaces) {
          at += 1;
          const space = Object.entries(spaces).find(([key]) => key === token.text)?.[1];
          if (space !== undefined) locals.push(variable(space, false));
          expect(';');
        } else instruction(scope);
      }
    };
    const instruction = (scope: Scope): void => {
      const start = at;
      const { line } = peek();
      let guard: Instruction['guard'];
      if (accept('@')) {
        const negated = accept('!');
        const found = resolve(scope, word());
        guard = { name: found?.name ?? fail(peek(), 'a declared predicate'), negated };
      }
      const parts = word().split('.');
      const operands: Operand[] = [];
      if (parts[0] === 'call') throw new PtxSyntaxError(line, `unknown instruction '${parts.join('.')}': calls are not supported`);
      while (!accept(';')) {
        operands.push(operand(scope));
        if (peek().text !== ';') expect(',');
      }
      instructions.push({ parts, guard, operands, text: textOf(tokens.slice(start, at - 1)), line, source });
    };
    block(undefined);
    return { name, params, locals, registers, instructions, labels, maxThreads };
  };

  let target = '';
  const variables: Variable[] = [];
  const entries: EntrySyntax[] = [];
  while (peek().kind !== 'end') {
    const token = peek();
    if (lineDirectives.includes(token.text)) {
      const words = skipLine();
      if (token.text === '.target') target = words[1]?.text ?? '';
    } else if (token.text === '.section') {
      while (peek().text !== '{') at += 1;
      skipBraces();
    } else if (token.text === '.visible' || token.text === '.weak' || token.text === '.extern') {
      at += 1;
    } else if (accept('.entry')) entries.push(entry());
    else if (accept('.func')) {
      while (peek().text !== '{' && peek().text !== ';' && peek().kind !== 'end') at += 1;
      if (peek().text === '{') skipBraces();
      else at += 1;
    } else {
      const space = Object.entries(spaces).find(([key]) => key === token.text)?.[1];
      if (space === undefined) fail(token, 'a directive');
      else {
        const external = peek(-1).text === '.extern';
        at += 1;
        variables.push(variable(space, external));
        expect(';');
      }
    }
  }
  return { target, variables, entries };
}

function textOf(tokens: readonly Token[]): string {
  let text = '';
  let previous = '';
  for (const token of tokens) {
    const tight = text === '' || /[[({@!+|-]$/.test(text) || /^[\])},;+|:]/.test(token.text) || (previous === 'mark' && text.endsWith('-'));
    text += tight ? token.text : ` ${token.text}`;
    previous = token.kind;
  }
  return text;
}

/** Bytes of a PTX type; a predicate counts as one. */
export function sizeOf(type: string): number {
  const bits = /^(?:[busf]|bf)(\d+)(x2)?$/.exec(type);
  if (bits === null) return type === 'pred' ? 1 : 0;
  return bits[2] === undefined ? Number(bits[1]) / 8 : Number(bits[1]) / 4;
}
