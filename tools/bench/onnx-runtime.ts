/**
 * ONNX Runtime as a peer: installed on demand into a cache folder (never by npm ci), run in this process on the same driver. In: a
 * model and inputs. Out: a function that runs it once, and its output in our layout. Its WebGPU numbers are known to be
 * wrong on software drivers, so whoever shows its time also shows its error.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { groupQueryModel, multiHeadModel } from './onnx-model.ts';
import type { PeerSizes } from './onnx-model.ts';

export const peerVersion = '1.30.0';

interface OrtTensor {
  readonly data: ArrayLike<number>;
}

interface OrtSession {
  readonly run: (feeds: Readonly<Record<string, OrtTensor>>) => Promise<Readonly<Record<string, OrtTensor>>>;
  readonly release?: () => Promise<void>;
}

export interface Ort {
  readonly InferenceSession: { readonly create: (model: Uint8Array, options: object) => Promise<OrtSession> };
  readonly Tensor: new (type: string, data: Float32Array | Int32Array, dims: readonly number[]) => OrtTensor;
}

/** The folder of the peers, outside the dependencies of this package. */
export function peerFolder(): string {
  const cache = process.env['FILIGREE_PEERS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'filigree', 'peers');
  return cache;
}

/** Loads the package, installing it first when it is not there. The reason when that fails. */
export function loadPeer(say: (text: string) => void): Ort | string {
  const folder = peerFolder();
  const place = join(folder, 'node_modules', 'onnxruntime-node', 'package.json');
  const installed = (): boolean => {
    if (!existsSync(place)) return false;
    const found: unknown = JSON.parse(readFileSync(place, 'utf8'));
    return typeof found === 'object' && found !== null && 'version' in found && found.version === peerVersion;
  };
  if (!installed()) {
    say(`installing onnxruntime-node ${peerVersion} (about 290 MB) into ${folder}`);
    mkdirSync(folder, { recursive: true });
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const run = spawnSync(npm, ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', `onnxruntime-node@${peerVersion}`], { encoding: 'utf8', shell: process.platform === 'win32' });
    if (run.status !== 0 || !installed()) return `npm could not install onnxruntime-node ${peerVersion}: ${(run.stderr ?? '').trim().split('\n').at(-1) ?? ''}`;
  }
  try {
    const loaded: Ort = createRequire(place)('onnxruntime-node');
    return loaded;
  } catch (error) {
    return `onnxruntime-node ${peerVersion} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** [batch, heads, n, dim] to [batch, n, heads * dim]. */
export function toTokenMajor(data: Float32Array, batch: number, heads: number, n: number, dim: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let b = 0; b < batch; b += 1) {
    for (let h = 0; h < heads; h += 1) {
      for (let i = 0; i < n; i += 1) {
        const from = ((b * heads + h) * n + i) * dim;
        out.set(data.subarray(from, from + dim), ((b * n + i) * heads + h) * dim);
      }
    }
  }
  return out;
}

/** [batch, n, heads * dim] to [batch, heads, n, dim]. */
export function toHeadMajor(data: ArrayLike<number>, batch: number, heads: number, n: number, dim: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let b = 0; b < batch; b += 1) {
    for (let i = 0; i < n; i += 1) {
      for (let h = 0; h < heads; h += 1) {
        for (let d = 0; d < dim; d += 1) out[((b * heads + h) * n + i) * dim + d] = data[((b * n + i) * heads + h) * dim + d] ?? Number.NaN;
      }
    }
  }
  return out;
}

export interface PeerProblem {
  readonly sizes: PeerSizes;
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  /** Only the last `window` keys, through the windowed path of the group-query operator; absent: plain causal multi-head. */
  readonly window?: number;
}

export interface Peer {
  /** One call, upload and read-back included, as the package offers it. */
  readonly run: () => Promise<void>;
  /** The output of the last call, [batch, heads, n, dim]. */
  readonly out: () => Float32Array;
  readonly release: () => Promise<void>;
}

/** A session on one provider. With `webgpu` an operator that would fall back to the CPU is an error. */
export async function openPeer(ort: Ort, provider: 'webgpu' | 'cpu', problem: PeerProblem): Promise<Peer> {
  const { sizes, window } = problem;
  const { batch, heads, kvHeads, n, dim } = sizes;
  const grouped = window !== undefined || heads !== kvHeads;
  const bytes = grouped ? groupQueryModel(sizes, window) : multiHeadModel(sizes);
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: [provider],
    logSeverityLevel: 3,
    ...(provider === 'webgpu' ? { extra: { session: { disable_cpu_ep_fallback: '1' } } } : {}),
  });
  const tensor = (data: Float32Array, count: number): OrtTensor => new ort.Tensor('float32', toTokenMajor(data, batch, count, n, dim), [batch, n, count * dim]);
  const feeds: Readonly<Record<string, OrtTensor>> = {
    q: tensor(problem.q, heads),
    k: tensor(problem.k, kvHeads),
    v: tensor(problem.v, kvHeads),
    ...(grouped
      ? {
          seqlens_k: new ort.Tensor('int32', new Int32Array(batch).fill(n - 1), [batch]),
          total_sequence_length: new ort.Tensor('int32', Int32Array.of(n), [1]),
        }
      : {}),
  };
  let last: ArrayLike<number> = new Float32Array(0);
  return {
    run: async () => {
      last = (await session.run(feeds))['out']?.data ?? new Float32Array(0);
    },
    out: () => toHeadMajor(last, batch, heads, n, dim),
    release: async () => session.release?.(),
  };
}
