/**
 * The rules of rules.ts, asked of the whole repository. A failure names file, line and reason.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as ledger from './ledger.ts';
import { readModels, repositoryRoot } from './model.ts';
import * as rules from './rules.ts';

const product = readModels(repositoryRoot, ['dsl', 'compiler', 'backends', 'tools']);
const everything = [...product, ...readModels(repositoryRoot, ['bench', 'test'])];

function expectNone(findings: readonly rules.Finding[]): void {
  expect(findings.map((f) => `${f.file}:${f.line} ${f.message}`)).toEqual([]);
}

test('the rules look at a repository that is there', () => {
  expect(product.length).toBeGreaterThan(20);
});

describe('imports', () => {
  test('go one way through the layers', () => expectNone(rules.importDirection(everything)));
  test('of the front end into the compiler are data only', () => expectNone(rules.compilerSeesData(product)));
  test('of backends stop at the machine', () => expectNone(rules.backendsSeeMachines(product)));
  test('of the dense interpreter avoid all lowering', () => expectNone(rules.denseStandsAlone(product)));
  test('form no cycles', () => expectNone(rules.noCycles(everything)));
  test('name files that exist', () => expectNone(rules.importsResolve(everything)));
});

describe('types', () => {
  test('never are any', () => expectNone(rules.noAny(everything)));
  test('are cast only where the ledger counts it', () => expectNone(rules.castsAreCounted(ledger.casts)(product)));
  test('are asserted non-null only where the ledger counts it', () => expectNone(rules.nonNullsAreCounted(ledger.nonNulls)(product)));
  test('are switched over completely', () => expectNone(rules.switchesAreClosed(ledger.openSwitches)(product)));
});

describe('files', () => {
  test('are short', () => expectNone(rules.filesAreShort(ledger.longFiles)(product)));
  test('of tests stay under the hard limit', () => expectNone(everything.filter((m) => m.lines > rules.longestFile).map((m) => ({ file: m.path, line: m.lines, message: 'too long' }))));
  test('start by saying what they are for', () => expectNone(rules.headComments(everything.filter((m) => !m.path.endsWith('.test.ts')))));
  test('have kebab-case names', () => expectNone(rules.kebabCase(everything)));
  test('carry no leftovers', () => expectNone(rules.noLeftovers(everything)));
  test('of the compiler name no method', () => expectNone(rules.noPapers(product)));
  test('of backends hold no kernel templates', () => expectNone(rules.noKernelTemplates(product)));
  test('below the tools are functions of their arguments', () => expectNone(rules.pureCore(product)));
});

test('every level has its IR, printer, verifier and interpreter', () => expectNone(rules.levelsAreComplete(product)));

test('every exception in the ledger gives its reason', () => {
  const entries = [ledger.casts, ledger.nonNulls, ledger.longFiles, ledger.openSwitches].flatMap((l) => Object.entries(l));
  for (const [path, entry] of entries) expect(entry.reason.length, path).toBeGreaterThan(15);
});

/** What examples are run on, and lists of examples to compare (`filigree report`): no programs of their own. */
const dataFolders = ['data', 'methods'];

/** Whole models, which run patterns and show none: their figures are pages of results. */
const modelFolders = ['bytelm'];

test('every example is complete', () => {
  const root = join(repositoryRoot, 'examples');
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && ![...dataFolders, ...modelFolders].includes(entry.name));
  expect(folders.length).toBeGreaterThanOrEqual(17);
  expectNone(
    rules.examplesAreComplete(
      folders.map(({ name }) => {
        const files = readdirSync(join(root, name));
        return { name, files, readme: files.includes('README.md') ? readFileSync(join(root, name, 'README.md'), 'utf8') : '' };
      }),
    ),
  );
});

test('models among the examples have a program, a README and a page of results', () => {
  for (const name of modelFolders) {
    const files = readdirSync(join(repositoryRoot, 'examples', name));
    expect(files).toContain(`${name}.fil`);
    expect(readFileSync(join(repositoryRoot, 'examples', name, 'README.md'), 'utf8')).toMatch(/\(\.\.\/\.\.\/docs\/results\/\S+\.md\)/);
  }
});

test('folders of data beside the examples hold data only', () => {
  for (const folder of dataFolders) {
    const files = readdirSync(join(repositoryRoot, 'examples', folder));
    expect(files.length, folder).toBeGreaterThan(0);
    expect(files.filter((file) => !/\.(json|safetensors)$/.test(file)), folder).toEqual([]);
  }
});
