/**
 * The schema of `examples/<folder>/demo.json`: which declarations of the folder `filigree demo` compiles, runs on a
 * device, checks against the interpreter and draws. One folder holds one or more `.fil` files and one `demo.json`:
 *
 *   {
 *     "runs": [
 *       {
 *         "title": "sliding window",              the pattern's name in the table (at most 24 characters)
 *         "program": "window.fil",                relative to the folder
 *         "name": "sliding_window",               an `attention` (or `mask`) declaration of it
 *         "data": "../data/bytelm6-l0-n1024.safetensors",   real q, k, v; relative to the folder. Absent: generated q, k, v
 *         "sizes": { "nQ": 1, "nK": 1024, "heads": 4, "kvHeads": 2, "batch": 1, "dim": 64 },
 *                     each optional. With `data`: heads, batch, dim are the file's; a smaller nQ takes the LAST rows of q (decode), a
 *                     smaller nK the FIRST keys of k and v. Without data: nQ = nK = 1024, heads = kvHeads = 4, batch = 1, dim = 64.
 *         "set": { "window": 256, "sinks": 4 },   scalar and `const` parameters without a default, or to change it
 *         "tensors": { "doc": { "kind": "segments", "lengths": [300, 500, 224] } },   every tensor parameter, see TensorSource
 *         "picture": { "nQ": 128, "nK": 128, "set": { "window": 24 } }    optional: smaller sizes (and settings) that make a clear picture;
 *                     tensors are generated again for these sizes (a `file` source is read again and must still fit);
 *                     "tensors" may be given here too. Absent: drawn at the run's own sizes.
 *       }
 *     ]
 *   }
 *
 * Everything is checked with messages that name the file and the field; unknown fields are refused.
 */

/** Where the values of one tensor parameter come from. Extents follow from the declared axes and the sizes. */
export type TensorSource =
  /** The values themselves, row-major, as a flat or nested array of numbers or booleans. Extents = the nesting, unless flat and of full size. */
  | { readonly kind: 'values'; readonly values: readonly unknown[] }
  /** A tensor of a safetensors file, relative to the example's folder. */
  | { readonly kind: 'file'; readonly file: string; readonly tensor: string }
  /** Along the last axis: run s holds the value s, runs have these lengths; the last run is cut or stretched to the end. Document ids. */
  | { readonly kind: 'segments'; readonly lengths: readonly number[] }
  /** Along the last axis: from, from + step, ... (the same for every leading index, except that row r starts at from + r * rowStep). */
  | { readonly kind: 'linear'; readonly from: number; readonly step: number; readonly rowStep?: number; readonly extents?: FreeExtents }
  /** Along the last axis: first, first * ratio, first * ratio^2, ... ALiBi slopes. */
  | { readonly kind: 'geometric'; readonly first: number; readonly ratio: number; readonly extents?: FreeExtents }
  /** Uniform in [low, high): integers for int tensors. */
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number; readonly seed: number; readonly extents?: FreeExtents }
  /** Per leading index: as many distinct integers of [low, high) as the last axis is long, ascending. `high` may be "n_k" or "n_q". Lists. */
  | { readonly kind: 'distinct'; readonly low: number; readonly high: number | 'n_k' | 'n_q'; readonly seed: number; readonly extents?: FreeExtents }
  /** Each element true (1) with this probability. `diagonal`: elements whose last two indices are equal are always true. */
  | { readonly kind: 'coin'; readonly probability: number; readonly seed: number; readonly diagonal?: boolean; readonly extents?: FreeExtents };

/** Extents of free axes by name, such as { "columns": 32 }. */
export type FreeExtents = { readonly [axis: string]: number };

export interface DemoSizes {
  readonly batch?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly nQ?: number;
  readonly nK?: number;
  readonly dim?: number;
}

export interface DemoPicture {
  readonly nQ?: number;
  readonly nK?: number;
  readonly heads?: number;
  readonly set?: { readonly [name: string]: number | boolean };
  readonly tensors?: { readonly [name: string]: TensorSource };
}

export interface DemoRun {
  readonly title: string;
  readonly program: string;
  readonly name: string;
  readonly data?: string;
  readonly sizes?: DemoSizes;
  readonly set?: { readonly [name: string]: number | boolean };
  readonly tensors?: { readonly [name: string]: TensorSource };
  readonly picture?: DemoPicture;
}

export interface DemoFile {
  readonly runs: readonly DemoRun[];
}
