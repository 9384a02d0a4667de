/**
 * Waiting for a device: what the work gives comes through, and the event loop rests meanwhile.
 */
import { describe, expect, it } from 'vitest';
import { patiently } from '../../../tools/engines/patience.ts';

const after = <T>(milliseconds: number, value: T): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(value), milliseconds));

describe('waiting patiently', () => {
  it('gives what the work gives, and its failure', async () => {
    expect(await patiently(after(1, 'done'))).toBe('done');
    await expect(patiently(after(1, 0).then(() => Promise.reject(new Error('lost'))))).rejects.toThrow('lost');
  });

  it('lets the event loop turn about once a millisecond while work is long', async () => {
    let turns = 0;
    let waiting = true;
    const count = (): void => {
      turns += 1;
      if (waiting) setImmediate(count);
    };
    const work = after(40, undefined);
    const waited = patiently(work, 0);
    count();
    await waited;
    waiting = false;
    // Without the pauses there are tens of thousands.
    expect(turns).toBeLessThan(400);
  });
});
