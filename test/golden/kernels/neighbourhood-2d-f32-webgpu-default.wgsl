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
  let word: i32 = group_y;
  let x_1: i32 = group_x * 64 + lane;
  let q_start: i32 = x_1 * launch.query_tile + (launch.n_k - launch.n_q);
  let q_end: i32 = min(q_start + launch.query_tile, launch.n_k) - 1;
  var needed: i32 = 0;
  var full: i32 = 0;
  let x_8: i32 = word * 32;
  let x_10: i32 = min(launch.key_tiles - x_8, 32);
  let x_16: i32 = max(launch.p_width, 1);
  let x_17: i32 = q_start / x_16;
  let x_21: i32 = select(x_17 - select(0, 1, q_start - x_17 * x_16 < 0), 0, launch.p_width < 1);
  let x_22: i32 = q_end / x_16;
  let x_26: i32 = select(x_22 - select(0, 1, q_end - x_22 * x_16 < 0), 0, launch.p_width < 1);
  for (var bit: i32 = 0; bit < x_10; bit += 1) {
    let k_first: i32 = (x_8 + bit) * launch.key_tile;
    let k_last: i32 = min(launch.n_k, k_first + launch.key_tile) - 1;
    let x_28: bool = x_26 - x_21 < 16;
    let x_31: i32 = select(x_21 + 1, x_26 + 1, x_28);
    var any: bool = false;
    let x_42: i32 = k_first / x_16;
    let x_46: i32 = select(x_42 - select(0, 1, k_first - x_42 * x_16 < 0), 0, launch.p_width < 1);
    let x_47: i32 = k_last / x_16;
    let x_51: i32 = select(x_47 - select(0, 1, k_last - x_47 * x_16 < 0), 0, launch.p_width < 1);
    for (var q_block: i32 = x_21; q_block < x_31; q_block += 1) {
      let x_34: i32 = select(q_start, max(q_start, q_block * launch.p_width), x_28);
      let x_35: i32 = x_34 + 1;
      var any_1: bool = false;
      for (var q_from: i32 = x_34; q_from < x_35; q_from += 1) {
        let x_40: i32 = select(q_end, min(q_end, (q_block + 1) * launch.p_width - 1), x_28);
        let x_41: i32 = x_40 + 1;
        var any_2: bool = false;
        let x_72: i32 = q_from / x_16;
        let x_74: i32 = q_from - x_72 * x_16;
        let x_76: i32 = select(x_72 - select(0, 1, x_74 < 0), 0, launch.p_width < 1);
        let x_83: i32 = select(x_74, x_74 + x_16, x_74 < 0);
        for (var q_to: i32 = x_40; q_to < x_41; q_to += 1) {
          let x_53: bool = x_51 - x_46 < 16;
          let x_56: i32 = select(x_46 + 1, x_51 + 1, x_53);
          var any_3: bool = false;
          let x_77: i32 = q_to / x_16;
          let x_79: i32 = q_to - x_77 * x_16;
          let x_81: i32 = select(x_77 - select(0, 1, x_79 < 0), 0, launch.p_width < 1);
          let x_104: i32 = select(x_79, x_79 + x_16, x_79 < 0);
          for (var k_block: i32 = x_46; k_block < x_56; k_block += 1) {
            let x_59: i32 = select(k_first, max(k_first, k_block * launch.p_width), x_53);
            let x_60: i32 = x_59 + 1;
            var any_4: bool = false;
            for (var k_from: i32 = x_59; k_from < x_60; k_from += 1) {
              let x_65: i32 = select(k_last, min(k_last, (k_block + 1) * launch.p_width - 1), x_53);
              let x_66: i32 = x_65 + 1;
              var any_5: bool = false;
              let x_85: i32 = k_from / x_16;
              let x_87: i32 = k_from - x_85 * x_16;
              let x_89: i32 = select(x_85 - select(0, 1, x_87 < 0), 0, launch.p_width < 1);
              let x_102: i32 = select(x_87, x_87 + x_16, x_87 < 0);
              for (var k_to: i32 = x_65; k_to < x_66; k_to += 1) {
                let x_82: bool = x_76 == x_81;
                let x_90: i32 = k_to / x_16;
                let x_92: i32 = k_to - x_90 * x_16;
                let x_94: i32 = select(x_90 - select(0, 1, x_92 < 0), 0, launch.p_width < 1);
                let x_95: bool = x_89 == x_94;
                let x_98: i32 = max(x_16 - 1, 0);
                any_5 = any_5
                  | ((x_51 >= x_21 - launch.p_radius) & (x_46 <= launch.p_radius + x_26)
                    & ((launch.p_radius
                            >= select(0, x_83, x_82) - select(x_98, select(x_92, x_92 + x_16, x_92 < 0), x_95))
                          & (launch.p_radius >= select(0, x_102, x_95) - select(x_98, x_104, x_82))
                        & (x_94 >= x_76 - launch.p_radius)
                      & (x_89 <= launch.p_radius + x_81)));
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
    for (var q_block_1: i32 = x_21; q_block_1 < x_31; q_block_1 += 1) {
      let x_127: i32 = select(q_start, max(q_start, q_block_1 * launch.p_width), x_28);
      let x_128: i32 = x_127 + 1;
      var any_13: bool = false;
      for (var q_from_1: i32 = x_127; q_from_1 < x_128; q_from_1 += 1) {
        let x_133: i32 = select(q_end, min(q_end, (q_block_1 + 1) * launch.p_width - 1), x_28);
        let x_134: i32 = x_133 + 1;
        var any_14: bool = false;
        let x_150: i32 = q_from_1 / x_16;
        let x_152: i32 = q_from_1 - x_150 * x_16;
        let x_154: i32 = select(x_150 - select(0, 1, x_152 < 0), 0, launch.p_width < 1);
        let x_182: i32 = select(x_152, x_152 + x_16, x_152 < 0);
        for (var q_to_1: i32 = x_133; q_to_1 < x_134; q_to_1 += 1) {
          let x_136: bool = x_51 - x_46 < 16;
          let x_139: i32 = select(x_46 + 1, x_51 + 1, x_136);
          var any_15: bool = false;
          let x_155: i32 = q_to_1 / x_16;
          let x_157: i32 = q_to_1 - x_155 * x_16;
          let x_159: i32 = select(x_155 - select(0, 1, x_157 < 0), 0, launch.p_width < 1);
          let x_161: i32 = select(x_157, x_157 + x_16, x_157 < 0);
          for (var k_block_1: i32 = x_46; k_block_1 < x_139; k_block_1 += 1) {
            let x_142: i32 = select(k_first, max(k_first, k_block_1 * launch.p_width), x_136);
            let x_143: i32 = x_142 + 1;
            var any_16: bool = false;
            for (var k_from_1: i32 = x_142; k_from_1 < x_143; k_from_1 += 1) {
              let x_148: i32 = select(k_last, min(k_last, (k_block_1 + 1) * launch.p_width - 1), x_136);
              let x_149: i32 = x_148 + 1;
              var any_17: bool = false;
              let x_165: i32 = k_from_1 / x_16;
              let x_167: i32 = k_from_1 - x_165 * x_16;
              let x_169: i32 = select(x_165 - select(0, 1, x_167 < 0), 0, launch.p_width < 1);
              let x_176: i32 = select(x_167, x_167 + x_16, x_167 < 0);
              for (var k_to_1: i32 = x_148; k_to_1 < x_149; k_to_1 += 1) {
                let x_160: bool = x_154 == x_159;
                let x_163: i32 = max(x_16 - 1, 0);
                let x_170: i32 = k_to_1 / x_16;
                let x_172: i32 = k_to_1 - x_170 * x_16;
                let x_175: bool = x_169 == select(x_170 - select(0, 1, x_172 < 0), 0, launch.p_width < 1);
                any_17 = any_17
                  | ((launch.p_radius < select(x_163, x_161, x_160) - select(0, x_176, x_175))
                    | (launch.p_radius
                      < select(x_163, select(x_172, x_172 + x_16, x_172 < 0), x_175) - select(0, x_182, x_160)));
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
    needed = needed | select(0, x_117, any);
    full = full | select(x_117, 0, (x_46 < x_26 - launch.p_radius) | (x_51 > launch.p_radius + x_21) | any_12);
  }
  let x_191: i32 = (launch.key_tiles + 31) >> 5u;
  let x_193: i32 = x_1 * x_191 + word;
  let x_194: bool = x_1 < launch.query_tiles;
  if (x_194) {
    d_tile_map[x_193] = needed;
  }
  let x_197: i32 = (launch.query_tiles + x_1) * x_191 + word;
  if (x_194) {
    d_tile_map[x_197] = full;
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
  let x_43: i32 = (launch.key_tiles + 31) >> 5u;
  if (row_base < launch.n_q) {
    let x_22: i32 = launch.n_k - launch.n_q;
    let q_first: i32 = row_base + x_22;
    let rows_here: i32 = min(launch.n_q - row_base, 4);
    let q_last: i32 = q_first + (rows_here - 1);
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
    var searching: i32 = 0;
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
    let x_94: i32 = max(launch.p_width, 1);
    let x_95: i32 = q_last / x_94;
    let x_99: i32 = select(x_95 - select(0, 1, q_last - x_95 * x_94 < 0), 0, launch.p_width < 1);
    let x_107: i32 = q_first / x_94;
    let x_111: i32 = select(x_107 - select(0, 1, q_first - x_107 * x_94 < 0), 0, launch.p_width < 1);
    let x_163: i32 = q_pos / x_94;
    let x_165: i32 = q_pos - x_163 * x_94;
    let x_167: i32 = select(x_163 - select(0, 1, x_165 < 0), 0, launch.p_width < 1);
    let x_221: i32 = select(x_165, x_165 + x_94, x_165 < 0);
    key_base = 0;
    key_step = 1;
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let k_first: i32 = key_base + slot_tile * key_step;
      let k_last: i32 = key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_71: bool = tile < launch.query_tiles;
      let x_73: i32 = next_tile >> 5u;
      let x_79: bool = x_71 & (x_73 >= 0) & (x_73 < x_43);
      let masked: bool = ((select(0, d_tile_map[select(0, (launch.query_tiles + tile) * x_43 + x_73, x_79)], x_79)
            >> u32(next_tile & 31 & 31))
          & 1)
        == 0;
      let x_88: i32 = max(launch.p_width, 1);
      let x_89: i32 = k_first / x_88;
      let ask_0_0: bool = select(x_89 - select(0, 1, k_first - x_89 * x_88 < 0), 0, launch.p_width < 1)
        < x_99 - launch.p_radius;
      let x_102: i32 = k_last / x_88;
      let ask_0_1: bool = select(x_102 - select(0, 1, k_last - x_102 * x_88 < 0), 0, launch.p_width < 1)
        > launch.p_radius + x_111;
      let x_115: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_115; step += 1) {
        let slot_first: i32 = slot_tile + step * 4;
        let k_slot_c1: i32 = slot_first + 1;
        let k_slot_c2: i32 = slot_first + 2;
        let k_slot_c3: i32 = slot_first + 3;
        let k_pos_c0: i32 = key_base + slot_first * key_step;
        let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
        let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
        let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
        for (var part: i32 = 0; part < 4; part += 4) {
          let x_129: i32 = part + lane;
          let x_130: i32 = slot_first + x_129;
          let x_135: i32 = key_base + x_130 * key_step;
          let inside_1: bool = (x_130 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_135 >= 0) & (x_135 < launch.n_k));
          K_staged[x_129] = select(vec4f(0.0f), k[select(0, kv_local * launch.n_k + x_135, inside_1)], inside_1);
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
            let x_158: i32 = k_pos_c0 / x_88;
            let x_168: i32 = x_167 - launch.p_radius;
            let x_171: i32 = k_pos_c1 / x_88;
            let x_178: i32 = k_pos_c2 / x_88;
            let x_185: i32 = k_pos_c3 / x_88;
            S_c0 = select(-3.0e38f,
              S_c0,
                  select(x_158 - select(0, 1, k_pos_c0 - x_158 * x_88 < 0), 0, launch.p_width < 1) >= x_168);
            S_c1 = select(-3.0e38f,
              S_c1,
                  select(x_171 - select(0, 1, k_pos_c1 - x_171 * x_88 < 0), 0, launch.p_width < 1) >= x_168);
            S_c2 = select(-3.0e38f,
              S_c2,
                  select(x_178 - select(0, 1, k_pos_c2 - x_178 * x_88 < 0), 0, launch.p_width < 1) >= x_168);
            S_c3 = select(-3.0e38f,
              S_c3,
                  select(x_185 - select(0, 1, k_pos_c3 - x_185 * x_88 < 0), 0, launch.p_width < 1) >= x_168);
          }
          if (ask_0_1) {
            let x_192: i32 = k_pos_c0 / x_88;
            let x_197: i32 = launch.p_radius + x_167;
            let x_200: i32 = k_pos_c1 / x_88;
            let x_207: i32 = k_pos_c2 / x_88;
            let x_214: i32 = k_pos_c3 / x_88;
            S_c0 = select(-3.0e38f,
              S_c0,
                  select(x_192 - select(0, 1, k_pos_c0 - x_192 * x_88 < 0), 0, launch.p_width < 1) <= x_197);
            S_c1 = select(-3.0e38f,
              S_c1,
                  select(x_200 - select(0, 1, k_pos_c1 - x_200 * x_88 < 0), 0, launch.p_width < 1) <= x_197);
            S_c2 = select(-3.0e38f,
              S_c2,
                  select(x_207 - select(0, 1, k_pos_c2 - x_207 * x_88 < 0), 0, launch.p_width < 1) <= x_197);
            S_c3 = select(-3.0e38f,
              S_c3,
                  select(x_214 - select(0, 1, k_pos_c3 - x_214 * x_88 < 0), 0, launch.p_width < 1) <= x_197);
          }
          let x_224: i32 = k_pos_c0 - k_pos_c0 / x_88 * x_88;
          let x_231: i32 = k_pos_c1 - k_pos_c1 / x_88 * x_88;
          let x_238: i32 = k_pos_c2 - k_pos_c2 / x_88 * x_88;
          let x_245: i32 = k_pos_c3 - k_pos_c3 / x_88 * x_88;
          let x_252: i32 = k_pos_c0 - k_pos_c0 / x_88 * x_88;
          let x_259: i32 = k_pos_c1 - k_pos_c1 / x_88 * x_88;
          let x_266: i32 = k_pos_c2 - k_pos_c2 / x_88 * x_88;
          let x_273: i32 = k_pos_c3 - k_pos_c3 / x_88 * x_88;
          S_c0 = select(-3.0e38f,
              select(-3.0e38f, S_c0, launch.p_radius >= x_221 - select(x_224, x_224 + x_88, x_224 < 0)),
              launch.p_radius >= select(x_252, x_252 + x_88, x_252 < 0) - x_221);
          S_c1 = select(-3.0e38f,
              select(-3.0e38f, S_c1, launch.p_radius >= x_221 - select(x_231, x_231 + x_88, x_231 < 0)),
              launch.p_radius >= select(x_259, x_259 + x_88, x_259 < 0) - x_221);
          S_c2 = select(-3.0e38f,
              select(-3.0e38f, S_c2, launch.p_radius >= x_221 - select(x_238, x_238 + x_88, x_238 < 0)),
              launch.p_radius >= select(x_266, x_266 + x_88, x_266 < 0) - x_221);
          S_c3 = select(-3.0e38f,
              select(-3.0e38f, S_c3, launch.p_radius >= x_221 - select(x_245, x_245 + x_88, x_245 < 0)),
              launch.p_radius >= select(x_273, x_273 + x_88, x_273 < 0) - x_221);
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
          let x_299: i32 = part_1 + lane;
          let x_300: i32 = slot_first + x_299;
          let x_305: i32 = key_base + x_300 * key_step;
          let inside_2: bool = (x_300 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_305 >= 0) & (x_305 < launch.n_k));
          V_staged[x_299] = select(vec4f(0.0f), v[select(0, kv_local * launch.n_k + x_305, inside_2)], inside_2);
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
        let x_321: i32 = next_tile >> 5u;
        let x_327: bool = x_71 & (x_321 >= 0) & (x_321 < x_43);
        let map_bits_1: i32 = select(0, d_tile_map[select(0, tile * x_43 + x_321, x_327)], x_327)
          & (-1 << u32(next_tile & 31 & 31));
        if (map_bits_1 != 0) {
          next_tile = x_321 * 32 + countTrailingZeros(map_bits_1);
          searching = 0;
        } else {
          next_tile = (x_321 + 1) * 32;
        }
      }
    }
    // rows that saw nothing give zeros and minus infinity
    let x_341: bool = l > 0.0f;
    let inverse: f32 = select(0.0f, 1.0f / l, x_341);
    if (inside) {
      out[x_33] = O * inverse;
    }
    let x_351: i32 = (b * launch.heads + h) * launch.n_q + x_28;
    let x_357: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_341);
    if (x_30 & ((b >= 0) & (b < launch.batch) & (h < launch.heads) & x_31)) {
      lse[x_351] = x_357;
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
  let x_55: i32 = (launch.key_tiles + 31) >> 5u;
  let x_355: i32 = launch.batch * launch.heads;
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
    var searching: i32 = 0;
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
    let x_106: i32 = max(launch.p_width, 1);
    let x_107: i32 = q_last / x_106;
    let x_111: i32 = select(x_107 - select(0, 1, q_last - x_107 * x_106 < 0), 0, launch.p_width < 1);
    let x_119: i32 = q_first / x_106;
    let x_123: i32 = select(x_119 - select(0, 1, q_first - x_119 * x_106 < 0), 0, launch.p_width < 1);
    let x_175: i32 = q_pos / x_106;
    let x_177: i32 = q_pos - x_175 * x_106;
    let x_179: i32 = select(x_175 - select(0, 1, x_177 < 0), 0, launch.p_width < 1);
    let x_233: i32 = select(x_177, x_177 + x_106, x_177 < 0);
    key_base = 0;
    key_step = 1;
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let k_first: i32 = key_base + slot_tile * key_step;
      let k_last: i32 = key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_83: bool = tile < launch.query_tiles;
      let x_85: i32 = next_tile >> 5u;
      let x_91: bool = x_83 & (x_85 >= 0) & (x_85 < x_55);
      let masked: bool = ((select(0, d_tile_map[select(0, (launch.query_tiles + tile) * x_55 + x_85, x_91)], x_91)
            >> u32(next_tile & 31 & 31))
          & 1)
        == 0;
      let x_100: i32 = max(launch.p_width, 1);
      let x_101: i32 = k_first / x_100;
      let ask_0_0: bool = select(x_101 - select(0, 1, k_first - x_101 * x_100 < 0), 0, launch.p_width < 1)
        < x_111 - launch.p_radius;
      let x_114: i32 = k_last / x_100;
      let ask_0_1: bool = select(x_114 - select(0, 1, k_last - x_114 * x_100 < 0), 0, launch.p_width < 1)
        > launch.p_radius + x_123;
      let x_127: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_127; step += 1) {
        let slot_first: i32 = slot_tile + step * 4;
        let k_slot_c1: i32 = slot_first + 1;
        let k_slot_c2: i32 = slot_first + 2;
        let k_slot_c3: i32 = slot_first + 3;
        let k_pos_c0: i32 = key_base + slot_first * key_step;
        let k_pos_c1: i32 = key_base + k_slot_c1 * key_step;
        let k_pos_c2: i32 = key_base + k_slot_c2 * key_step;
        let k_pos_c3: i32 = key_base + k_slot_c3 * key_step;
        for (var part: i32 = 0; part < 4; part += 4) {
          let x_141: i32 = part + lane;
          let x_142: i32 = slot_first + x_141;
          let x_147: i32 = key_base + x_142 * key_step;
          let inside_1: bool = (x_142 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_147 >= 0) & (x_147 < launch.n_k));
          K_staged[x_141] = select(vec4f(0.0f), k[select(0, kv_local * launch.n_k + x_147, inside_1)], inside_1);
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
            let x_170: i32 = k_pos_c0 / x_100;
            let x_180: i32 = x_179 - launch.p_radius;
            let x_183: i32 = k_pos_c1 / x_100;
            let x_190: i32 = k_pos_c2 / x_100;
            let x_197: i32 = k_pos_c3 / x_100;
            S_c0 = select(-3.0e38f,
              S_c0,
                  select(x_170 - select(0, 1, k_pos_c0 - x_170 * x_100 < 0), 0, launch.p_width < 1) >= x_180);
            S_c1 = select(-3.0e38f,
              S_c1,
                  select(x_183 - select(0, 1, k_pos_c1 - x_183 * x_100 < 0), 0, launch.p_width < 1) >= x_180);
            S_c2 = select(-3.0e38f,
              S_c2,
                  select(x_190 - select(0, 1, k_pos_c2 - x_190 * x_100 < 0), 0, launch.p_width < 1) >= x_180);
            S_c3 = select(-3.0e38f,
              S_c3,
                  select(x_197 - select(0, 1, k_pos_c3 - x_197 * x_100 < 0), 0, launch.p_width < 1) >= x_180);
          }
          if (ask_0_1) {
            let x_204: i32 = k_pos_c0 / x_100;
            let x_209: i32 = launch.p_radius + x_179;
            let x_212: i32 = k_pos_c1 / x_100;
            let x_219: i32 = k_pos_c2 / x_100;
            let x_226: i32 = k_pos_c3 / x_100;
            S_c0 = select(-3.0e38f,
              S_c0,
                  select(x_204 - select(0, 1, k_pos_c0 - x_204 * x_100 < 0), 0, launch.p_width < 1) <= x_209);
            S_c1 = select(-3.0e38f,
              S_c1,
                  select(x_212 - select(0, 1, k_pos_c1 - x_212 * x_100 < 0), 0, launch.p_width < 1) <= x_209);
            S_c2 = select(-3.0e38f,
              S_c2,
                  select(x_219 - select(0, 1, k_pos_c2 - x_219 * x_100 < 0), 0, launch.p_width < 1) <= x_209);
            S_c3 = select(-3.0e38f,
              S_c3,
                  select(x_226 - select(0, 1, k_pos_c3 - x_226 * x_100 < 0), 0, launch.p_width < 1) <= x_209);
          }
          let x_236: i32 = k_pos_c0 - k_pos_c0 / x_100 * x_100;
          let x_243: i32 = k_pos_c1 - k_pos_c1 / x_100 * x_100;
          let x_250: i32 = k_pos_c2 - k_pos_c2 / x_100 * x_100;
          let x_257: i32 = k_pos_c3 - k_pos_c3 / x_100 * x_100;
          let x_264: i32 = k_pos_c0 - k_pos_c0 / x_100 * x_100;
          let x_271: i32 = k_pos_c1 - k_pos_c1 / x_100 * x_100;
          let x_278: i32 = k_pos_c2 - k_pos_c2 / x_100 * x_100;
          let x_285: i32 = k_pos_c3 - k_pos_c3 / x_100 * x_100;
          S_c0 = select(-3.0e38f,
              select(-3.0e38f, S_c0, launch.p_radius >= x_233 - select(x_236, x_236 + x_100, x_236 < 0)),
              launch.p_radius >= select(x_264, x_264 + x_100, x_264 < 0) - x_233);
          S_c1 = select(-3.0e38f,
              select(-3.0e38f, S_c1, launch.p_radius >= x_233 - select(x_243, x_243 + x_100, x_243 < 0)),
              launch.p_radius >= select(x_271, x_271 + x_100, x_271 < 0) - x_233);
          S_c2 = select(-3.0e38f,
              select(-3.0e38f, S_c2, launch.p_radius >= x_233 - select(x_250, x_250 + x_100, x_250 < 0)),
              launch.p_radius >= select(x_278, x_278 + x_100, x_278 < 0) - x_233);
          S_c3 = select(-3.0e38f,
              select(-3.0e38f, S_c3, launch.p_radius >= x_233 - select(x_257, x_257 + x_100, x_257 < 0)),
              launch.p_radius >= select(x_285, x_285 + x_100, x_285 < 0) - x_233);
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
          let x_311: i32 = part_1 + lane;
          let x_312: i32 = slot_first + x_311;
          let x_317: i32 = key_base + x_312 * key_step;
          let inside_2: bool = (x_312 < slot_count)
            & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_317 >= 0) & (x_317 < launch.n_k));
          V_staged[x_311] = select(vec4f(0.0f), v[select(0, kv_local * launch.n_k + x_317, inside_2)], inside_2);
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
        let x_333: i32 = next_tile >> 5u;
        let x_339: bool = x_83 & (x_333 >= 0) & (x_333 < x_55);
        let map_bits_1: i32 = select(0, d_tile_map[select(0, tile * x_55 + x_333, x_339)], x_339)
          & (-1 << u32(next_tile & 31 & 31));
        if (map_bits_1 != 0) {
          next_tile = x_333 * 32 + countTrailingZeros(map_bits_1);
          searching = 0;
        } else {
          next_tile = (x_333 + 1) * 32;
        }
      }
    }
    let x_353: bool = split < launch.slots;
    let x_360: i32 = (split * x_355 + head) * launch.n_q + x_28;
    let inside_3: bool = x_30 & (x_353 & (head >= 0) & (head < x_355) & x_31);
    if (inside_3) {
      part_state[x_360] = m;
    }
    let x_368: i32 = ((launch.slots + split) * x_355 + head) * launch.n_q + x_28;
    if (inside_3) {
      part_state[x_368] = l;
    }
    let x_372: i32 = (head_local * launch.slots + split) * launch.n_q + x_28;
    if (x_30 & (x_353 & x_31)) {
      part_out[x_372] = O;
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
  let x_51: i32 = (launch.key_tiles + 31) >> 5u;
  let x_207: i32 = launch.batch * launch.heads;
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
    var searching: i32 = 0;
    // phase_0
    slot_count = launch.n_k;
    let phase_0_end: i32 = (slot_count + 7) >> 3u;
    let x_37: i32 = max(phase_0_end, 0) + (launch.splits - 1);
    let x_38: i32 = max(launch.splits, 1);
    let x_39: i32 = x_37 / x_38;
    let phase_0_share: i32 = select(x_39 - select(0, 1, x_37 - x_39 * x_38 < 0), 0, launch.splits < 1);
    next_tile = split * phase_0_share;
    searching = 1;
    walk_end = min(phase_0_end, next_tile + phase_0_share);
    while ((searching == 1) & (next_tile < walk_end)) {
      let x_48: i32 = next_tile >> 5u;
      let x_56: bool = (tile < launch.query_tiles) & (x_48 >= 0) & (x_48 < x_51);
      let map_bits: i32 = select(0, d_tile_map[select(0, tile * x_51 + x_48, x_56)], x_56)
        & (-1 << u32(next_tile & 31 & 31));
      if (map_bits != 0) {
        next_tile = x_48 * 32 + countTrailingZeros(map_bits);
        searching = 0;
      } else {
        next_tile = (x_48 + 1) * 32;
      }
    }
    let x_102: i32 = max(launch.p_width, 1);
    let x_103: i32 = q_last / x_102;
    let x_107: i32 = select(x_103 - select(0, 1, q_last - x_103 * x_102 < 0), 0, launch.p_width < 1);
    let x_115: i32 = q_first / x_102;
    let x_117: i32 = q_first - x_115 * x_102;
    let x_119: i32 = select(x_115 - select(0, 1, x_117 < 0), 0, launch.p_width < 1);
    let x_158: i32 = select(x_117, x_117 + x_102, x_117 < 0);
    key_base = 0;
    key_step = 1;
    Q = Q * 0.5f;
    while (next_tile < walk_end) {
      let slot_tile: i32 = next_tile * 8;
      let slots_here: i32 = min(slot_count - slot_tile, 8);
      let k_first: i32 = key_base + slot_tile * key_step;
      let k_last: i32 = key_base + (slot_tile + (slots_here - 1)) * key_step;
      let x_79: bool = tile < launch.query_tiles;
      let x_81: i32 = next_tile >> 5u;
      let x_87: bool = x_79 & (x_81 >= 0) & (x_81 < x_51);
      let masked: bool = ((select(0, d_tile_map[select(0, (launch.query_tiles + tile) * x_51 + x_81, x_87)], x_87)
            >> u32(next_tile & 31 & 31))
          & 1)
        == 0;
      let x_96: i32 = max(launch.p_width, 1);
      let x_97: i32 = k_first / x_96;
      let ask_0_0: bool = select(x_97 - select(0, 1, k_first - x_97 * x_96 < 0), 0, launch.p_width < 1)
        < x_107 - launch.p_radius;
      let x_110: i32 = k_last / x_96;
      let x_120: i32 = launch.p_radius + x_119;
      let ask_0_1: bool = select(x_110 - select(0, 1, k_last - x_110 * x_96 < 0), 0, launch.p_width < 1) > x_120;
      let x_123: i32 = (slots_here + 3) >> 2u;
      for (var step: i32 = 0; step < x_123; step += 1) {
        let k_slot: i32 = slot_tile + step * 4 + lane;
        let k_pos: i32 = key_base + k_slot * key_step;
        let x_129: bool = k_slot < slot_count;
        let inside_1: bool = x_129
          & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
        let x_139: i32 = select(0, kv_local * launch.n_k + k_pos, inside_1);
        var S: f32 = 0.0f;
        S = dot(Q, select(vec4f(0.0f), k[x_139], inside_1));
        if (slots_here < 8) {
          S = select(-3.0e38f, S, x_129);
        }
        if (masked) {
          if (ask_0_0) {
            let x_143: i32 = k_pos / x_96;
            S = select(-3.0e38f,
              S,
                  select(x_143 - select(0, 1, k_pos - x_143 * x_96 < 0), 0, launch.p_width < 1) >= x_119 - launch.p_radius);
          }
          if (ask_0_1) {
            let x_151: i32 = k_pos / x_96;
            S = select(-3.0e38f,
              S,
                  select(x_151 - select(0, 1, k_pos - x_151 * x_96 < 0), 0, launch.p_width < 1) <= x_120);
          }
          let x_161: i32 = k_pos - k_pos / x_96 * x_96;
          let x_168: i32 = k_pos - k_pos / x_96 * x_96;
          S = select(-3.0e38f,
              select(-3.0e38f, S, launch.p_radius >= x_158 - select(x_161, x_161 + x_96, x_161 < 0)),
              launch.p_radius >= select(x_168, x_168 + x_96, x_168 < 0) - x_158);
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
        O = fma(select(vec4f(0.0f), v[x_139], inside_1), vec4f(S), O * alpha);
        m = m_new;
      }
      searching = 1;
      next_tile = next_tile + 1;
      while ((searching == 1) & (next_tile < walk_end)) {
        let x_185: i32 = next_tile >> 5u;
        let x_191: bool = x_79 & (x_185 >= 0) & (x_185 < x_51);
        let map_bits_1: i32 = select(0, d_tile_map[select(0, tile * x_51 + x_185, x_191)], x_191)
          & (-1 << u32(next_tile & 31 & 31));
        if (map_bits_1 != 0) {
          next_tile = x_185 * 32 + countTrailingZeros(map_bits_1);
          searching = 0;
        } else {
          next_tile = (x_185 + 1) * 32;
        }
      }
    }
    let x_205: bool = split < launch.slots;
    let x_212: i32 = (split * x_207 + head) * launch.n_q + tile;
    let x_216: bool = lane < 1;
    let inside_2: bool = x_27 & x_216 & (x_205 & (head >= 0) & (head < x_207) & x_20);
    if (inside_2) {
      part_state[x_212] = m;
    }
    shares_sum[lane] = l;
    workgroupBarrier();
    var total_2: f32 = shares_sum[0];
    for (var other_1: i32 = 1; other_1 < 4; other_1 += 1) {
      total_2 = total_2 + shares_sum[other_1];
    }
    let total_3: f32 = total_2;
    let x_221: i32 = ((launch.slots + split) * x_207 + head) * launch.n_q + tile;
    if (inside_2) {
      part_state[x_221] = total_3;
    }
    shares_sum_1[lane] = O;
    workgroupBarrier();
    var total_4: vec4f = shares_sum_1[0];
    for (var other_2: i32 = 1; other_2 < 4; other_2 += 1) {
      total_4 = total_4 + shares_sum_1[other_2];
    }
    let total_5: vec4f = total_4;
    let x_225: i32 = (head_local * launch.slots + split) * launch.n_q + tile;
    if (x_27 & x_216 & (x_205 & x_20)) {
      part_out[x_225] = total_5;
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
    out[x_60] = O * inverse;
  }
  let x_69: i32 = (b * launch.heads + h) * launch.n_q + x_58;
  let x_74: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_54);
  if (x_61 & ((b >= 0) & (b < launch.batch) & (h < launch.heads))) {
    lse[x_69] = x_74;
  }
}
