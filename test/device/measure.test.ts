import { expect, it } from 'vitest';
import { measure, spreadOf, type Clock } from '../../backends/wgsl/runtime/measure.ts';

it('variants take turns, and rounds of warming up are not counted', async () => {
  const order: string[] = [];
  let now = 0;
  const clock: Clock = { cpu: () => 2 * now, wall: () => now };
  const variant = (name: string, costs: readonly number[]) => {
    let round = 0;
    return {
      name,
      run: async () => {
        order.push(name);
        now += costs[round] ?? 0;
        round += 1;
        return name === 'a' ? { gpuNanoseconds: 3e6 } : {};
      },
    };
  };
  const rounds: number[] = [];
  const [a, b] = await measure([variant('a', [100, 5, 1, 3]), variant('b', [100, 8, 8, 9])], { rounds: 3, warmUp: 1, clock, onRound: (done) => rounds.push(done) });
  expect(order.join('')).toBe('abababab');
  expect(rounds).toEqual([1, 2, 3, 4]);
  expect(a).toEqual({ name: 'a', rounds: 3, cpuMs: { median: 6, least: 2, most: 10 }, wallMs: { median: 3, least: 1, most: 5 }, gpuMs: { median: 3, least: 3, most: 3 } });
  expect(b?.wallMs).toEqual({ median: 8, least: 8, most: 9 });
  expect(b?.gpuMs).toBeUndefined();
});

it('the median of an even number of values lies between the middle two', () => {
  expect(spreadOf([4, 1, 3, 10])).toEqual({ median: 3.5, least: 1, most: 10 });
});
