/**
 * Every module of every example, each for one of four kinds of target, goes through the full WGSL validator of Dawn (Tint) without a
 * device, and through our own lint (initialised variables, no short circuit).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lavapipe, swiftshader, webgpuDefault, webgpuSubgroupsF16 } from '../../../backends/targets.ts';
import { lintWgsl } from '../../../backends/wgsl/lint.ts';
import { validateWgsl } from '../../../backends/wgsl/validate.ts';
import { declarations, readProgram } from '../../../dsl/program.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import { compileWgsl } from '../../../tools/engines/compile.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const programs = readdirSync(join(root, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'data')
  .flatMap(({ name: folder }) => readdirSync(join(root, 'examples', folder))
    .filter((file) => file.endsWith('.fil'))
    .flatMap((file) => [...read(`examples/${folder}/${file}`).matchAll(/^attention (\w+)/gm)].map((m) => [`examples/${folder}/${file}`, m[1] ?? ''] as const)));

// Records that differ in subgroups, f16 and limits; head dimensions with and without a tail.
const variants = [
  { target: swiftshader, dim: 20, dtype: 'f16' },
  { target: webgpuDefault, dim: 16, dtype: 'f32' },
  { target: lavapipe, dim: 32, dtype: 'f16' },
  { target: webgpuSubgroupsF16, dim: 7, dtype: 'f32' },
] as const;

test('there are examples to validate', () => expect(programs.length).toBeGreaterThanOrEqual(17));

/** Constants that have no default. */
function constantsOf(file: string, name: string): ReadonlyMap<string, number> {
  const declared = declarations(readProgram(file, read).program.files, file).find((d) => d.name === name);
  return new Map((declared?.params ?? []).filter((p) => p.isConst && p.defaultValue === undefined).map((p) => [p.name.name, 2]));
}

// Each program for one kind of target, each kind by a quarter of them.
describe.each(variants.map((v, turn) => ({ ...v, turn })))('for $target.name, dim $dim, $dtype', ({ target, dim, dtype, turn }) => {
  test.each(programs.filter((_, i) => i % variants.length === turn))('%s: every module of %s passes Tint and the lint', async (file, name) => {
    const spec = compileSource({ file }, read, name, constantsOf(file, name));
    if (!spec.ok) throw new Error(spec.diagnostics.map((d) => d.message).join('\n'));
    const compiled = compileWgsl(spec.value, { target, dim, dtype });
    if (!compiled.ok) {
      // Only the limit on bound buffers may refuse an example, and it says so.
      expect(compiled.diagnostics.map((d) => d.code)).toEqual(compiled.diagnostics.map(() => 'FIL0610'));
      return;
    }
    for (const { text } of compiled.value.texts.values()) {
      expect(lintWgsl(text)).toEqual([]);
      const messages = await validateWgsl(text, { f16: target.f16, subgroups: target.subgroups !== undefined });
      expect(messages.filter((m) => !/storage buffers/.test(m.message))).toEqual([]);
    }
  });
});
