// ---- make_tile_map ----
// which key tiles each query tile needs, and which of them are full

@group(0) @binding(0) var<storage, read_write> d_tile_map: array<i32>;

struct Launch {
  key_tile: i32,
  key_tiles: i32,
  n_k: i32,
  n_q: i32,
  p_radius: i32,
  p_width: i32,
  query_tile: i32,
  query_tiles: i32,
}
@group(0) @binding(1) var<uniform> launch: Launch;

@compute @workgroup_size(64)
fn make_tile_map(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_y: i32 = i32(group_id.y);
  let query_tile_index: i32 = group_y;
  let q_first: i32 = query_tile_index * launch.query_tile + (launch.n_k - launch.n_q);
  let q_last: i32 = min(q_first + launch.query_tile, launch.n_k) - 1;
  let word: i32 = group_x * 64 + lane;
  var needed: i32 = 0;
  var full: i32 = 0;
  let x_11: i32 = max(launch.p_width, 1);
  let x_12: i32 = q_first / x_11;
  let x_16: i32 = select(x_12 - select(0, 1, q_first - x_12 * x_11 < 0), 0, launch.p_width < 1);
  let x_17: i32 = q_last / x_11;
  let x_21: i32 = select(x_17 - select(0, 1, q_last - x_17 * x_11 < 0), 0, launch.p_width < 1);
  for (var bit: i32 = 0; bit < 32; bit += 1) {
    let x_9: i32 = word * 32 + bit;
    let x_10: bool = x_9 < launch.key_tiles;
    let x_23: bool = x_21 - x_16 < 16;
    let x_26: i32 = select(x_16 + 1, x_21 + 1, x_23);
    var any: bool = false;
    let x_37: i32 = x_9 * launch.key_tile;
    let x_38: i32 = x_37 / x_11;
    let x_42: i32 = select(x_38 - select(0, 1, x_37 - x_38 * x_11 < 0), 0, launch.p_width < 1);
    let x_45: i32 = min(launch.n_k, x_37 + launch.key_tile) - 1;
    let x_46: i32 = x_45 / x_11;
    let x_50: i32 = select(x_46 - select(0, 1, x_45 - x_46 * x_11 < 0), 0, launch.p_width < 1);
    for (var q_block: i32 = x_16; q_block < x_26; q_block += 1) {
      let x_29: i32 = select(q_first, max(q_first, q_block * launch.p_width), x_23);
      let x_30: i32 = x_29 + 1;
      var any_1: bool = false;
      for (var q_from: i32 = x_29; q_from < x_30; q_from += 1) {
        let x_35: i32 = select(q_last, min(q_last, (q_block + 1) * launch.p_width - 1), x_23);
        let x_36: i32 = x_35 + 1;
        var any_2: bool = false;
        let x_71: i32 = q_from / x_11;
        let x_73: i32 = q_from - x_71 * x_11;
        let x_75: i32 = select(x_71 - select(0, 1, x_73 < 0), 0, launch.p_width < 1);
        let x_82: i32 = select(x_73, x_73 + x_11, x_73 < 0);
        for (var q_to: i32 = x_35; q_to < x_36; q_to += 1) {
          let x_52: bool = x_50 - x_42 < 16;
          let x_55: i32 = select(x_42 + 1, x_50 + 1, x_52);
          var any_3: bool = false;
          let x_76: i32 = q_to / x_11;
          let x_78: i32 = q_to - x_76 * x_11;
          let x_80: i32 = select(x_76 - select(0, 1, x_78 < 0), 0, launch.p_width < 1);
          let x_103: i32 = select(x_78, x_78 + x_11, x_78 < 0);
          for (var k_block: i32 = x_42; k_block < x_55; k_block += 1) {
            let x_58: i32 = select(x_37, max(x_37, k_block * launch.p_width), x_52);
            let x_59: i32 = x_58 + 1;
            var any_4: bool = false;
            for (var k_from: i32 = x_58; k_from < x_59; k_from += 1) {
              let x_64: i32 = select(x_45, min(x_45, (k_block + 1) * launch.p_width - 1), x_52);
              let x_65: i32 = x_64 + 1;
              var any_5: bool = false;
              let x_84: i32 = k_from / x_11;
              let x_86: i32 = k_from - x_84 * x_11;
              let x_88: i32 = select(x_84 - select(0, 1, x_86 < 0), 0, launch.p_width < 1);
              let x_101: i32 = select(x_86, x_86 + x_11, x_86 < 0);
              for (var k_to: i32 = x_64; k_to < x_65; k_to += 1) {
                let x_81: bool = x_75 == x_80;
                let x_89: i32 = k_to / x_11;
                let x_91: i32 = k_to - x_89 * x_11;
                let x_93: i32 = select(x_89 - select(0, 1, x_91 < 0), 0, launch.p_width < 1);
                let x_94: bool = x_88 == x_93;
                let x_97: i32 = max(x_11 - 1, 0);
                any_5 = any_5
                  | ((x_50 >= x_16 - launch.p_radius) & (x_42 <= launch.p_radius + x_21)
                    & ((launch.p_radius
                            >= select(0, x_82, x_81) - select(x_97, select(x_91, x_91 + x_11, x_91 < 0), x_94))
                          & (launch.p_radius >= select(0, x_101, x_94) - select(x_97, x_103, x_81))
                        & (x_93 >= x_75 - launch.p_radius)
                      & (x_88 <= launch.p_radius + x_80)));
              }
              any_4 = any_4 | any_5;
            }
            any_3 = any_3 | any_4;
          }
          any_2 = any_2 | any_3;
        }
        any_1 = any_1 | any_2;
      }
      any = any | any_1;
    }
    let x_117: i32 = 1 << u32(bit & 31);
    var any_12: bool = false;
    for (var q_block_1: i32 = x_16; q_block_1 < x_26; q_block_1 += 1) {
      let x_127: i32 = select(q_first, max(q_first, q_block_1 * launch.p_width), x_23);
      let x_128: i32 = x_127 + 1;
      var any_13: bool = false;
      for (var q_from_1: i32 = x_127; q_from_1 < x_128; q_from_1 += 1) {
        let x_133: i32 = select(q_last, min(q_last, (q_block_1 + 1) * launch.p_width - 1), x_23);
        let x_134: i32 = x_133 + 1;
        var any_14: bool = false;
        let x_150: i32 = q_from_1 / x_11;
        let x_152: i32 = q_from_1 - x_150 * x_11;
        let x_154: i32 = select(x_150 - select(0, 1, x_152 < 0), 0, launch.p_width < 1);
        let x_182: i32 = select(x_152, x_152 + x_11, x_152 < 0);
        for (var q_to_1: i32 = x_133; q_to_1 < x_134; q_to_1 += 1) {
          let x_136: bool = x_50 - x_42 < 16;
          let x_139: i32 = select(x_42 + 1, x_50 + 1, x_136);
          var any_15: bool = false;
          let x_155: i32 = q_to_1 / x_11;
          let x_157: i32 = q_to_1 - x_155 * x_11;
          let x_159: i32 = select(x_155 - select(0, 1, x_157 < 0), 0, launch.p_width < 1);
          let x_161: i32 = select(x_157, x_157 + x_11, x_157 < 0);
          for (var k_block_1: i32 = x_42; k_block_1 < x_139; k_block_1 += 1) {
            let x_142: i32 = select(x_37, max(x_37, k_block_1 * launch.p_width), x_136);
            let x_143: i32 = x_142 + 1;
            var any_16: bool = false;
            for (var k_from_1: i32 = x_142; k_from_1 < x_143; k_from_1 += 1) {
              let x_148: i32 = select(x_45, min(x_45, (k_block_1 + 1) * launch.p_width - 1), x_136);
              let x_149: i32 = x_148 + 1;
              var any_17: bool = false;
              let x_165: i32 = k_from_1 / x_11;
              let x_167: i32 = k_from_1 - x_165 * x_11;
              let x_169: i32 = select(x_165 - select(0, 1, x_167 < 0), 0, launch.p_width < 1);
              let x_176: i32 = select(x_167, x_167 + x_11, x_167 < 0);
              for (var k_to_1: i32 = x_148; k_to_1 < x_149; k_to_1 += 1) {
                let x_160: bool = x_154 == x_159;
                let x_163: i32 = max(x_11 - 1, 0);
                let x_170: i32 = k_to_1 / x_11;
                let x_172: i32 = k_to_1 - x_170 * x_11;
                let x_175: bool = x_169 == select(x_170 - select(0, 1, x_172 < 0), 0, launch.p_width < 1);
                any_17 = any_17
                  | ((launch.p_radius < select(x_163, x_161, x_160) - select(0, x_176, x_175))
                    | (launch.p_radius
                      < select(x_163, select(x_172, x_172 + x_11, x_172 < 0), x_175) - select(0, x_182, x_160)));
              }
              any_16 = any_16 | any_17;
            }
            any_15 = any_15 | any_16;
          }
          any_14 = any_14 | any_15;
        }
        any_13 = any_13 | any_14;
      }
      any_12 = any_12 | any_13;
    }
    needed = needed | select(0, x_117, x_10 & any);
    full = full | select(0, x_117, x_10 & !((x_42 < x_21 - launch.p_radius) | (x_50 > launch.p_radius + x_16) | any_12));
  }
  let x_194: i32 = (launch.key_tiles + 31) >> 5u;
  let x_196: i32 = query_tile_index * x_194 + word;
  let inside: bool = (word < x_194) & (word >= 0);
  if (inside) {
    d_tile_map[x_196] = needed;
  }
  let x_200: i32 = (launch.query_tiles + query_tile_index) * x_194 + word;
  if (inside) {
    d_tile_map[x_200] = full;
  }
}

// ---- neighbourhood_2d ----
// neighbourhood_2d: rows

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

struct Launch {
  head_count: i32,
  head_first: i32,
  heads: i32,
  key_tiles: i32,
  kv_count: i32,
  kv_first: i32,
  kv_heads: i32,
  n_k: i32,
  n_q: i32,
  p_radius: i32,
  p_width: i32,
  query_tiles: i32,
}
@group(0) @binding(6) var<uniform> launch: Launch;

var<workgroup> K_staged: array<vec4f, 4>;
var<workgroup> V_staged: array<vec4f, 4>;

fn f32_from_bits(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

@compute @workgroup_size(4)
fn neighbourhood_2d(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_z: i32 = i32(group_id.z);
  let tile: i32 = group_x;
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
  let row_base: i32 = tile * 4;
  let x_43: i32 = (launch.key_tiles + 31) >> 5u;
  if (row_base < launch.n_q) {
    let x_28: i32 = row_base + lane;
    let q_pos: i32 = x_28 + (launch.n_k - launch.n_q);
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
    var searching: i32 = 0;
    let x_132: i32 = max(launch.p_width, 1);
    let x_133: i32 = q_pos / x_132;
    let x_135: i32 = q_pos - x_133 * x_132;
    let x_137: i32 = select(x_133 - select(0, 1, x_135 < 0), 0, launch.p_width < 1);
    let x_143: i32 = select(x_135, x_135 + x_132, x_135 < 0);
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 1; phase += 1) {
      // phase_0
      slot_count = launch.n_k;
      searching = 1;
      next_tile = 0;
      walk_end = (slot_count + 7) >> 3u;
      while ((searching == 1) & (next_tile < walk_end)) {
        let x_40: i32 = next_tile >> 5u;
        let x_48: bool = (tile < launch.query_tiles) & (x_40 >= 0) & (x_40 < x_43);
        let map_bits: i32 = select(0, d_tile_map[select(0, tile * x_43 + x_40, x_48)], x_48)
          & (-1 << u32(next_tile & 31 & 31));
        if (map_bits != 0) {
          next_tile = x_40 * 32 + countTrailingZeros(map_bits);
          searching = 0;
        } else {
          next_tile = (x_40 + 1) * 32;
        }
      }
      key_base = 0;
      key_step = 1;
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let x_71: bool = tile < launch.query_tiles;
        let x_73: i32 = next_tile >> 5u;
        let x_79: bool = x_71 & (x_73 >= 0) & (x_73 < x_43);
        let masked: bool = (((select(0, d_tile_map[select(0, (launch.query_tiles + tile) * x_43 + x_73, x_79)], x_79)
                >> u32(next_tile & 31 & 31))
              & 1)
            == 0)
          | (slots_here < 8);
        let x_91: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_91; step += 1) {
          let slot_first: i32 = slot_tile + step * 4;
          let k_slot_c1: i32 = slot_first + 1;
          let k_slot_c2: i32 = slot_first + 2;
          let k_slot_c3: i32 = slot_first + 3;
          let k_pos_c0: i32 = key_base + slot_first * key_step;
          let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
          let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
          let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
          for (var part: i32 = 0; part < 4; part += 4) {
            let x_105: i32 = part + lane;
            let x_106: i32 = slot_first + x_105;
            let x_111: i32 = key_base + x_106 * key_step;
            let inside: bool = (x_106 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_111 >= 0) & (x_111 < launch.n_k));
            K_staged[x_105] = select(vec4f(0.0f), k[select(0, kv_local * launch.n_k + x_111, inside)], inside);
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
          if (masked) {
            let x_126: i32 = max(launch.p_width, 1);
            let x_127: i32 = k_pos_c0 / x_126;
            let x_129: i32 = k_pos_c0 - x_127 * x_126;
            let x_131: i32 = select(x_127 - select(0, 1, x_129 < 0), 0, launch.p_width < 1);
            let x_138: i32 = x_137 - launch.p_radius;
            let x_140: i32 = launch.p_radius + x_137;
            let x_144: i32 = select(x_129, x_129 + x_126, x_129 < 0);
            let x_154: i32 = k_pos_c1 / x_126;
            let x_156: i32 = k_pos_c1 - x_154 * x_126;
            let x_158: i32 = select(x_154 - select(0, 1, x_156 < 0), 0, launch.p_width < 1);
            let x_162: i32 = select(x_156, x_156 + x_126, x_156 < 0);
            let x_172: i32 = k_pos_c2 / x_126;
            let x_174: i32 = k_pos_c2 - x_172 * x_126;
            let x_176: i32 = select(x_172 - select(0, 1, x_174 < 0), 0, launch.p_width < 1);
            let x_180: i32 = select(x_174, x_174 + x_126, x_174 < 0);
            let x_190: i32 = k_pos_c3 / x_126;
            let x_192: i32 = k_pos_c3 - x_190 * x_126;
            let x_194: i32 = select(x_190 - select(0, 1, x_192 < 0), 0, launch.p_width < 1);
            let x_198: i32 = select(x_192, x_192 + x_126, x_192 < 0);
            S_c0 = select(-3.0e38f,
              S_c0,
                (slot_first < slot_count)
                & ((x_131 >= x_138) & (x_131 <= x_140) & (launch.p_radius >= x_143 - x_144)
                  & (launch.p_radius >= x_144 - x_143)));
            S_c1 = select(-3.0e38f,
              S_c1,
                (k_slot_c1 < slot_count)
                & ((x_158 >= x_138) & (x_158 <= x_140) & (launch.p_radius >= x_143 - x_162)
                  & (launch.p_radius >= x_162 - x_143)));
            S_c2 = select(-3.0e38f,
              S_c2,
                (k_slot_c2 < slot_count)
                & ((x_176 >= x_138) & (x_176 <= x_140) & (launch.p_radius >= x_143 - x_180)
                  & (launch.p_radius >= x_180 - x_143)));
            S_c3 = select(-3.0e38f,
              S_c3,
                (k_slot_c3 < slot_count)
                & ((x_194 >= x_138) & (x_194 <= x_140) & (launch.p_radius >= x_143 - x_198)
                  & (launch.p_radius >= x_198 - x_143)));
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
            let x_228: i32 = part_1 + lane;
            let x_229: i32 = slot_first + x_228;
            let x_234: i32 = key_base + x_229 * key_step;
            let inside_1: bool = (x_229 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_234 >= 0) & (x_234 < launch.n_k));
            V_staged[x_228] = select(vec4f(0.0f), v[select(0, kv_local * launch.n_k + x_234, inside_1)], inside_1);
          }
          l = l * alpha + l_step;
          workgroupBarrier();
          O = fma(V_staged[3], vec4f(S_c3), fma(V_staged[2], vec4f(S_c2), fma(V_staged[1], vec4f(S_c1), fma(V_staged[0], vec4f(S_c0), O
                    * alpha))));
          m = m_new;
        }
        searching = 1;
        next_tile = next_tile + 1;
        while ((searching == 1) & (next_tile < walk_end)) {
          let x_250: i32 = next_tile >> 5u;
          let x_256: bool = x_71 & (x_250 >= 0) & (x_250 < x_43);
          let map_bits_1: i32 = select(0, d_tile_map[select(0, tile * x_43 + x_250, x_256)], x_256)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits_1 != 0) {
            next_tile = x_250 * 32 + countTrailingZeros(map_bits_1);
            searching = 0;
          } else {
            next_tile = (x_250 + 1) * 32;
          }
        }
      }
    }
    // rows that saw nothing give zeros and minus infinity
    let x_270: bool = l > 0.0f;
    let inverse: f32 = select(0.0f, 1.0f / l, x_270);
    if (x_30) {
      out[x_32] = O * inverse;
    }
    let x_276: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_270);
    if (x_30) {
      lse[x_32] = x_276;
    }
  }
}

// ---- neighbourhood_2d_partial ----
// neighbourhood_2d: rows

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> part_m: array<f32>;
@group(0) @binding(5) var<storage, read_write> part_l: array<f32>;
@group(0) @binding(6) var<storage, read_write> part_out: array<vec4f>;

struct Launch {
  batch: i32,
  head_count: i32,
  head_first: i32,
  heads: i32,
  key_tiles: i32,
  kv_count: i32,
  kv_first: i32,
  kv_heads: i32,
  n_k: i32,
  n_q: i32,
  p_radius: i32,
  p_width: i32,
  query_tiles: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(7) var<uniform> launch: Launch;

var<workgroup> K_staged: array<vec4f, 4>;
var<workgroup> V_staged: array<vec4f, 4>;

@compute @workgroup_size(4)
fn neighbourhood_2d_partial(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
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
  let row_base: i32 = tile * 4;
  let x_55: i32 = (launch.key_tiles + 31) >> 5u;
  let x_284: i32 = launch.batch * launch.heads;
  if (row_base < launch.n_q) {
    let x_28: i32 = row_base + lane;
    let q_pos: i32 = x_28 + (launch.n_k - launch.n_q);
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
    var searching: i32 = 0;
    let x_144: i32 = max(launch.p_width, 1);
    let x_145: i32 = q_pos / x_144;
    let x_147: i32 = q_pos - x_145 * x_144;
    let x_149: i32 = select(x_145 - select(0, 1, x_147 < 0), 0, launch.p_width < 1);
    let x_155: i32 = select(x_147, x_147 + x_144, x_147 < 0);
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 1; phase += 1) {
      // phase_0
      slot_count = launch.n_k;
      let phase_0_end: i32 = (slot_count + 7) >> 3u;
      let x_41: i32 = max(phase_0_end, 0) + (launch.splits - 1);
      let x_42: i32 = max(launch.splits, 1);
      let x_43: i32 = x_41 / x_42;
      let phase_0_share: i32 = select(x_43 - select(0, 1, x_41 - x_43 * x_42 < 0), 0, launch.splits < 1);
      next_tile = split * phase_0_share;
      searching = 1;
      walk_end = min(phase_0_end, next_tile + phase_0_share);
      while ((searching == 1) & (next_tile < walk_end)) {
        let x_52: i32 = next_tile >> 5u;
        let x_60: bool = (tile < launch.query_tiles) & (x_52 >= 0) & (x_52 < x_55);
        let map_bits: i32 = select(0, d_tile_map[select(0, tile * x_55 + x_52, x_60)], x_60)
          & (-1 << u32(next_tile & 31 & 31));
        if (map_bits != 0) {
          next_tile = x_52 * 32 + countTrailingZeros(map_bits);
          searching = 0;
        } else {
          next_tile = (x_52 + 1) * 32;
        }
      }
      key_base = 0;
      key_step = 1;
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let x_83: bool = tile < launch.query_tiles;
        let x_85: i32 = next_tile >> 5u;
        let x_91: bool = x_83 & (x_85 >= 0) & (x_85 < x_55);
        let masked: bool = (((select(0, d_tile_map[select(0, (launch.query_tiles + tile) * x_55 + x_85, x_91)], x_91)
                >> u32(next_tile & 31 & 31))
              & 1)
            == 0)
          | (slots_here < 8);
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
            let inside: bool = (x_118 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_123 >= 0) & (x_123 < launch.n_k));
            K_staged[x_117] = select(vec4f(0.0f), k[select(0, kv_local * launch.n_k + x_123, inside)], inside);
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
          if (masked) {
            let x_138: i32 = max(launch.p_width, 1);
            let x_139: i32 = k_pos_c0 / x_138;
            let x_141: i32 = k_pos_c0 - x_139 * x_138;
            let x_143: i32 = select(x_139 - select(0, 1, x_141 < 0), 0, launch.p_width < 1);
            let x_150: i32 = x_149 - launch.p_radius;
            let x_152: i32 = launch.p_radius + x_149;
            let x_156: i32 = select(x_141, x_141 + x_138, x_141 < 0);
            let x_166: i32 = k_pos_c1 / x_138;
            let x_168: i32 = k_pos_c1 - x_166 * x_138;
            let x_170: i32 = select(x_166 - select(0, 1, x_168 < 0), 0, launch.p_width < 1);
            let x_174: i32 = select(x_168, x_168 + x_138, x_168 < 0);
            let x_184: i32 = k_pos_c2 / x_138;
            let x_186: i32 = k_pos_c2 - x_184 * x_138;
            let x_188: i32 = select(x_184 - select(0, 1, x_186 < 0), 0, launch.p_width < 1);
            let x_192: i32 = select(x_186, x_186 + x_138, x_186 < 0);
            let x_202: i32 = k_pos_c3 / x_138;
            let x_204: i32 = k_pos_c3 - x_202 * x_138;
            let x_206: i32 = select(x_202 - select(0, 1, x_204 < 0), 0, launch.p_width < 1);
            let x_210: i32 = select(x_204, x_204 + x_138, x_204 < 0);
            S_c0 = select(-3.0e38f,
              S_c0,
                (slot_first < slot_count)
                & ((x_143 >= x_150) & (x_143 <= x_152) & (launch.p_radius >= x_155 - x_156)
                  & (launch.p_radius >= x_156 - x_155)));
            S_c1 = select(-3.0e38f,
              S_c1,
                (k_slot_c1 < slot_count)
                & ((x_170 >= x_150) & (x_170 <= x_152) & (launch.p_radius >= x_155 - x_174)
                  & (launch.p_radius >= x_174 - x_155)));
            S_c2 = select(-3.0e38f,
              S_c2,
                (k_slot_c2 < slot_count)
                & ((x_188 >= x_150) & (x_188 <= x_152) & (launch.p_radius >= x_155 - x_192)
                  & (launch.p_radius >= x_192 - x_155)));
            S_c3 = select(-3.0e38f,
              S_c3,
                (k_slot_c3 < slot_count)
                & ((x_206 >= x_150) & (x_206 <= x_152) & (launch.p_radius >= x_155 - x_210)
                  & (launch.p_radius >= x_210 - x_155)));
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
            let x_240: i32 = part_1 + lane;
            let x_241: i32 = slot_first + x_240;
            let x_246: i32 = key_base + x_241 * key_step;
            let inside_1: bool = (x_241 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_246 >= 0) & (x_246 < launch.n_k));
            V_staged[x_240] = select(vec4f(0.0f), v[select(0, kv_local * launch.n_k + x_246, inside_1)], inside_1);
          }
          l = l * alpha + l_step;
          workgroupBarrier();
          O = fma(V_staged[3], vec4f(S_c3), fma(V_staged[2], vec4f(S_c2), fma(V_staged[1], vec4f(S_c1), fma(V_staged[0], vec4f(S_c0), O
                    * alpha))));
          m = m_new;
        }
        searching = 1;
        next_tile = next_tile + 1;
        while ((searching == 1) & (next_tile < walk_end)) {
          let x_262: i32 = next_tile >> 5u;
          let x_268: bool = x_83 & (x_262 >= 0) & (x_262 < x_55);
          let map_bits_1: i32 = select(0, d_tile_map[select(0, tile * x_55 + x_262, x_268)], x_268)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits_1 != 0) {
            next_tile = x_262 * 32 + countTrailingZeros(map_bits_1);
            searching = 0;
          } else {
            next_tile = (x_262 + 1) * 32;
          }
        }
      }
    }
    let x_289: i32 = (split * x_284 + head) * launch.n_q + x_28;
    let inside_2: bool = x_30 & ((split < launch.slots) & (head >= 0) & (head < x_284));
    if (inside_2) {
      part_m[x_289] = m;
    }
    if (inside_2) {
      part_l[x_289] = l;
    }
    if (inside_2) {
      part_out[x_289] = O;
    }
  }
}

// ---- neighbourhood_2d_decode_partial ----
// neighbourhood_2d: rows

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> part_m: array<f32>;
@group(0) @binding(5) var<storage, read_write> part_l: array<f32>;
@group(0) @binding(6) var<storage, read_write> part_out: array<vec4f>;

struct Launch {
  batch: i32,
  head_count: i32,
  head_first: i32,
  heads: i32,
  key_tiles: i32,
  kv_count: i32,
  kv_first: i32,
  kv_heads: i32,
  n_k: i32,
  n_q: i32,
  p_radius: i32,
  p_width: i32,
  query_tiles: i32,
  slots: i32,
  splits: i32,
}
@group(0) @binding(7) var<uniform> launch: Launch;

var<workgroup> shares_max: array<f32, 4>;
var<workgroup> shares_sum: array<f32, 4>;
var<workgroup> shares_sum_1: array<vec4f, 4>;

@compute @workgroup_size(4)
fn neighbourhood_2d_decode_partial(
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
  let x_54: i32 = (launch.key_tiles + 31) >> 5u;
  let x_181: i32 = launch.batch * launch.heads;
  if (x_20) {
    let q_first: i32 = tile + (launch.n_k - launch.n_q);
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
    var searching: i32 = 0;
    let x_126: i32 = max(launch.p_width, 1);
    let x_127: i32 = q_first / x_126;
    let x_129: i32 = q_first - x_127 * x_126;
    let x_131: i32 = select(x_127 - select(0, 1, x_129 < 0), 0, launch.p_width < 1);
    let x_137: i32 = select(x_129, x_129 + x_126, x_129 < 0);
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 1; phase += 1) {
      // phase_0
      slot_count = launch.n_k;
      let phase_0_end: i32 = (slot_count + 7) >> 3u;
      let x_40: i32 = max(phase_0_end, 0) + (launch.splits - 1);
      let x_41: i32 = max(launch.splits, 1);
      let x_42: i32 = x_40 / x_41;
      let phase_0_share: i32 = select(x_42 - select(0, 1, x_40 - x_42 * x_41 < 0), 0, launch.splits < 1);
      next_tile = split * phase_0_share;
      searching = 1;
      walk_end = min(phase_0_end, next_tile + phase_0_share);
      while ((searching == 1) & (next_tile < walk_end)) {
        let x_51: i32 = next_tile >> 5u;
        let x_59: bool = (tile < launch.query_tiles) & (x_51 >= 0) & (x_51 < x_54);
        let map_bits: i32 = select(0, d_tile_map[select(0, tile * x_54 + x_51, x_59)], x_59)
          & (-1 << u32(next_tile & 31 & 31));
        if (map_bits != 0) {
          next_tile = x_51 * 32 + countTrailingZeros(map_bits);
          searching = 0;
        } else {
          next_tile = (x_51 + 1) * 32;
        }
      }
      key_base = 0;
      key_step = 1;
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let x_82: bool = tile < launch.query_tiles;
        let x_84: i32 = next_tile >> 5u;
        let x_90: bool = x_82 & (x_84 >= 0) & (x_84 < x_54);
        let masked: bool = (((select(0, d_tile_map[select(0, (launch.query_tiles + tile) * x_54 + x_84, x_90)], x_90)
                >> u32(next_tile & 31 & 31))
              & 1)
            == 0)
          | (slots_here < 8);
        let x_102: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_102; step += 1) {
          let k_slot: i32 = slot_tile + step * 4 + lane;
          let k_pos: i32 = key_base + k_slot * key_step;
          let x_108: bool = k_slot < slot_count;
          let inside: bool = x_108
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
          let x_118: i32 = select(0, kv_local * launch.n_k + k_pos, inside);
          var S: f32 = 0.0f;
          S = dot(Q, select(vec4f(0.0f), k[x_118], inside));
          if (masked) {
            let x_120: i32 = max(launch.p_width, 1);
            let x_121: i32 = k_pos / x_120;
            let x_123: i32 = k_pos - x_121 * x_120;
            let x_125: i32 = select(x_121 - select(0, 1, x_123 < 0), 0, launch.p_width < 1);
            let x_138: i32 = select(x_123, x_123 + x_120, x_123 < 0);
            S = select(-3.0e38f,
              S,
                x_108
                & ((x_125 >= x_131 - launch.p_radius) & (x_125 <= launch.p_radius + x_131)
                    & (launch.p_radius >= x_137 - x_138)
                  & (launch.p_radius >= x_138 - x_137)));
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
          var l_step: f32 = x_33;
          S = exp(S - m_safe);
          l_step = S;
          l = l * alpha + l_step;
          O = fma(select(vec4f(0.0f), v[x_118], inside), vec4f(S), O * alpha);
          m = m_new;
        }
        searching = 1;
        next_tile = next_tile + 1;
        while ((searching == 1) & (next_tile < walk_end)) {
          let x_159: i32 = next_tile >> 5u;
          let x_165: bool = x_82 & (x_159 >= 0) & (x_159 < x_54);
          let map_bits_1: i32 = select(0, d_tile_map[select(0, tile * x_54 + x_159, x_165)], x_165)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits_1 != 0) {
            next_tile = x_159 * 32 + countTrailingZeros(map_bits_1);
            searching = 0;
          } else {
            next_tile = (x_159 + 1) * 32;
          }
        }
      }
    }
    let x_186: i32 = (split * x_181 + head) * launch.n_q + tile;
    let inside_1: bool = x_20 & (lane < 1) & ((split < launch.slots) & (head >= 0) & (head < x_181));
    if (inside_1) {
      part_m[x_186] = m;
    }
    shares_sum[lane] = l;
    workgroupBarrier();
    var total_2: f32 = shares_sum[0];
    for (var other_1: i32 = 1; other_1 < 4; other_1 += 1) {
      total_2 = total_2 + shares_sum[other_1];
    }
    let total_3: f32 = total_2;
    if (inside_1) {
      part_l[x_186] = total_3;
    }
    shares_sum_1[lane] = O;
    workgroupBarrier();
    var total_4: vec4f = shares_sum_1[0];
    for (var other_2: i32 = 1; other_2 < 4; other_2 += 1) {
      total_4 = total_4 + shares_sum_1[other_2];
    }
    let total_5: vec4f = total_4;
    if (inside_1) {
      part_out[x_186] = total_5;
    }
  }
}

// ---- neighbourhood_2d_merge ----
// neighbourhood_2d: merge of partial results

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

@compute @workgroup_size(64)
fn neighbourhood_2d_merge(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_z: i32 = i32(group_id.z);
  let tile: i32 = group_x;
  let head_local: i32 = group_z;
  let head: i32 = launch.head_first + head_local;
  var m: f32 = -3.0e38f;
  var l: f32 = 0.0f;
  var O: vec4f = vec4f(0.0f);
  let x_14: i32 = launch.batch * launch.heads;
  for (var slot: i32 = 0; slot < launch.splits; slot += 1) {
    let x_10: i32 = tile * 64 + lane;
    let has: bool = x_10 < launch.n_q;
    let x_19: i32 = (slot * x_14 + head) * launch.n_q + x_10;
    let x_21: bool = (slot < launch.slots) & (head >= 0) & (head < x_14);
    let x_22: bool = x_21 & has;
    let x_23: i32 = select(0, x_19, x_22);
    let m_part: f32 = select(-3.0e38f, select(0.0f, part_m[x_23], x_22), has);
    let m_new: f32 = max(m, m_part);
    let m_safe: f32 = select(m_new, 0.0f, m_new <= -1.5e38f);
    let alpha: f32 = exp(m - m_safe);
    let beta: f32 = exp(m_part - m_safe);
    let inside: bool = has & x_21;
    l = l * alpha + select(0.0f, select(0.0f, part_l[x_23], x_22), has) * beta;
    O = O * alpha + select(vec4f(0.0f), part_out[select(0, x_19, inside)], inside) * beta;
    m = m_new;
  }
  // rows that saw nothing give zeros and minus infinity
  let x_45: bool = l > 0.0f;
  let inverse: f32 = select(0.0f, 1.0f / l, x_45);
  let x_49: i32 = tile * 64 + lane;
  let x_51: i32 = head_local * launch.n_q + x_49;
  let x_52: bool = x_49 < launch.n_q;
  if (x_52) {
    out[x_51] = O * inverse;
  }
  let x_56: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_45);
  if (x_52) {
    lse[x_51] = x_56;
  }
}
