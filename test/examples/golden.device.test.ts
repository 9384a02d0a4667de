/**
 * Reference vectors of published methods on a WebGPU device: two small ones that between them take packed buffers and decoding over chosen
 * pages. `npm run golden` runs all of them.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadMappings } from '../../tools/golden/main.ts';
import { runCase } from '../../tools/golden/run-case.ts';
import { caseOf, goldenFolder, systems, vectorsOf } from './vectors.ts';

const mappings = await loadMappings();

describe.skipIf(systems.flatMap(vectorsOf).length === 0)('reference vectors on a device', () => {
  test.each(['mminference/grid-attn', 'quest/ties_identical_pages'])('%s', async (name) => {
    const result = await runCase(caseOf(join(goldenFolder, `${name}.json`)), mappings, 'wgsl');
    expect(result).toMatchObject({ status: 'pass', faults: [], choices: 0 });
  });
});
