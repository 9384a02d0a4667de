/**
 * Tests in two groups. First everything that needs no device, in plain worker processes; then the tests that run kernels
 * on a WebGPU device. The embedded device is a CPU program that takes every core itself, so device files run one
 * after another: two at once would only starve each other into their time limits.
 */
import { defineConfig } from 'vitest/config';

const device = ['test/device/**/*.test.ts', 'test/conformance/**/*.test.ts', 'test/**/*.device.test.ts'];

export default defineConfig({
  test: {
    // A crash inside a native module must not take other files with it.
    pool: 'forks',
    // Files are few and long; a fixed, small number of workers keeps two-core machines responsive.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'plain',
          include: ['test/**/*.test.ts'],
          exclude: device,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'device',
          include: device,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
