// ---- dense_causal ----
// dense_causal: rows

@group(0) @binding(0) var<storage, read> q: array<vec2u>;
@group(0) @binding(1) var<storage, read> k: array<vec2u>;
@group(0) @binding(2) var<storage, read> v: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> out: array<vec2u>;
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

var<workgroup> K_staged: array<vec4f, 4>;
var<workgroup> V_staged: array<vec4f, 4>;

fn f32_from_bits(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

fn pack_half4(values: vec4f) -> vec2u {
  return vec2u(pack2x16float(values.xy), pack2x16float(values.zw));
}

fn unpack_half4(pairs: vec2u) -> vec4f {
  return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
}

@compute @workgroup_size(4)
fn dense_causal(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_z: i32 = i32(group_id.z);
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
    var Q: vec4f = select(vec4f(0.0f), unpack_half4(q[select(0, x_33, inside)]), inside);
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
    let x_41: i32 = 0 - key_base - 1;
    key_step = 1;
    let x_42: i32 = max(key_step, 1);
    let x_43: i32 = x_41 / x_42;
    let phase_0_0_slot_from: i32 = max(select(x_43 - select(0, 1, x_41 - x_43 * x_42 < 0), 0, key_step < 1) + 1, 0);
    let x_51: i32 = phase_0_0_to - key_base - 1;
    let x_52: i32 = x_51 / x_42;
    slot_count = launch.n_k;
    let phase_0_0_slot_to: i32 = min(slot_count,
        max(select(x_52 - select(0, 1, x_51 - x_52 * x_42 < 0), 0, key_step < 1) + 1, 0));
    let x_62: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
    range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_62);
    range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_62);
    let x_68: bool = range_from_0 < range_to_0;
    next_tile = min(select(1073741824, range_from_0, x_68), 1073741824);
    let x_73: i32 = max(next_tile, range_from_0);
    next_tile = min(select(1073741824, x_73, x_73 < range_to_0), 1073741824);
    walk_end = max(select(0, range_to_0, x_68), 0);
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let masked: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_89: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_89; step += 1) {
        let slot_first: i32 = slot_tile + step * 4;
        let k_slot_c1: i32 = slot_first + 1;
        let k_slot_c2: i32 = slot_first + 2;
        let k_slot_c3: i32 = slot_first + 3;
        let k_pos_c0: i32 = key_base + slot_first * key_step;
        let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
        let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
        let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
        for (var part: i32 = 0; part < 4; part += 4) {
          let x_103: i32 = part + lane;
          let x_104: i32 = slot_first + x_103;
          let x_109: i32 = key_base + x_104 * key_step;
          let inside_1: bool = (x_104 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_109 >= 0) & (x_109 < launch.n_k));
          K_staged[x_103] = select(vec4f(0.0f),
              unpack_half4(k[select(0, kv_local * launch.n_k + x_109, inside_1)]),
            inside_1);
        }
        var S_c0: f32 = 0.0f;
        var S_c1: f32 = 0.0f;
        var S_c2: f32 = 0.0f;
        var S_c3: f32 = 0.0f;
        workgroupBarrier();
        S_c0 = dot(Q, K_staged[0]);
        S_c1 = dot(Q, K_staged[1]);
        S_c2 = dot(Q, K_staged[2]);
        S_c3 = dot(Q, K_staged[3]);
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
        for (var part_1: i32 = 0; part_1 < 4; part_1 += 4) {
          let x_162: i32 = part_1 + lane;
          let x_163: i32 = slot_first + x_162;
          let x_168: i32 = key_base + x_163 * key_step;
          let inside_2: bool = (x_163 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_168 >= 0) & (x_168 < launch.n_k));
          V_staged[x_162] = select(vec4f(0.0f),
              unpack_half4(v[select(0, kv_local * launch.n_k + x_168, inside_2)]),
            inside_2);
        }
        l = l * alpha + l_step;
        workgroupBarrier();
        O = fma(V_staged[3], vec4f(S_c3), fma(V_staged[2], vec4f(S_c2), fma(V_staged[1], vec4f(S_c1), fma(V_staged[0], vec4f(S_c0), O
                  * alpha))));
        m = m_new;
      }
      next_tile = next_tile + 1;
      let x_185: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_185, x_185 < range_to_0), 1073741824);
    }
    // rows that saw nothing give zeros and minus infinity
    let x_189: bool = l > 0.0f;
    let inverse: f32 = select(0.0f, 1.0f / l, x_189);
    if (inside) {
      out[x_33] = pack_half4(O * inverse);
    }
    let x_200: i32 = (b * launch.heads + h) * launch.n_q + x_28;
    let x_206: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_189);
    if (x_30 & ((b >= 0) & (b < launch.batch) & (h < launch.heads) & x_31)) {
      lse[x_200] = x_206;
    }
  }
}

// ---- dense_causal_partial ----
// dense_causal: rows

@group(0) @binding(0) var<storage, read> q: array<vec2u>;
@group(0) @binding(1) var<storage, read> k: array<vec2u>;
@group(0) @binding(2) var<storage, read> v: array<vec2u>;
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

var<workgroup> K_staged: array<vec4f, 4>;
var<workgroup> V_staged: array<vec4f, 4>;

fn unpack_half4(pairs: vec2u) -> vec4f {
  return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
}

@compute @workgroup_size(4)
fn dense_causal_partial(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_y: i32 = i32(group_id.y);
  let group_z: i32 = i32(group_id.z);
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
  let x_205: i32 = launch.batch * launch.heads;
  if (row_base < launch.n_q) {
    let x_22: i32 = launch.n_k - launch.n_q;
    let q_first: i32 = row_base + x_22;
    let rows_here: i32 = min(launch.n_q - row_base, 4);
    let x_28: i32 = row_base + lane;
    let q_pos: i32 = x_28 + x_22;
    let x_30: bool = lane < rows_here;
    let x_31: bool = x_28 < launch.n_q;
    let inside: bool = x_30 & x_31;
    var Q: vec4f = select(vec4f(0.0f), unpack_half4(q[select(0, head_local * launch.n_q + x_28, inside)]), inside);
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
    let x_41: i32 = 0 - key_base - 1;
    key_step = 1;
    let x_42: i32 = max(key_step, 1);
    let x_43: i32 = x_41 / x_42;
    let phase_0_0_slot_from: i32 = max(select(x_43 - select(0, 1, x_41 - x_43 * x_42 < 0), 0, key_step < 1) + 1, 0);
    let x_51: i32 = phase_0_0_to - key_base - 1;
    let x_52: i32 = x_51 / x_42;
    slot_count = launch.n_k;
    let phase_0_0_slot_to: i32 = min(slot_count,
        max(select(x_52 - select(0, 1, x_51 - x_52 * x_42 < 0), 0, key_step < 1) + 1, 0));
    let x_62: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
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
      let masked: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_103: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_103; step += 1) {
        let slot_first: i32 = slot_tile + step * 4;
        let k_slot_c1: i32 = slot_first + 1;
        let k_slot_c2: i32 = slot_first + 2;
        let k_slot_c3: i32 = slot_first + 3;
        let k_pos_c0: i32 = key_base + slot_first * key_step;
        let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
        let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
        let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
        for (var part: i32 = 0; part < 4; part += 4) {
          let x_117: i32 = part + lane;
          let x_118: i32 = slot_first + x_117;
          let x_123: i32 = key_base + x_118 * key_step;
          let inside_1: bool = (x_118 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_123 >= 0) & (x_123 < launch.n_k));
          K_staged[x_117] = select(vec4f(0.0f),
              unpack_half4(k[select(0, kv_local * launch.n_k + x_123, inside_1)]),
            inside_1);
        }
        var S_c0: f32 = 0.0f;
        var S_c1: f32 = 0.0f;
        var S_c2: f32 = 0.0f;
        var S_c3: f32 = 0.0f;
        workgroupBarrier();
        S_c0 = dot(Q, K_staged[0]);
        S_c1 = dot(Q, K_staged[1]);
        S_c2 = dot(Q, K_staged[2]);
        S_c3 = dot(Q, K_staged[3]);
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
        for (var part_1: i32 = 0; part_1 < 4; part_1 += 4) {
          let x_176: i32 = part_1 + lane;
          let x_177: i32 = slot_first + x_176;
          let x_182: i32 = key_base + x_177 * key_step;
          let inside_2: bool = (x_177 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_182 >= 0) & (x_182 < launch.n_k));
          V_staged[x_176] = select(vec4f(0.0f),
              unpack_half4(v[select(0, kv_local * launch.n_k + x_182, inside_2)]),
            inside_2);
        }
        l = l * alpha + l_step;
        workgroupBarrier();
        O = fma(V_staged[3], vec4f(S_c3), fma(V_staged[2], vec4f(S_c2), fma(V_staged[1], vec4f(S_c1), fma(V_staged[0], vec4f(S_c0), O
                  * alpha))));
        m = m_new;
      }
      next_tile = next_tile + 1;
      let x_199: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_199, x_199 < range_to_0), 1073741824);
    }
    let x_203: bool = split < launch.slots;
    let x_210: i32 = (split * x_205 + head) * launch.n_q + x_28;
    let inside_3: bool = x_30 & (x_203 & (head >= 0) & (head < x_205) & x_31);
    if (inside_3) {
      part_state[x_210] = m;
    }
    let x_218: i32 = ((launch.slots + split) * x_205 + head) * launch.n_q + x_28;
    if (inside_3) {
      part_state[x_218] = l;
    }
    let x_222: i32 = (head_local * launch.slots + split) * launch.n_q + x_28;
    if (x_30 & (x_203 & x_31)) {
      part_out[x_222] = O;
    }
  }
}

// ---- dense_causal_decode_partial ----
// dense_causal: rows

@group(0) @binding(0) var<storage, read> q: array<vec2u>;
@group(0) @binding(1) var<storage, read> k: array<vec2u>;
@group(0) @binding(2) var<storage, read> v: array<vec2u>;
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

var<workgroup> shares_max: array<f32, 4>;
var<workgroup> shares_sum: array<f32, 4>;
var<workgroup> shares_sum_1: array<vec4f, 4>;

fn unpack_half4(pairs: vec2u) -> vec4f {
  return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
}

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
  let x_141: i32 = launch.batch * launch.heads;
  if (x_20) {
    let q_first: i32 = tile + (launch.n_k - launch.n_q);
    let rows_here: i32 = min(launch.n_q - tile, 1);
    let x_27: bool = 0 < rows_here;
    let inside: bool = x_27 & x_20;
    var Q: vec4f = select(vec4f(0.0f), unpack_half4(q[select(0, head_local * launch.n_q + tile, inside)]), inside);
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
    let x_37: i32 = 0 - key_base - 1;
    key_step = 1;
    let x_38: i32 = max(key_step, 1);
    let x_39: i32 = x_37 / x_38;
    let phase_0_0_slot_from: i32 = max(select(x_39 - select(0, 1, x_37 - x_39 * x_38 < 0), 0, key_step < 1) + 1, 0);
    let x_47: i32 = phase_0_0_to - key_base - 1;
    let x_48: i32 = x_47 / x_38;
    slot_count = launch.n_k;
    let phase_0_0_slot_to: i32 = min(slot_count,
        max(select(x_48 - select(0, 1, x_47 - x_48 * x_38 < 0), 0, key_step < 1) + 1, 0));
    let x_58: bool = (0 < phase_0_0_to) & (phase_0_0_slot_from < phase_0_0_slot_to);
    range_from_0 = select(0, phase_0_0_slot_from >> 3u, x_58);
    range_to_0 = select(0, (phase_0_0_slot_to + 7) >> 3u, x_58);
    let x_64: bool = range_from_0 < range_to_0;
    let phase_0_start: i32 = min(select(1073741824, range_from_0, x_64), 1073741824);
    let phase_0_end: i32 = max(select(0, range_to_0, x_64), 0);
    let x_72: i32 = max(phase_0_end - phase_0_start, 0) + (launch.splits - 1);
    let x_73: i32 = max(launch.splits, 1);
    let x_74: i32 = x_72 / x_73;
    let phase_0_share: i32 = select(x_74 - select(0, 1, x_72 - x_74 * x_73 < 0), 0, launch.splits < 1);
    next_tile = phase_0_start + split * phase_0_share;
    let x_83: i32 = max(next_tile, range_from_0);
    walk_end = min(phase_0_end, next_tile + phase_0_share);
    next_tile = min(select(1073741824, x_83, x_83 < range_to_0), 1073741824);
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let masked: bool = q_first + 1 <= key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_99: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_99; step += 1) {
        let k_slot: i32 = slot_tile + step * 4 + lane;
        let k_pos: i32 = key_base + k_slot * key_step;
        let x_105: bool = k_slot < slot_count;
        let inside_1: bool = x_105
          & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
        let x_115: i32 = select(0, kv_local * launch.n_k + k_pos, inside_1);
        var S: f32 = 0.0f;
        S = dot(Q, select(vec4f(0.0f), unpack_half4(k[x_115]), inside_1));
        if (slots_here < 8) {
          S = select(-3.0e38f, S, x_105);
        }
        if (masked) {
          if (masked) {
            S = select(-3.0e38f, S, q_first >= k_pos);
          }
        }
        var m_step: f32 = -3.0e38f;
        workgroupBarrier();
        shares_max[lane] = S;
        workgroupBarrier();
        var total: f32 = shares_max[0];
        for (var other: i32 = 1; other < 4; other += 1) {
          total = max(total, shares_max[other]);
        }
        m_step = total;
        let m_new: f32 = max(m, m_step);
        // a row that has seen nothing subtracts 0, so that its weights underflow to 0
        let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
        let alpha: f32 = exp(m - m_safe);
        var l_step: f32 = 0.0f;
        S = exp(S - m_safe);
        l_step = S;
        l = l * alpha + l_step;
        O = fma(select(vec4f(0.0f), unpack_half4(v[x_115]), inside_1), vec4f(S), O * alpha);
        m = m_new;
      }
      next_tile = next_tile + 1;
      let x_135: i32 = max(next_tile, range_from_0);
      next_tile = min(select(1073741824, x_135, x_135 < range_to_0), 1073741824);
    }
    let x_139: bool = split < launch.slots;
    let x_146: i32 = (split * x_141 + head) * launch.n_q + tile;
    let x_150: bool = lane < 1;
    let inside_2: bool = x_27 & x_150 & (x_139 & (head >= 0) & (head < x_141) & x_20);
    if (inside_2) {
      part_state[x_146] = m;
    }
    shares_sum[lane] = l;
    workgroupBarrier();
    var total_2: f32 = shares_sum[0];
    for (var other_1: i32 = 1; other_1 < 4; other_1 += 1) {
      total_2 = total_2 + shares_sum[other_1];
    }
    let total_3: f32 = total_2;
    let x_155: i32 = ((launch.slots + split) * x_141 + head) * launch.n_q + tile;
    if (inside_2) {
      part_state[x_155] = total_3;
    }
    shares_sum_1[lane] = O;
    workgroupBarrier();
    var total_4: vec4f = shares_sum_1[0];
    for (var other_2: i32 = 1; other_2 < 4; other_2 += 1) {
      total_4 = total_4 + shares_sum_1[other_2];
    }
    let total_5: vec4f = total_4;
    let x_159: i32 = (head_local * launch.slots + split) * launch.n_q + tile;
    if (x_27 & x_150 & (x_139 & x_20)) {
      part_out[x_159] = total_5;
    }
  }
}

// ---- dense_causal_merge ----
// dense_causal: merge of partial results

@group(0) @binding(0) var<storage, read> part_state: array<f32>;
@group(0) @binding(1) var<storage, read> part_out: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec2u>;
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

fn pack_half4(values: vec4f) -> vec2u {
  return vec2u(pack2x16float(values.xy), pack2x16float(values.zw));
}

@compute @workgroup_size(64)
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
    let x_9: i32 = tile * 64 + lane;
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
  let x_58: i32 = tile * 64 + lane;
  let x_60: i32 = head_local * launch.n_q + x_58;
  let x_61: bool = x_58 < launch.n_q;
  if (x_61) {
    out[x_60] = pack_half4(O * inverse);
  }
  let x_70: i32 = (b * launch.heads + h) * launch.n_q + x_58;
  let x_75: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_54);
  if (x_61 & ((b >= 0) & (b < launch.batch) & (h < launch.heads))) {
    lse[x_70] = x_75;
  }
}
