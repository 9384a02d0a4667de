/**
 * From measured windows to the figures of a pattern. In: a row of the store and the windows that count. Out: loss, density, work and
 * retrieval; undefined while a window is missing.
 */
import { shape } from './model.ts';
import type { Row } from './results.ts';
import { mean } from './score.ts';

export interface Retrieved {
  readonly distance: number;
  readonly trials: number;
  readonly nats: number;
  readonly accuracy: number;
  readonly natsLater: number;
  readonly accuracyLater: number;
}

export interface Figures {
  readonly title: string;
  readonly settings: string;
  readonly program: string;
  readonly name: string;
  readonly device: string;
  readonly window: number;
  /** Bytes of each that count, the last ones. */
  readonly counted: number;
  readonly windows: number;
  readonly natsPerByte: number;
  readonly bitsPerByte: number;
  /** Per byte. */
  readonly perplexity: number;
  /** Live pairs over those of dense causal attention, all heads. */
  readonly density: number;
  /** [layer, head]. */
  readonly densities: readonly (readonly number[])[];
  /** Float operations of a window: 4 * dim a live pair, all layers. */
  readonly attentionFlops: number;
  readonly selectionFlops: number;
  readonly retrieval: readonly Retrieved[];
}

export interface Counting {
  readonly windows: readonly number[];
  readonly distances: readonly number[];
  readonly trials: number;
}

export function figuresOf(row: Row, { windows, distances, trials }: Counting): Figures | undefined {
  const nats = windows.map((w) => row.nats[w]);
  const known = nats.flatMap((n) => (n === undefined ? [] : [n]));
  const counts = windows.flatMap((w) => (row.live[w] === undefined ? [] : [row.live[w]]));
  const [first] = counts;
  if (known.length < windows.length || windows.length === 0 || first === undefined) return undefined;
  const before = row.window - row.counted;
  const dense = (row.window * (row.window + 1) - before * (before + 1)) / 2;
  const live = first.map((heads, layer) => heads.map((_, h) => mean(counts.map((c) => c[layer]?.[h] ?? NaN))));
  const natsPerByte = mean(known);
  const retrieval = distances.flatMap((distance): readonly Retrieved[] => {
    const found = Object.entries(row.retrieval[distance] ?? {}).flatMap(([trial, t]) => (Number(trial) < trials ? [t] : []));
    if (found.length < trials) return [];
    return [{
      distance, trials,
      nats: mean(found.map((t) => t.nats)), accuracy: mean(found.map((t) => t.accuracy)),
      natsLater: mean(found.map((t) => t.natsLater)), accuracyLater: mean(found.map((t) => t.accuracyLater)),
    }];
  });
  const { title, settings, program, name, device, window, counted: countedBytes, selectionFlops } = row;
  return {
    title, settings, program, name, device, window, counted: countedBytes, windows: windows.length,
    natsPerByte, bitsPerByte: natsPerByte / Math.LN2, perplexity: Math.exp(natsPerByte),
    density: mean(live.flat()) / dense,
    densities: live.map((heads) => heads.map((n) => n / dense)),
    attentionFlops: 4 * shape.dim * live.flat().reduce((a, b) => a + b, 0),
    selectionFlops, retrieval,
  };
}
