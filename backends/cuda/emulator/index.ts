/** The emulator's surface: PTX text in, a module out; a module, a launch and buffers in, problems and counts out. */
export { parsePtx } from './module.ts';
export type { PtxEntry, PtxModule } from './module.ts';
export { runPtxKernel } from './run.ts';
export type { PtxCounts, PtxLaunch, PtxParam, PtxProblem, PtxRun } from './run.ts';
export type { ProblemKind } from './state.ts';
