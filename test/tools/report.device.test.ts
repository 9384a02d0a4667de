import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { memoryIo } from '../../tools/command-line/io.ts';
import { runCommandLine } from '../../tools/command-line/main.ts';
import { randomInputs } from '../../tools/inputs.ts';
import { encodeTensor, writeSafetensors } from '../../tools/io/safetensors.ts';

test('a report whose stages run on the device has the figures of the interpreter', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'filigree-report-device-'));
  try {
    writeFileSync(join(folder, 'p.fil'), [
      'attention dense() {\n  mask causal\n}',
      'stage sums() {\n  index j in keys\n  weight[h, j] = dot(k[h, j], k[h, j])\n  best[h, j] = top(5) j: weight[h, j]\n  unread[h, j] = rank j: weight[h, j]\n}',
      'attention picked() {\n  stage found = sums()\n  mask causal & keys(found.best)\n  output found.unread\n}',
    ].join('\n'));
    const { q, k, v } = randomInputs({ batch: 1, heads: 2, kvHeads: 1, nQ: 24, nK: 24, dim: 8 }, 3);
    writeSafetensors(join(folder, 'a.safetensors'), new Map([['q', encodeTensor('F32', [1, 2, 24, 8], q)], ['k', encodeTensor('F32', [1, 1, 24, 8], k)], ['v', encodeTensor('F32', [1, 1, 24, 8], v)]]), []);
    const picked = { title: 'picked', program: 'p.fil', name: 'picked' };
    writeFileSync(join(folder, 'm.json'), JSON.stringify({ dense: { program: 'p.fil', name: 'dense' }, methods: [picked] }));
    const figures = async (backend: string): Promise<unknown> => {
      const io = memoryIo(folder);
      const code = await runCommandLine(['report', 'm.json', '--in', 'a.safetensors', '--out', backend, '--threads', '1', '--backend', backend], io);
      expect({ code, err: code === 0 ? '' : io.stderr() }).toEqual({ code: 0, err: '' });
      return JSON.parse(readFileSync(join(folder, backend, 'selection.json'), 'utf8'));
    };
    expect(await figures('wgsl')).toEqual(await figures('interpreter'));
    expect(readFileSync(join(folder, 'wgsl', 'selection.md'), 'utf8')).toContain('kernels chose in single precision (wgsl)');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
