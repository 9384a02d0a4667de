/**
 * The tile interpreter: one tile program over its whole grid, instance after instance, in float64. In: a program, launch values and
 * memory. Out: the memory holds the results; problems (stores outside or twice, reads of what nothing has written, endless loops)
 * come back as a list. It separates a wrong iteration from wrong lanes: there are no lanes here.
 */
import type { TileProgram } from '../tile/ir.ts';
import type { Problem } from './problem.ts';
import { compileTile } from './tile/program.ts';
import type { TileEnvironment, TileOptions, TileRunner } from './tile/program.ts';

export { compileTile } from './tile/program.ts';
export type { TileEnvironment, TileOptions, TileRunner } from './tile/program.ts';
export type { BufferValue } from './tile/buffers.ts';

const compiled = new WeakMap<TileProgram, TileRunner>();

/** Runs a program over its grid. Programs are compiled once and remembered. */
export function runTile(program: TileProgram, env: TileEnvironment, options: TileOptions = {}): readonly Problem[] {
  let runner = compiled.get(program);
  if (runner === undefined) {
    runner = compileTile(program);
    compiled.set(program, runner);
  }
  return runner(env, options);
}
