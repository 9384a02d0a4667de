/**
 * What Tint accepts and we must not emit. In: WGSL text. Out: findings with lines. Holds (webgpu-notes 3.2 and 4.1): a `var`
 * without an initialiser is not zeroed again in a loop by Tint's SPIR-V writer, and `&&` / `||` on element masks become
 * branches that software drivers compile for minutes.
 */
export interface LintFinding {
  /** 1-based. */
  readonly line: number;
  readonly rule: 'var-without-value' | 'short-circuit';
  readonly text: string;
}

function withoutComment(line: string): string {
  const at = line.indexOf('//');
  return at < 0 ? line : line.slice(0, at);
}

/** A declaration of a function-scope or private variable: `var name`, `var<private> name`; memory of other kinds starts as it is. */
const variable = /\bvar\s*(?:<\s*(?:private|function)\s*>)?\s+[A-Za-z_]\w*/g;

/** All findings; an empty list is what every emitted module must give. */
export function lintWgsl(text: string): readonly LintFinding[] {
  const findings: LintFinding[] = [];
  const code = text.split('\n').map(withoutComment);
  code.forEach((line, i) => {
    if (/&&|\|\|/.test(line)) findings.push({ line: i + 1, rule: 'short-circuit', text: line.trim() });
    for (const match of line.matchAll(variable)) {
      // The declaration runs to its semicolon, perhaps over several lines.
      const rest = [line.slice(match.index), ...code.slice(i + 1)].join('\n');
      const declaration = rest.slice(0, rest.indexOf(';') < 0 ? rest.length : rest.indexOf(';'));
      if (!/[^=!<>]=[^=]/.test(declaration)) findings.push({ line: i + 1, rule: 'var-without-value', text: line.trim() });
    }
  });
  return findings;
}
