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
  let b: i32 = select(x_2 - select(0, 1, x_4 < 0), 0, launch.heads < 1);
  let h: i32 = select(x_4, x_4 + x_1, x_4 < 0);
  let x_9: i32 = max(launch.kv_heads, 1);
  let x_10: i32 = launch.heads / x_9;
  let x_14: i32 = select(x_10 - select(0, 1, launch.heads - x_10 * x_9 < 0), 0, launch.kv_heads < 1);
  let kv_local: i32 = b * launch.kv_heads + select(h / max(x_14, 1), 0, x_14 < 1) - launch.kv_first;
  let row_base: i32 = tile * 4;
  let x_42: i32 = (launch.key_tiles + 31) >> 5u;
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
    var searching: i32 = 0;
    let x_93: i32 = max(launch.p_width, 1);
    let x_94: i32 = q_last / x_93;
    let x_98: i32 = select(x_94 - select(0, 1, q_last - x_94 * x_93 < 0), 0, launch.p_width < 1);
    let x_106: i32 = q_first / x_93;
    let x_110: i32 = select(x_106 - select(0, 1, q_first - x_106 * x_93 < 0), 0, launch.p_width < 1);
    let x_162: i32 = q_pos / x_93;
    let x_164: i32 = q_pos - x_162 * x_93;
    let x_166: i32 = select(x_162 - select(0, 1, x_164 < 0), 0, launch.p_width < 1);
    let x_220: i32 = select(x_164, x_164 + x_93, x_164 < 0);
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 1; phase += 1) {
      // phase_0
      slot_count = launch.n_k;
      searching = 1;
      next_tile = 0;
      walk_end = (slot_count + 7) >> 3u;
      while ((searching == 1) & (next_tile < walk_end)) {
        let x_39: i32 = next_tile >> 5u;
        let x_47: bool = (tile < launch.query_tiles) & (x_39 >= 0) & (x_39 < x_42);
        let map_bits: i32 = select(0, d_tile_map[select(0, tile * x_42 + x_39, x_47)], x_47)
          & (-1 << u32(next_tile & 31 & 31));
        if (map_bits != 0) {
          next_tile = x_39 * 32 + countTrailingZeros(map_bits);
          searching = 0;
        } else {
          next_tile = (x_39 + 1) * 32;
        }
      }
      key_base = 0;
      key_step = 1;
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let k_first: i32 = key_base + slot_tile * key_step;
        let k_last: i32 = key_base + (slot_tile + (slots_here - 1)) * key_step;
        let x_70: bool = tile < launch.query_tiles;
        let x_72: i32 = next_tile >> 5u;
        let x_78: bool = x_70 & (x_72 >= 0) & (x_72 < x_42);
        let masked: bool = ((select(0, d_tile_map[select(0, (launch.query_tiles + tile) * x_42 + x_72, x_78)], x_78)
              >> u32(next_tile & 31 & 31))
            & 1)
          == 0;
        let x_87: i32 = max(launch.p_width, 1);
        let x_88: i32 = k_first / x_87;
        let ask_0_0: bool = select(x_88 - select(0, 1, k_first - x_88 * x_87 < 0), 0, launch.p_width < 1)
          < x_98 - launch.p_radius;
        let x_101: i32 = k_last / x_87;
        let ask_0_1: bool = select(x_101 - select(0, 1, k_last - x_101 * x_87 < 0), 0, launch.p_width < 1)
          > launch.p_radius + x_110;
        let x_114: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_114; step += 1) {
          let slot_first: i32 = slot_tile + step * 4;
          let k_slot_c1: i32 = slot_first + 1;
          let k_slot_c2: i32 = slot_first + 2;
          let k_slot_c3: i32 = slot_first + 3;
          let k_pos_c0: i32 = key_base + slot_first * key_step;
          let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
          let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
          let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
          for (var part: i32 = 0; part < 4; part += 4) {
            let x_128: i32 = part + lane;
            let x_129: i32 = slot_first + x_128;
            let x_134: i32 = key_base + x_129 * key_step;
            let inside: bool = (x_129 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_134 >= 0) & (x_134 < launch.n_k));
            K_staged[x_128] = select(vec4f(0.0f), k[select(0, kv_local * launch.n_k + x_134, inside)], inside);
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
            if (ask_0_0) {
              let x_157: i32 = k_pos_c0 / x_87;
              let x_167: i32 = x_166 - launch.p_radius;
              let x_170: i32 = k_pos_c1 / x_87;
              let x_177: i32 = k_pos_c2 / x_87;
              let x_184: i32 = k_pos_c3 / x_87;
              S_c0 = select(-3.0e38f,
                S_c0,
                    select(x_157 - select(0, 1, k_pos_c0 - x_157 * x_87 < 0), 0, launch.p_width < 1) >= x_167);
              S_c1 = select(-3.0e38f,
                S_c1,
                    select(x_170 - select(0, 1, k_pos_c1 - x_170 * x_87 < 0), 0, launch.p_width < 1) >= x_167);
              S_c2 = select(-3.0e38f,
                S_c2,
                    select(x_177 - select(0, 1, k_pos_c2 - x_177 * x_87 < 0), 0, launch.p_width < 1) >= x_167);
              S_c3 = select(-3.0e38f,
                S_c3,
                    select(x_184 - select(0, 1, k_pos_c3 - x_184 * x_87 < 0), 0, launch.p_width < 1) >= x_167);
            }
            if (ask_0_1) {
              let x_191: i32 = k_pos_c0 / x_87;
              let x_196: i32 = launch.p_radius + x_166;
              let x_199: i32 = k_pos_c1 / x_87;
              let x_206: i32 = k_pos_c2 / x_87;
              let x_213: i32 = k_pos_c3 / x_87;
              S_c0 = select(-3.0e38f,
                S_c0,
                    select(x_191 - select(0, 1, k_pos_c0 - x_191 * x_87 < 0), 0, launch.p_width < 1) <= x_196);
              S_c1 = select(-3.0e38f,
                S_c1,
                    select(x_199 - select(0, 1, k_pos_c1 - x_199 * x_87 < 0), 0, launch.p_width < 1) <= x_196);
              S_c2 = select(-3.0e38f,
                S_c2,
                    select(x_206 - select(0, 1, k_pos_c2 - x_206 * x_87 < 0), 0, launch.p_width < 1) <= x_196);
              S_c3 = select(-3.0e38f,
                S_c3,
                    select(x_213 - select(0, 1, k_pos_c3 - x_213 * x_87 < 0), 0, launch.p_width < 1) <= x_196);
            }
            let x_223: i32 = k_pos_c0 - k_pos_c0 / x_87 * x_87;
            let x_230: i32 = k_pos_c1 - k_pos_c1 / x_87 * x_87;
            let x_237: i32 = k_pos_c2 - k_pos_c2 / x_87 * x_87;
            let x_244: i32 = k_pos_c3 - k_pos_c3 / x_87 * x_87;
            let x_251: i32 = k_pos_c0 - k_pos_c0 / x_87 * x_87;
            let x_258: i32 = k_pos_c1 - k_pos_c1 / x_87 * x_87;
            let x_265: i32 = k_pos_c2 - k_pos_c2 / x_87 * x_87;
            let x_272: i32 = k_pos_c3 - k_pos_c3 / x_87 * x_87;
            S_c0 = select(-3.0e38f,
                select(-3.0e38f, S_c0, launch.p_radius >= x_220 - select(x_223, x_223 + x_87, x_223 < 0)),
                launch.p_radius >= select(x_251, x_251 + x_87, x_251 < 0) - x_220);
            S_c1 = select(-3.0e38f,
                select(-3.0e38f, S_c1, launch.p_radius >= x_220 - select(x_230, x_230 + x_87, x_230 < 0)),
                launch.p_radius >= select(x_258, x_258 + x_87, x_258 < 0) - x_220);
            S_c2 = select(-3.0e38f,
                select(-3.0e38f, S_c2, launch.p_radius >= x_220 - select(x_237, x_237 + x_87, x_237 < 0)),
                launch.p_radius >= select(x_265, x_265 + x_87, x_265 < 0) - x_220);
            S_c3 = select(-3.0e38f,
                select(-3.0e38f, S_c3, launch.p_radius >= x_220 - select(x_244, x_244 + x_87, x_244 < 0)),
                launch.p_radius >= select(x_272, x_272 + x_87, x_272 < 0) - x_220);
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
            let x_298: i32 = part_1 + lane;
            let x_299: i32 = slot_first + x_298;
            let x_304: i32 = key_base + x_299 * key_step;
            let inside_1: bool = (x_299 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_304 >= 0) & (x_304 < launch.n_k));
            V_staged[x_298] = select(vec4f(0.0f), v[select(0, kv_local * launch.n_k + x_304, inside_1)], inside_1);
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
          let x_320: i32 = next_tile >> 5u;
          let x_326: bool = x_70 & (x_320 >= 0) & (x_320 < x_42);
          let map_bits_1: i32 = select(0, d_tile_map[select(0, tile * x_42 + x_320, x_326)], x_326)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits_1 != 0) {
            next_tile = x_320 * 32 + countTrailingZeros(map_bits_1);
            searching = 0;
          } else {
            next_tile = (x_320 + 1) * 32;
          }
        }
      }
    }
    // rows that saw nothing give zeros and minus infinity
    let x_340: bool = l > 0.0f;
    let inverse: f32 = select(0.0f, 1.0f / l, x_340);
    if (x_30) {
      out[x_32] = O * inverse;
    }
    let x_350: i32 = (b * launch.heads + h) * launch.n_q + x_28;
    let x_355: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_340);
    if (x_30 & ((b >= 0) & (b < launch.batch) & (h < launch.heads))) {
      lse[x_350] = x_355;
    }
  }
}

// ---- neighbourhood_2d_partial ----
// neighbourhood_2d: rows

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> part_state: array<f32>;
@group(0) @binding(5) var<storage, read_write> part_out: array<vec4f>;

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
@group(0) @binding(6) var<uniform> launch: Launch;

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
  let x_54: i32 = (launch.key_tiles + 31) >> 5u;
  let x_354: i32 = launch.batch * launch.heads;
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
    var searching: i32 = 0;
    let x_105: i32 = max(launch.p_width, 1);
    let x_106: i32 = q_last / x_105;
    let x_110: i32 = select(x_106 - select(0, 1, q_last - x_106 * x_105 < 0), 0, launch.p_width < 1);
    let x_118: i32 = q_first / x_105;
    let x_122: i32 = select(x_118 - select(0, 1, q_first - x_118 * x_105 < 0), 0, launch.p_width < 1);
    let x_174: i32 = q_pos / x_105;
    let x_176: i32 = q_pos - x_174 * x_105;
    let x_178: i32 = select(x_174 - select(0, 1, x_176 < 0), 0, launch.p_width < 1);
    let x_232: i32 = select(x_176, x_176 + x_105, x_176 < 0);
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
        let k_first: i32 = key_base + slot_tile * key_step;
        let k_last: i32 = key_base + (slot_tile + (slots_here - 1)) * key_step;
        let x_82: bool = tile < launch.query_tiles;
        let x_84: i32 = next_tile >> 5u;
        let x_90: bool = x_82 & (x_84 >= 0) & (x_84 < x_54);
        let masked: bool = ((select(0, d_tile_map[select(0, (launch.query_tiles + tile) * x_54 + x_84, x_90)], x_90)
              >> u32(next_tile & 31 & 31))
            & 1)
          == 0;
        let x_99: i32 = max(launch.p_width, 1);
        let x_100: i32 = k_first / x_99;
        let ask_0_0: bool = select(x_100 - select(0, 1, k_first - x_100 * x_99 < 0), 0, launch.p_width < 1)
          < x_110 - launch.p_radius;
        let x_113: i32 = k_last / x_99;
        let ask_0_1: bool = select(x_113 - select(0, 1, k_last - x_113 * x_99 < 0), 0, launch.p_width < 1)
          > launch.p_radius + x_122;
        let x_126: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_126; step += 1) {
          let slot_first: i32 = slot_tile + step * 4;
          let k_slot_c1: i32 = slot_first + 1;
          let k_slot_c2: i32 = slot_first + 2;
          let k_slot_c3: i32 = slot_first + 3;
          let k_pos_c0: i32 = key_base + slot_first * key_step;
          let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
          let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
          let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
          for (var part: i32 = 0; part < 4; part += 4) {
            let x_140: i32 = part + lane;
            let x_141: i32 = slot_first + x_140;
            let x_146: i32 = key_base + x_141 * key_step;
            let inside: bool = (x_141 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_146 >= 0) & (x_146 < launch.n_k));
            K_staged[x_140] = select(vec4f(0.0f), k[select(0, kv_local * launch.n_k + x_146, inside)], inside);
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
            if (ask_0_0) {
              let x_169: i32 = k_pos_c0 / x_99;
              let x_179: i32 = x_178 - launch.p_radius;
              let x_182: i32 = k_pos_c1 / x_99;
              let x_189: i32 = k_pos_c2 / x_99;
              let x_196: i32 = k_pos_c3 / x_99;
              S_c0 = select(-3.0e38f,
                S_c0,
                    select(x_169 - select(0, 1, k_pos_c0 - x_169 * x_99 < 0), 0, launch.p_width < 1) >= x_179);
              S_c1 = select(-3.0e38f,
                S_c1,
                    select(x_182 - select(0, 1, k_pos_c1 - x_182 * x_99 < 0), 0, launch.p_width < 1) >= x_179);
              S_c2 = select(-3.0e38f,
                S_c2,
                    select(x_189 - select(0, 1, k_pos_c2 - x_189 * x_99 < 0), 0, launch.p_width < 1) >= x_179);
              S_c3 = select(-3.0e38f,
                S_c3,
                    select(x_196 - select(0, 1, k_pos_c3 - x_196 * x_99 < 0), 0, launch.p_width < 1) >= x_179);
            }
            if (ask_0_1) {
              let x_203: i32 = k_pos_c0 / x_99;
              let x_208: i32 = launch.p_radius + x_178;
              let x_211: i32 = k_pos_c1 / x_99;
              let x_218: i32 = k_pos_c2 / x_99;
              let x_225: i32 = k_pos_c3 / x_99;
              S_c0 = select(-3.0e38f,
                S_c0,
                    select(x_203 - select(0, 1, k_pos_c0 - x_203 * x_99 < 0), 0, launch.p_width < 1) <= x_208);
              S_c1 = select(-3.0e38f,
                S_c1,
                    select(x_211 - select(0, 1, k_pos_c1 - x_211 * x_99 < 0), 0, launch.p_width < 1) <= x_208);
              S_c2 = select(-3.0e38f,
                S_c2,
                    select(x_218 - select(0, 1, k_pos_c2 - x_218 * x_99 < 0), 0, launch.p_width < 1) <= x_208);
              S_c3 = select(-3.0e38f,
                S_c3,
                    select(x_225 - select(0, 1, k_pos_c3 - x_225 * x_99 < 0), 0, launch.p_width < 1) <= x_208);
            }
            let x_235: i32 = k_pos_c0 - k_pos_c0 / x_99 * x_99;
            let x_242: i32 = k_pos_c1 - k_pos_c1 / x_99 * x_99;
            let x_249: i32 = k_pos_c2 - k_pos_c2 / x_99 * x_99;
            let x_256: i32 = k_pos_c3 - k_pos_c3 / x_99 * x_99;
            let x_263: i32 = k_pos_c0 - k_pos_c0 / x_99 * x_99;
            let x_270: i32 = k_pos_c1 - k_pos_c1 / x_99 * x_99;
            let x_277: i32 = k_pos_c2 - k_pos_c2 / x_99 * x_99;
            let x_284: i32 = k_pos_c3 - k_pos_c3 / x_99 * x_99;
            S_c0 = select(-3.0e38f,
                select(-3.0e38f, S_c0, launch.p_radius >= x_232 - select(x_235, x_235 + x_99, x_235 < 0)),
                launch.p_radius >= select(x_263, x_263 + x_99, x_263 < 0) - x_232);
            S_c1 = select(-3.0e38f,
                select(-3.0e38f, S_c1, launch.p_radius >= x_232 - select(x_242, x_242 + x_99, x_242 < 0)),
                launch.p_radius >= select(x_270, x_270 + x_99, x_270 < 0) - x_232);
            S_c2 = select(-3.0e38f,
                select(-3.0e38f, S_c2, launch.p_radius >= x_232 - select(x_249, x_249 + x_99, x_249 < 0)),
                launch.p_radius >= select(x_277, x_277 + x_99, x_277 < 0) - x_232);
            S_c3 = select(-3.0e38f,
                select(-3.0e38f, S_c3, launch.p_radius >= x_232 - select(x_256, x_256 + x_99, x_256 < 0)),
                launch.p_radius >= select(x_284, x_284 + x_99, x_284 < 0) - x_232);
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
            let x_310: i32 = part_1 + lane;
            let x_311: i32 = slot_first + x_310;
            let x_316: i32 = key_base + x_311 * key_step;
            let inside_1: bool = (x_311 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_316 >= 0) & (x_316 < launch.n_k));
            V_staged[x_310] = select(vec4f(0.0f), v[select(0, kv_local * launch.n_k + x_316, inside_1)], inside_1);
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
          let x_332: i32 = next_tile >> 5u;
          let x_338: bool = x_82 & (x_332 >= 0) & (x_332 < x_54);
          let map_bits_1: i32 = select(0, d_tile_map[select(0, tile * x_54 + x_332, x_338)], x_338)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits_1 != 0) {
            next_tile = x_332 * 32 + countTrailingZeros(map_bits_1);
            searching = 0;
          } else {
            next_tile = (x_332 + 1) * 32;
          }
        }
      }
    }
    let x_359: i32 = (split * x_354 + head) * launch.n_q + x_28;
    let inside_2: bool = x_30 & ((split < launch.slots) & (head >= 0) & (head < x_354));
    if (inside_2) {
      part_state[x_359] = m;
    }
    let x_366: i32 = ((launch.slots + split) * x_354 + head) * launch.n_q + x_28;
    if (inside_2) {
      part_state[x_366] = l;
    }
    if (inside_2) {
      part_out[x_359] = O;
    }
  }
}

// ---- neighbourhood_2d_decode_partial ----
// neighbourhood_2d: rows

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> part_state: array<f32>;
@group(0) @binding(5) var<storage, read_write> part_out: array<vec4f>;

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
@group(0) @binding(6) var<uniform> launch: Launch;

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
  let x_50: i32 = (launch.key_tiles + 31) >> 5u;
  let x_206: i32 = launch.batch * launch.heads;
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
    var searching: i32 = 0;
    let x_101: i32 = max(launch.p_width, 1);
    let x_102: i32 = q_last / x_101;
    let x_106: i32 = select(x_102 - select(0, 1, q_last - x_102 * x_101 < 0), 0, launch.p_width < 1);
    let x_114: i32 = q_first / x_101;
    let x_116: i32 = q_first - x_114 * x_101;
    let x_118: i32 = select(x_114 - select(0, 1, x_116 < 0), 0, launch.p_width < 1);
    let x_157: i32 = select(x_116, x_116 + x_101, x_116 < 0);
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 1; phase += 1) {
      // phase_0
      slot_count = launch.n_k;
      let phase_0_end: i32 = (slot_count + 7) >> 3u;
      let x_36: i32 = max(phase_0_end, 0) + (launch.splits - 1);
      let x_37: i32 = max(launch.splits, 1);
      let x_38: i32 = x_36 / x_37;
      let phase_0_share: i32 = select(x_38 - select(0, 1, x_36 - x_38 * x_37 < 0), 0, launch.splits < 1);
      next_tile = split * phase_0_share;
      searching = 1;
      walk_end = min(phase_0_end, next_tile + phase_0_share);
      while ((searching == 1) & (next_tile < walk_end)) {
        let x_47: i32 = next_tile >> 5u;
        let x_55: bool = (tile < launch.query_tiles) & (x_47 >= 0) & (x_47 < x_50);
        let map_bits: i32 = select(0, d_tile_map[select(0, tile * x_50 + x_47, x_55)], x_55)
          & (-1 << u32(next_tile & 31 & 31));
        if (map_bits != 0) {
          next_tile = x_47 * 32 + countTrailingZeros(map_bits);
          searching = 0;
        } else {
          next_tile = (x_47 + 1) * 32;
        }
      }
      key_base = 0;
      key_step = 1;
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let k_first: i32 = key_base + slot_tile * key_step;
        let k_last: i32 = key_base + (slot_tile + (slots_here - 1)) * key_step;
        let x_78: bool = tile < launch.query_tiles;
        let x_80: i32 = next_tile >> 5u;
        let x_86: bool = x_78 & (x_80 >= 0) & (x_80 < x_50);
        let masked: bool = ((select(0, d_tile_map[select(0, (launch.query_tiles + tile) * x_50 + x_80, x_86)], x_86)
              >> u32(next_tile & 31 & 31))
            & 1)
          == 0;
        let x_95: i32 = max(launch.p_width, 1);
        let x_96: i32 = k_first / x_95;
        let ask_0_0: bool = select(x_96 - select(0, 1, k_first - x_96 * x_95 < 0), 0, launch.p_width < 1)
          < x_106 - launch.p_radius;
        let x_109: i32 = k_last / x_95;
        let x_119: i32 = launch.p_radius + x_118;
        let ask_0_1: bool = select(x_109 - select(0, 1, k_last - x_109 * x_95 < 0), 0, launch.p_width < 1) > x_119;
        let x_122: i32 = (slots_here + 3) >> 2u;
        for (var step: i32 = 0; step < x_122; step += 1) {
          let k_slot: i32 = slot_tile + step * 4 + lane;
          let k_pos: i32 = key_base + k_slot * key_step;
          let x_128: bool = k_slot < slot_count;
          let inside: bool = x_128
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
          let x_138: i32 = select(0, kv_local * launch.n_k + k_pos, inside);
          var S: f32 = 0.0f;
          S = dot(Q, select(vec4f(0.0f), k[x_138], inside));
          if (slots_here < 8) {
            S = select(-3.0e38f, S, x_128);
          }
          if (masked) {
            if (ask_0_0) {
              let x_142: i32 = k_pos / x_95;
              S = select(-3.0e38f,
                S,
                    select(x_142 - select(0, 1, k_pos - x_142 * x_95 < 0), 0, launch.p_width < 1) >= x_118 - launch.p_radius);
            }
            if (ask_0_1) {
              let x_150: i32 = k_pos / x_95;
              S = select(-3.0e38f,
                S,
                    select(x_150 - select(0, 1, k_pos - x_150 * x_95 < 0), 0, launch.p_width < 1) <= x_119);
            }
            let x_160: i32 = k_pos - k_pos / x_95 * x_95;
            let x_167: i32 = k_pos - k_pos / x_95 * x_95;
            S = select(-3.0e38f,
                select(-3.0e38f, S, launch.p_radius >= x_157 - select(x_160, x_160 + x_95, x_160 < 0)),
                launch.p_radius >= select(x_167, x_167 + x_95, x_167 < 0) - x_157);
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
          O = fma(select(vec4f(0.0f), v[x_138], inside), vec4f(S), O * alpha);
          m = m_new;
        }
        searching = 1;
        next_tile = next_tile + 1;
        while ((searching == 1) & (next_tile < walk_end)) {
          let x_184: i32 = next_tile >> 5u;
          let x_190: bool = x_78 & (x_184 >= 0) & (x_184 < x_50);
          let map_bits_1: i32 = select(0, d_tile_map[select(0, tile * x_50 + x_184, x_190)], x_190)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits_1 != 0) {
            next_tile = x_184 * 32 + countTrailingZeros(map_bits_1);
            searching = 0;
          } else {
            next_tile = (x_184 + 1) * 32;
          }
        }
      }
    }
    let x_211: i32 = (split * x_206 + head) * launch.n_q + tile;
    let inside_1: bool = x_20 & (lane < 1) & ((split < launch.slots) & (head >= 0) & (head < x_206));
    if (inside_1) {
      part_state[x_211] = m;
    }
    shares_sum[lane] = l;
    workgroupBarrier();
    var total_2: f32 = shares_sum[0];
    for (var other_1: i32 = 1; other_1 < 4; other_1 += 1) {
      total_2 = total_2 + shares_sum[other_1];
    }
    let total_3: f32 = total_2;
    let x_219: i32 = ((launch.slots + split) * x_206 + head) * launch.n_q + tile;
    if (inside_1) {
      part_state[x_219] = total_3;
    }
    shares_sum_1[lane] = O;
    workgroupBarrier();
    var total_4: vec4f = shares_sum_1[0];
    for (var other_2: i32 = 1; other_2 < 4; other_2 += 1) {
      total_4 = total_4 + shares_sum_1[other_2];
    }
    let total_5: vec4f = total_4;
    if (inside_1) {
      part_out[x_211] = total_5;
    }
  }
}

// ---- neighbourhood_2d_merge ----
// neighbourhood_2d: merge of partial results

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

@compute @workgroup_size(64)
fn neighbourhood_2d_merge(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
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
  let x_54: i32 = tile * 64 + lane;
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
