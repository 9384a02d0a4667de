/**
 * PTX text to tokens. Comments vanish; every token keeps its line, because some directives (`.loc`, `.file`, `.maxntid`) end with the
 * line and not with a semicolon. A character that starts no token becomes a token of its own, which the parser refuses.
 */
export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'mark' | 'end';
  readonly text: string;
  readonly line: number;
}

const pattern = /(\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|([.%$A-Za-z_](?:[\w$.%]|::)*)|(0[fF][0-9a-fA-F]{8}|0[dD][0-9a-fA-F]{16}|0[xX][0-9a-fA-F]+U?|\d+\.\d+(?:[eE][-+]?\d+)?|\d+U?)|("(?:[^"\\]|\\.)*")|([\s\S])/gy;

export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (const match of text.matchAll(pattern)) {
    const [whole, space, word, number, string] = match;
    if (space === undefined) {
      const kind = word !== undefined ? 'word' : number !== undefined ? 'number' : string !== undefined ? 'string' : 'mark';
      tokens.push({ kind, text: whole, line });
    }
    for (let at = whole.indexOf('\n'); at >= 0; at = whole.indexOf('\n', at + 1)) line += 1;
  }
  tokens.push({ kind: 'end', text: '', line });
  return tokens;
}
