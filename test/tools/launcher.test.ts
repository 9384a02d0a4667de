import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryIo } from '../../tools/command-line/io.ts';
import { runCommandLine } from '../../tools/command-line/main.ts';

const launcher = fileURLToPath(new URL('../../bin/filigree.mjs', import.meta.url));
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'filigree-launcher-'));
  writeFileSync(join(folder, 'a.fil'), 'attention plain() { mask causal }\n');
  symlinkSync(launcher, join(folder, 'filigree'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(script: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}): { readonly code: number | null; readonly out: string; readonly err: string } {
  const run = spawnSync(process.execPath, [script, ...argv], { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

test('the launcher runs in any folder, through a link as npm installs it, and hands on the exit code', () => {
  expect(start(launcher, ['list', 'a.fil'])).toEqual({ code: 0, out: 'attention plain()\n', err: '' });
  expect(start(join(folder, 'filigree'), ['check', 'a.fil'])).toEqual({ code: 0, out: 'a.fil: good\n', err: '' });
  expect(start(launcher, ['check', 'b.fil'])).toMatchObject({ code: 1, out: '' });
});

test('the launcher works without its bundle too', () => {
  expect(start(launcher, ['list', 'a.fil'], { FILIGREE_NO_BUNDLE: '1' })).toEqual({ code: 0, out: 'attention plain()\n', err: '' });
});

test('a fault of ours gives exit code 2 and asks for a report, with a stack only on demand', async () => {
  const broken = (): Promise<never> => Promise.reject(new Error('the sky fell'));
  const io = memoryIo(folder, broken);
  expect(await runCommandLine(['fuzz', '--runs', '1'], io)).toBe(2);
  expect(io.stderr()).toMatch(/internal error: the sky fell\n.*bug of Filigree.*report it/s);
  expect(io.stderr()).not.toMatch(/\n\s+at /);
  const debug = memoryIo(folder, broken);
  await runCommandLine(['fuzz', '--runs', '1', '--debug'], debug);
  expect(debug.stderr()).toMatch(/\n\s+at /);
  const json = memoryIo(folder, broken);
  expect(await runCommandLine(['fuzz', '--runs', '1', '--json'], json)).toBe(2);
  expect(JSON.parse(json.stderr())).toMatchObject({ bug: { message: 'the sky fell' } });
});
