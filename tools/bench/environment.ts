/**
 * What a measurement was taken on: written beside every number. In: a device. Out: device, driver, machine, commit and date.
 */
import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { DeviceSession } from '../engines/device.ts';

export interface Environment {
  readonly device: string;
  readonly target: string;
  readonly subgroups: string;
  readonly node: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly commit: string;
  /** Files changed since the commit; 0 for a clean tree. */
  readonly changed: number;
  readonly date: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

function git(...args: readonly string[]): string {
  const run = spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' });
  return run.status === 0 ? run.stdout.trim() : '';
}

/** What needs no device. */
export type Machine = Omit<Environment, 'device' | 'target' | 'subgroups'>;

export function environmentOf(session: DeviceSession, now: Date): Environment {
  const { subgroups } = session.target;
  return {
    device: session.name, target: session.target.name, subgroups: subgroups === undefined ? 'none' : `${subgroups.min} to ${subgroups.max}`,
    ...machineOf(now),
  };
}

export function machineOf(now: Date): Machine {
  const commit = git('rev-parse', '--short=12', 'HEAD');
  return {
    node: process.version, system: `${process.platform} ${process.arch} ${release()}`, processor: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30), commit: commit === '' ? 'unknown' : commit,
    changed: commit === '' ? 0 : git('status', '--porcelain', '--untracked-files=no').split('\n').filter((l) => l !== '').length,
    date: now.toISOString().slice(0, 19).concat('Z'),
  };
}
