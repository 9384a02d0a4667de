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
    let q_last: i32 = q_first + (min(launch.n_q - row_base, 4) - 1);
    let x_28: i32 = row_base + lane;
    let q_pos: i32 = x_28 + x_22;
    let x_30: bool = x_28 < launch.n_q;
    let x_32: i32 = head_local * launch.n_q + x_28;
    var Q: vec4f = select(vec4f(0.0f), q[select(0, x_32, x_30)], x_30);
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
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 1; phase += 1) {
      // phase_0
      let phase_0_0_to: i32 = min(launch.n_k, q_last + 1);
      key_base = 0;
      let x_39: i32 = 0 - key_base - 1;
      key_step = 1;
      let x_40: i32 = max(key_step, 1);
      let x_41: i32 = x_39 / x_40;
      let phase_0_0_slot_from: i32 = max(select(x_41 - select(0, 1, x_39 - x_41 * x_40 < 0), 0, key_step < 1) + 1, 0);
      let x_49: i32 = phase_0_0_to - key_base - 1;
      let x_50: i32 = x_49 / x_40;
      slot_count = launch.n_k;
      let phase_0_0_slot_to: i32 = min(slot_count,
          max(select(x_50 - select(0, 1, x_49 - x_50 * x_40 < 0), 0, key_step < 1) + 1, 0));
      let x_60: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
      range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_60);
      range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_60);
      let x_66: bool = range_from_0 < range_to_0;
      next_tile = min(select(1073741824, range_from_0, x_66), 1073741824);
      let x_71: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_71, x_71 < range_to_0), 1073741824);
      walk_end = max(select(0, range_to_0, x_66), 0);
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let masked: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
        let x_87: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_87; step += 1) {
          let slot_first: i32 = slot_tile + step * 4;
          let k_slot_c1: i32 = slot_first + 1;
          let k_slot_c2: i32 = slot_first + 2;
          let k_slot_c3: i32 = slot_first + 3;
          let k_pos_c0: i32 = key_base + slot_first * key_step;
          let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
          let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
          let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
          let x_102: i32 = slot_first + (subgroup_lane & 3);
          let x_107: i32 = key_base + x_102 * key_step;
          let inside: bool = (x_102 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_107 >= 0) & (x_107 < launch.n_k));
          let x_115: i32 = select(0, kv_local * launch.n_k + x_107, inside);
          var S_c0: f32 = 0.0f;
          var S_c1: f32 = 0.0f;
          var S_c2: f32 = 0.0f;
          var S_c3: f32 = 0.0f;
          let x_116: vec4f = select(vec4f(0.0f), k[x_115], inside);
          S_c0 = dot(Q, quadBroadcast(x_116, 0u));
          S_c1 = dot(Q, quadBroadcast(x_116, 1u));
          S_c2 = dot(Q, quadBroadcast(x_116, 2u));
          S_c3 = dot(Q, quadBroadcast(x_116, 3u));
          if (slots_here < 8) {
            S_c0 = select(-3.0e38f, S_c0, slot_first < slot_count);
            S_c1 = select(-3.0e38f, S_c1, k_slot_c1 < slot_count);
            S_c2 = select(-3.0e38f, S_c2, k_slot_c2 < slot_count);
            S_c3 = select(-3.0e38f, S_c3, k_slot_c3 < slot_count);
          }
          if (masked) {
            if (masked) {
              S_c0 = select(-3.0e38f, S_c0, q_pos >= k_pos_c0);
              S_c1 = select(-3.0e38f, S_c1, q_pos >= k_pos_c1);
              S_c2 = select(-3.0e38f, S_c2, q_pos >= k_pos_c2);
              S_c3 = select(-3.0e38f, S_c3, q_pos >= k_pos_c3);
            }
          }
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
          let x_160: vec4f = select(vec4f(0.0f), v[x_115], inside);
          l = l * alpha + l_step;
          O = fma(quadBroadcast(x_160, 3u), vec4f(S_c3), fma(quadBroadcast(x_160, 2u), vec4f(S_c2), fma(quadBroadcast(x_160,
                  1u), vec4f(S_c1), fma(quadBroadcast(x_160, 0u), vec4f(S_c0), O * alpha))));
          m = m_new;
        }
        next_tile = next_tile + 1;
        let x_166: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_166, x_166 < range_to_0), 1073741824);
      }
    }
    // rows that saw nothing give zeros and minus infinity
    let x_170: bool = l > 0.0f;
    let inverse: f32 = select(0.0f, 1.0f / l, x_170);
    if (x_30) {
      out[x_32] = O * inverse;
    }
    let x_180: i32 = (b * launch.heads + h) * launch.n_q + x_28;
    let x_185: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_170);
    if (x_30 & ((b >= 0) & (b < launch.batch) & (h < launch.heads))) {
      lse[x_180] = x_185;
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
  let x_186: i32 = launch.batch * launch.heads;
  if (row_base < launch.n_q) {
    let x_22: i32 = launch.n_k - launch.n_q;
    let q_first: i32 = row_base + x_22;
    let q_last: i32 = q_first + (min(launch.n_q - row_base, 4) - 1);
    let x_28: i32 = row_base + lane;
    let q_pos: i32 = x_28 + x_22;
    let x_30: bool = x_28 < launch.n_q;
    var Q: vec4f = select(vec4f(0.0f), q[select(0, head_local * launch.n_q + x_28, x_30)], x_30);
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
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 1; phase += 1) {
      // phase_0
      let phase_0_0_to: i32 = min(launch.n_k, q_last + 1);
      key_base = 0;
      let x_39: i32 = 0 - key_base - 1;
      key_step = 1;
      let x_40: i32 = max(key_step, 1);
      let x_41: i32 = x_39 / x_40;
      let phase_0_0_slot_from: i32 = max(select(x_41 - select(0, 1, x_39 - x_41 * x_40 < 0), 0, key_step < 1) + 1, 0);
      let x_49: i32 = phase_0_0_to - key_base - 1;
      let x_50: i32 = x_49 / x_40;
      slot_count = launch.n_k;
      let phase_0_0_slot_to: i32 = min(slot_count,
          max(select(x_50 - select(0, 1, x_49 - x_50 * x_40 < 0), 0, key_step < 1) + 1, 0));
      let x_60: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
      range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_60);
      range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_60);
      let x_66: bool = range_from_0 < range_to_0;
      let phase_0_start: i32 = min(select(1073741824, range_from_0, x_66), 1073741824);
      let phase_0_end: i32 = max(select(0, range_to_0, x_66), 0);
      let x_74: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
      let x_75: i32 = max(launch.splits, 1);
      let x_76: i32 = x_74 / x_75;
      let phase_0_share: i32 = select(x_76 - select(0, 1, x_74 - x_76 * x_75 < 0), 0, launch.splits < 1);
      next_tile = phase_0_start + split * phase_0_share;
      let x_85: i32 = max(next_tile, range_from_0);
      walk_end = min(phase_0_end, next_tile + phase_0_share);
      next_tile = min(select(1073741824, x_85, x_85 < range_to_0), 1073741824);
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let masked: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
        let x_101: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_101; step += 1) {
          let slot_first: i32 = slot_tile + step * 4;
          let k_slot_c1: i32 = slot_first + 1;
          let k_slot_c2: i32 = slot_first + 2;
          let k_slot_c3: i32 = slot_first + 3;
          let k_pos_c0: i32 = key_base + slot_first * key_step;
          let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
          let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
          let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
          let x_116: i32 = slot_first + (subgroup_lane & 3);
          let x_121: i32 = key_base + x_116 * key_step;
          let inside: bool = (x_116 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_121 >= 0) & (x_121 < launch.n_k));
          let x_129: i32 = select(0, kv_local * launch.n_k + x_121, inside);
          var S_c0: f32 = 0.0f;
          var S_c1: f32 = 0.0f;
          var S_c2: f32 = 0.0f;
          var S_c3: f32 = 0.0f;
          let x_130: vec4f = select(vec4f(0.0f), k[x_129], inside);
          S_c0 = dot(Q, quadBroadcast(x_130, 0u));
          S_c1 = dot(Q, quadBroadcast(x_130, 1u));
          S_c2 = dot(Q, quadBroadcast(x_130, 2u));
          S_c3 = dot(Q, quadBroadcast(x_130, 3u));
          if (slots_here < 8) {
            S_c0 = select(-3.0e38f, S_c0, slot_first < slot_count);
            S_c1 = select(-3.0e38f, S_c1, k_slot_c1 < slot_count);
            S_c2 = select(-3.0e38f, S_c2, k_slot_c2 < slot_count);
            S_c3 = select(-3.0e38f, S_c3, k_slot_c3 < slot_count);
          }
          if (masked) {
            if (masked) {
              S_c0 = select(-3.0e38f, S_c0, q_pos >= k_pos_c0);
              S_c1 = select(-3.0e38f, S_c1, q_pos >= k_pos_c1);
              S_c2 = select(-3.0e38f, S_c2, q_pos >= k_pos_c2);
              S_c3 = select(-3.0e38f, S_c3, q_pos >= k_pos_c3);
            }
          }
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
          let x_174: vec4f = select(vec4f(0.0f), v[x_129], inside);
          l = l * alpha + l_step;
          O = fma(quadBroadcast(x_174, 3u), vec4f(S_c3), fma(quadBroadcast(x_174, 2u), vec4f(S_c2), fma(quadBroadcast(x_174,
                  1u), vec4f(S_c1), fma(quadBroadcast(x_174, 0u), vec4f(S_c0), O * alpha))));
          m = m_new;
        }
        next_tile = next_tile + 1;
        let x_180: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_180, x_180 < range_to_0), 1073741824);
      }
    }
    let x_191: i32 = (split * x_186 + head) * launch.n_q + x_28;
    let inside_1: bool = x_30 & ((split < launch.slots) & (head >= 0) & (head < x_186));
    if (inside_1) {
      part_state[x_191] = m;
    }
    let x_198: i32 = ((launch.slots + split) * x_186 + head) * launch.n_q + x_28;
    if (inside_1) {
      part_state[x_198] = l;
    }
    if (inside_1) {
      part_out[x_191] = O;
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
  let x_138: i32 = launch.batch * launch.heads;
  if (x_20) {
    let q_first: i32 = tile + (launch.n_k - launch.n_q);
    let q_last: i32 = q_first + (min(launch.n_q - tile, 1) - 1);
    var Q: vec4f = select(vec4f(0.0f), q[select(0, head_local * launch.n_q + tile, x_20)], x_20);
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
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 1; phase += 1) {
      // phase_0
      let phase_0_0_to: i32 = min(launch.n_k, q_last + 1);
      key_base = 0;
      let x_35: i32 = 0 - key_base - 1;
      key_step = 1;
      let x_36: i32 = max(key_step, 1);
      let x_37: i32 = x_35 / x_36;
      let phase_0_0_slot_from: i32 = max(select(x_37 - select(0, 1, x_35 - x_37 * x_36 < 0), 0, key_step < 1) + 1, 0);
      let x_45: i32 = phase_0_0_to - key_base - 1;
      let x_46: i32 = x_45 / x_36;
      slot_count = launch.n_k;
      let phase_0_0_slot_to: i32 = min(slot_count,
          max(select(x_46 - select(0, 1, x_45 - x_46 * x_36 < 0), 0, key_step < 1) + 1, 0));
      let x_56: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
      range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_56);
      range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_56);
      let x_62: bool = range_from_0 < range_to_0;
      let phase_0_start: i32 = min(select(1073741824, range_from_0, x_62), 1073741824);
      let phase_0_end: i32 = max(select(0, range_to_0, x_62), 0);
      let x_70: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
      let x_71: i32 = max(launch.splits, 1);
      let x_72: i32 = x_70 / x_71;
      let phase_0_share: i32 = select(x_72 - select(0, 1, x_70 - x_72 * x_71 < 0), 0, launch.splits < 1);
      next_tile = phase_0_start + split * phase_0_share;
      let x_81: i32 = max(next_tile, range_from_0);
      walk_end = min(phase_0_end, next_tile + phase_0_share);
      next_tile = min(select(1073741824, x_81, x_81 < range_to_0), 1073741824);
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let masked: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
        let x_97: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_97; step += 1) {
          let k_slot: i32 = slot_tile + step * 4 + lane;
          let k_pos: i32 = key_base + k_slot * key_step;
          let x_103: bool = k_slot < slot_count;
          let inside: bool = x_103
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
          let x_113: i32 = select(0, kv_local * launch.n_k + k_pos, inside);
          var S: f32 = 0.0f;
          S = dot(Q, select(vec4f(0.0f), k[x_113], inside));
          if (slots_here < 8) {
            S = select(-3.0e38f, S, x_103);
          }
          if (masked) {
            if (masked) {
              S = select(-3.0e38f, S, q_first >= k_pos);
            }
          }
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
          O = fma(select(vec4f(0.0f), v[x_113], inside), vec4f(S), O * alpha);
          m = m_new;
        }
        next_tile = next_tile + 1;
        let x_132: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_132, x_132 < range_to_0), 1073741824);
      }
    }
    let x_143: i32 = (split * x_138 + head) * launch.n_q + tile;
    let inside_1: bool = x_20 & (lane < 1) & ((split < launch.slots) & (head >= 0) & (head < x_138));
    if (inside_1) {
      part_state[x_143] = m;
    }
    let x_147: f32 = subgroupAdd(l);
    let x_152: i32 = ((launch.slots + split) * x_138 + head) * launch.n_q + tile;
    if (inside_1) {
      part_state[x_152] = x_147;
    }
    let x_153: vec4f = subgroupAdd(O);
    if (inside_1) {
      part_out[x_143] = x_153;
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
    let x_18: i32 = (slot * x_13 + head) * launch.n_q + x_9;
    let x_20: bool = (slot < launch.slots) & (head >= 0) & (head < x_13);
    let x_21: bool = x_20 & has;
    let m_part: f32 = select(-3.0e38f, select(0.0f, part_state[select(0, x_18, x_21)], x_21), has);
    let m_new: f32 = max(m, m_part);
    let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
    let alpha: f32 = exp(m - m_safe);
    let beta: f32 = exp(m_part - m_safe);
    let inside: bool = has & x_20;
    l = l * alpha
      + select(0.0f,
            select(0.0f, part_state[select(0, ((launch.slots + slot) * x_13 + head) * launch.n_q + x_9, x_21)], x_21),
          has)
        * beta;
    O = O * alpha + select(vec4f(0.0f), part_out[select(0, x_18, inside)], inside) * beta;
    m = m_new;
  }
  // rows that saw nothing give zeros and minus infinity
  let x_50: bool = l > 0.0f;
  let inverse: f32 = select(0.0f, 1.0f / l, x_50);
  let x_54: i32 = tile * 16 + lane;
  let x_56: i32 = head_local * launch.n_q + x_54;
  let x_57: bool = x_54 < launch.n_q;
  if (x_57) {
    out[x_56] = O * inverse;
  }
  let x_65: i32 = (b * launch.heads + h) * launch.n_q + x_54;
  let x_70: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_50);
  if (x_57 & ((b >= 0) & (b < launch.batch) & (h < launch.heads))) {
    lse[x_65] = x_70;
  }
}
