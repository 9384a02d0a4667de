/**
 * The dense interpreter: the only definition of what a spec means. Float64, direct loops, no tiling; it shares no code
 * with any lowering. Check a launch with compiler/spec/check-launch.ts first.
 */
export { denseAttention } from './attention.ts';
export type { DenseResult, RowTrace } from './attention.ts';
export type { Inputs } from './inputs.ts';
export { chainSizes, denseChain } from './chain.ts';
export type { ChainLaunch } from './chain.ts';
export { denseMask, maskRow, maskRows } from './mask.ts';
export type { MaskRow } from './mask.ts';
export type { DenseLaunch, StoredTensor } from './scalar.ts';
export { denseStages } from './stages.ts';
