/** Which Vulkan drivers a process shows to Dawn: GPUs first, other software drivers only where they are asked for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { driversFor } from '../../../backends/wgsl/runtime/swiftshader.ts';

let folder = '';
let gpu = '';
let mesa = '';

function manifest(name: string, library: string): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify({ ICD: { api_version: '1.4.305', library_path: library }, file_format_version: '1.0.1' }));
  return path;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'filigree-drivers-'));
  gpu = manifest('radeon_icd.json', 'libvulkan_radeon.so');
  mesa = manifest('lvp_icd.json', 'libvulkan_lvp.so');
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('drivers for an adapter', () => {
  it('that nobody names are those of GPUs, then the embedded one', () => {
    expect(driversFor(undefined, 'embedded.json', [mesa, gpu])).toEqual([gpu, 'embedded.json']);
  });
  it('named like the embedded one are that alone', () => {
    expect(driversFor('SwiftShader', 'embedded.json', [mesa, gpu])).toEqual(['embedded.json']);
  });
  it('of any other name are all', () => {
    expect(driversFor('lavapipe', 'embedded.json', [mesa, gpu])).toEqual([mesa, gpu, 'embedded.json']);
  });
  it('keep a driver whose manifest cannot be read', () => {
    expect(driversFor(undefined, 'embedded.json', [join(folder, 'missing.json')])).toEqual([join(folder, 'missing.json'), 'embedded.json']);
  });
});
