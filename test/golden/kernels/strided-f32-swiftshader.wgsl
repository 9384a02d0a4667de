// ---- strided_attention_rows_partial ----
// strided_attention: rows
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
  p_stride: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(5) var<uniform> launch: Launch;

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
  let x_207: i32 = launch.batch * launch.heads;
  if (row_base < launch.n_q) {
    let x_22: i32 = launch.n_k - launch.n_q;
    let q_first: i32 = row_base + x_22;
    let rows_here: i32 = min(launch.n_q - row_base, 4);
    let q_last: i32 = q_first + (rows_here - 1);
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
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let x_105: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_107: bool = key_base + slot_tile * key_step <= q_last - launch.p_stride;
      let masked: bool = x_105 | x_107;
      let x_110: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_110; step += 1) {
        let slot_first: i32 = slot_tile + step * 4;
        let k_slot_c1: i32 = slot_first + 1;
        let k_slot_c2: i32 = slot_first + 2;
        let k_slot_c3: i32 = slot_first + 3;
        let k_pos_c0: i32 = key_base + slot_first * key_step;
        let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
        let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
        let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
        let x_125: i32 = slot_first + (subgroup_lane & 3);
        let x_130: i32 = key_base + x_125 * key_step;
        let inside_1: bool = (x_125 < slot_count)
          & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_130 >= 0) & (x_130 < launch.n_k));
        let x_138: i32 = select(0, kv_local * launch.n_k + x_130, inside_1);
        var S_c0: f32 = 0.0f;
        var S_c1: f32 = 0.0f;
        var S_c2: f32 = 0.0f;
        var S_c3: f32 = 0.0f;
        let x_139: vec4f = select(vec4f(0.0f), k[x_138], inside_1);
        S_c0 = dot(Q, quadBroadcast(x_139, 0u));
        S_c1 = dot(Q, quadBroadcast(x_139, 1u));
        S_c2 = dot(Q, quadBroadcast(x_139, 2u));
        S_c3 = dot(Q, quadBroadcast(x_139, 3u));
        let side_1: bool = slots_here < 8;
        let side_4: bool = masked;
        let side_2: bool = x_105;
        let side_3: bool = x_107;
        S_c0 = select(-3.0e38f,
          S_c0,
            ((slot_first < slot_count) | !side_1)
            & ((((q_pos >= k_pos_c0) | !side_2) & ((q_pos - k_pos_c0 < launch.p_stride) | !side_3)) | !side_4));
        S_c1 = select(-3.0e38f,
          S_c1,
            ((k_slot_c1 < slot_count) | !side_1)
            & ((((q_pos >= k_pos_c1) | !side_2) & ((q_pos - k_pos_c1 < launch.p_stride) | !side_3)) | !side_4));
        S_c2 = select(-3.0e38f,
          S_c2,
            ((k_slot_c2 < slot_count) | !side_1)
            & ((((q_pos >= k_pos_c2) | !side_2) & ((q_pos - k_pos_c2 < launch.p_stride) | !side_3)) | !side_4));
        S_c3 = select(-3.0e38f,
          S_c3,
            ((k_slot_c3 < slot_count) | !side_1)
            & ((((q_pos >= k_pos_c3) | !side_2) & ((q_pos - k_pos_c3 < launch.p_stride) | !side_3)) | !side_4));
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
        let x_195: vec4f = select(vec4f(0.0f), v[x_138], inside_1);
        l = l * alpha + l_step;
        O = fma(quadBroadcast(x_195, 3u), vec4f(S_c3), fma(quadBroadcast(x_195, 2u), vec4f(S_c2), fma(quadBroadcast(x_195,
                1u), vec4f(S_c1), fma(quadBroadcast(x_195, 0u), vec4f(S_c0), O * alpha))));
        m = m_new;
      }
      next_tile = next_tile + 1;
      let x_201: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_201, x_201 < range_to_0), 1073741824);
    }
    let x_205: bool = split < launch.slots;
    let x_212: i32 = (split * x_207 + head) * launch.n_q + x_28;
    let inside_2: bool = x_30 & (x_205 & (head >= 0) & (head < x_207) & x_31);
    if (inside_2) {
      part_state[x_212] = m;
    }
    let x_220: i32 = ((launch.slots + split) * x_207 + head) * launch.n_q + x_28;
    if (inside_2) {
      part_state[x_220] = l;
    }
    let x_224: i32 = (head_local * launch.slots + split) * launch.n_q + x_28;
    if (x_30 & (x_205 & x_31)) {
      part_out[x_224] = O;
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
  p_stride: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(5) var<uniform> launch: Launch;

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
  let x_150: i32 = launch.batch * launch.heads;
  if (x_20) {
    let q_first: i32 = tile + (launch.n_k - launch.n_q);
    let rows_here: i32 = min(launch.n_q - tile, 1);
    let q_last: i32 = q_first + (rows_here - 1);
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
    let phase_0_0_from: i32 = max(q_first - launch.p_stride + 1, 0);
    let phase_0_0_to: i32 = min(launch.n_k, select(0, q_last + 1, launch.p_stride > 0));
    key_base = 0;
    let x_41: i32 = phase_0_0_from - key_base - 1;
    key_step = 1;
    let x_42: i32 = max(key_step, 1);
    let x_43: i32 = x_41 / x_42;
    let phase_0_0_slot_from: i32 = max(select(x_43 - select(0, 1, x_41 - x_43 * x_42 < 0), 0, key_step < 1) + 1, 0);
    let x_51: i32 = phase_0_0_to - key_base - 1;
    let x_52: i32 = x_51 / x_42;
    slot_count = launch.n_k;
    let phase_0_0_slot_to: i32 = min(slot_count,
        max(select(x_52 - select(0, 1, x_51 - x_52 * x_42 < 0), 0, key_step < 1) + 1, 0));
    let x_62: bool = (phase_0_0_from < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
    range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_62);
    range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_62);
    let x_68: bool = range_from_0 < range_to_0;
    let phase_0_start: i32 = min(select(1073741824, range_from_0, x_68), 1073741824);
    let phase_0_end: i32 = max(select(0, range_to_0, x_68), 0);
    let x_76: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
    let x_77: i32 = max(launch.splits, 1);
    let x_78: i32 = x_76 / x_77;
    let phase_0_share: i32 = select(x_78 - select(0, 1, x_76 - x_78 * x_77 < 0), 0, launch.splits < 1);
    next_tile = phase_0_start + split * phase_0_share;
    let x_87: i32 = max(next_tile, range_from_0);
    walk_end = min(phase_0_end, next_tile + phase_0_share);
    next_tile = min(select(1073741824, x_87, x_87 < range_to_0), 1073741824);
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let x_101: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_103: bool = key_base + slot_tile * key_step <= q_last - launch.p_stride;
      let masked: bool = x_101 | x_103;
      let x_106: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_106; step += 1) {
        let k_slot: i32 = slot_tile + step * 4 + lane;
        let k_pos: i32 = key_base + k_slot * key_step;
        let x_112: bool = k_slot < slot_count;
        let inside_1: bool = x_112
          & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
        let x_122: i32 = select(0, kv_local * launch.n_k + k_pos, inside_1);
        var S: f32 = 0.0f;
        S = dot(Q, select(vec4f(0.0f), k[x_122], inside_1));
        let side_1: bool = slots_here < 8;
        let side_4: bool = masked;
        let side_2: bool = x_101;
        let side_3: bool = x_103;
        S = select(-3.0e38f,
          S,
            (x_112 | !side_1)
            & ((((q_first >= k_pos) | !side_2) & ((q_first - k_pos < launch.p_stride) | !side_3)) | !side_4));
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
        O = fma(select(vec4f(0.0f), v[x_122], inside_1), vec4f(S), O * alpha);
        m = m_new;
      }
      next_tile = next_tile + 1;
      let x_144: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_144, x_144 < range_to_0), 1073741824);
    }
    let x_148: bool = split < launch.slots;
    let x_155: i32 = (split * x_150 + head) * launch.n_q + tile;
    let x_159: bool = lane < 1;
    let inside_2: bool = x_27 & x_159 & (x_148 & (head >= 0) & (head < x_150) & x_20);
    if (inside_2) {
      part_state[x_155] = m;
    }
    let x_160: f32 = subgroupAdd(l);
    let x_165: i32 = ((launch.slots + split) * x_150 + head) * launch.n_q + tile;
    if (inside_2) {
      part_state[x_165] = x_160;
    }
    let x_166: vec4f = subgroupAdd(O);
    let x_170: i32 = (head_local * launch.slots + split) * launch.n_q + tile;
    if (x_27 & x_159 & (x_148 & x_20)) {
      part_out[x_170] = x_166;
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
  p_stride: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(5) var<uniform> launch: Launch;

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
  let x_255: i32 = launch.batch * launch.heads;
  if (row_base < launch.n_q) {
    let x_41: i32 = launch.n_k - launch.n_q;
    let q_first: i32 = row_base + x_41;
    let x_44: i32 = launch.n_q - row_base + x_22;
    let x_45: i32 = x_44 / row_step;
    let rows_here: i32 = min(x_45 - select(0, 1, x_44 - x_45 * row_step < 0), 4);
    let q_last: i32 = q_first + (rows_here - 1) * row_step;
    let x_54: i32 = row_base + lane * row_step;
    let q_pos: i32 = x_54 + x_41;
    let x_56: bool = lane < rows_here;
    let x_57: bool = x_54 >= 0;
    let x_58: bool = x_54 < launch.n_q;
    let inside: bool = x_56 & (x_57 & x_58);
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
    // phase_1
    let x_65: i32 = max(launch.p_stride, 1);
    let x_68: i32 = q_first - q_first / x_65 * x_65;
    let x_69: i32 = select(x_68, x_68 + x_65, x_68 < 0);
    let x_72: i32 = x_69 - x_69 / x_65 * x_65;
    let x_74: i32 = max(min(launch.p_stride, launch.n_k), 1);
    let x_78: i32 = launch.n_k - x_72 + (x_74 - 1);
    let x_79: i32 = x_78 / x_74;
    let phase_0_0_to: i32 = min(launch.n_k, min(q_last + 1, q_last - launch.p_stride + 1));
    key_base = x_72;
    let x_90: i32 = 0 - key_base - 1;
    key_step = x_74;
    let x_91: i32 = max(key_step, 1);
    let x_92: i32 = x_90 / x_91;
    let phase_0_0_slot_from: i32 = max(select(x_92 - select(0, 1, x_90 - x_92 * x_91 < 0), 0, key_step < 1) + 1, 0);
    let x_100: i32 = phase_0_0_to - key_base - 1;
    let x_101: i32 = x_100 / x_91;
    slot_count = select(0, x_79 - select(0, 1, x_78 - x_79 * x_74 < 0), x_72 < launch.n_k);
    let phase_0_0_slot_to: i32 = min(slot_count,
        max(select(x_101 - select(0, 1, x_100 - x_101 * x_91 < 0), 0, key_step < 1) + 1, 0));
    let x_111: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
    range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_111);
    range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_111);
    let x_117: bool = range_from_0 < range_to_0;
    let phase_0_start: i32 = min(select(1073741824, range_from_0, x_117), 1073741824);
    let phase_0_end: i32 = max(select(0, range_to_0, x_117), 0);
    let x_125: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
    let x_126: i32 = max(launch.splits, 1);
    let x_127: i32 = x_125 / x_126;
    let phase_0_share: i32 = select(x_127 - select(0, 1, x_125 - x_127 * x_126 < 0), 0, launch.splits < 1);
    next_tile = phase_0_start + split * phase_0_share;
    let x_136: i32 = max(next_tile, range_from_0);
    walk_end = min(phase_0_end, next_tile + phase_0_share);
    next_tile = min(select(1073741824, x_136, x_136 < range_to_0), 1073741824);
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let k_last: i32 = key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_150: bool = q_first + 1 <= k_last;
      let x_153: bool = q_first - launch.p_stride + 1 <= k_last;
      let masked: bool = x_150 | x_153;
      let x_156: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_156; step += 1) {
        let slot_first: i32 = slot_tile + step * 4;
        let k_slot_c1: i32 = slot_first + 1;
        let k_slot_c2: i32 = slot_first + 2;
        let k_slot_c3: i32 = slot_first + 3;
        let k_pos_c0: i32 = key_base + slot_first * key_step;
        let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
        let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
        let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
        let x_171: i32 = slot_first + (subgroup_lane & 3);
        let x_176: i32 = key_base + x_171 * key_step;
        let inside_1: bool = (x_171 < slot_count)
          & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_176 >= 0) & (x_176 < launch.n_k));
        let x_184: i32 = select(0, kv_local * launch.n_k + x_176, inside_1);
        var S_c0: f32 = 0.0f;
        var S_c1: f32 = 0.0f;
        var S_c2: f32 = 0.0f;
        var S_c3: f32 = 0.0f;
        let x_185: vec4f = select(vec4f(0.0f), k[x_184], inside_1);
        S_c0 = dot(Q, quadBroadcast(x_185, 0u));
        S_c1 = dot(Q, quadBroadcast(x_185, 1u));
        S_c2 = dot(Q, quadBroadcast(x_185, 2u));
        S_c3 = dot(Q, quadBroadcast(x_185, 3u));
        let side_1: bool = slots_here < 8;
        let side_4: bool = masked;
        let side_2: bool = x_150;
        let side_3: bool = x_153;
        S_c0 = select(-3.0e38f,
          S_c0,
            ((slot_first < slot_count) | !side_1)
            & ((((q_pos >= k_pos_c0) | !side_2) & ((q_pos - k_pos_c0 >= launch.p_stride) | !side_3)) | !side_4));
        S_c1 = select(-3.0e38f,
          S_c1,
            ((k_slot_c1 < slot_count) | !side_1)
            & ((((q_pos >= k_pos_c1) | !side_2) & ((q_pos - k_pos_c1 >= launch.p_stride) | !side_3)) | !side_4));
        S_c2 = select(-3.0e38f,
          S_c2,
            ((k_slot_c2 < slot_count) | !side_1)
            & ((((q_pos >= k_pos_c2) | !side_2) & ((q_pos - k_pos_c2 >= launch.p_stride) | !side_3)) | !side_4));
        S_c3 = select(-3.0e38f,
          S_c3,
            ((k_slot_c3 < slot_count) | !side_1)
            & ((((q_pos >= k_pos_c3) | !side_2) & ((q_pos - k_pos_c3 >= launch.p_stride) | !side_3)) | !side_4));
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
        let x_241: vec4f = select(vec4f(0.0f), v[x_184], inside_1);
        l = l * alpha + l_step;
        O = fma(quadBroadcast(x_241, 3u), vec4f(S_c3), fma(quadBroadcast(x_241, 2u), vec4f(S_c2), fma(quadBroadcast(x_241,
                1u), vec4f(S_c1), fma(quadBroadcast(x_241, 0u), vec4f(S_c0), O * alpha))));
        m = m_new;
      }
      next_tile = next_tile + 1;
      let x_247: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_247, x_247 < range_to_0), 1073741824);
    }
    let x_251: i32 = launch.splits + split;
    let x_260: i32 = (x_251 * x_255 + head) * launch.n_q + x_54;
    let x_261: bool = (x_251 >= 0) & (x_251 < launch.slots);
    let inside_2: bool = x_56 & (x_261 & (head >= 0) & (head < x_255) & x_57 & x_58);
    if (inside_2) {
      part_state[x_260] = m;
    }
    let x_270: i32 = ((launch.slots + x_251) * x_255 + head) * launch.n_q + x_54;
    if (inside_2) {
      part_state[x_270] = l;
    }
    let x_274: i32 = (head_local * launch.slots + x_251) * launch.n_q + x_54;
    if (x_56 & (x_261 & x_57 & x_58)) {
      part_out[x_274] = O;
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
  p_stride: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(5) var<uniform> launch: Launch;

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
  let x_195: i32 = launch.batch * launch.heads;
  if (x_37) {
    let q_first: i32 = row_base + (launch.n_k - launch.n_q);
    let x_41: i32 = launch.n_q - row_base + x_22;
    let x_42: i32 = x_41 / row_step;
    let rows_here: i32 = min(x_42 - select(0, 1, x_41 - x_42 * row_step < 0), 1);
    let q_last: i32 = q_first + (rows_here - 1) * row_step;
    let x_50: bool = 0 < rows_here;
    let x_51: bool = row_base >= 0;
    let inside: bool = x_50 & (x_51 & x_37);
    var Q: vec4f = select(vec4f(0.0f), q[select(0, head_local * launch.n_q + row_base, inside)], inside);
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
    // phase_1
    let x_58: i32 = max(launch.p_stride, 1);
    let x_61: i32 = q_first - q_first / x_58 * x_58;
    let x_62: i32 = select(x_61, x_61 + x_58, x_61 < 0);
    let x_65: i32 = x_62 - x_62 / x_58 * x_58;
    let x_67: i32 = max(min(launch.p_stride, launch.n_k), 1);
    let x_71: i32 = launch.n_k - x_65 + (x_67 - 1);
    let x_72: i32 = x_71 / x_67;
    let phase_0_0_to: i32 = min(launch.n_k, min(q_last + 1, q_last - launch.p_stride + 1));
    key_base = x_65;
    let x_83: i32 = 0 - key_base - 1;
    key_step = x_67;
    let x_84: i32 = max(key_step, 1);
    let x_85: i32 = x_83 / x_84;
    let phase_0_0_slot_from: i32 = max(select(x_85 - select(0, 1, x_83 - x_85 * x_84 < 0), 0, key_step < 1) + 1, 0);
    let x_93: i32 = phase_0_0_to - key_base - 1;
    let x_94: i32 = x_93 / x_84;
    slot_count = select(0, x_72 - select(0, 1, x_71 - x_72 * x_67 < 0), x_65 < launch.n_k);
    let phase_0_0_slot_to: i32 = min(slot_count,
        max(select(x_94 - select(0, 1, x_93 - x_94 * x_84 < 0), 0, key_step < 1) + 1, 0));
    let x_104: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
    range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_104);
    range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_104);
    let x_110: bool = range_from_0 < range_to_0;
    let phase_0_start: i32 = min(select(1073741824, range_from_0, x_110), 1073741824);
    let phase_0_end: i32 = max(select(0, range_to_0, x_110), 0);
    let x_118: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
    let x_119: i32 = max(launch.splits, 1);
    let x_120: i32 = x_118 / x_119;
    let phase_0_share: i32 = select(x_120 - select(0, 1, x_118 - x_120 * x_119 < 0), 0, launch.splits < 1);
    next_tile = phase_0_start + split * phase_0_share;
    let x_129: i32 = max(next_tile, range_from_0);
    walk_end = min(phase_0_end, next_tile + phase_0_share);
    next_tile = min(select(1073741824, x_129, x_129 < range_to_0), 1073741824);
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let k_last: i32 = key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_143: bool = q_first + 1 <= k_last;
      let x_146: bool = q_first - launch.p_stride + 1 <= k_last;
      let masked: bool = x_143 | x_146;
      let x_149: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_149; step += 1) {
        let k_slot: i32 = slot_tile + step * 4 + lane;
        let k_pos: i32 = key_base + k_slot * key_step;
        let x_155: bool = k_slot < slot_count;
        let inside_1: bool = x_155
          & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
        let x_165: i32 = select(0, kv_local * launch.n_k + k_pos, inside_1);
        var S: f32 = 0.0f;
        S = dot(Q, select(vec4f(0.0f), k[x_165], inside_1));
        let side_1: bool = slots_here < 8;
        let side_4: bool = masked;
        let side_2: bool = x_143;
        let side_3: bool = x_146;
        S = select(-3.0e38f,
          S,
            (x_155 | !side_1)
            & ((((q_first >= k_pos) | !side_2) & ((q_first - k_pos >= launch.p_stride) | !side_3)) | !side_4));
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
        O = fma(select(vec4f(0.0f), v[x_165], inside_1), vec4f(S), O * alpha);
        m = m_new;
      }
      next_tile = next_tile + 1;
      let x_187: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_187, x_187 < range_to_0), 1073741824);
    }
    let x_191: i32 = launch.splits + split;
    let x_200: i32 = (x_191 * x_195 + head) * launch.n_q + row_base;
    let x_201: bool = (x_191 >= 0) & (x_191 < launch.slots);
    let x_206: bool = lane < 1;
    let inside_2: bool = x_50 & x_206 & (x_201 & (head >= 0) & (head < x_195) & x_51 & x_37);
    if (inside_2) {
      part_state[x_200] = m;
    }
    let x_207: f32 = subgroupAdd(l);
    let x_212: i32 = ((launch.slots + x_191) * x_195 + head) * launch.n_q + row_base;
    if (inside_2) {
      part_state[x_212] = x_207;
    }
    let x_213: vec4f = subgroupAdd(O);
    let x_217: i32 = (head_local * launch.slots + x_191) * launch.n_q + row_base;
    if (x_50 & x_206 & (x_201 & x_51 & x_37)) {
      part_out[x_217] = x_213;
    }
  }
}

// ---- strided_attention_merge ----
// strided_attention: merge of partial results

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
fn strided_attention_merge(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
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
  let x_8: i32 = launch.splits * 2;
  let x_14: i32 = launch.batch * launch.heads;
  for (var slot: i32 = 0; slot < x_8; slot += 1) {
    let x_10: i32 = tile * 16 + lane;
    let has: bool = x_10 < launch.n_q;
    let x_12: bool = slot < launch.slots;
    let x_22: bool = x_12 & (head >= 0) & (head < x_14) & has;
    let m_part: f32 = select(-3.0e38f,
        select(0.0f, part_state[select(0, (slot * x_14 + head) * launch.n_q + x_10, x_22)], x_22),
      has);
    let m_new: f32 = max(m, m_part);
    let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
    let alpha: f32 = exp(m - m_safe);
    let beta: f32 = exp(m_part - m_safe);
    let inside: bool = has & x_12;
    l = l * alpha
      + select(0.0f,
            select(0.0f, part_state[select(0, ((launch.slots + slot) * x_14 + head) * launch.n_q + x_10, x_22)], x_22),
          has)
        * beta;
    O = O * alpha
      + select(vec4f(0.0f), part_out[select(0, (head_local * launch.slots + slot) * launch.n_q + x_10, inside)], inside)
        * beta;
    m = m_new;
  }
  // rows that saw nothing give zeros and minus infinity
  let x_55: bool = l > 0.0f;
  let inverse: f32 = select(0.0f, 1.0f / l, x_55);
  let x_59: i32 = tile * 16 + lane;
  let x_61: i32 = head_local * launch.n_q + x_59;
  let x_62: bool = x_59 < launch.n_q;
  if (x_62) {
    out[x_61] = O * inverse;
  }
  let x_70: i32 = (b * launch.heads + h) * launch.n_q + x_59;
  let x_75: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_55);
  if (x_62 & ((b >= 0) & (b < launch.batch) & (h < launch.heads))) {
    lse[x_70] = x_75;
  }
}
