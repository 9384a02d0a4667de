// ---- dense_causal ----
// dense_causal: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

struct Launch {
  batch: i32,
  head_count: i32,
  head_first: i32,
  heads: i32,
  kv_count: i32,
  kv_first: i32,
  kv_heads: i32,
  n_k: i32,
  n_q: i32,
}
@group(0) @binding(5) var<uniform> launch: Launch;

fn f32_from_bits(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

@compute @workgroup_size(4)
fn dense_causal(
  @builtin(local_invocation_index) local_index: u32,
  @builtin(workgroup_id) group_id: vec3u,
  @builtin(subgroup_invocation_id) subgroup_index: u32
) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_z: i32 = i32(group_id.z);
  let subgroup_lane: i32 = i32(subgroup_index);
  let head_local: i32 = group_z;
  let head: i32 = launch.head_first + head_local;
  let x_1: i32 = max(launch.heads, 1);
  let x_2: i32 = head / x_1;
  let x_4: i32 = head - x_2 * x_1;
  let b: i32 = select(x_2 - select(0, 1, x_4 < 0), 0, launch.heads < 1);
  let h: i32 = select(x_4, x_4 + x_1, x_4 < 0);
  let x_9: i32 = max(launch.kv_heads, 1);
  let x_10: i32 = launch.heads / x_9;
  let x_14: i32 = select(x_10 - select(0, 1, launch.heads - x_10 * x_9 < 0), 0, launch.kv_heads < 1);
  let kv_local: i32 = b * launch.kv_heads + select(h / max(x_14, 1), 0, x_14 < 1) - launch.kv_first;
  let row_base: i32 = group_x * 4;
  if (row_base < launch.n_q) {
    let x_22: i32 = launch.n_k - launch.n_q;
    let q_first: i32 = row_base + x_22;
    let rows_here: i32 = min(launch.n_q - row_base, 4);
    let x_28: i32 = row_base + lane;
    let q_pos: i32 = x_28 + x_22;
    let x_30: bool = lane < rows_here;
    let x_31: bool = x_28 < launch.n_q;
    let x_33: i32 = head_local * launch.n_q + x_28;
    let inside: bool = x_30 & x_31;
    var Q: vec4f = select(vec4f(0.0f), q[select(0, x_33, inside)], inside);
    var m: f32 = -3.0e38f;
    var l: f32 = 0.0f;
    var O: vec4f = vec4f(0.0f);
    var slot_count: i32 = 0;
    var key_base: i32 = 0;
    var key_step: i32 = 1;
    var walk_end: i32 = 0;
    var next_tile: i32 = 0;
    var range_from_0: i32 = 0;
    var range_to_0: i32 = 0;
    // phase_0
    let phase_0_0_to: i32 = min(launch.n_k, q_first + (rows_here - 1) + 1);
    key_base = 0;
    let x_40: i32 = 0 - key_base - 1;
    key_step = 1;
    let x_41: i32 = max(key_step, 1);
    let x_42: i32 = x_40 / x_41;
    let phase_0_0_slot_from: i32 = max(select(x_42 - select(0, 1, x_40 - x_42 * x_41 < 0), 0, key_step < 1) + 1, 0);
    let x_50: i32 = phase_0_0_to - key_base - 1;
    let x_51: i32 = x_50 / x_41;
    slot_count = launch.n_k;
    let phase_0_0_slot_to: i32 = min(slot_count,
        max(select(x_51 - select(0, 1, x_50 - x_51 * x_41 < 0), 0, key_step < 1) + 1, 0));
    let x_61: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
    range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_61);
    range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_61);
    let x_67: bool = range_from_0 < range_to_0;
    next_tile = min(select(1073741824, range_from_0, x_67), 1073741824);
    let x_72: i32 = max(next_tile, range_from_0);
    next_tile = min(select(1073741824, x_72, x_72 < range_to_0), 1073741824);
    walk_end = max(select(0, range_to_0, x_67), 0);
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let masked: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_88: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_88; step += 1) {
        let slot_first: i32 = slot_tile + step * 4;
        let k_slot_c1: i32 = slot_first + 1;
        let k_slot_c2: i32 = slot_first + 2;
        let k_slot_c3: i32 = slot_first + 3;
        let k_pos_c0: i32 = key_base + slot_first * key_step;
        let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
        let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
        let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
        let x_103: i32 = slot_first + (subgroup_lane & 3);
        let x_108: i32 = key_base + x_103 * key_step;
        let inside_1: bool = (x_103 < slot_count)
          & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_108 >= 0) & (x_108 < launch.n_k));
        let x_116: i32 = select(0, kv_local * launch.n_k + x_108, inside_1);
        var S_c0: f32 = 0.0f;
        var S_c1: f32 = 0.0f;
        var S_c2: f32 = 0.0f;
        var S_c3: f32 = 0.0f;
        let x_117: vec4f = select(vec4f(0.0f), k[x_116], inside_1);
        S_c0 = dot(Q, quadBroadcast(x_117, 0u));
        S_c1 = dot(Q, quadBroadcast(x_117, 1u));
        S_c2 = dot(Q, quadBroadcast(x_117, 2u));
        S_c3 = dot(Q, quadBroadcast(x_117, 3u));
        let side_1: bool = slots_here < 8;
        let side_3: bool = masked;
        let side_2: bool = masked;
        S_c0 = select(-3.0e38f, S_c0, ((slot_first < slot_count) | !side_1) & ((q_pos >= k_pos_c0) | !side_2 | !side_3));
        S_c1 = select(-3.0e38f, S_c1, ((k_slot_c1 < slot_count) | !side_1) & ((q_pos >= k_pos_c1) | !side_2 | !side_3));
        S_c2 = select(-3.0e38f, S_c2, ((k_slot_c2 < slot_count) | !side_1) & ((q_pos >= k_pos_c2) | !side_2 | !side_3));
        S_c3 = select(-3.0e38f, S_c3, ((k_slot_c3 < slot_count) | !side_1) & ((q_pos >= k_pos_c3) | !side_2 | !side_3));
        var m_step: f32 = -3.0e38f;
        m_step = max(max(S_c0, S_c1), max(S_c2, S_c3));
        let m_new: f32 = max(m, m_step);
        // a row that has seen nothing subtracts 0, so that its weights underflow to 0
        let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
        let alpha: f32 = exp(m - m_safe);
        var l_step: f32 = 0.0f;
        S_c0 = exp(S_c0 - m_safe);
        S_c1 = exp(S_c1 - m_safe);
        S_c2 = exp(S_c2 - m_safe);
        S_c3 = exp(S_c3 - m_safe);
        l_step = S_c0 + S_c1 + (S_c2 + S_c3);
        let x_161: vec4f = select(vec4f(0.0f), v[x_116], inside_1);
        l = l * alpha + l_step;
        O = fma(quadBroadcast(x_161, 3u), vec4f(S_c3), fma(quadBroadcast(x_161, 2u), vec4f(S_c2), fma(quadBroadcast(x_161,
                1u), vec4f(S_c1), fma(quadBroadcast(x_161, 0u), vec4f(S_c0), O * alpha))));
        m = m_new;
      }
      next_tile = next_tile + 1;
      let x_167: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_167, x_167 < range_to_0), 1073741824);
    }
    // rows that saw nothing give zeros and minus infinity
    let x_171: bool = l > 0.0f;
    let inverse: f32 = select(0.0f, 1.0f / l, x_171);
    if (inside) {
      out[x_33] = O * inverse;
    }
    let x_181: i32 = (b * launch.heads + h) * launch.n_q + x_28;
    let x_187: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_171);
    if (x_30 & ((b >= 0) & (b < launch.batch) & (h < launch.heads) & x_31)) {
      lse[x_181] = x_187;
    }
  }
}

// ---- dense_causal_partial ----
// dense_causal: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> part_state: array<f32>;
@group(0) @binding(4) var<storage, read_write> part_out: array<vec4f>;

struct Launch {
  batch: i32,
  head_count: i32,
  head_first: i32,
  heads: i32,
  kv_count: i32,
  kv_first: i32,
  kv_heads: i32,
  n_k: i32,
  n_q: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(5) var<uniform> launch: Launch;

@compute @workgroup_size(4)
fn dense_causal_partial(
  @builtin(local_invocation_index) local_index: u32,
  @builtin(workgroup_id) group_id: vec3u,
  @builtin(subgroup_invocation_id) subgroup_index: u32
) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_y: i32 = i32(group_id.y);
  let group_z: i32 = i32(group_id.z);
  let subgroup_lane: i32 = i32(subgroup_index);
  let split: i32 = group_y;
  let head_local: i32 = group_z;
  let head: i32 = launch.head_first + head_local;
  let x_1: i32 = max(launch.heads, 1);
  let x_2: i32 = head / x_1;
  let x_4: i32 = head - x_2 * x_1;
  let x_9: i32 = max(launch.kv_heads, 1);
  let x_10: i32 = launch.heads / x_9;
  let x_14: i32 = select(x_10 - select(0, 1, launch.heads - x_10 * x_9 < 0), 0, launch.kv_heads < 1);
  let kv_local: i32 = select(x_2 - select(0, 1, x_4 < 0), 0, launch.heads < 1) * launch.kv_heads
      + select(select(x_4, x_4 + x_1, x_4 < 0) / max(x_14, 1), 0, x_14 < 1)
    - launch.kv_first;
  let row_base: i32 = group_x * 4;
  let x_187: i32 = launch.batch * launch.heads;
  if (row_base < launch.n_q) {
    let x_22: i32 = launch.n_k - launch.n_q;
    let q_first: i32 = row_base + x_22;
    let rows_here: i32 = min(launch.n_q - row_base, 4);
    let x_28: i32 = row_base + lane;
    let q_pos: i32 = x_28 + x_22;
    let x_30: bool = lane < rows_here;
    let x_31: bool = x_28 < launch.n_q;
    let inside: bool = x_30 & x_31;
    var Q: vec4f = select(vec4f(0.0f), q[select(0, head_local * launch.n_q + x_28, inside)], inside);
    var m: f32 = -3.0e38f;
    var l: f32 = 0.0f;
    var O: vec4f = vec4f(0.0f);
    var slot_count: i32 = 0;
    var key_base: i32 = 0;
    var key_step: i32 = 1;
    var walk_end: i32 = 0;
    var next_tile: i32 = 0;
    var range_from_0: i32 = 0;
    var range_to_0: i32 = 0;
    // phase_0
    let phase_0_0_to: i32 = min(launch.n_k, q_first + (rows_here - 1) + 1);
    key_base = 0;
    let x_40: i32 = 0 - key_base - 1;
    key_step = 1;
    let x_41: i32 = max(key_step, 1);
    let x_42: i32 = x_40 / x_41;
    let phase_0_0_slot_from: i32 = max(select(x_42 - select(0, 1, x_40 - x_42 * x_41 < 0), 0, key_step < 1) + 1, 0);
    let x_50: i32 = phase_0_0_to - key_base - 1;
    let x_51: i32 = x_50 / x_41;
    slot_count = launch.n_k;
    let phase_0_0_slot_to: i32 = min(slot_count,
        max(select(x_51 - select(0, 1, x_50 - x_51 * x_41 < 0), 0, key_step < 1) + 1, 0));
    let x_61: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
    range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_61);
    range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_61);
    let x_67: bool = range_from_0 < range_to_0;
    let phase_0_start: i32 = min(select(1073741824, range_from_0, x_67), 1073741824);
    let phase_0_end: i32 = max(select(0, range_to_0, x_67), 0);
    let x_75: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
    let x_76: i32 = max(launch.splits, 1);
    let x_77: i32 = x_75 / x_76;
    let phase_0_share: i32 = select(x_77 - select(0, 1, x_75 - x_77 * x_76 < 0), 0, launch.splits < 1);
    next_tile = phase_0_start + split * phase_0_share;
    let x_86: i32 = max(next_tile, range_from_0);
    walk_end = min(phase_0_end, next_tile + phase_0_share);
    next_tile = min(select(1073741824, x_86, x_86 < range_to_0), 1073741824);
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let masked: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_102: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_102; step += 1) {
        let slot_first: i32 = slot_tile + step * 4;
        let k_slot_c1: i32 = slot_first + 1;
        let k_slot_c2: i32 = slot_first + 2;
        let k_slot_c3: i32 = slot_first + 3;
        let k_pos_c0: i32 = key_base + slot_first * key_step;
        let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
        let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
        let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
        let x_117: i32 = slot_first + (subgroup_lane & 3);
        let x_122: i32 = key_base + x_117 * key_step;
        let inside_1: bool = (x_117 < slot_count)
          & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_122 >= 0) & (x_122 < launch.n_k));
        let x_130: i32 = select(0, kv_local * launch.n_k + x_122, inside_1);
        var S_c0: f32 = 0.0f;
        var S_c1: f32 = 0.0f;
        var S_c2: f32 = 0.0f;
        var S_c3: f32 = 0.0f;
        let x_131: vec4f = select(vec4f(0.0f), k[x_130], inside_1);
        S_c0 = dot(Q, quadBroadcast(x_131, 0u));
        S_c1 = dot(Q, quadBroadcast(x_131, 1u));
        S_c2 = dot(Q, quadBroadcast(x_131, 2u));
        S_c3 = dot(Q, quadBroadcast(x_131, 3u));
        let side_1: bool = slots_here < 8;
        let side_3: bool = masked;
        let side_2: bool = masked;
        S_c0 = select(-3.0e38f, S_c0, ((slot_first < slot_count) | !side_1) & ((q_pos >= k_pos_c0) | !side_2 | !side_3));
        S_c1 = select(-3.0e38f, S_c1, ((k_slot_c1 < slot_count) | !side_1) & ((q_pos >= k_pos_c1) | !side_2 | !side_3));
        S_c2 = select(-3.0e38f, S_c2, ((k_slot_c2 < slot_count) | !side_1) & ((q_pos >= k_pos_c2) | !side_2 | !side_3));
        S_c3 = select(-3.0e38f, S_c3, ((k_slot_c3 < slot_count) | !side_1) & ((q_pos >= k_pos_c3) | !side_2 | !side_3));
        var m_step: f32 = -3.0e38f;
        m_step = max(max(S_c0, S_c1), max(S_c2, S_c3));
        let m_new: f32 = max(m, m_step);
        // a row that has seen nothing subtracts 0, so that its weights underflow to 0
        let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
        let alpha: f32 = exp(m - m_safe);
        var l_step: f32 = 0.0f;
        S_c0 = exp(S_c0 - m_safe);
        S_c1 = exp(S_c1 - m_safe);
        S_c2 = exp(S_c2 - m_safe);
        S_c3 = exp(S_c3 - m_safe);
        l_step = S_c0 + S_c1 + (S_c2 + S_c3);
        let x_175: vec4f = select(vec4f(0.0f), v[x_130], inside_1);
        l = l * alpha + l_step;
        O = fma(quadBroadcast(x_175, 3u), vec4f(S_c3), fma(quadBroadcast(x_175, 2u), vec4f(S_c2), fma(quadBroadcast(x_175,
                1u), vec4f(S_c1), fma(quadBroadcast(x_175, 0u), vec4f(S_c0), O * alpha))));
        m = m_new;
      }
      next_tile = next_tile + 1;
      let x_181: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_181, x_181 < range_to_0), 1073741824);
    }
    let x_185: bool = split < launch.slots;
    let x_192: i32 = (split * x_187 + head) * launch.n_q + x_28;
    let inside_2: bool = x_30 & (x_185 & (head >= 0) & (head < x_187) & x_31);
    if (inside_2) {
      part_state[x_192] = m;
    }
    let x_200: i32 = ((launch.slots + split) * x_187 + head) * launch.n_q + x_28;
    if (inside_2) {
      part_state[x_200] = l;
    }
    let x_204: i32 = (head_local * launch.slots + split) * launch.n_q + x_28;
    if (x_30 & (x_185 & x_31)) {
      part_out[x_204] = O;
    }
  }
}

// ---- dense_causal_decode_partial ----
// dense_causal: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> part_state: array<f32>;
@group(0) @binding(4) var<storage, read_write> part_out: array<vec4f>;

struct Launch {
  batch: i32,
  head_count: i32,
  head_first: i32,
  heads: i32,
  kv_count: i32,
  kv_first: i32,
  kv_heads: i32,
  n_k: i32,
  n_q: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(5) var<uniform> launch: Launch;

@compute @workgroup_size(4)
fn dense_causal_decode_partial(
  @builtin(local_invocation_index) local_index: u32,
  @builtin(workgroup_id) group_id: vec3u
) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_y: i32 = i32(group_id.y);
  let group_z: i32 = i32(group_id.z);
  let tile: i32 = group_x;
  let split: i32 = group_y;
  let head_local: i32 = group_z;
  let head: i32 = launch.head_first + head_local;
  let x_1: i32 = max(launch.heads, 1);
  let x_2: i32 = head / x_1;
  let x_4: i32 = head - x_2 * x_1;
  let x_9: i32 = max(launch.kv_heads, 1);
  let x_10: i32 = launch.heads / x_9;
  let x_14: i32 = select(x_10 - select(0, 1, launch.heads - x_10 * x_9 < 0), 0, launch.kv_heads < 1);
  let kv_local: i32 = select(x_2 - select(0, 1, x_4 < 0), 0, launch.heads < 1) * launch.kv_heads
      + select(select(x_4, x_4 + x_1, x_4 < 0) / max(x_14, 1), 0, x_14 < 1)
    - launch.kv_first;
  let x_20: bool = tile < launch.n_q;
  let x_139: i32 = launch.batch * launch.heads;
  if (x_20) {
    let q_first: i32 = tile + (launch.n_k - launch.n_q);
    let rows_here: i32 = min(launch.n_q - tile, 1);
    let x_27: bool = 0 < rows_here;
    let inside: bool = x_27 & x_20;
    var Q: vec4f = select(vec4f(0.0f), q[select(0, head_local * launch.n_q + tile, inside)], inside);
    var m: f32 = -3.0e38f;
    var l: f32 = 0.0f;
    var O: vec4f = vec4f(0.0f);
    var slot_count: i32 = 0;
    var key_base: i32 = 0;
    var key_step: i32 = 1;
    var walk_end: i32 = 0;
    var next_tile: i32 = 0;
    var range_from_0: i32 = 0;
    var range_to_0: i32 = 0;
    // phase_0
    let phase_0_0_to: i32 = min(launch.n_k, q_first + (rows_here - 1) + 1);
    key_base = 0;
    let x_36: i32 = 0 - key_base - 1;
    key_step = 1;
    let x_37: i32 = max(key_step, 1);
    let x_38: i32 = x_36 / x_37;
    let phase_0_0_slot_from: i32 = max(select(x_38 - select(0, 1, x_36 - x_38 * x_37 < 0), 0, key_step < 1) + 1, 0);
    let x_46: i32 = phase_0_0_to - key_base - 1;
    let x_47: i32 = x_46 / x_37;
    slot_count = launch.n_k;
    let phase_0_0_slot_to: i32 = min(slot_count,
        max(select(x_47 - select(0, 1, x_46 - x_47 * x_37 < 0), 0, key_step < 1) + 1, 0));
    let x_57: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
    range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_57);
    range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_57);
    let x_63: bool = range_from_0 < range_to_0;
    let phase_0_start: i32 = min(select(1073741824, range_from_0, x_63), 1073741824);
    let phase_0_end: i32 = max(select(0, range_to_0, x_63), 0);
    let x_71: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
    let x_72: i32 = max(launch.splits, 1);
    let x_73: i32 = x_71 / x_72;
    let phase_0_share: i32 = select(x_73 - select(0, 1, x_71 - x_73 * x_72 < 0), 0, launch.splits < 1);
    next_tile = phase_0_start + split * phase_0_share;
    let x_82: i32 = max(next_tile, range_from_0);
    walk_end = min(phase_0_end, next_tile + phase_0_share);
    next_tile = min(select(1073741824, x_82, x_82 < range_to_0), 1073741824);
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let masked: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_98: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_98; step += 1) {
        let k_slot: i32 = slot_tile + step * 4 + lane;
        let k_pos: i32 = key_base + k_slot * key_step;
        let x_104: bool = k_slot < slot_count;
        let inside_1: bool = x_104
          & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
        let x_114: i32 = select(0, kv_local * launch.n_k + k_pos, inside_1);
        var S: f32 = 0.0f;
        S = dot(Q, select(vec4f(0.0f), k[x_114], inside_1));
        let side_1: bool = slots_here < 8;
        let side_3: bool = masked;
        let side_2: bool = masked;
        S = select(-3.0e38f, S, (x_104 | !side_1) & ((q_first >= k_pos) | !side_2 | !side_3));
        var m_step: f32 = -3.0e38f;
        m_step = subgroupMax(S);
        let m_new: f32 = max(m, m_step);
        // a row that has seen nothing subtracts 0, so that its weights underflow to 0
        let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
        let alpha: f32 = exp(m - m_safe);
        var l_step: f32 = 0.0f;
        S = exp(S - m_safe);
        l_step = S;
        l = l * alpha + l_step;
        O = fma(select(vec4f(0.0f), v[x_114], inside_1), vec4f(S), O * alpha);
        m = m_new;
      }
      next_tile = next_tile + 1;
      let x_133: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_133, x_133 < range_to_0), 1073741824);
    }
    let x_137: bool = split < launch.slots;
    let x_144: i32 = (split * x_139 + head) * launch.n_q + tile;
    let x_148: bool = lane < 1;
    let inside_2: bool = x_27 & x_148 & (x_137 & (head >= 0) & (head < x_139) & x_20);
    if (inside_2) {
      part_state[x_144] = m;
    }
    let x_149: f32 = subgroupAdd(l);
    let x_154: i32 = ((launch.slots + split) * x_139 + head) * launch.n_q + tile;
    if (inside_2) {
      part_state[x_154] = x_149;
    }
    let x_155: vec4f = subgroupAdd(O);
    let x_159: i32 = (head_local * launch.slots + split) * launch.n_q + tile;
    if (x_27 & x_148 & (x_137 & x_20)) {
      part_out[x_159] = x_155;
    }
  }
}

// ---- dense_causal_merge ----
// dense_causal: merge of partial results

@group(0) @binding(0) var<storage, read> part_state: array<f32>;
@group(0) @binding(1) var<storage, read> part_out: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;

struct Launch {
  batch: i32,
  head_count: i32,
  head_first: i32,
  heads: i32,
  n_q: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(4) var<uniform> launch: Launch;

fn f32_from_bits(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

@compute @workgroup_size(16)
fn dense_causal_merge(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_z: i32 = i32(group_id.z);
  let tile: i32 = group_x;
  let head_local: i32 = group_z;
  let head: i32 = launch.head_first + head_local;
  let x_1: i32 = max(launch.heads, 1);
  let x_2: i32 = head / x_1;
  let x_4: i32 = head - x_2 * x_1;
  let b: i32 = select(x_2 - select(0, 1, x_4 < 0), 0, launch.heads < 1);
  let h: i32 = select(x_4, x_4 + x_1, x_4 < 0);
  var m: f32 = -3.0e38f;
  var l: f32 = 0.0f;
  var O: vec4f = vec4f(0.0f);
  let x_13: i32 = launch.batch * launch.heads;
  for (var slot: i32 = 0; slot < launch.splits; slot += 1) {
    let x_9: i32 = tile * 16 + lane;
    let has: bool = x_9 < launch.n_q;
    let x_11: bool = slot < launch.slots;
    let x_21: bool = x_11 & (head >= 0) & (head < x_13) & has;
    let m_part: f32 = select(-3.0e38f,
        select(0.0f, part_state[select(0, (slot * x_13 + head) * launch.n_q + x_9, x_21)], x_21),
      has);
    let m_new: f32 = max(m, m_part);
    let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
    let alpha: f32 = exp(m - m_safe);
    let beta: f32 = exp(m_part - m_safe);
    let inside: bool = has & x_11;
    l = l * alpha
      + select(0.0f,
            select(0.0f, part_state[select(0, ((launch.slots + slot) * x_13 + head) * launch.n_q + x_9, x_21)], x_21),
          has)
        * beta;
    O = O * alpha
      + select(vec4f(0.0f), part_out[select(0, (head_local * launch.slots + slot) * launch.n_q + x_9, inside)], inside)
        * beta;
    m = m_new;
  }
  // rows that saw nothing give zeros and minus infinity
  let x_54: bool = l > 0.0f;
  let inverse: f32 = select(0.0f, 1.0f / l, x_54);
  let x_58: i32 = tile * 16 + lane;
  let x_60: i32 = head_local * launch.n_q + x_58;
  let x_61: bool = x_58 < launch.n_q;
  if (x_61) {
    out[x_60] = O * inverse;
  }
  let x_69: i32 = (b * launch.heads + h) * launch.n_q + x_58;
  let x_74: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_54);
  if (x_61 & ((b >= 0) & (b < launch.batch) & (h < launch.heads))) {
    lse[x_69] = x_74;
  }
}
