/**
 * Every rule is seen failing on a bad source and silent on a good one: a rule that cannot fail protects nothing.
 */
import { describe, expect, test } from 'vitest';
import { modelOf } from './model.ts';
import type { SourceModel } from './model.ts';
import * as rules from './rules.ts';

const head = '/** What goes in, what comes out and what holds afterwards, in a sentence or two. */\n';

function source(path: string, text: string): SourceModel {
  return modelOf(path, head + text);
}

/** Expects findings in `bad` (with this word in the message) and none in `good`. */
function judges(rule: (models: readonly SourceModel[]) => readonly rules.Finding[], bad: readonly SourceModel[], word: string, good: readonly SourceModel[]): void {
  const findings = rule(bad);
  expect(findings.length).toBeGreaterThan(0);
  for (const finding of findings) expect(finding.message).toContain(word);
  expect(rule(good)).toEqual([]);
}

describe('import rules', () => {
  test('an import against the direction of the layers is reported', () => {
    judges(
      rules.importDirection,
      [source('dsl/a.ts', "import { b } from '../compiler/b.ts';"), source('compiler/b.ts', "export * from '../backends/c.ts';")],
      'imports go one way',
      [source('backends/a.ts', "import { b } from '../compiler/b.ts';\nimport { c } from '../dsl/c.ts';")],
    );
    expect(rules.importDirection([source('compiler/b.ts', "const c = await import('../tools/c.ts');")])).toHaveLength(1);
  });

  test('the compiler may read the tree of the source only where it lowers it', () => {
    judges(
      rules.compilerSeesData,
      [source('compiler/plan/a.ts', "import type { Expr } from '../../dsl/ast.ts';"), source('compiler/spec/b.ts', "import { parse } from '../../dsl/grammar.ts';")],
      'the compiler sees spans',
      [source('compiler/spec/lower-ast.ts', "import type { Expr } from '../../dsl/ast.ts';\nimport { noSpan } from '../../dsl/span.ts';")],
    );
  });

  test('a backend that looks at masks or plans is reported', () => {
    judges(
      rules.backendsSeeMachines,
      [source('backends/wgsl/a.ts', "import type { Plan } from '../../compiler/plan/ir.ts';"), source('backends/wgsl/b.ts', "import { verify } from '../../compiler/tile/verify.ts';")],
      'backends see kernel programs',
      [source('backends/wgsl/c.ts', "import type { KernelProgram } from '../../compiler/kernel/ir.ts';\nimport type { HostPlan } from '../../compiler/launch/plan.ts';")],
    );
  });

  test('the dense interpreter must not borrow from what it judges', () => {
    judges(
      rules.denseStandsAlone,
      [source('compiler/interpreters/dense/mask.ts', "import { evaluate } from '../../expr/evaluate.ts';")],
      'shares no code',
      [source('compiler/interpreters/dense/mask.ts', "import type { Spec } from '../../spec/ir.ts';\nimport type { Expr } from '../../expr/ir.ts';")],
    );
  });

  test('a cycle of imports is reported once, a diamond is not a cycle', () => {
    const cycle = [source('dsl/a.ts', "import './b.ts';"), source('dsl/b.ts', "import './c.ts';"), source('dsl/c.ts', "import './a.ts';")];
    expect(rules.noCycles(cycle).map((f) => f.message)).toEqual(['import cycle: dsl/a.ts -> dsl/b.ts -> dsl/c.ts -> dsl/a.ts']);
    const diamond = [source('dsl/a.ts', "import './b.ts';\nimport './c.ts';"), source('dsl/b.ts', "import './d.ts';"), source('dsl/c.ts', "import './d.ts';"), source('dsl/d.ts', '')];
    expect(rules.noCycles(diamond)).toEqual([]);
  });

  test('an import of a file that does not exist is reported', () => {
    judges(rules.importsResolve, [source('dsl/a.ts', "import './gone.ts';")], 'does not exist', [source('dsl/a.ts', "import './b.ts';"), source('dsl/b.ts', '')]);
  });
});

describe('type rules', () => {
  test('any is reported wherever it stands', () => {
    judges(
      rules.noAny,
      [source('dsl/a.ts', 'export const x: any = 1;'), source('dsl/b.ts', 'export function f(y: readonly any[]): void {}'), source('dsl/c.ts', 'export const z = <any>1;')],
      'any in',
      [source('dsl/d.ts', "export const any = 'any';\nexport const w: unknown = any;")],
    );
  });

  test('casts are reported unless the ledger counts them, and the ledger must not count too many', () => {
    const bad = source('dsl/a.ts', 'export const x = 1 as number;\nexport const y = <number>2;');
    judges(rules.castsAreCounted({}), [bad], 'cast', [source('dsl/a.ts', "export const x = ['a'] as const;\nexport { x as y };\nimport { a as b } from './c.ts';")]);
    expect(rules.castsAreCounted({ 'dsl/a.ts': { count: 2, reason: 'a test' } })([bad])).toEqual([]);
    expect(rules.castsAreCounted({ 'dsl/a.ts': { count: 1, reason: 'a test' } })([bad])).toHaveLength(2);
    expect(rules.castsAreCounted({ 'dsl/a.ts': { count: 3, reason: 'a test' } })([bad])).toHaveLength(1);
    expect(rules.castsAreCounted({ 'dsl/gone.ts': { count: 1, reason: 'a test' } })([])).toHaveLength(1);
  });

  test('non-null assertions are reported, negations are not', () => {
    judges(rules.nonNullsAreCounted({}), [source('dsl/a.ts', 'export const x = [1][0]!;')], 'non-null', [source('dsl/a.ts', 'export const x = !true && 1 !== 2;')]);
  });

  test('a default that swallows new kinds is reported, one that ends in unreachable is not', () => {
    const swallow = "export function f(n: { kind: 'a' | 'b' }): number { switch (n.kind) { case 'a': return 1; default: return 0; } }";
    const closed = "export function f(n: { kind: 'a' }): number { switch (n.kind) { case 'a': return 1; default: return unreachable(n); } }";
    judges(rules.switchesAreClosed({}), [source('dsl/a.ts', swallow)], 'open default', [source('dsl/a.ts', closed), source('tools/a.ts', swallow)]);
  });
});

describe('file rules', () => {
  test('a file of 601 lines is refused, one of 401 needs a reason, one of 400 does not', () => {
    const ofLines = (n: number): SourceModel => modelOf('dsl/a.ts', 'x;\n'.repeat(n));
    const reason = { 'dsl/a.ts': { count: 0, reason: 'one table' } };
    judges(rules.filesAreShort({}), [ofLines(401)], 'lines', [ofLines(400)]);
    expect(rules.filesAreShort(reason)([ofLines(600)])).toEqual([]);
    expect(rules.filesAreShort(reason)([ofLines(601)])).toHaveLength(1);
    expect(rules.filesAreShort(reason)([ofLines(400)])).toHaveLength(1);
  });

  test('a file without a word about itself is reported', () => {
    judges(rules.headComments, [modelOf('dsl/a.ts', 'export const x = 1;\n/** Late. */'), modelOf('dsl/b.ts', '/** Short. */\nexport {};')], 'starts without', [
      source('dsl/c.ts', ''),
      modelOf('tools/d.ts', `#!/usr/bin/env node\n${head}export {};`),
    ]);
  });

  test('the name of a method in the compiler is reported, in an example or inside a longer word it is not', () => {
    judges(
      rules.noPapers,
      [source('compiler/plan/a.ts', '// as MMInference does it'), source('dsl/b.ts', 'export const snapkvPool = 1;'), source('backends/c.ts', "export const x = 'Quest bounds';")],
      'methods live in examples',
      [source('compiler/plan/a.ts', '// the request, the question, and a transaction'), source('tools/a.ts', '// MMInference')],
    );
  });

  test('kernel text with statements around a hole is reported, one token with a hole is not', () => {
    judges(
      rules.noKernelTemplates,
      [
        source('backends/wgsl/a.ts', 'export const t = (n: string): string => `fn ${n}() { return; }`;'),
        source('backends/wgsl/b.ts', "export const t = 'var x = 1; var y = 2;';"),
        source('backends/wgsl/c.ts', 'export const t = `fn main() {\n}\n`;'),
      ],
      'by hand',
      [
        source('backends/wgsl/d.ts', 'export const t = (n: string, x: string): string => `bitcast<i32>(${n}, ${x})`;'),
        source('backends/wgsl/runtime/e.ts', 'export const t = `fn main() {\n}\n`;'),
        source('tools/f.ts', 'export const t = `{\n}\n`;'),
      ],
    );
  });

  test('files, clocks and randomness below the tools are reported', () => {
    judges(
      rules.pureCore,
      [
        source('compiler/a.ts', "import { readFileSync } from 'node:fs';"),
        source('dsl/b.ts', 'export const t = Date.now() + Math.random();'),
        source('compiler/c.ts', "export const v = process.env['X'];"),
        source('backends/wgsl/d.ts', 'export const d = new Date();'),
      ],
      '',
      [source('compiler/a.ts', 'export const t = { process: 1 }.process + Math.max(1, 2);'), source('tools/b.ts', "import 'node:fs';\nconsole.log(Date.now());")],
    );
  });

  test('leftovers are reported', () => {
    const word = ['TO', 'DO'].join('');
    judges(rules.noLeftovers, [source('dsl/a.ts', `// ${word}: later`), source('test/a.test.ts', ["test.", "only('x', () => {});"].join(''))], 'left over', [source('dsl/a.ts', '// to do it right')]);
  });

  test('a file name that is not kebab-case is reported', () => {
    judges(rules.kebabCase, [source('dsl/buildAst.ts', ''), source('dsl/Ast.ts', '')], 'kebab-case', [source('dsl/build-ast.ts', ''), source('test/a.device.test.ts', '')]);
  });

  test('a level without printer, verifier or interpreter is reported', () => {
    const complete = ['spec', 'plan', 'tile', 'kernel'].flatMap((level) => ['ir', 'print', 'verify'].map((name) => source(`compiler/${level}/${name}.ts`, '')));
    const interpreters = [source('compiler/interpreters/dense/index.ts', ''), source('compiler/plan/coverage.ts', ''), source('compiler/interpreters/tile.ts', ''), source('compiler/interpreters/lockstep/run.ts', '')];
    expect(rules.levelsAreComplete([...complete, ...interpreters])).toEqual([]);
    for (const missing of [...complete, ...interpreters]) {
      expect(rules.levelsAreComplete([...complete, ...interpreters].filter((m) => m !== missing))).toHaveLength(1);
    }
  });
});

test('an example without its program, README, demo, picture or figures is reported', () => {
  const readme = '![the mask](strided.svg)\n| density | 1 |\nnpx filigree explain strided.fil';
  const good = { name: 'strided', files: ['strided.fil', 'README.md', 'demo.json', 'strided.svg'], readme };
  expect(rules.examplesAreComplete([good])).toEqual([]);
  for (const file of good.files) {
    expect(rules.examplesAreComplete([{ ...good, files: good.files.filter((f) => f !== file) }])).toHaveLength(1);
  }
  // Reference vectors stand in for the demo, and for nothing else.
  const selector = { ...good, files: ['strided.fil', 'README.md', 'golden.ts', 'strided.svg'] };
  expect(rules.examplesAreComplete([selector])).toEqual([]);
  for (const file of selector.files) {
    expect(rules.examplesAreComplete([{ ...selector, files: selector.files.filter((f) => f !== file) }])).toHaveLength(1);
  }
  expect(rules.examplesAreComplete([{ ...good, readme: readme.replace('density', 'weight') }])).toHaveLength(1);
  expect(rules.examplesAreComplete([{ ...good, readme: readme.replace('![the mask](strided.svg)', '') }])).toHaveLength(1);
});
