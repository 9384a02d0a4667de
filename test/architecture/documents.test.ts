/**
 * Documents do not point at what is not there: links between files, and paths in `code`, name files of the repository.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { expect, test } from 'vitest';
import { filesBelow, repositoryRoot } from './model.ts';

/** Targets of links and code-quoted source paths of a document that do not exist. */
function deadReferences(text: string, folder: string, exists: (path: string) => boolean): readonly string[] {
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((m) => m[1] ?? '').filter((target) => !/^[a-z]+:/.test(target));
  const paths = [...text.matchAll(/`((?:dsl|compiler|backends|tools|test|bench|docs|examples)\/[A-Za-z0-9_./-]*[A-Za-z0-9_/-])`/g)].map((m) => m[1] ?? '');
  return [
    ...links.filter((target) => !exists(join(folder, target))),
    ...paths.filter((path) => !exists(join(repositoryRoot, path))),
  ];
}

test('a dead link and a dead path are found', () => {
  const exists = (path: string): boolean => path.endsWith('here.md') || path.endsWith('dsl/here.ts');
  const text = '[a](here.md) [b](gone.md#x) [c](https://example.org) `dsl/here.ts` `dsl/gone.ts` `mask`';
  expect(deadReferences(text, '/somewhere', exists)).toEqual(['gone.md', 'dsl/gone.ts']);
});

test('links and paths in the documents lead somewhere', () => {
  const documents = ['README.md', 'CONTRIBUTING.md']
    .map((name) => join(repositoryRoot, name))
    .concat(['docs', 'examples', 'bench'].flatMap((folder) => filesBelow(join(repositoryRoot, folder)).filter((file) => file.endsWith('.md'))));
  expect(documents.length).toBeGreaterThan(25);
  const dead = documents.flatMap((file) =>
    deadReferences(readFileSync(file, 'utf8'), dirname(file), existsSync).map((target) => `${relative(repositoryRoot, file).split(sep).join('/')}: ${target}`),
  );
  expect(dead).toEqual([]);
});

test('no document has a gap left in it', () => {
  const gaps = ['README.md', 'CONTRIBUTING.md'].filter((name) => /<!-- (\w+) -->\s*<!-- \/\1 -->/.test(readFileSync(join(repositoryRoot, name), 'utf8')));
  expect(gaps).toEqual([]);
});
