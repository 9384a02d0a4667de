/**
 * The lists of methods that `filigree report` and `filigree tune` compare name programs of the examples that are there.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readMethods } from '../../tools/methods/methods-file.ts';

const folder = join(import.meta.dirname, '..', '..', 'examples', 'methods');

test.each(readdirSync(folder))('%s names programs and declarations that exist', (file) => {
  const read = readMethods(readFileSync(join(folder, file), 'utf8'));
  if (!read.ok) throw new Error(read.reason);
  for (const { program, name } of [read.value.dense, ...read.value.methods]) {
    const path = join(folder, program);
    expect(existsSync(path), program).toBe(true);
    expect(readFileSync(path, 'utf8')).toMatch(new RegExp(`^attention ${name}\\b`, 'm'));
  }
});
