/**
 * What an attention is computed from besides its parameters. Row-major; float32 data are read as they are, float64 data are not rounded.
 * Stages read them as tensors `q`, `k` and `v` with indices batch, head, row, channel.
 */
export interface Inputs {
  /** [batch, heads, n_q, dim] */
  readonly q: Float64Array | Float32Array;
  /** [batch, kv_heads, n_k, dim] */
  readonly k: Float64Array | Float32Array;
  readonly v: Float64Array | Float32Array;
}
