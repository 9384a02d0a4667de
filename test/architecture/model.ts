/**
 * What the rules look at: one flat record per source file, made from its syntax tree (no type checking, so the
 * whole repository takes a second). Rules are functions over these records, so that each can also be fed a bad source by hand.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { ts } from 'ts-morph';

export interface Place {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

export interface Import extends Place {
  /** Repository path of the file, or the name of a package. */
  readonly target: string;
  readonly relative: boolean;
  readonly typeOnly: boolean;
}

/** A string or template literal. */
export interface Literal extends Place {
  /** The literal pieces; between two pieces stands a substitution. */
  readonly pieces: readonly string[];
}

export interface SourceModel {
  /** Relative to the repository root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** The comment the file starts with, without its marks; empty when there is none. */
  readonly head: string;
  readonly imports: readonly Import[];
  readonly anys: readonly Place[];
  /** `as` and `<T>` casts other than `as const`. */
  readonly casts: readonly Place[];
  readonly nonNulls: readonly Place[];
  readonly literals: readonly Literal[];
  /** `default:` clauses of switches over a `.kind` that neither refuse (`unreachable`, `throw`) nor descend into all children. */
  readonly openDefaults: readonly Place[];
  /** Names of globals the file reaches for, such as `Date.now` and `process`. */
  readonly globals: readonly Place[];
}

const watchedGlobals = ['process', 'console', 'fetch', 'setTimeout', 'performance'];
const watchedMembers = ['Date.now', 'Math.random', 'Date'];

export function modelOf(path: string, text: string): SourceModel {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const imports: Import[] = [];
  const anys: Place[] = [];
  const casts: Place[] = [];
  const nonNulls: Place[] = [];
  const literals: Literal[] = [];
  const openDefaults: Place[] = [];
  const globals: Place[] = [];

  const placeOf = (node: ts.Node): Place => ({
    line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1,
    text: node.getText(file).replaceAll(/\s+/g, ' ').slice(0, 80),
  });
  const addImport = (node: ts.Node, name: string, typeOnly: boolean): void => {
    const isRelative = name.startsWith('.');
    const target = isRelative ? posix.normalize(posix.join(posix.dirname(path), name)) : name;
    imports.push({ ...placeOf(node), target, relative: isRelative, typeOnly });
  };

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      addImport(node, node.moduleSpecifier.text, node.importClause?.isTypeOnly === true);
      return;
    }
    if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      addImport(node, node.moduleSpecifier.text, node.isTypeOnly);
      return;
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const argument = node.arguments[0];
      if (argument !== undefined && ts.isStringLiteral(argument)) addImport(node, argument.text, false);
    }
    if (node.kind === ts.SyntaxKind.AnyKeyword) anys.push(placeOf(node.parent));
    if (ts.isTypeAssertionExpression(node)) casts.push(placeOf(node));
    if (ts.isAsExpression(node) && node.type.getText(file) !== 'const') casts.push(placeOf(node));
    if (ts.isNonNullExpression(node)) nonNulls.push(placeOf(node));
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) literals.push({ ...placeOf(node), pieces: [node.text] });
    if (ts.isTemplateExpression(node)) {
      literals.push({ ...placeOf(node), pieces: [node.head.text, ...node.templateSpans.map((s) => s.literal.text)] });
    }
    if (ts.isSwitchStatement(node) && /\.kind$/.test(node.expression.getText(file))) {
      for (const clause of node.caseBlock.clauses) {
        if (ts.isDefaultClause(clause) && !/unreachable\(|children\(|throw /i.test(clause.getText(file))) openDefaults.push(placeOf(clause));
      }
    }
    const parent = node.parent;
    if (ts.isIdentifier(node) && parent !== undefined && !isNameOnly(node, parent)) {
      if (watchedGlobals.includes(node.text)) globals.push(placeOf(node));
      if (ts.isNewExpression(parent) && parent.expression === node && watchedMembers.includes(node.text)) globals.push(placeOf(parent));
    }
    if (ts.isPropertyAccessExpression(node) && watchedMembers.includes(node.getText(file))) globals.push(placeOf(node));
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(file, visit);

  const comment = ts.getLeadingCommentRanges(text, ts.getShebang(text)?.length ?? 0)?.[0];
  const head = comment === undefined ? '' : cleanComment(text.slice(comment.pos, comment.end));
  const lines = text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return { path, text, lines, head, imports, anys, casts, nonNulls, literals, openDefaults, globals };
}

/** Every TypeScript source below `folders` of the repository, in the order of their paths. */
export function readModels(root: string, folders: readonly string[]): readonly SourceModel[] {
  return folders
    .flatMap((folder) => filesBelow(join(root, folder)))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => modelOf(relative(root, file).split(sep).join('/'), readFileSync(file, 'utf8')))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.includes(`${sep}node_modules${sep}`) && !file.includes(`${sep}.cache${sep}`));
}

export const repositoryRoot: string = dirname(dirname(import.meta.dirname));

/** Is the identifier a property name, a member after a dot, or a declaration's own name (not a use of a global)? */
function isNameOnly(node: ts.Identifier, parent: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isPropertyAssignment(parent)) return parent.name === node;
  return (
    ts.isPropertySignature(parent) || ts.isMethodSignature(parent) || ts.isImportSpecifier(parent) || ts.isParameter(parent) ||
    ts.isVariableDeclaration(parent) && parent.name === node || ts.isBindingElement(parent) || ts.isTypeReferenceNode(parent) ||
    ts.isFunctionDeclaration(parent) || ts.isShorthandPropertyAssignment(parent)
  );
}

function cleanComment(raw: string): string {
  return raw
    .split('\n')
    .map((line) => line.replace(/^\s*(\/\*\*?|\*\/|\*|\/\/)\s?/, '').replace(/\*\/\s*$/, '').trim())
    .filter((line) => line !== '')
    .join('\n');
}
