// ---- make_columns_keys_marks ----
// bit set of the keys in list columns

@group(0) @binding(0) var<storage, read> p_columns: array<i32>;
@group(0) @binding(1) var<storage, read_write> d_columns_keys_marks: array<i32>;

struct Launch {
  heads: i32,
  n_k: i32,
  x_columns_n_columns: i32,
}
@group(0) @binding(2) var<uniform> launch: Launch;

@compute @workgroup_size(16)
fn make_columns_keys_marks(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_z: i32 = i32(group_id.z);
  let list: i32 = group_z;
  let word: i32 = group_x * 16 + lane;
  var bit_or: i32 = 0;
  let x_2: i32 = max(launch.heads, 1);
  let x_5: i32 = list - list / x_2 * x_2;
  for (var entry: i32 = 0; entry < launch.x_columns_n_columns; entry += 1) {
    let x_6: bool = x_5 < launch.heads;
    let x_11: i32 = select(0, p_columns[select(0, x_5 * launch.x_columns_n_columns + entry, x_6)], x_6);
    bit_or = bit_or | select(0, 1 << u32(x_11 & 31 & 31), (x_11 >= 0) & (x_11 < launch.n_k) & ((x_11 >> 5u) == word));
  }
  let bit_or_1: i32 = bit_or;
  let x_24: i32 = (launch.n_k + 31) >> 5u;
  let x_25: bool = word < x_24;
  let x_27: i32 = x_5 * x_24 + word;
  if (x_25 & ((x_5 < launch.heads) & x_25)) {
    d_columns_keys_marks[x_27] = bit_or_1;
  }
}

// ---- make_columns_sorted ----
// distinct entries of list columns, ascending

@group(0) @binding(0) var<storage, read> d_columns_keys_marks: array<i32>;
@group(0) @binding(1) var<storage, read_write> d_columns_sorted: array<i32>;

struct Launch {
  heads: i32,
  n_k: i32,
  x_columns_n_columns: i32,
}
@group(0) @binding(2) var<uniform> launch: Launch;

@compute @workgroup_size(16)
fn make_columns_sorted(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_z: i32 = i32(group_id.z);
  let list: i32 = group_z;
  let word: i32 = group_x * 16 + lane;
  let x_3: i32 = (launch.n_k + 31) >> 5u;
  let x_4: bool = word < x_3;
  let x_5: i32 = max(launch.heads, 1);
  let x_8: i32 = list - list / x_5 * x_5;
  let x_9: bool = x_8 < launch.heads;
  let x_11: i32 = x_8 * x_3;
  let x_14: bool = x_9 & (word >= 0) & x_4;
  let bits: i32 = select(0, select(0, d_columns_keys_marks[select(0, x_11 + word, x_14)], x_14), x_4);
  let x_19: i32 = min(word, x_3);
  var sum: i32 = 0;
  for (var earlier: i32 = 0; earlier < x_19; earlier += 1) {
    let x_22: bool = x_9 & (earlier < x_3);
    sum = sum + countOneBits(select(0, d_columns_keys_marks[select(0, x_11 + earlier, x_22)], x_22));
  }
  let sum_1: i32 = sum;
  // entry 0 is the count
  let x_27: i32 = launch.x_columns_n_columns + 1;
  let x_29: i32 = x_8 * x_27;
  let x_32: i32 = sum_1 + countOneBits(bits);
  if ((word == x_3 - 1) & (x_9 & (0 < x_27))) {
    d_columns_sorted[x_29] = x_32;
  }
  for (var bit: i32 = 0; bit < 32; bit += 1) {
    let x_35: i32 = bit & 31;
    let x_41: i32 = sum_1 + countOneBits(bits & ((1 << u32(x_35)) - 1)) + 1;
    let x_44: i32 = x_29 + x_41;
    let x_48: i32 = word * 32 + bit;
    if ((((bits >> u32(x_35)) & 1) != 0) & (x_9 & (x_41 >= 0) & (x_41 < x_27))) {
      d_columns_sorted[x_44] = x_48;
    }
  }
}

// ---- make_slashes_at_slashes_marks ----
// bit set of the slashes in list slashes_at

@group(0) @binding(0) var<storage, read> p_slashes_at: array<i32>;
@group(0) @binding(1) var<storage, read_write> d_slashes_at_slashes_marks: array<i32>;

struct Launch {
  heads: i32,
  n_k: i32,
  n_q: i32,
  x_slashes_at_n_slashes: i32,
}
@group(0) @binding(2) var<uniform> launch: Launch;

@compute @workgroup_size(16)
fn make_slashes_at_slashes_marks(
  @builtin(local_invocation_index) local_index: u32,
  @builtin(workgroup_id) group_id: vec3u
) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_z: i32 = i32(group_id.z);
  let list: i32 = group_z;
  let word: i32 = group_x * 16 + lane;
  var bit_or: i32 = 0;
  let x_2: i32 = max(launch.heads, 1);
  let x_5: i32 = list - list / x_2 * x_2;
  for (var entry: i32 = 0; entry < launch.x_slashes_at_n_slashes; entry += 1) {
    let x_6: bool = x_5 < launch.heads;
    let x_13: i32 = select(0, p_slashes_at[select(0, x_5 * launch.x_slashes_at_n_slashes + entry, x_6)], x_6)
      + (launch.n_q - 1);
    bit_or = bit_or
      | select(0, 1 << u32(x_13 & 31 & 31), (x_13 >= 0) & (x_13 < launch.n_q + launch.n_k - 1) & ((x_13 >> 5u) == word));
  }
  let bit_or_1: i32 = bit_or;
  let x_29: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
  let x_30: bool = word < x_29;
  let x_32: i32 = x_5 * x_29 + word;
  if (x_30 & ((x_5 < launch.heads) & x_30)) {
    d_slashes_at_slashes_marks[x_32] = bit_or_1;
  }
}

// ---- make_tile_map ----
// which key tiles each query tile needs, and which of them are full

@group(0) @binding(0) var<storage, read> d_slashes_at_slashes_marks: array<i32>;
@group(0) @binding(1) var<storage, read_write> d_tile_map: array<i32>;

struct Launch {
  heads: i32,
  key_tile: i32,
  key_tiles: i32,
  n_k: i32,
  n_q: i32,
  query_tile: i32,
  query_tiles: i32,
}
@group(0) @binding(2) var<uniform> launch: Launch;

@compute @workgroup_size(16)
fn make_tile_map(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_y: i32 = i32(group_id.y);
  let group_z: i32 = i32(group_id.z);
  let query_tile_index: i32 = group_y;
  let list: i32 = group_z;
  let x: i32 = max(launch.heads, 1);
  let h: i32 = list - list / x * x;
  let q_first: i32 = query_tile_index * launch.query_tile + (launch.n_k - launch.n_q);
  let q_last: i32 = min(q_first + launch.query_tile, launch.n_k) - 1;
  let word: i32 = group_x * 16 + lane;
  var needed: i32 = 0;
  var full: i32 = 0;
  let x_38: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
  for (var bit: i32 = 0; bit < 32; bit += 1) {
    let x_13: i32 = word * 32 + bit;
    let x_14: bool = x_13 < launch.key_tiles;
    let x_15: i32 = x_13 * launch.key_tile;
    let x_19: i32 = min(launch.n_k, x_15 + launch.key_tile) - 1;
    let x_20: i32 = q_first - x_19;
    let x_22: i32 = launch.n_q - 1;
    let x_23: i32 = max(x_20, 0) + x_22;
    let x_25: i32 = q_last - x_15 + x_22;
    let x_27: i32 = x_25 >> 5u;
    let x_28: i32 = x_23 >> 5u;
    let x_29: i32 = x_27 - x_28;
    let x_32: i32 = x_27 + 1;
    let x_33: i32 = select(x_28, x_32, x_29 < 64);
    var any: bool = false;
    for (var mark_word: i32 = x_28; mark_word < x_33; mark_word += 1) {
      let x_43: bool = (h < launch.heads) & (mark_word >= 0) & (mark_word < x_38);
      any = any
        | ((select(0, d_slashes_at_slashes_marks[select(0, h * x_38 + mark_word, x_43)], x_43)
            & (select(-1, -1 << u32(x_23 & 31 & 31), mark_word == x_28)
              & select(-1, (2 << u32(x_25 & 31 & 31)) - 1, mark_word == x_27)))
          != 0);
    }
    let x_66: i32 = 1 << u32(bit & 31);
    let x_71: i32 = x_20 + x_22;
    let x_73: i32 = x_71 >> 5u;
    let x_74: i32 = x_27 - x_73;
    let x_77: i32 = select(x_73, x_32, x_74 < 64);
    var any_2: bool = false;
    for (var mark_word_1: i32 = x_73; mark_word_1 < x_77; mark_word_1 += 1) {
      let x_84: bool = (h < launch.heads) & (mark_word_1 >= 0) & (mark_word_1 < x_38);
      any_2 = any_2
        | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_38 + mark_word_1, x_84)], x_84)
            & (select(-1, -1 << u32(x_71 & 31 & 31), mark_word_1 == x_73)
              & select(-1, (2 << u32(x_25 & 31 & 31)) - 1, mark_word_1 == x_27)))
          != 0);
    }
    needed = needed | select(0, x_66, x_14 & ((x_15 <= q_last) & ((x_23 <= x_25) & ((x_29 >= 64) | any))));
    full = full | select(0, x_66, x_14 & !((q_first + 1 <= x_19) | ((x_71 <= x_25) & ((x_74 >= 64) | any_2))));
  }
  let x_115: i32 = (launch.key_tiles + 31) >> 5u;
  let x_117: i32 = (h * launch.query_tiles + query_tile_index) * x_115 + word;
  let inside: bool = (word < x_115) & ((h < launch.heads) & (word >= 0));
  if (inside) {
    d_tile_map[x_117] = needed;
  }
  let x_124: i32 = ((launch.heads + h) * launch.query_tiles + query_tile_index) * x_115 + word;
  if (inside) {
    d_tile_map[x_124] = full;
  }
}

// ---- vertical_slash ----
// vertical_slash: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_columns_sorted: array<i32>;
@group(0) @binding(2) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(3) var<storage, read> d_slashes_at_slashes_marks: array<i32>;
@group(0) @binding(4) var<storage, read> k: array<vec4f>;
@group(0) @binding(5) var<storage, read> v: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> lse: array<f32>;

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
  query_tiles: i32,
  x_columns_n_columns: i32,
}
@group(0) @binding(8) var<uniform> launch: Launch;

fn f32_from_bits(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

@compute @workgroup_size(4)
fn vertical_slash(
  @builtin(local_invocation_index) local_index: u32,
  @builtin(workgroup_id) group_id: vec3u,
  @builtin(subgroup_invocation_id) subgroup_index: u32
) {
  let lane: i32 = i32(local_index);
  let group_x: i32 = i32(group_id.x);
  let group_z: i32 = i32(group_id.z);
  let subgroup_lane: i32 = i32(subgroup_index);
  let tile: i32 = group_x;
  let head_local: i32 = group_z;
  let head: i32 = launch.head_first + head_local;
  let x_1: i32 = max(launch.heads, 1);
  let x_2: i32 = head / x_1;
  let x_4: i32 = head - x_2 * x_1;
  let h: i32 = select(x_4, x_4 + x_1, x_4 < 0);
  let x_9: i32 = max(launch.kv_heads, 1);
  let x_10: i32 = launch.heads / x_9;
  let x_14: i32 = select(x_10 - select(0, 1, launch.heads - x_10 * x_9 < 0), 0, launch.kv_heads < 1);
  let kv_local: i32 = select(x_2 - select(0, 1, x_4 < 0), 0, launch.heads < 1) * launch.kv_heads
      + select(h / max(x_14, 1), 0, x_14 < 1)
    - launch.kv_first;
  let row_base: i32 = tile * 4;
  let x_40: bool = h < launch.heads;
  let x_41: i32 = launch.x_columns_n_columns + 1;
  let x_43: i32 = h * x_41;
  let x_44: bool = x_40 & (0 < x_41);
  let x_47: i32 = select(0, d_columns_sorted[select(0, x_43, x_44)], x_44);
  let x_93: i32 = (launch.key_tiles + 31) >> 5u;
  let x_190: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
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
    var searching: i32 = 0;
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 2; phase += 1) {
      let x_37: bool = phase == 0;
      if (x_37) {
        // phase_0
        slot_count = launch.n_k;
        key_base = 0;
        key_step = 1;
        range_from_0 = 0;
        range_to_0 = 0;
        next_tile = 0;
        walk_end = (slot_count + 7) >> 3u;
      } else {
        // phase_1
        let phase_1_0_to: i32 = min(launch.n_k, q_last + 1);
        var phase_1_0_first_low: i32 = 0;
        slot_count = x_47;
        var phase_1_0_first_high: i32 = slot_count;
        while (phase_1_0_first_low < phase_1_0_first_high) {
          let phase_1_0_first_middle: i32 = (phase_1_0_first_low + phase_1_0_first_high) >> 1u;
          let x_52: i32 = phase_1_0_first_middle + 1;
          let x_57: bool = x_40 & (x_52 >= 0) & (x_52 < x_41);
          if (select(0, d_columns_sorted[select(0, x_43 + x_52, x_57)], x_57) < 0) {
            phase_1_0_first_low = x_52;
          } else {
            phase_1_0_first_high = phase_1_0_first_middle;
          }
        }
        var phase_1_0_last_low: i32 = 0;
        var phase_1_0_last_high: i32 = slot_count;
        while (phase_1_0_last_low < phase_1_0_last_high) {
          let phase_1_0_last_middle: i32 = (phase_1_0_last_low + phase_1_0_last_high) >> 1u;
          let x_64: i32 = phase_1_0_last_middle + 1;
          let x_69: bool = x_40 & (x_64 >= 0) & (x_64 < x_41);
          if (select(0, d_columns_sorted[select(0, x_43 + x_64, x_69)], x_69) < phase_1_0_to) {
            phase_1_0_last_low = x_64;
          } else {
            phase_1_0_last_high = phase_1_0_last_middle;
          }
        }
        let phase_1_0_slot_from: i32 = phase_1_0_first_low;
        let phase_1_0_slot_to: i32 = phase_1_0_last_low;
        let x_76: bool = (0 < phase_1_0_to) & (phase_1_0_slot_from < phase_1_0_slot_to);
        range_from_0 = select(0, phase_1_0_slot_from >> 3u, x_76);
        range_to_0 = select(0, (phase_1_0_slot_to + 7) >> 3u, x_76);
        let x_82: bool = range_from_0 < range_to_0;
        key_base = 0;
        key_step = 1;
        next_tile = min(select(1073741824, range_from_0, x_82), 1073741824);
        walk_end = max(select(0, range_to_0, x_82), 0);
      }
      if (x_37) {
        searching = 1;
        while ((searching == 1) & (next_tile < walk_end)) {
          let x_90: i32 = next_tile >> 5u;
          let x_99: bool = x_40 & (tile < launch.query_tiles) & (x_90 >= 0) & (x_90 < x_93);
          let map_bits: i32 = select(0,
              d_tile_map[select(0, (h * launch.query_tiles + tile) * x_93 + x_90, x_99)],
              x_99)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits != 0) {
            next_tile = x_90 * 32 + countTrailingZeros(map_bits);
            searching = 0;
          } else {
            next_tile = (x_90 + 1) * 32;
          }
        }
      } else {
        let x_113: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_113, x_113 < range_to_0), 1073741824);
      }
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let x_122: bool = phase == 1;
        let x_123: i32 = slot_count - 1;
        let x_126: i32 = select(-1, min(slot_tile, x_123), x_122) + 1;
        let x_131: bool = x_40 & (x_126 >= 0) & (x_126 < x_41);
        let k_first: i32 = select(select(0, d_columns_sorted[select(0, x_43 + x_126, x_131)], x_131),
            key_base + slot_tile * key_step,
          x_37);
        let x_137: i32 = slot_tile + (slots_here - 1);
        let x_142: i32 = select(-1, min(x_137, x_123), x_122) + 1;
        let x_147: bool = x_40 & (x_142 >= 0) & (x_142 < x_41);
        let k_last: i32 = select(select(0, d_columns_sorted[select(0, x_43 + x_142, x_147)], x_147),
            key_base + x_137 * key_step,
          x_37);
        let x_156: i32 = next_tile >> 5u;
        let x_161: bool = x_40 & (tile < launch.query_tiles);
        let x_163: bool = x_161 & (x_156 >= 0) & (x_156 < x_93);
        let x_174: i32 = q_first - k_last;
        let x_175: i32 = launch.n_q - 1;
        let x_176: i32 = x_174 + x_175;
        let x_178: i32 = q_last - k_first + x_175;
        let x_180: i32 = x_178 >> 5u;
        let x_181: i32 = x_176 >> 5u;
        let x_182: i32 = x_180 - x_181;
        let x_185: i32 = x_180 + 1;
        let x_186: i32 = select(x_181, x_185, x_182 < 64);
        var any: bool = false;
        for (var mark_word: i32 = x_181; mark_word < x_186; mark_word += 1) {
          let x_195: bool = x_40 & (mark_word >= 0) & (mark_word < x_190);
          any = any
            | ((select(0, d_slashes_at_slashes_marks[select(0, h * x_190 + mark_word, x_195)], x_195)
                & (select(-1, -1 << u32(x_176 & 31 & 31), mark_word == x_181)
                  & select(-1, (2 << u32(x_178 & 31 & 31)) - 1, mark_word == x_180)))
              != 0);
        }
        let x_171: bool = ((select(0,
                d_tile_map[select(0, ((launch.heads + h) * launch.query_tiles + tile) * x_93 + x_156, x_163)],
                x_163)
              >> u32(next_tile & 31 & 31))
            & 1)
          != 0;
        let masked: bool = !((x_37 & x_171)
              | (!x_37 & !((q_first + 1 <= k_last) | ((x_176 <= x_178) & ((x_182 >= 64) | any)))))
          | (slots_here < 8);
        let x_227: i32 = max(x_174, 0) + x_175;
        let x_229: i32 = x_227 >> 5u;
        let x_230: i32 = x_180 - x_229;
        let x_233: i32 = select(x_229, x_185, x_230 < 64);
        var any_2: bool = false;
        for (var mark_word_1: i32 = x_229; mark_word_1 < x_233; mark_word_1 += 1) {
          let x_239: bool = x_40 & (mark_word_1 >= 0) & (mark_word_1 < x_190);
          any_2 = any_2
            | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_190 + mark_word_1, x_239)], x_239)
                & (select(-1, -1 << u32(x_227 & 31 & 31), mark_word_1 == x_229)
                  & select(-1, (2 << u32(x_178 & 31 & 31)) - 1, mark_word_1 == x_180)))
              != 0);
        }
        if (!((phase != 0) & !((k_first <= q_last) & ((x_227 <= x_178) & ((x_230 >= 64) | any_2))))) {
          let x_265: i32 = (slots_here + 3) >> 2u;
          for (var step: i32 = 0; step < x_265; step += 1) {
            let slot_first: i32 = slot_tile + step * 4;
            let k_slot_c1: i32 = slot_first + 1;
            let k_slot_c2: i32 = slot_first + 2;
            let k_slot_c3: i32 = slot_first + 3;
            let x_275: i32 = select(-1, min(slot_first, x_123), x_122) + 1;
            let x_280: bool = x_40 & (x_275 >= 0) & (x_275 < x_41);
            let k_pos_c0: i32 = select(select(0, d_columns_sorted[select(0, x_43 + x_275, x_280)], x_280),
                key_base + slot_first * key_step,
              x_37);
            let x_289: i32 = select(-1, min(k_slot_c1, x_123), x_122) + 1;
            let x_294: bool = x_40 & (x_289 >= 0) & (x_289 < x_41);
            let k_pos_c1: i32 = select(select(0, d_columns_sorted[select(0, x_43 + x_289, x_294)], x_294),
                key_base + k_slot_c1 * key_step,
              x_37);
            let x_303: i32 = select(-1, min(k_slot_c2, x_123), x_122) + 1;
            let x_308: bool = x_40 & (x_303 >= 0) & (x_303 < x_41);
            let k_pos_c2: i32 = select(select(0, d_columns_sorted[select(0, x_43 + x_303, x_308)], x_308),
                key_base + k_slot_c2 * key_step,
              x_37);
            let x_317: i32 = select(-1, min(k_slot_c3, x_123), x_122) + 1;
            let x_322: bool = x_40 & (x_317 >= 0) & (x_317 < x_41);
            let k_pos_c3: i32 = select(select(0, d_columns_sorted[select(0, x_43 + x_317, x_322)], x_322),
                key_base + k_slot_c3 * key_step,
              x_37);
            let x_328: i32 = slot_first + (subgroup_lane & 3);
            let x_336: i32 = select(-1, min(x_328, x_123), x_122) + 1;
            let x_341: bool = x_40 & (x_336 >= 0) & (x_336 < x_41);
            let x_345: i32 = select(select(0, d_columns_sorted[select(0, x_43 + x_336, x_341)], x_341),
                key_base + x_328 * key_step,
              x_37);
            let inside: bool = (x_328 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_345 >= 0) & (x_345 < launch.n_k));
            let x_353: i32 = select(0, kv_local * launch.n_k + x_345, inside);
            var S_c0: f32 = 0.0f;
            var S_c1: f32 = 0.0f;
            var S_c2: f32 = 0.0f;
            var S_c3: f32 = 0.0f;
            let x_354: vec4f = select(vec4f(0.0f), k[x_353], inside);
            S_c0 = dot(Q, quadBroadcast(x_354, 0u));
            S_c1 = dot(Q, quadBroadcast(x_354, 1u));
            S_c2 = dot(Q, quadBroadcast(x_354, 2u));
            S_c3 = dot(Q, quadBroadcast(x_354, 3u));
            if (masked) {
              if (x_37) {
                let x_362: i32 = q_pos - k_pos_c0 + x_175;
                let x_363: i32 = x_362 >> 5u;
                let x_366: i32 = h * x_190;
                let x_369: bool = x_40 & (x_363 >= 0) & (x_363 < x_190);
                let x_384: i32 = q_pos - k_pos_c1 + x_175;
                let x_385: i32 = x_384 >> 5u;
                let x_390: bool = x_40 & (x_385 >= 0) & (x_385 < x_190);
                let x_405: i32 = q_pos - k_pos_c2 + x_175;
                let x_406: i32 = x_405 >> 5u;
                let x_411: bool = x_40 & (x_406 >= 0) & (x_406 < x_190);
                let x_426: i32 = q_pos - k_pos_c3 + x_175;
                let x_427: i32 = x_426 >> 5u;
                let x_432: bool = x_40 & (x_427 >= 0) & (x_427 < x_190);
                S_c0 = select(-3.0e38f,
                  S_c0,
                    (slot_first < slot_count)
                    & ((q_pos >= k_pos_c0)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_366 + x_363, x_369)], x_369)
                            >> u32(x_362 & 31 & 31))
                          & 1)
                        != 0)));
                S_c1 = select(-3.0e38f,
                  S_c1,
                    (k_slot_c1 < slot_count)
                    & ((q_pos >= k_pos_c1)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_366 + x_385, x_390)], x_390)
                            >> u32(x_384 & 31 & 31))
                          & 1)
                        != 0)));
                S_c2 = select(-3.0e38f,
                  S_c2,
                    (k_slot_c2 < slot_count)
                    & ((q_pos >= k_pos_c2)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_366 + x_406, x_411)], x_411)
                            >> u32(x_405 & 31 & 31))
                          & 1)
                        != 0)));
                S_c3 = select(-3.0e38f,
                  S_c3,
                    (k_slot_c3 < slot_count)
                    & ((q_pos >= k_pos_c3)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_366 + x_427, x_432)], x_432)
                            >> u32(x_426 & 31 & 31))
                          & 1)
                        != 0)));
              } else {
                let x_447: i32 = q_pos - k_pos_c0 + x_175;
                let x_448: i32 = x_447 >> 5u;
                let x_451: i32 = h * x_190;
                let x_454: bool = x_40 & (x_448 >= 0) & (x_448 < x_190);
                let x_469: i32 = q_pos - k_pos_c1 + x_175;
                let x_470: i32 = x_469 >> 5u;
                let x_475: bool = x_40 & (x_470 >= 0) & (x_470 < x_190);
                let x_490: i32 = q_pos - k_pos_c2 + x_175;
                let x_491: i32 = x_490 >> 5u;
                let x_496: bool = x_40 & (x_491 >= 0) & (x_491 < x_190);
                let x_511: i32 = q_pos - k_pos_c3 + x_175;
                let x_512: i32 = x_511 >> 5u;
                let x_517: bool = x_40 & (x_512 >= 0) & (x_512 < x_190);
                S_c0 = select(-3.0e38f,
                  S_c0,
                    (slot_first < slot_count)
                    & ((q_pos >= k_pos_c0)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_451 + x_448, x_454)], x_454)
                            >> u32(x_447 & 31 & 31))
                          & 1)
                        == 0)));
                S_c1 = select(-3.0e38f,
                  S_c1,
                    (k_slot_c1 < slot_count)
                    & ((q_pos >= k_pos_c1)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_451 + x_470, x_475)], x_475)
                            >> u32(x_469 & 31 & 31))
                          & 1)
                        == 0)));
                S_c2 = select(-3.0e38f,
                  S_c2,
                    (k_slot_c2 < slot_count)
                    & ((q_pos >= k_pos_c2)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_451 + x_491, x_496)], x_496)
                            >> u32(x_490 & 31 & 31))
                          & 1)
                        == 0)));
                S_c3 = select(-3.0e38f,
                  S_c3,
                    (k_slot_c3 < slot_count)
                    & ((q_pos >= k_pos_c3)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_451 + x_512, x_517)], x_517)
                            >> u32(x_511 & 31 & 31))
                          & 1)
                        == 0)));
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
            let x_551: vec4f = select(vec4f(0.0f), v[x_353], inside);
            l = l * alpha + l_step;
            O = fma(quadBroadcast(x_551, 3u), vec4f(S_c3), fma(quadBroadcast(x_551, 2u), vec4f(S_c2), fma(quadBroadcast(x_551,
                    1u), vec4f(S_c1), fma(quadBroadcast(x_551, 0u), vec4f(S_c0), O * alpha))));
            m = m_new;
          }
        }
        next_tile = next_tile + 1;
        if (x_37) {
          searching = 1;
          while ((searching == 1) & (next_tile < walk_end)) {
            let x_559: i32 = next_tile >> 5u;
            let x_565: bool = x_161 & (x_559 >= 0) & (x_559 < x_93);
            let map_bits_1: i32 = select(0,
                d_tile_map[select(0, (h * launch.query_tiles + tile) * x_93 + x_559, x_565)],
                x_565)
              & (-1 << u32(next_tile & 31 & 31));
            if (map_bits_1 != 0) {
              next_tile = x_559 * 32 + countTrailingZeros(map_bits_1);
              searching = 0;
            } else {
              next_tile = (x_559 + 1) * 32;
            }
          }
        } else {
          let x_579: i32 = max(next_tile, range_from_0);
          next_tile = min(select(1073741824, x_579, x_579 < range_to_0), 1073741824);
        }
      }
    }
    // rows that saw nothing give zeros and minus infinity
    let x_583: bool = l > 0.0f;
    let inverse: f32 = select(0.0f, 1.0f / l, x_583);
    if (x_30) {
      out[x_32] = O * inverse;
    }
    let x_589: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_583);
    if (x_30) {
      lse[x_32] = x_589;
    }
  }
}

// ---- vertical_slash_partial ----
// vertical_slash: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_columns_sorted: array<i32>;
@group(0) @binding(2) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(3) var<storage, read> d_slashes_at_slashes_marks: array<i32>;
@group(0) @binding(4) var<storage, read> k: array<vec4f>;
@group(0) @binding(5) var<storage, read> v: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> part_m: array<f32>;
@group(0) @binding(7) var<storage, read_write> part_l: array<f32>;
@group(0) @binding(8) var<storage, read_write> part_out: array<vec4f>;

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
  query_tiles: i32,
  slots: i32,
  splits: i32,
  x_columns_n_columns: i32,
}
@group(0) @binding(9) var<uniform> launch: Launch;

@compute @workgroup_size(4)
fn vertical_slash_partial(
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
  let h: i32 = select(x_4, x_4 + x_1, x_4 < 0);
  let x_9: i32 = max(launch.kv_heads, 1);
  let x_10: i32 = launch.heads / x_9;
  let x_14: i32 = select(x_10 - select(0, 1, launch.heads - x_10 * x_9 < 0), 0, launch.kv_heads < 1);
  let kv_local: i32 = select(x_2 - select(0, 1, x_4 < 0), 0, launch.heads < 1) * launch.kv_heads
      + select(h / max(x_14, 1), 0, x_14 < 1)
    - launch.kv_first;
  let row_base: i32 = tile * 4;
  let x_52: bool = h < launch.heads;
  let x_53: i32 = launch.x_columns_n_columns + 1;
  let x_55: i32 = h * x_53;
  let x_56: bool = x_52 & (0 < x_53);
  let x_59: i32 = select(0, d_columns_sorted[select(0, x_55, x_56)], x_56);
  let x_119: i32 = (launch.key_tiles + 31) >> 5u;
  let x_216: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
  let x_611: i32 = launch.batch * launch.heads;
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
    var searching: i32 = 0;
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 2; phase += 1) {
      let x_37: bool = phase == 0;
      if (x_37) {
        // phase_0
        slot_count = launch.n_k;
        let phase_0_end: i32 = (slot_count + 7) >> 3u;
        let x_42: i32 = max(phase_0_end, 0) + (launch.splits - 1);
        let x_43: i32 = max(launch.splits, 1);
        let x_44: i32 = x_42 / x_43;
        let phase_0_share: i32 = select(x_44 - select(0, 1, x_42 - x_44 * x_43 < 0), 0, launch.splits < 1);
        next_tile = split * phase_0_share;
        key_base = 0;
        key_step = 1;
        range_from_0 = 0;
        range_to_0 = 0;
        walk_end = min(phase_0_end, next_tile + phase_0_share);
      } else {
        // phase_1
        let phase_1_0_to: i32 = min(launch.n_k, q_last + 1);
        var phase_1_0_first_low: i32 = 0;
        slot_count = x_59;
        var phase_1_0_first_high: i32 = slot_count;
        while (phase_1_0_first_low < phase_1_0_first_high) {
          let phase_1_0_first_middle: i32 = (phase_1_0_first_low + phase_1_0_first_high) >> 1u;
          let x_64: i32 = phase_1_0_first_middle + 1;
          let x_69: bool = x_52 & (x_64 >= 0) & (x_64 < x_53);
          if (select(0, d_columns_sorted[select(0, x_55 + x_64, x_69)], x_69) < 0) {
            phase_1_0_first_low = x_64;
          } else {
            phase_1_0_first_high = phase_1_0_first_middle;
          }
        }
        var phase_1_0_last_low: i32 = 0;
        var phase_1_0_last_high: i32 = slot_count;
        while (phase_1_0_last_low < phase_1_0_last_high) {
          let phase_1_0_last_middle: i32 = (phase_1_0_last_low + phase_1_0_last_high) >> 1u;
          let x_76: i32 = phase_1_0_last_middle + 1;
          let x_81: bool = x_52 & (x_76 >= 0) & (x_76 < x_53);
          if (select(0, d_columns_sorted[select(0, x_55 + x_76, x_81)], x_81) < phase_1_0_to) {
            phase_1_0_last_low = x_76;
          } else {
            phase_1_0_last_high = phase_1_0_last_middle;
          }
        }
        let phase_1_0_slot_from: i32 = phase_1_0_first_low;
        let phase_1_0_slot_to: i32 = phase_1_0_last_low;
        let x_88: bool = (0 < phase_1_0_to) & (phase_1_0_slot_from < phase_1_0_slot_to);
        range_from_0 = select(0, phase_1_0_slot_from >> 3u, x_88);
        range_to_0 = select(0, (phase_1_0_slot_to + 7) >> 3u, x_88);
        let x_94: bool = range_from_0 < range_to_0;
        let phase_1_start: i32 = min(select(1073741824, range_from_0, x_94), 1073741824);
        let phase_1_end: i32 = max(select(0, range_to_0, x_94), 0);
        let x_102: i32 = max(phase_1_end - phase_1_start, 0) + (launch.splits - 1);
        let x_103: i32 = max(launch.splits, 1);
        let x_104: i32 = x_102 / x_103;
        let phase_1_share: i32 = select(x_104 - select(0, 1, x_102 - x_104 * x_103 < 0), 0, launch.splits < 1);
        next_tile = phase_1_start + split * phase_1_share;
        key_base = 0;
        key_step = 1;
        walk_end = min(phase_1_end, next_tile + phase_1_share);
      }
      if (x_37) {
        searching = 1;
        while ((searching == 1) & (next_tile < walk_end)) {
          let x_116: i32 = next_tile >> 5u;
          let x_125: bool = x_52 & (tile < launch.query_tiles) & (x_116 >= 0) & (x_116 < x_119);
          let map_bits: i32 = select(0,
              d_tile_map[select(0, (h * launch.query_tiles + tile) * x_119 + x_116, x_125)],
              x_125)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits != 0) {
            next_tile = x_116 * 32 + countTrailingZeros(map_bits);
            searching = 0;
          } else {
            next_tile = (x_116 + 1) * 32;
          }
        }
      } else {
        let x_139: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_139, x_139 < range_to_0), 1073741824);
      }
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let x_148: bool = phase == 1;
        let x_149: i32 = slot_count - 1;
        let x_152: i32 = select(-1, min(slot_tile, x_149), x_148) + 1;
        let x_157: bool = x_52 & (x_152 >= 0) & (x_152 < x_53);
        let k_first: i32 = select(select(0, d_columns_sorted[select(0, x_55 + x_152, x_157)], x_157),
            key_base + slot_tile * key_step,
          x_37);
        let x_163: i32 = slot_tile + (slots_here - 1);
        let x_168: i32 = select(-1, min(x_163, x_149), x_148) + 1;
        let x_173: bool = x_52 & (x_168 >= 0) & (x_168 < x_53);
        let k_last: i32 = select(select(0, d_columns_sorted[select(0, x_55 + x_168, x_173)], x_173),
            key_base + x_163 * key_step,
          x_37);
        let x_182: i32 = next_tile >> 5u;
        let x_187: bool = x_52 & (tile < launch.query_tiles);
        let x_189: bool = x_187 & (x_182 >= 0) & (x_182 < x_119);
        let x_200: i32 = q_first - k_last;
        let x_201: i32 = launch.n_q - 1;
        let x_202: i32 = x_200 + x_201;
        let x_204: i32 = q_last - k_first + x_201;
        let x_206: i32 = x_204 >> 5u;
        let x_207: i32 = x_202 >> 5u;
        let x_208: i32 = x_206 - x_207;
        let x_211: i32 = x_206 + 1;
        let x_212: i32 = select(x_207, x_211, x_208 < 64);
        var any: bool = false;
        for (var mark_word: i32 = x_207; mark_word < x_212; mark_word += 1) {
          let x_221: bool = x_52 & (mark_word >= 0) & (mark_word < x_216);
          any = any
            | ((select(0, d_slashes_at_slashes_marks[select(0, h * x_216 + mark_word, x_221)], x_221)
                & (select(-1, -1 << u32(x_202 & 31 & 31), mark_word == x_207)
                  & select(-1, (2 << u32(x_204 & 31 & 31)) - 1, mark_word == x_206)))
              != 0);
        }
        let x_197: bool = ((select(0,
                d_tile_map[select(0, ((launch.heads + h) * launch.query_tiles + tile) * x_119 + x_182, x_189)],
                x_189)
              >> u32(next_tile & 31 & 31))
            & 1)
          != 0;
        let masked: bool = !((x_37 & x_197)
              | (!x_37 & !((q_first + 1 <= k_last) | ((x_202 <= x_204) & ((x_208 >= 64) | any)))))
          | (slots_here < 8);
        let x_253: i32 = max(x_200, 0) + x_201;
        let x_255: i32 = x_253 >> 5u;
        let x_256: i32 = x_206 - x_255;
        let x_259: i32 = select(x_255, x_211, x_256 < 64);
        var any_2: bool = false;
        for (var mark_word_1: i32 = x_255; mark_word_1 < x_259; mark_word_1 += 1) {
          let x_265: bool = x_52 & (mark_word_1 >= 0) & (mark_word_1 < x_216);
          any_2 = any_2
            | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_216 + mark_word_1, x_265)], x_265)
                & (select(-1, -1 << u32(x_253 & 31 & 31), mark_word_1 == x_255)
                  & select(-1, (2 << u32(x_204 & 31 & 31)) - 1, mark_word_1 == x_206)))
              != 0);
        }
        if (!((phase != 0) & !((k_first <= q_last) & ((x_253 <= x_204) & ((x_256 >= 64) | any_2))))) {
          let x_291: i32 = (slots_here + 3) >> 2u;
          for (var step: i32 = 0; step < x_291; step += 1) {
            let slot_first: i32 = slot_tile + step * 4;
            let k_slot_c1: i32 = slot_first + 1;
            let k_slot_c2: i32 = slot_first + 2;
            let k_slot_c3: i32 = slot_first + 3;
            let x_301: i32 = select(-1, min(slot_first, x_149), x_148) + 1;
            let x_306: bool = x_52 & (x_301 >= 0) & (x_301 < x_53);
            let k_pos_c0: i32 = select(select(0, d_columns_sorted[select(0, x_55 + x_301, x_306)], x_306),
                key_base + slot_first * key_step,
              x_37);
            let x_315: i32 = select(-1, min(k_slot_c1, x_149), x_148) + 1;
            let x_320: bool = x_52 & (x_315 >= 0) & (x_315 < x_53);
            let k_pos_c1: i32 = select(select(0, d_columns_sorted[select(0, x_55 + x_315, x_320)], x_320),
                key_base + k_slot_c1 * key_step,
              x_37);
            let x_329: i32 = select(-1, min(k_slot_c2, x_149), x_148) + 1;
            let x_334: bool = x_52 & (x_329 >= 0) & (x_329 < x_53);
            let k_pos_c2: i32 = select(select(0, d_columns_sorted[select(0, x_55 + x_329, x_334)], x_334),
                key_base + k_slot_c2 * key_step,
              x_37);
            let x_343: i32 = select(-1, min(k_slot_c3, x_149), x_148) + 1;
            let x_348: bool = x_52 & (x_343 >= 0) & (x_343 < x_53);
            let k_pos_c3: i32 = select(select(0, d_columns_sorted[select(0, x_55 + x_343, x_348)], x_348),
                key_base + k_slot_c3 * key_step,
              x_37);
            let x_354: i32 = slot_first + (subgroup_lane & 3);
            let x_362: i32 = select(-1, min(x_354, x_149), x_148) + 1;
            let x_367: bool = x_52 & (x_362 >= 0) & (x_362 < x_53);
            let x_371: i32 = select(select(0, d_columns_sorted[select(0, x_55 + x_362, x_367)], x_367),
                key_base + x_354 * key_step,
              x_37);
            let inside: bool = (x_354 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_371 >= 0) & (x_371 < launch.n_k));
            let x_379: i32 = select(0, kv_local * launch.n_k + x_371, inside);
            var S_c0: f32 = 0.0f;
            var S_c1: f32 = 0.0f;
            var S_c2: f32 = 0.0f;
            var S_c3: f32 = 0.0f;
            let x_380: vec4f = select(vec4f(0.0f), k[x_379], inside);
            S_c0 = dot(Q, quadBroadcast(x_380, 0u));
            S_c1 = dot(Q, quadBroadcast(x_380, 1u));
            S_c2 = dot(Q, quadBroadcast(x_380, 2u));
            S_c3 = dot(Q, quadBroadcast(x_380, 3u));
            if (masked) {
              if (x_37) {
                let x_388: i32 = q_pos - k_pos_c0 + x_201;
                let x_389: i32 = x_388 >> 5u;
                let x_392: i32 = h * x_216;
                let x_395: bool = x_52 & (x_389 >= 0) & (x_389 < x_216);
                let x_410: i32 = q_pos - k_pos_c1 + x_201;
                let x_411: i32 = x_410 >> 5u;
                let x_416: bool = x_52 & (x_411 >= 0) & (x_411 < x_216);
                let x_431: i32 = q_pos - k_pos_c2 + x_201;
                let x_432: i32 = x_431 >> 5u;
                let x_437: bool = x_52 & (x_432 >= 0) & (x_432 < x_216);
                let x_452: i32 = q_pos - k_pos_c3 + x_201;
                let x_453: i32 = x_452 >> 5u;
                let x_458: bool = x_52 & (x_453 >= 0) & (x_453 < x_216);
                S_c0 = select(-3.0e38f,
                  S_c0,
                    (slot_first < slot_count)
                    & ((q_pos >= k_pos_c0)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_392 + x_389, x_395)], x_395)
                            >> u32(x_388 & 31 & 31))
                          & 1)
                        != 0)));
                S_c1 = select(-3.0e38f,
                  S_c1,
                    (k_slot_c1 < slot_count)
                    & ((q_pos >= k_pos_c1)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_392 + x_411, x_416)], x_416)
                            >> u32(x_410 & 31 & 31))
                          & 1)
                        != 0)));
                S_c2 = select(-3.0e38f,
                  S_c2,
                    (k_slot_c2 < slot_count)
                    & ((q_pos >= k_pos_c2)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_392 + x_432, x_437)], x_437)
                            >> u32(x_431 & 31 & 31))
                          & 1)
                        != 0)));
                S_c3 = select(-3.0e38f,
                  S_c3,
                    (k_slot_c3 < slot_count)
                    & ((q_pos >= k_pos_c3)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_392 + x_453, x_458)], x_458)
                            >> u32(x_452 & 31 & 31))
                          & 1)
                        != 0)));
              } else {
                let x_473: i32 = q_pos - k_pos_c0 + x_201;
                let x_474: i32 = x_473 >> 5u;
                let x_477: i32 = h * x_216;
                let x_480: bool = x_52 & (x_474 >= 0) & (x_474 < x_216);
                let x_495: i32 = q_pos - k_pos_c1 + x_201;
                let x_496: i32 = x_495 >> 5u;
                let x_501: bool = x_52 & (x_496 >= 0) & (x_496 < x_216);
                let x_516: i32 = q_pos - k_pos_c2 + x_201;
                let x_517: i32 = x_516 >> 5u;
                let x_522: bool = x_52 & (x_517 >= 0) & (x_517 < x_216);
                let x_537: i32 = q_pos - k_pos_c3 + x_201;
                let x_538: i32 = x_537 >> 5u;
                let x_543: bool = x_52 & (x_538 >= 0) & (x_538 < x_216);
                S_c0 = select(-3.0e38f,
                  S_c0,
                    (slot_first < slot_count)
                    & ((q_pos >= k_pos_c0)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_477 + x_474, x_480)], x_480)
                            >> u32(x_473 & 31 & 31))
                          & 1)
                        == 0)));
                S_c1 = select(-3.0e38f,
                  S_c1,
                    (k_slot_c1 < slot_count)
                    & ((q_pos >= k_pos_c1)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_477 + x_496, x_501)], x_501)
                            >> u32(x_495 & 31 & 31))
                          & 1)
                        == 0)));
                S_c2 = select(-3.0e38f,
                  S_c2,
                    (k_slot_c2 < slot_count)
                    & ((q_pos >= k_pos_c2)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_477 + x_517, x_522)], x_522)
                            >> u32(x_516 & 31 & 31))
                          & 1)
                        == 0)));
                S_c3 = select(-3.0e38f,
                  S_c3,
                    (k_slot_c3 < slot_count)
                    & ((q_pos >= k_pos_c3)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, x_477 + x_538, x_543)], x_543)
                            >> u32(x_537 & 31 & 31))
                          & 1)
                        == 0)));
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
            let x_577: vec4f = select(vec4f(0.0f), v[x_379], inside);
            l = l * alpha + l_step;
            O = fma(quadBroadcast(x_577, 3u), vec4f(S_c3), fma(quadBroadcast(x_577, 2u), vec4f(S_c2), fma(quadBroadcast(x_577,
                    1u), vec4f(S_c1), fma(quadBroadcast(x_577, 0u), vec4f(S_c0), O * alpha))));
            m = m_new;
          }
        }
        next_tile = next_tile + 1;
        if (x_37) {
          searching = 1;
          while ((searching == 1) & (next_tile < walk_end)) {
            let x_585: i32 = next_tile >> 5u;
            let x_591: bool = x_187 & (x_585 >= 0) & (x_585 < x_119);
            let map_bits_1: i32 = select(0,
                d_tile_map[select(0, (h * launch.query_tiles + tile) * x_119 + x_585, x_591)],
                x_591)
              & (-1 << u32(next_tile & 31 & 31));
            if (map_bits_1 != 0) {
              next_tile = x_585 * 32 + countTrailingZeros(map_bits_1);
              searching = 0;
            } else {
              next_tile = (x_585 + 1) * 32;
            }
          }
        } else {
          let x_605: i32 = max(next_tile, range_from_0);
          next_tile = min(select(1073741824, x_605, x_605 < range_to_0), 1073741824);
        }
      }
    }
    let x_616: i32 = (split * x_611 + head) * launch.n_q + x_28;
    let inside_1: bool = x_30 & ((split < launch.slots) & (head >= 0) & (head < x_611));
    if (inside_1) {
      part_m[x_616] = m;
    }
    if (inside_1) {
      part_l[x_616] = l;
    }
    if (inside_1) {
      part_out[x_616] = O;
    }
  }
}

// ---- vertical_slash_decode_partial ----
// vertical_slash: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_columns_sorted: array<i32>;
@group(0) @binding(2) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(3) var<storage, read> d_slashes_at_slashes_marks: array<i32>;
@group(0) @binding(4) var<storage, read> k: array<vec4f>;
@group(0) @binding(5) var<storage, read> v: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> part_m: array<f32>;
@group(0) @binding(7) var<storage, read_write> part_l: array<f32>;
@group(0) @binding(8) var<storage, read_write> part_out: array<vec4f>;

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
  query_tiles: i32,
  slots: i32,
  splits: i32,
  x_columns_n_columns: i32,
}
@group(0) @binding(9) var<uniform> launch: Launch;

@compute @workgroup_size(4)
fn vertical_slash_decode_partial(
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
  let h: i32 = select(x_4, x_4 + x_1, x_4 < 0);
  let x_9: i32 = max(launch.kv_heads, 1);
  let x_10: i32 = launch.heads / x_9;
  let x_14: i32 = select(x_10 - select(0, 1, launch.heads - x_10 * x_9 < 0), 0, launch.kv_heads < 1);
  let kv_local: i32 = select(x_2 - select(0, 1, x_4 < 0), 0, launch.heads < 1) * launch.kv_heads
      + select(h / max(x_14, 1), 0, x_14 < 1)
    - launch.kv_first;
  let x_20: bool = tile < launch.n_q;
  let x_51: bool = h < launch.heads;
  let x_52: i32 = launch.x_columns_n_columns + 1;
  let x_54: i32 = h * x_52;
  let x_55: bool = x_51 & (0 < x_52);
  let x_58: i32 = select(0, d_columns_sorted[select(0, x_54, x_55)], x_55);
  let x_118: i32 = (launch.key_tiles + 31) >> 5u;
  let x_215: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
  let x_403: i32 = launch.batch * launch.heads;
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
    var searching: i32 = 0;
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 2; phase += 1) {
      let x_36: bool = phase == 0;
      if (x_36) {
        // phase_0
        slot_count = launch.n_k;
        let phase_0_end: i32 = (slot_count + 7) >> 3u;
        let x_41: i32 = max(phase_0_end, 0) + (launch.splits - 1);
        let x_42: i32 = max(launch.splits, 1);
        let x_43: i32 = x_41 / x_42;
        let phase_0_share: i32 = select(x_43 - select(0, 1, x_41 - x_43 * x_42 < 0), 0, launch.splits < 1);
        next_tile = split * phase_0_share;
        key_base = 0;
        key_step = 1;
        range_from_0 = 0;
        range_to_0 = 0;
        walk_end = min(phase_0_end, next_tile + phase_0_share);
      } else {
        // phase_1
        let phase_1_0_to: i32 = min(launch.n_k, q_last + 1);
        var phase_1_0_first_low: i32 = 0;
        slot_count = x_58;
        var phase_1_0_first_high: i32 = slot_count;
        while (phase_1_0_first_low < phase_1_0_first_high) {
          let phase_1_0_first_middle: i32 = (phase_1_0_first_low + phase_1_0_first_high) >> 1u;
          let x_63: i32 = phase_1_0_first_middle + 1;
          let x_68: bool = x_51 & (x_63 >= 0) & (x_63 < x_52);
          if (select(0, d_columns_sorted[select(0, x_54 + x_63, x_68)], x_68) < 0) {
            phase_1_0_first_low = x_63;
          } else {
            phase_1_0_first_high = phase_1_0_first_middle;
          }
        }
        var phase_1_0_last_low: i32 = 0;
        var phase_1_0_last_high: i32 = slot_count;
        while (phase_1_0_last_low < phase_1_0_last_high) {
          let phase_1_0_last_middle: i32 = (phase_1_0_last_low + phase_1_0_last_high) >> 1u;
          let x_75: i32 = phase_1_0_last_middle + 1;
          let x_80: bool = x_51 & (x_75 >= 0) & (x_75 < x_52);
          if (select(0, d_columns_sorted[select(0, x_54 + x_75, x_80)], x_80) < phase_1_0_to) {
            phase_1_0_last_low = x_75;
          } else {
            phase_1_0_last_high = phase_1_0_last_middle;
          }
        }
        let phase_1_0_slot_from: i32 = phase_1_0_first_low;
        let phase_1_0_slot_to: i32 = phase_1_0_last_low;
        let x_87: bool = (0 < phase_1_0_to) & (phase_1_0_slot_from < phase_1_0_slot_to);
        range_from_0 = select(0, phase_1_0_slot_from >> 3u, x_87);
        range_to_0 = select(0, (phase_1_0_slot_to + 7) >> 3u, x_87);
        let x_93: bool = range_from_0 < range_to_0;
        let phase_1_start: i32 = min(select(1073741824, range_from_0, x_93), 1073741824);
        let phase_1_end: i32 = max(select(0, range_to_0, x_93), 0);
        let x_101: i32 = max(phase_1_end - phase_1_start, 0) + (launch.splits - 1);
        let x_102: i32 = max(launch.splits, 1);
        let x_103: i32 = x_101 / x_102;
        let phase_1_share: i32 = select(x_103 - select(0, 1, x_101 - x_103 * x_102 < 0), 0, launch.splits < 1);
        next_tile = phase_1_start + split * phase_1_share;
        key_base = 0;
        key_step = 1;
        walk_end = min(phase_1_end, next_tile + phase_1_share);
      }
      if (x_36) {
        searching = 1;
        while ((searching == 1) & (next_tile < walk_end)) {
          let x_115: i32 = next_tile >> 5u;
          let x_124: bool = x_51 & (tile < launch.query_tiles) & (x_115 >= 0) & (x_115 < x_118);
          let map_bits: i32 = select(0,
              d_tile_map[select(0, (h * launch.query_tiles + tile) * x_118 + x_115, x_124)],
              x_124)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits != 0) {
            next_tile = x_115 * 32 + countTrailingZeros(map_bits);
            searching = 0;
          } else {
            next_tile = (x_115 + 1) * 32;
          }
        }
      } else {
        let x_138: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_138, x_138 < range_to_0), 1073741824);
      }
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let x_147: bool = phase == 1;
        let x_148: i32 = slot_count - 1;
        let x_151: i32 = select(-1, min(slot_tile, x_148), x_147) + 1;
        let x_156: bool = x_51 & (x_151 >= 0) & (x_151 < x_52);
        let k_first: i32 = select(select(0, d_columns_sorted[select(0, x_54 + x_151, x_156)], x_156),
            key_base + slot_tile * key_step,
          x_36);
        let x_162: i32 = slot_tile + (slots_here - 1);
        let x_167: i32 = select(-1, min(x_162, x_148), x_147) + 1;
        let x_172: bool = x_51 & (x_167 >= 0) & (x_167 < x_52);
        let k_last: i32 = select(select(0, d_columns_sorted[select(0, x_54 + x_167, x_172)], x_172),
            key_base + x_162 * key_step,
          x_36);
        let x_181: i32 = next_tile >> 5u;
        let x_186: bool = x_51 & (tile < launch.query_tiles);
        let x_188: bool = x_186 & (x_181 >= 0) & (x_181 < x_118);
        let x_199: i32 = q_first - k_last;
        let x_200: i32 = launch.n_q - 1;
        let x_201: i32 = x_199 + x_200;
        let x_203: i32 = q_last - k_first + x_200;
        let x_205: i32 = x_203 >> 5u;
        let x_206: i32 = x_201 >> 5u;
        let x_207: i32 = x_205 - x_206;
        let x_210: i32 = x_205 + 1;
        let x_211: i32 = select(x_206, x_210, x_207 < 64);
        var any: bool = false;
        for (var mark_word: i32 = x_206; mark_word < x_211; mark_word += 1) {
          let x_220: bool = x_51 & (mark_word >= 0) & (mark_word < x_215);
          any = any
            | ((select(0, d_slashes_at_slashes_marks[select(0, h * x_215 + mark_word, x_220)], x_220)
                & (select(-1, -1 << u32(x_201 & 31 & 31), mark_word == x_206)
                  & select(-1, (2 << u32(x_203 & 31 & 31)) - 1, mark_word == x_205)))
              != 0);
        }
        let x_196: bool = ((select(0,
                d_tile_map[select(0, ((launch.heads + h) * launch.query_tiles + tile) * x_118 + x_181, x_188)],
                x_188)
              >> u32(next_tile & 31 & 31))
            & 1)
          != 0;
        let masked: bool = !((x_36 & x_196)
              | (!x_36 & !((q_first + 1 <= k_last) | ((x_201 <= x_203) & ((x_207 >= 64) | any)))))
          | (slots_here < 8);
        let x_252: i32 = max(x_199, 0) + x_200;
        let x_254: i32 = x_252 >> 5u;
        let x_255: i32 = x_205 - x_254;
        let x_258: i32 = select(x_254, x_210, x_255 < 64);
        var any_2: bool = false;
        for (var mark_word_1: i32 = x_254; mark_word_1 < x_258; mark_word_1 += 1) {
          let x_264: bool = x_51 & (mark_word_1 >= 0) & (mark_word_1 < x_215);
          any_2 = any_2
            | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_215 + mark_word_1, x_264)], x_264)
                & (select(-1, -1 << u32(x_252 & 31 & 31), mark_word_1 == x_254)
                  & select(-1, (2 << u32(x_203 & 31 & 31)) - 1, mark_word_1 == x_205)))
              != 0);
        }
        if (!((phase != 0) & !((k_first <= q_last) & ((x_252 <= x_203) & ((x_255 >= 64) | any_2))))) {
          let x_290: i32 = (slots_here + 3) >> 2u;
          for (var step: i32 = 0; step < x_290; step += 1) {
            let k_slot: i32 = slot_tile + step * 4 + lane;
            let x_298: i32 = select(-1, min(k_slot, x_148), x_147) + 1;
            let x_303: bool = x_51 & (x_298 >= 0) & (x_298 < x_52);
            let k_pos: i32 = select(select(0, d_columns_sorted[select(0, x_54 + x_298, x_303)], x_303),
                key_base + k_slot * key_step,
              x_36);
            let x_308: bool = k_slot < slot_count;
            let inside: bool = x_308
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
            let x_318: i32 = select(0, kv_local * launch.n_k + k_pos, inside);
            var S: f32 = 0.0f;
            S = dot(Q, select(vec4f(0.0f), k[x_318], inside));
            if (masked) {
              if (x_36) {
                let x_322: i32 = q_first - k_pos + x_200;
                let x_323: i32 = x_322 >> 5u;
                let x_329: bool = x_51 & (x_323 >= 0) & (x_323 < x_215);
                S = select(-3.0e38f,
                  S,
                    x_308
                    & ((q_first >= k_pos)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, h * x_215 + x_323, x_329)], x_329)
                            >> u32(x_322 & 31 & 31))
                          & 1)
                        != 0)));
              } else {
                let x_343: i32 = q_first - k_pos + x_200;
                let x_344: i32 = x_343 >> 5u;
                let x_350: bool = x_51 & (x_344 >= 0) & (x_344 < x_215);
                S = select(-3.0e38f,
                  S,
                    x_308
                    & ((q_first >= k_pos)
                      & (((select(0, d_slashes_at_slashes_marks[select(0, h * x_215 + x_344, x_350)], x_350)
                            >> u32(x_343 & 31 & 31))
                          & 1)
                        == 0)));
              }
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
            O = fma(select(vec4f(0.0f), v[x_318], inside), vec4f(S), O * alpha);
            m = m_new;
          }
        }
        next_tile = next_tile + 1;
        if (x_36) {
          searching = 1;
          while ((searching == 1) & (next_tile < walk_end)) {
            let x_377: i32 = next_tile >> 5u;
            let x_383: bool = x_186 & (x_377 >= 0) & (x_377 < x_118);
            let map_bits_1: i32 = select(0,
                d_tile_map[select(0, (h * launch.query_tiles + tile) * x_118 + x_377, x_383)],
                x_383)
              & (-1 << u32(next_tile & 31 & 31));
            if (map_bits_1 != 0) {
              next_tile = x_377 * 32 + countTrailingZeros(map_bits_1);
              searching = 0;
            } else {
              next_tile = (x_377 + 1) * 32;
            }
          }
        } else {
          let x_397: i32 = max(next_tile, range_from_0);
          next_tile = min(select(1073741824, x_397, x_397 < range_to_0), 1073741824);
        }
      }
    }
    let x_408: i32 = (split * x_403 + head) * launch.n_q + tile;
    let inside_1: bool = x_20 & (lane < 1) & ((split < launch.slots) & (head >= 0) & (head < x_403));
    if (inside_1) {
      part_m[x_408] = m;
    }
    let x_412: f32 = subgroupAdd(l);
    if (inside_1) {
      part_l[x_408] = x_412;
    }
    let x_413: vec4f = subgroupAdd(O);
    if (inside_1) {
      part_out[x_408] = x_413;
    }
  }
}

// ---- vertical_slash_merge ----
// vertical_slash: merge of partial results

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
fn vertical_slash_merge(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
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
    let x_10: i32 = tile * 16 + lane;
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
  let x_49: i32 = tile * 16 + lane;
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
