// ---- strided_attention_rows_partial ----
// strided_attention: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> part_m: array<f32>;
@group(0) @binding(4) var<storage, read_write> part_l: array<f32>;
@group(0) @binding(5) var<storage, read_write> part_out: array<vec4f>;

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
  p_stride: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(6) var<uniform> launch: Launch;

@compute @workgroup_size(4)
fn strided_attention_rows_partial(
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
  let x_208: i32 = launch.batch * launch.heads;
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
      let phase_0_0_from: i32 = max(q_first - launch.p_stride + 1, 0);
      let phase_0_0_to: i32 = min(launch.n_k, select(0, q_last + 1, launch.p_stride > 0));
      key_base = 0;
      let x_45: i32 = phase_0_0_from - key_base - 1;
      key_step = 1;
      let x_46: i32 = max(key_step, 1);
      let x_47: i32 = x_45 / x_46;
      let phase_0_0_slot_from: i32 = max(select(x_47 - select(0, 1, x_45 - x_47 * x_46 < 0), 0, key_step < 1) + 1, 0);
      let x_55: i32 = phase_0_0_to - key_base - 1;
      let x_56: i32 = x_55 / x_46;
      slot_count = launch.n_k;
      let phase_0_0_slot_to: i32 = min(slot_count,
          max(select(x_56 - select(0, 1, x_55 - x_56 * x_46 < 0), 0, key_step < 1) + 1, 0));
      let x_66: bool = (phase_0_0_from < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
      range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_66);
      range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_66);
      let x_72: bool = range_from_0 < range_to_0;
      let phase_0_start: i32 = min(select(1073741824, range_from_0, x_72), 1073741824);
      let phase_0_end: i32 = max(select(0, range_to_0, x_72), 0);
      let x_80: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
      let x_81: i32 = max(launch.splits, 1);
      let x_82: i32 = x_80 / x_81;
      let phase_0_share: i32 = select(x_82 - select(0, 1, x_80 - x_82 * x_81 < 0), 0, launch.splits < 1);
      next_tile = phase_0_start + split * phase_0_share;
      let x_91: i32 = max(next_tile, range_from_0);
      walk_end = min(phase_0_end, next_tile + phase_0_share);
      next_tile = min(select(1073741824, x_91, x_91 < range_to_0), 1073741824);
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let masked: bool = (q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step)
            | (key_base + slot_tile * key_step <= q_last - launch.p_stride)
          | (slots_here < 8);
        let x_112: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_112; step += 1) {
          let slot_first: i32 = slot_tile + step * 4;
          let k_slot_c1: i32 = slot_first + 1;
          let k_slot_c2: i32 = slot_first + 2;
          let k_slot_c3: i32 = slot_first + 3;
          let k_pos_c0: i32 = key_base + slot_first * key_step;
          let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
          let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
          let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
          let x_127: i32 = slot_first + (subgroup_lane & 3);
          let x_132: i32 = key_base + x_127 * key_step;
          let inside: bool = (x_127 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_132 >= 0) & (x_132 < launch.n_k));
          let x_140: i32 = select(0, kv_local * launch.n_k + x_132, inside);
          var S_c0: f32 = 0.0f;
          var S_c1: f32 = 0.0f;
          var S_c2: f32 = 0.0f;
          var S_c3: f32 = 0.0f;
          let x_141: vec4f = select(vec4f(0.0f), k[x_140], inside);
          S_c0 = dot(Q, quadBroadcast(x_141, 0u));
          S_c1 = dot(Q, quadBroadcast(x_141, 1u));
          S_c2 = dot(Q, quadBroadcast(x_141, 2u));
          S_c3 = dot(Q, quadBroadcast(x_141, 3u));
          if (masked) {
            S_c0 = select(-3.0e38f,
              S_c0,
                (slot_first < slot_count) & ((q_pos >= k_pos_c0) & (q_pos - k_pos_c0 < launch.p_stride)));
            S_c1 = select(-3.0e38f,
              S_c1,
                (k_slot_c1 < slot_count) & ((q_pos >= k_pos_c1) & (q_pos - k_pos_c1 < launch.p_stride)));
            S_c2 = select(-3.0e38f,
              S_c2,
                (k_slot_c2 < slot_count) & ((q_pos >= k_pos_c2) & (q_pos - k_pos_c2 < launch.p_stride)));
            S_c3 = select(-3.0e38f,
              S_c3,
                (k_slot_c3 < slot_count) & ((q_pos >= k_pos_c3) & (q_pos - k_pos_c3 < launch.p_stride)));
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
          let x_196: vec4f = select(vec4f(0.0f), v[x_140], inside);
          l = l * alpha + l_step;
          O = fma(quadBroadcast(x_196, 3u), vec4f(S_c3), fma(quadBroadcast(x_196, 2u), vec4f(S_c2), fma(quadBroadcast(x_196,
                  1u), vec4f(S_c1), fma(quadBroadcast(x_196, 0u), vec4f(S_c0), O * alpha))));
          m = m_new;
        }
        next_tile = next_tile + 1;
        let x_202: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_202, x_202 < range_to_0), 1073741824);
      }
    }
    let x_213: i32 = (split * x_208 + head) * launch.n_q + x_28;
    let inside_1: bool = x_30 & ((split < launch.slots) & (head >= 0) & (head < x_208));
    if (inside_1) {
      part_m[x_213] = m;
    }
    if (inside_1) {
      part_l[x_213] = l;
    }
    if (inside_1) {
      part_out[x_213] = O;
    }
  }
}

// ---- strided_attention_rows_decode_partial ----
// strided_attention: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> part_m: array<f32>;
@group(0) @binding(4) var<storage, read_write> part_l: array<f32>;
@group(0) @binding(5) var<storage, read_write> part_out: array<vec4f>;

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
  p_stride: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(6) var<uniform> launch: Launch;

@compute @workgroup_size(4)
fn strided_attention_rows_decode_partial(
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
  let x_154: i32 = launch.batch * launch.heads;
  if (x_20) {
    let q_first: i32 = tile + (launch.n_k - launch.n_q);
    let q_last: i32 = q_first + (min(launch.n_q - tile, 1) - 1);
    var Q: vec4f = select(vec4f(0.0f), q[select(0, head_local * launch.n_q + tile, x_20)], x_20);
    var m: f32 = -3.0e38f;
    let x_32: bool = lane == 0;
    let x_33: f32 = select(0.0f, 0.0f, x_32);
    var l: f32 = x_33;
    var O: vec4f = select(vec4f(0.0f), vec4f(0.0f), x_32);
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
      let phase_0_0_from: i32 = max(q_first - launch.p_stride + 1, 0);
      let phase_0_0_to: i32 = min(launch.n_k, select(0, q_last + 1, launch.p_stride > 0));
      key_base = 0;
      let x_44: i32 = phase_0_0_from - key_base - 1;
      key_step = 1;
      let x_45: i32 = max(key_step, 1);
      let x_46: i32 = x_44 / x_45;
      let phase_0_0_slot_from: i32 = max(select(x_46 - select(0, 1, x_44 - x_46 * x_45 < 0), 0, key_step < 1) + 1, 0);
      let x_54: i32 = phase_0_0_to - key_base - 1;
      let x_55: i32 = x_54 / x_45;
      slot_count = launch.n_k;
      let phase_0_0_slot_to: i32 = min(slot_count,
          max(select(x_55 - select(0, 1, x_54 - x_55 * x_45 < 0), 0, key_step < 1) + 1, 0));
      let x_65: bool = (phase_0_0_from < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
      range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_65);
      range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_65);
      let x_71: bool = range_from_0 < range_to_0;
      let phase_0_start: i32 = min(select(1073741824, range_from_0, x_71), 1073741824);
      let phase_0_end: i32 = max(select(0, range_to_0, x_71), 0);
      let x_79: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
      let x_80: i32 = max(launch.splits, 1);
      let x_81: i32 = x_79 / x_80;
      let phase_0_share: i32 = select(x_81 - select(0, 1, x_79 - x_81 * x_80 < 0), 0, launch.splits < 1);
      next_tile = phase_0_start + split * phase_0_share;
      let x_90: i32 = max(next_tile, range_from_0);
      walk_end = min(phase_0_end, next_tile + phase_0_share);
      next_tile = min(select(1073741824, x_90, x_90 < range_to_0), 1073741824);
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let masked: bool = (q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step)
            | (key_base + slot_tile * key_step <= q_last - launch.p_stride)
          | (slots_here < 8);
        let x_111: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_111; step += 1) {
          let k_slot: i32 = slot_tile + step * 4 + lane;
          let k_pos: i32 = key_base + k_slot * key_step;
          let x_117: bool = k_slot < slot_count;
          let inside: bool = x_117
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
          let x_127: i32 = select(0, kv_local * launch.n_k + k_pos, inside);
          var S: f32 = 0.0f;
          S = dot(Q, select(vec4f(0.0f), k[x_127], inside));
          if (masked) {
            S = select(-3.0e38f, S, x_117 & ((q_first >= k_pos) & (q_first - k_pos < launch.p_stride)));
          }
          var m_step: f32 = -3.0e38f;
          m_step = subgroupMax(S);
          let m_new: f32 = max(m, m_step);
          // a row that has seen nothing subtracts 0, so that its weights underflow to 0
          let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
          let alpha: f32 = exp(m - m_safe);
          var l_step: f32 = x_33;
          S = exp(S - m_safe);
          l_step = S;
          l = l * alpha + l_step;
          O = fma(select(vec4f(0.0f), v[x_127], inside), vec4f(S), O * alpha);
          m = m_new;
        }
        next_tile = next_tile + 1;
        let x_148: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_148, x_148 < range_to_0), 1073741824);
      }
    }
    let x_159: i32 = (split * x_154 + head) * launch.n_q + tile;
    let inside_1: bool = x_20 & (lane < 1) & ((split < launch.slots) & (head >= 0) & (head < x_154));
    if (inside_1) {
      part_m[x_159] = m;
    }
    let x_163: f32 = subgroupAdd(l);
    if (inside_1) {
      part_l[x_159] = x_163;
    }
    let x_164: vec4f = subgroupAdd(O);
    if (inside_1) {
      part_out[x_159] = x_164;
    }
  }
}

// ---- strided_attention_lines_1_partial ----
// strided_attention: lines_1
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> part_m: array<f32>;
@group(0) @binding(4) var<storage, read_write> part_l: array<f32>;
@group(0) @binding(5) var<storage, read_write> part_out: array<vec4f>;

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
  p_stride: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(6) var<uniform> launch: Launch;

@compute @workgroup_size(4)
fn strided_attention_lines_1_partial(
  @builtin(local_invocation_index) local_index: u32,
  @builtin(workgroup_id) group_id: vec3u,
  @builtin(subgroup_invocation_id) subgroup_index: u32
) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_y: i32 = i32(group_id.y);
  let group_z: i32 = i32(group_id.z);
  let subgroup_lane: i32 = i32(subgroup_index);
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
  // rows of one residue class, a modulus apart
  let x_20: i32 = min(launch.p_stride, launch.n_q);
  let row_step: i32 = max(x_20, 1);
  let x_22: i32 = row_step - 1;
  let x_23: i32 = launch.n_q + x_22;
  let x_24: i32 = x_23 / row_step;
  let tiles_per_class: i32 = (x_24 - select(0, 1, x_23 - x_24 * row_step < 0) + 3) >> 2u;
  let x_30: i32 = max(tiles_per_class, 1);
  let x_31: i32 = tile / x_30;
  let row_class: i32 = select(x_31, 0, tiles_per_class < 1);
  let row_base: i32 = select(launch.n_q, row_class + (tile - x_31 * x_30) * 4 * row_step, row_class < x_20);
  let x_257: i32 = launch.batch * launch.heads;
  if (row_base < launch.n_q) {
    let x_41: i32 = launch.n_k - launch.n_q;
    let q_first: i32 = row_base + x_41;
    let x_44: i32 = launch.n_q - row_base + x_22;
    let x_45: i32 = x_44 / row_step;
    let q_last: i32 = q_first + (min(x_45 - select(0, 1, x_44 - x_45 * row_step < 0), 4) - 1) * row_step;
    let x_54: i32 = row_base + lane * row_step;
    let q_pos: i32 = x_54 + x_41;
    let x_56: bool = x_54 < launch.n_q;
    let x_57: bool = x_54 >= 0;
    let inside: bool = x_56 & x_57;
    var Q: vec4f = select(vec4f(0.0f), q[select(0, head_local * launch.n_q + x_54, inside)], inside);
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
    let x_64: i32 = max(launch.p_stride, 1);
    let x_67: i32 = q_first - q_first / x_64 * x_64;
    let x_68: i32 = select(x_67, x_67 + x_64, x_67 < 0);
    let x_71: i32 = x_68 - x_68 / x_64 * x_64;
    let x_77: i32 = max(min(launch.p_stride, launch.n_k), 1);
    let x_79: i32 = launch.n_k - x_71 + (x_77 - 1);
    let x_80: i32 = x_79 / x_77;
    let x_83: i32 = x_80 - select(0, 1, x_79 - x_80 * x_77 < 0);
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 1; phase += 1) {
      // phase_1
      let phase_0_0_to: i32 = min(launch.n_k, min(q_last + 1, q_last - launch.p_stride + 1));
      key_base = x_71;
      let x_91: i32 = 0 - key_base - 1;
      key_step = max(min(launch.p_stride, launch.n_k), 1);
      let x_92: i32 = max(key_step, 1);
      let x_93: i32 = x_91 / x_92;
      let phase_0_0_slot_from: i32 = max(select(x_93 - select(0, 1, x_91 - x_93 * x_92 < 0), 0, key_step < 1) + 1, 0);
      let x_101: i32 = phase_0_0_to - key_base - 1;
      let x_102: i32 = x_101 / x_92;
      slot_count = select(0, x_83, x_71 < launch.n_k);
      let phase_0_0_slot_to: i32 = min(slot_count,
          max(select(x_102 - select(0, 1, x_101 - x_102 * x_92 < 0), 0, key_step < 1) + 1, 0));
      let x_112: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
      range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_112);
      range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_112);
      let x_118: bool = range_from_0 < range_to_0;
      let phase_0_start: i32 = min(select(1073741824, range_from_0, x_118), 1073741824);
      let phase_0_end: i32 = max(select(0, range_to_0, x_118), 0);
      let x_126: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
      let x_127: i32 = max(launch.splits, 1);
      let x_128: i32 = x_126 / x_127;
      let phase_0_share: i32 = select(x_128 - select(0, 1, x_126 - x_128 * x_127 < 0), 0, launch.splits < 1);
      next_tile = phase_0_start + split * phase_0_share;
      let x_137: i32 = max(next_tile, range_from_0);
      walk_end = min(phase_0_end, next_tile + phase_0_share);
      next_tile = min(select(1073741824, x_137, x_137 < range_to_0), 1073741824);
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let k_last: i32 = key_base + (slot_tile + (slots_here - 1)) * key_step;
        let masked: bool = (q_first + 1 <= k_last) | (q_first - launch.p_stride + 1 <= k_last) | (slots_here < 8);
        let x_159: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_159; step += 1) {
          let slot_first: i32 = slot_tile + step * 4;
          let k_slot_c1: i32 = slot_first + 1;
          let k_slot_c2: i32 = slot_first + 2;
          let k_slot_c3: i32 = slot_first + 3;
          let k_pos_c0: i32 = key_base + slot_first * key_step;
          let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
          let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
          let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
          let x_174: i32 = slot_first + (subgroup_lane & 3);
          let x_179: i32 = key_base + x_174 * key_step;
          let inside_1: bool = (x_174 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_179 >= 0) & (x_179 < launch.n_k));
          let x_187: i32 = select(0, kv_local * launch.n_k + x_179, inside_1);
          var S_c0: f32 = 0.0f;
          var S_c1: f32 = 0.0f;
          var S_c2: f32 = 0.0f;
          var S_c3: f32 = 0.0f;
          let x_188: vec4f = select(vec4f(0.0f), k[x_187], inside_1);
          S_c0 = dot(Q, quadBroadcast(x_188, 0u));
          S_c1 = dot(Q, quadBroadcast(x_188, 1u));
          S_c2 = dot(Q, quadBroadcast(x_188, 2u));
          S_c3 = dot(Q, quadBroadcast(x_188, 3u));
          if (masked) {
            S_c0 = select(-3.0e38f,
              S_c0,
                (slot_first < slot_count) & ((q_pos >= k_pos_c0) & (q_pos - k_pos_c0 >= launch.p_stride)));
            S_c1 = select(-3.0e38f,
              S_c1,
                (k_slot_c1 < slot_count) & ((q_pos >= k_pos_c1) & (q_pos - k_pos_c1 >= launch.p_stride)));
            S_c2 = select(-3.0e38f,
              S_c2,
                (k_slot_c2 < slot_count) & ((q_pos >= k_pos_c2) & (q_pos - k_pos_c2 >= launch.p_stride)));
            S_c3 = select(-3.0e38f,
              S_c3,
                (k_slot_c3 < slot_count) & ((q_pos >= k_pos_c3) & (q_pos - k_pos_c3 >= launch.p_stride)));
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
          let x_243: vec4f = select(vec4f(0.0f), v[x_187], inside_1);
          l = l * alpha + l_step;
          O = fma(quadBroadcast(x_243, 3u), vec4f(S_c3), fma(quadBroadcast(x_243, 2u), vec4f(S_c2), fma(quadBroadcast(x_243,
                  1u), vec4f(S_c1), fma(quadBroadcast(x_243, 0u), vec4f(S_c0), O * alpha))));
          m = m_new;
        }
        next_tile = next_tile + 1;
        let x_249: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_249, x_249 < range_to_0), 1073741824);
      }
    }
    let x_253: i32 = launch.splits + split;
    let x_262: i32 = (x_253 * x_257 + head) * launch.n_q + x_54;
    let inside_2: bool = x_56 & ((x_253 >= 0) & (x_253 < launch.slots) & (head >= 0) & (head < x_257) & x_57);
    if (inside_2) {
      part_m[x_262] = m;
    }
    if (inside_2) {
      part_l[x_262] = l;
    }
    if (inside_2) {
      part_out[x_262] = O;
    }
  }
}

// ---- strided_attention_lines_1_decode_partial ----
// strided_attention: lines_1
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> part_m: array<f32>;
@group(0) @binding(4) var<storage, read_write> part_l: array<f32>;
@group(0) @binding(5) var<storage, read_write> part_out: array<vec4f>;

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
  p_stride: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(6) var<uniform> launch: Launch;

@compute @workgroup_size(4)
fn strided_attention_lines_1_decode_partial(
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
  // rows of one residue class, a modulus apart
  let x_20: i32 = min(launch.p_stride, launch.n_q);
  let row_step: i32 = max(x_20, 1);
  let x_22: i32 = row_step - 1;
  let x_23: i32 = launch.n_q + x_22;
  let x_24: i32 = x_23 / row_step;
  let tiles_per_class: i32 = x_24 - select(0, 1, x_23 - x_24 * row_step < 0);
  let x_28: i32 = max(tiles_per_class, 1);
  let x_29: i32 = tile / x_28;
  let row_class: i32 = select(x_29, 0, tiles_per_class < 1);
  let row_base: i32 = select(launch.n_q, row_class + (tile - x_29 * x_28) * row_step, row_class < x_20);
  let x_37: bool = row_base < launch.n_q;
  let x_200: i32 = launch.batch * launch.heads;
  if (x_37) {
    let q_first: i32 = row_base + (launch.n_k - launch.n_q);
    let x_41: i32 = launch.n_q - row_base + x_22;
    let x_42: i32 = x_41 / row_step;
    let q_last: i32 = q_first + (min(x_42 - select(0, 1, x_41 - x_42 * row_step < 0), 1) - 1) * row_step;
    let x_50: bool = row_base >= 0;
    let inside: bool = x_37 & x_50;
    var Q: vec4f = select(vec4f(0.0f), q[select(0, head_local * launch.n_q + row_base, inside)], inside);
    var m: f32 = -3.0e38f;
    let x_56: bool = lane == 0;
    let x_57: f32 = select(0.0f, 0.0f, x_56);
    var l: f32 = x_57;
    var O: vec4f = select(vec4f(0.0f), vec4f(0.0f), x_56);
    var slot_count: i32 = 0;
    var key_base: i32 = 0;
    var key_step: i32 = 1;
    var walk_end: i32 = 0;
    var next_tile: i32 = 0;
    var range_from_0: i32 = 0;
    var range_to_0: i32 = 0;
    let x_60: i32 = max(launch.p_stride, 1);
    let x_63: i32 = q_first - q_first / x_60 * x_60;
    let x_64: i32 = select(x_63, x_63 + x_60, x_63 < 0);
    let x_67: i32 = x_64 - x_64 / x_60 * x_60;
    let x_73: i32 = max(min(launch.p_stride, launch.n_k), 1);
    let x_75: i32 = launch.n_k - x_67 + (x_73 - 1);
    let x_76: i32 = x_75 / x_73;
    let x_79: i32 = x_76 - select(0, 1, x_75 - x_76 * x_73 < 0);
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 1; phase += 1) {
      // phase_1
      let phase_0_0_to: i32 = min(launch.n_k, min(q_last + 1, q_last - launch.p_stride + 1));
      key_base = x_67;
      let x_87: i32 = 0 - key_base - 1;
      key_step = max(min(launch.p_stride, launch.n_k), 1);
      let x_88: i32 = max(key_step, 1);
      let x_89: i32 = x_87 / x_88;
      let phase_0_0_slot_from: i32 = max(select(x_89 - select(0, 1, x_87 - x_89 * x_88 < 0), 0, key_step < 1) + 1, 0);
      let x_97: i32 = phase_0_0_to - key_base - 1;
      let x_98: i32 = x_97 / x_88;
      slot_count = select(0, x_79, x_67 < launch.n_k);
      let phase_0_0_slot_to: i32 = min(slot_count,
          max(select(x_98 - select(0, 1, x_97 - x_98 * x_88 < 0), 0, key_step < 1) + 1, 0));
      let x_108: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
      range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_108);
      range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_108);
      let x_114: bool = range_from_0 < range_to_0;
      let phase_0_start: i32 = min(select(1073741824, range_from_0, x_114), 1073741824);
      let phase_0_end: i32 = max(select(0, range_to_0, x_114), 0);
      let x_122: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
      let x_123: i32 = max(launch.splits, 1);
      let x_124: i32 = x_122 / x_123;
      let phase_0_share: i32 = select(x_124 - select(0, 1, x_122 - x_124 * x_123 < 0), 0, launch.splits < 1);
      next_tile = phase_0_start + split * phase_0_share;
      let x_133: i32 = max(next_tile, range_from_0);
      walk_end = min(phase_0_end, next_tile + phase_0_share);
      next_tile = min(select(1073741824, x_133, x_133 < range_to_0), 1073741824);
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let k_last: i32 = key_base + (slot_tile + (slots_here - 1)) * key_step;
        let masked: bool = (q_first + 1 <= k_last) | (q_first - launch.p_stride + 1 <= k_last) | (slots_here < 8);
        let x_155: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_155; step += 1) {
          let k_slot: i32 = slot_tile + step * 4 + lane;
          let k_pos: i32 = key_base + k_slot * key_step;
          let x_161: bool = k_slot < slot_count;
          let inside_1: bool = x_161
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
          let x_171: i32 = select(0, kv_local * launch.n_k + k_pos, inside_1);
          var S: f32 = 0.0f;
          S = dot(Q, select(vec4f(0.0f), k[x_171], inside_1));
          if (masked) {
            S = select(-3.0e38f, S, x_161 & ((q_first >= k_pos) & (q_first - k_pos >= launch.p_stride)));
          }
          var m_step: f32 = -3.0e38f;
          m_step = subgroupMax(S);
          let m_new: f32 = max(m, m_step);
          // a row that has seen nothing subtracts 0, so that its weights underflow to 0
          let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
          let alpha: f32 = exp(m - m_safe);
          var l_step: f32 = x_57;
          S = exp(S - m_safe);
          l_step = S;
          l = l * alpha + l_step;
          O = fma(select(vec4f(0.0f), v[x_171], inside_1), vec4f(S), O * alpha);
          m = m_new;
        }
        next_tile = next_tile + 1;
        let x_192: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_192, x_192 < range_to_0), 1073741824);
      }
    }
    let x_196: i32 = launch.splits + split;
    let x_205: i32 = (x_196 * x_200 + head) * launch.n_q + row_base;
    let inside_2: bool = x_37 & (lane < 1)
      & ((x_196 >= 0) & (x_196 < launch.slots) & (head >= 0) & (head < x_200) & x_50);
    if (inside_2) {
      part_m[x_205] = m;
    }
    let x_211: f32 = subgroupAdd(l);
    if (inside_2) {
      part_l[x_205] = x_211;
    }
    let x_212: vec4f = subgroupAdd(O);
    if (inside_2) {
      part_out[x_205] = x_212;
    }
  }
}

// ---- strided_attention_merge ----
// strided_attention: merge of partial results

@group(0) @binding(0) var<storage, read> part_m: array<f32>;
@group(0) @binding(1) var<storage, read> part_l: array<f32>;
@group(0) @binding(2) var<storage, read> part_out: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

struct Launch {
  batch: i32,
  head_count: i32,
  head_first: i32,
  heads: i32,
  n_q: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(5) var<uniform> launch: Launch;

fn f32_from_bits(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

@compute @workgroup_size(16)
fn strided_attention_merge(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_z: i32 = i32(group_id.z);
  let tile: i32 = group_x;
  let head_local: i32 = group_z;
  let head: i32 = launch.head_first + head_local;
  var m: f32 = -3.0e38f;
  var l: f32 = 0.0f;
  var O: vec4f = vec4f(0.0f);
  let x_9: i32 = launch.splits * 2;
  let x_15: i32 = launch.batch * launch.heads;
  for (var slot: i32 = 0; slot < x_9; slot += 1) {
    let x_11: i32 = tile * 16 + lane;
    let has: bool = x_11 < launch.n_q;
    let x_20: i32 = (slot * x_15 + head) * launch.n_q + x_11;
    let x_22: bool = (slot < launch.slots) & (head >= 0) & (head < x_15);
    let x_23: bool = x_22 & has;
    let x_24: i32 = select(0, x_20, x_23);
    let m_part: f32 = select(-3.0e38f, select(0.0f, part_m[x_24], x_23), has);
    let m_new: f32 = max(m, m_part);
    let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
    let alpha: f32 = exp(m - m_safe);
    let beta: f32 = exp(m_part - m_safe);
    let inside: bool = has & x_22;
    l = l * alpha + select(0.0f, select(0.0f, part_l[x_24], x_23), has) * beta;
    O = O * alpha + select(vec4f(0.0f), part_out[select(0, x_20, inside)], inside) * beta;
    m = m_new;
  }
  // rows that saw nothing give zeros and minus infinity
  let x_46: bool = l > 0.0f;
  let inverse: f32 = select(0.0f, 1.0f / l, x_46);
  let x_50: i32 = tile * 16 + lane;
  let x_52: i32 = head_local * launch.n_q + x_50;
  let x_53: bool = x_50 < launch.n_q;
  if (x_53) {
    out[x_52] = O * inverse;
  }
  let x_57: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_46);
  if (x_53) {
    lse[x_52] = x_57;
  }
}
