/**
 * A launch of a chain as the engines below take launches: all sizes, no q, k, v of its own.
 */
import { chainSizes } from '../../compiler/interpreters/dense/chain.ts';
import type { LaunchInput } from '../../compiler/interpreters/launch.ts';
import type { ChainRequest } from './engine.ts';

export function chainInput({ chain, launch }: Pick<ChainRequest, 'chain' | 'launch'>): LaunchInput {
  return { ...launch, sizes: chainSizes(chain, launch.sizes), q: [], k: [], v: [] };
}
