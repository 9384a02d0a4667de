/**
 * Reference vectors of published methods on a WebGPU device: small ones that between them take packed buffers, decoding over chosen pages,
 * and a choice that falls within rounding. `npm run golden` runs all of them.
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

  // The shares of a head add up to 9.000000000000004 where the limit is 9: in single precision either side is right.
  test('a block that rounding decides is told, and the attention over it is judged', async () => {
    const result = await runCase(caseOf(join(goldenFolder, 'flexprefill', 'small_block_reference_divisor.json')), mappings, 'wgsl');
    expect(result).toMatchObject({ status: 'pass', faults: [] });
    expect(result.choices).toBeLessThanOrEqual(1);
  });
});
