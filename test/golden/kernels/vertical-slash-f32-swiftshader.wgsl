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

// ---- make_columns_keys_sorted ----
// distinct entries of list columns, ascending

@group(0) @binding(0) var<storage, read> d_columns_keys_marks: array<i32>;
@group(0) @binding(1) var<storage, read_write> d_columns_keys_sorted: array<i32>;

struct Launch {
  heads: i32,
  n_k: i32,
  x_columns_n_columns: i32,
}
@group(0) @binding(2) var<uniform> launch: Launch;

@compute @workgroup_size(16)
fn make_columns_keys_sorted(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
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
    d_columns_keys_sorted[x_29] = x_32;
  }
  for (var bit: i32 = 0; bit < 32; bit += 1) {
    let x_35: i32 = bit & 31;
    let x_41: i32 = sum_1 + countOneBits(bits & ((1 << u32(x_35)) - 1)) + 1;
    let x_44: i32 = x_29 + x_41;
    let x_48: i32 = word * 32 + bit;
    if ((((bits >> u32(x_35)) & 1) != 0) & (x_9 & (x_41 >= 0) & (x_41 < x_27))) {
      d_columns_keys_sorted[x_44] = x_48;
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
  let word: i32 = group_y;
  let list: i32 = group_z;
  let x: i32 = max(launch.heads, 1);
  let h: i32 = list - list / x * x;
  let x_5: i32 = group_x * 16 + lane;
  let q_start: i32 = x_5 * launch.query_tile + (launch.n_k - launch.n_q);
  let q_end: i32 = min(q_start + launch.query_tile, launch.n_k) - 1;
  var needed: i32 = 0;
  var full: i32 = 0;
  let x_12: i32 = word * 32;
  let x_14: i32 = min(launch.key_tiles - x_12, 32);
  let x_39: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
  for (var bit: i32 = 0; bit < x_14; bit += 1) {
    let k_first: i32 = (x_12 + bit) * launch.key_tile;
    let k_last: i32 = min(launch.n_k, k_first + launch.key_tile) - 1;
    let x_21: i32 = q_start - k_last;
    let x_23: i32 = launch.n_q - 1;
    let x_24: i32 = max(x_21, 0) + x_23;
    let x_26: i32 = q_end - k_first + x_23;
    let x_28: i32 = x_26 >> 5u;
    let x_29: i32 = x_24 >> 5u;
    let x_30: i32 = x_28 - x_29;
    let x_33: i32 = x_28 + 1;
    let x_34: i32 = select(x_29, x_33, x_30 < 64);
    var any: bool = false;
    for (var mark_word: i32 = x_29; mark_word < x_34; mark_word += 1) {
      let x_44: bool = (h < launch.heads) & (mark_word >= 0) & (mark_word < x_39);
      any = any
        | ((select(0, d_slashes_at_slashes_marks[select(0, h * x_39 + mark_word, x_44)], x_44)
            & (select(-1, -1 << u32(x_24 & 31 & 31), mark_word == x_29)
              & select(-1, (2 << u32(x_26 & 31 & 31)) - 1, mark_word == x_28)))
          != 0);
    }
    let x_66: i32 = 1 << u32(bit & 31);
    let x_71: i32 = x_21 + x_23;
    let x_73: i32 = x_71 >> 5u;
    let x_74: i32 = x_28 - x_73;
    let x_77: i32 = select(x_73, x_33, x_74 < 64);
    var any_2: bool = false;
    for (var mark_word_1: i32 = x_73; mark_word_1 < x_77; mark_word_1 += 1) {
      let x_84: bool = (h < launch.heads) & (mark_word_1 >= 0) & (mark_word_1 < x_39);
      any_2 = any_2
        | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_39 + mark_word_1, x_84)], x_84)
            & (select(-1, -1 << u32(x_71 & 31 & 31), mark_word_1 == x_73)
              & select(-1, (2 << u32(x_26 & 31 & 31)) - 1, mark_word_1 == x_28)))
          != 0);
    }
    needed = needed | select(0, x_66, (k_first <= q_end) & ((x_24 <= x_26) & ((x_30 >= 64) | any)));
    full = full | select(x_66, 0, (q_start + 1 <= k_last) | ((x_71 <= x_26) & ((x_74 >= 64) | any_2)));
  }
  let x_112: i32 = (launch.key_tiles + 31) >> 5u;
  let x_114: i32 = (h * launch.query_tiles + x_5) * x_112 + word;
  let inside: bool = (x_5 < launch.query_tiles) & (h < launch.heads);
  if (inside) {
    d_tile_map[x_114] = needed;
  }
  let x_120: i32 = ((launch.heads + h) * launch.query_tiles + x_5) * x_112 + word;
  if (inside) {
    d_tile_map[x_120] = full;
  }
}

// ---- vertical_slash ----
// vertical_slash: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_columns_keys_sorted: array<i32>;
@group(0) @binding(2) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(3) var<storage, read> d_slashes_at_slashes_marks: array<i32>;
@group(0) @binding(4) var<storage, read> k: array<vec4f>;
@group(0) @binding(5) var<storage, read> v: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> lse: array<f32>;

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
  let b: i32 = select(x_2 - select(0, 1, x_4 < 0), 0, launch.heads < 1);
  let h: i32 = select(x_4, x_4 + x_1, x_4 < 0);
  let x_9: i32 = max(launch.kv_heads, 1);
  let x_10: i32 = launch.heads / x_9;
  let x_14: i32 = select(x_10 - select(0, 1, launch.heads - x_10 * x_9 < 0), 0, launch.kv_heads < 1);
  let kv_local: i32 = b * launch.kv_heads + select(h / max(x_14, 1), 0, x_14 < 1) - launch.kv_first;
  let row_base: i32 = tile * 4;
  let x_40: bool = h < launch.heads;
  let x_41: i32 = launch.x_columns_n_columns + 1;
  let x_43: i32 = h * x_41;
  let x_44: bool = x_40 & (0 < x_41);
  let x_47: i32 = select(0, d_columns_keys_sorted[select(0, x_43, x_44)], x_44);
  let x_93: i32 = (launch.key_tiles + 31) >> 5u;
  let x_190: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
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
          let side_1: bool = select(0, d_columns_keys_sorted[select(0, x_43 + x_52, x_57)], x_57) < 0;
          phase_1_0_first_low = select(phase_1_0_first_low, x_52, side_1);
          phase_1_0_first_high = select(phase_1_0_first_high, phase_1_0_first_middle, !side_1);
        }
        var phase_1_0_last_low: i32 = 0;
        var phase_1_0_last_high: i32 = slot_count;
        while (phase_1_0_last_low < phase_1_0_last_high) {
          let phase_1_0_last_middle: i32 = (phase_1_0_last_low + phase_1_0_last_high) >> 1u;
          let x_64: i32 = phase_1_0_last_middle + 1;
          let x_69: bool = x_40 & (x_64 >= 0) & (x_64 < x_41);
          let side_2: bool = select(0, d_columns_keys_sorted[select(0, x_43 + x_64, x_69)], x_69) < phase_1_0_to;
          phase_1_0_last_low = select(phase_1_0_last_low, x_64, side_2);
          phase_1_0_last_high = select(phase_1_0_last_high, phase_1_0_last_middle, !side_2);
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
          let side_3: bool = map_bits != 0;
          next_tile = select(next_tile, x_90 * 32 + countTrailingZeros(map_bits), side_3);
          searching = select(searching, 0, side_3);
          next_tile = select(next_tile, (x_90 + 1) * 32, !side_3);
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
        let k_first: i32 = select(select(0, d_columns_keys_sorted[select(0, x_43 + x_126, x_131)], x_131),
            key_base + slot_tile * key_step,
          x_37);
        let x_137: i32 = slot_tile + (slots_here - 1);
        let x_142: i32 = select(-1, min(x_137, x_123), x_122) + 1;
        let x_147: bool = x_40 & (x_142 >= 0) & (x_142 < x_41);
        let k_last: i32 = select(select(0, d_columns_keys_sorted[select(0, x_43 + x_142, x_147)], x_147),
            key_base + x_137 * key_step,
          x_37);
        let x_156: i32 = next_tile >> 5u;
        let x_161: bool = x_40 & (tile < launch.query_tiles);
        let x_163: bool = x_161 & (x_156 >= 0) & (x_156 < x_93);
        let x_173: bool = q_first + 1 <= k_last;
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
        let masked: bool = !((x_37 & x_171) | (!x_37 & !(x_173 | ((x_176 <= x_178) & ((x_182 >= 64) | any)))));
        let x_225: i32 = max(x_174, 0) + x_175;
        let x_227: i32 = x_225 >> 5u;
        let x_228: i32 = x_180 - x_227;
        let x_231: i32 = select(x_227, x_185, x_228 < 64);
        var any_2: bool = false;
        for (var mark_word_1: i32 = x_227; mark_word_1 < x_231; mark_word_1 += 1) {
          let x_237: bool = x_40 & (mark_word_1 >= 0) & (mark_word_1 < x_190);
          any_2 = any_2
            | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_190 + mark_word_1, x_237)], x_237)
                & (select(-1, -1 << u32(x_225 & 31 & 31), mark_word_1 == x_227)
                  & select(-1, (2 << u32(x_178 & 31 & 31)) - 1, mark_word_1 == x_180)))
              != 0);
        }
        if (!((phase != 0) & !((k_first <= q_last) & ((x_225 <= x_178) & ((x_228 >= 64) | any_2))))) {
          let x_263: i32 = (slots_here + 3) >> 2u;
          for (var step: i32 = 0; step < x_263; step += 1) {
            let slot_first: i32 = slot_tile + step * 4;
            let k_slot_c1: i32 = slot_first + 1;
            let k_slot_c2: i32 = slot_first + 2;
            let k_slot_c3: i32 = slot_first + 3;
            let x_273: i32 = select(-1, min(slot_first, x_123), x_122) + 1;
            let x_278: bool = x_40 & (x_273 >= 0) & (x_273 < x_41);
            let k_pos_c0: i32 = select(select(0, d_columns_keys_sorted[select(0, x_43 + x_273, x_278)], x_278),
                key_base + slot_first * key_step,
              x_37);
            let x_287: i32 = select(-1, min(k_slot_c1, x_123), x_122) + 1;
            let x_292: bool = x_40 & (x_287 >= 0) & (x_287 < x_41);
            let k_pos_c1: i32 = select(select(0, d_columns_keys_sorted[select(0, x_43 + x_287, x_292)], x_292),
                key_base + k_slot_c1 * key_step,
              x_37);
            let x_301: i32 = select(-1, min(k_slot_c2, x_123), x_122) + 1;
            let x_306: bool = x_40 & (x_301 >= 0) & (x_301 < x_41);
            let k_pos_c2: i32 = select(select(0, d_columns_keys_sorted[select(0, x_43 + x_301, x_306)], x_306),
                key_base + k_slot_c2 * key_step,
              x_37);
            let x_315: i32 = select(-1, min(k_slot_c3, x_123), x_122) + 1;
            let x_320: bool = x_40 & (x_315 >= 0) & (x_315 < x_41);
            let k_pos_c3: i32 = select(select(0, d_columns_keys_sorted[select(0, x_43 + x_315, x_320)], x_320),
                key_base + k_slot_c3 * key_step,
              x_37);
            let x_326: i32 = slot_first + (subgroup_lane & 3);
            let x_334: i32 = select(-1, min(x_326, x_123), x_122) + 1;
            let x_339: bool = x_40 & (x_334 >= 0) & (x_334 < x_41);
            let x_343: i32 = select(select(0, d_columns_keys_sorted[select(0, x_43 + x_334, x_339)], x_339),
                key_base + x_326 * key_step,
              x_37);
            let inside_1: bool = (x_326 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_343 >= 0) & (x_343 < launch.n_k));
            let x_351: i32 = select(0, kv_local * launch.n_k + x_343, inside_1);
            var S_c0: f32 = 0.0f;
            var S_c1: f32 = 0.0f;
            var S_c2: f32 = 0.0f;
            var S_c3: f32 = 0.0f;
            let x_352: vec4f = select(vec4f(0.0f), k[x_351], inside_1);
            S_c0 = dot(Q, quadBroadcast(x_352, 0u));
            S_c1 = dot(Q, quadBroadcast(x_352, 1u));
            S_c2 = dot(Q, quadBroadcast(x_352, 2u));
            S_c3 = dot(Q, quadBroadcast(x_352, 3u));
            let side_4: bool = slots_here < 8;
            let side_8: bool = masked;
            let side_7: bool = x_37;
            let side_5: bool = x_173;
            let x_375: i32 = q_pos - k_pos_c0 + x_175;
            let x_376: i32 = x_375 >> 5u;
            let x_379: i32 = h * x_190;
            let x_382: bool = x_40 & (x_376 >= 0) & (x_376 < x_190);
            let x_393: i32 = q_pos - k_pos_c1 + x_175;
            let x_394: i32 = x_393 >> 5u;
            let x_399: bool = x_40 & (x_394 >= 0) & (x_394 < x_190);
            let x_410: i32 = q_pos - k_pos_c2 + x_175;
            let x_411: i32 = x_410 >> 5u;
            let x_416: bool = x_40 & (x_411 >= 0) & (x_411 < x_190);
            let x_427: i32 = q_pos - k_pos_c3 + x_175;
            let x_428: i32 = x_427 >> 5u;
            let x_433: bool = x_40 & (x_428 >= 0) & (x_428 < x_190);
            let side_6: bool = x_173;
            let x_452: i32 = q_pos - k_pos_c0 + x_175;
            let x_453: i32 = x_452 >> 5u;
            let x_456: i32 = h * x_190;
            let x_459: bool = x_40 & (x_453 >= 0) & (x_453 < x_190);
            let x_470: i32 = q_pos - k_pos_c1 + x_175;
            let x_471: i32 = x_470 >> 5u;
            let x_476: bool = x_40 & (x_471 >= 0) & (x_471 < x_190);
            let x_487: i32 = q_pos - k_pos_c2 + x_175;
            let x_488: i32 = x_487 >> 5u;
            let x_493: bool = x_40 & (x_488 >= 0) & (x_488 < x_190);
            let x_504: i32 = q_pos - k_pos_c3 + x_175;
            let x_505: i32 = x_504 >> 5u;
            let x_510: bool = x_40 & (x_505 >= 0) & (x_505 < x_190);
            S_c0 = select(-3.0e38f,
              S_c0,
                ((slot_first < slot_count) | !side_4)
                & ((((((q_pos >= k_pos_c0) | !side_5)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_379 + x_376, x_382)], x_382)
                              >> u32(x_375 & 31 & 31))
                            & 1)
                          != 0))
                      | !side_7)
                    & ((((q_pos >= k_pos_c0) | !side_6)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_456 + x_453, x_459)], x_459)
                              >> u32(x_452 & 31 & 31))
                            & 1)
                          == 0))
                      | side_7))
                  | !side_8));
            S_c1 = select(-3.0e38f,
              S_c1,
                ((k_slot_c1 < slot_count) | !side_4)
                & ((((((q_pos >= k_pos_c1) | !side_5)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_379 + x_394, x_399)], x_399)
                              >> u32(x_393 & 31 & 31))
                            & 1)
                          != 0))
                      | !side_7)
                    & ((((q_pos >= k_pos_c1) | !side_6)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_456 + x_471, x_476)], x_476)
                              >> u32(x_470 & 31 & 31))
                            & 1)
                          == 0))
                      | side_7))
                  | !side_8));
            S_c2 = select(-3.0e38f,
              S_c2,
                ((k_slot_c2 < slot_count) | !side_4)
                & ((((((q_pos >= k_pos_c2) | !side_5)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_379 + x_411, x_416)], x_416)
                              >> u32(x_410 & 31 & 31))
                            & 1)
                          != 0))
                      | !side_7)
                    & ((((q_pos >= k_pos_c2) | !side_6)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_456 + x_488, x_493)], x_493)
                              >> u32(x_487 & 31 & 31))
                            & 1)
                          == 0))
                      | side_7))
                  | !side_8));
            S_c3 = select(-3.0e38f,
              S_c3,
                ((k_slot_c3 < slot_count) | !side_4)
                & ((((((q_pos >= k_pos_c3) | !side_5)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_379 + x_428, x_433)], x_433)
                              >> u32(x_427 & 31 & 31))
                            & 1)
                          != 0))
                      | !side_7)
                    & ((((q_pos >= k_pos_c3) | !side_6)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_456 + x_505, x_510)], x_510)
                              >> u32(x_504 & 31 & 31))
                            & 1)
                          == 0))
                      | side_7))
                  | !side_8));
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
            let x_542: vec4f = select(vec4f(0.0f), v[x_351], inside_1);
            l = l * alpha + l_step;
            O = fma(quadBroadcast(x_542, 3u), vec4f(S_c3), fma(quadBroadcast(x_542, 2u), vec4f(S_c2), fma(quadBroadcast(x_542,
                    1u), vec4f(S_c1), fma(quadBroadcast(x_542, 0u), vec4f(S_c0), O * alpha))));
            m = m_new;
          }
        }
        next_tile = next_tile + 1;
        if (x_37) {
          searching = 1;
          while ((searching == 1) & (next_tile < walk_end)) {
            let x_550: i32 = next_tile >> 5u;
            let x_556: bool = x_161 & (x_550 >= 0) & (x_550 < x_93);
            let map_bits_1: i32 = select(0,
                d_tile_map[select(0, (h * launch.query_tiles + tile) * x_93 + x_550, x_556)],
                x_556)
              & (-1 << u32(next_tile & 31 & 31));
            let side_9: bool = map_bits_1 != 0;
            next_tile = select(next_tile, x_550 * 32 + countTrailingZeros(map_bits_1), side_9);
            searching = select(searching, 0, side_9);
            next_tile = select(next_tile, (x_550 + 1) * 32, !side_9);
          }
        } else {
          let x_570: i32 = max(next_tile, range_from_0);
          next_tile = min(select(1073741824, x_570, x_570 < range_to_0), 1073741824);
        }
      }
    }
    // rows that saw nothing give zeros and minus infinity
    let x_574: bool = l > 0.0f;
    let inverse: f32 = select(0.0f, 1.0f / l, x_574);
    if (inside) {
      out[x_33] = O * inverse;
    }
    let x_583: i32 = (b * launch.heads + h) * launch.n_q + x_28;
    let x_589: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_574);
    if (x_30 & ((b >= 0) & (b < launch.batch) & x_40 & x_31)) {
      lse[x_583] = x_589;
    }
  }
}

// ---- vertical_slash_partial ----
// vertical_slash: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_columns_keys_sorted: array<i32>;
@group(0) @binding(2) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(3) var<storage, read> d_slashes_at_slashes_marks: array<i32>;
@group(0) @binding(4) var<storage, read> k: array<vec4f>;
@group(0) @binding(5) var<storage, read> v: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> part_state: array<f32>;
@group(0) @binding(7) var<storage, read_write> part_out: array<vec4f>;

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
@group(0) @binding(8) var<uniform> launch: Launch;

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
  let x_59: i32 = select(0, d_columns_keys_sorted[select(0, x_55, x_56)], x_56);
  let x_119: i32 = (launch.key_tiles + 31) >> 5u;
  let x_216: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
  let x_602: i32 = launch.batch * launch.heads;
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
          let side_1: bool = select(0, d_columns_keys_sorted[select(0, x_55 + x_64, x_69)], x_69) < 0;
          phase_1_0_first_low = select(phase_1_0_first_low, x_64, side_1);
          phase_1_0_first_high = select(phase_1_0_first_high, phase_1_0_first_middle, !side_1);
        }
        var phase_1_0_last_low: i32 = 0;
        var phase_1_0_last_high: i32 = slot_count;
        while (phase_1_0_last_low < phase_1_0_last_high) {
          let phase_1_0_last_middle: i32 = (phase_1_0_last_low + phase_1_0_last_high) >> 1u;
          let x_76: i32 = phase_1_0_last_middle + 1;
          let x_81: bool = x_52 & (x_76 >= 0) & (x_76 < x_53);
          let side_2: bool = select(0, d_columns_keys_sorted[select(0, x_55 + x_76, x_81)], x_81) < phase_1_0_to;
          phase_1_0_last_low = select(phase_1_0_last_low, x_76, side_2);
          phase_1_0_last_high = select(phase_1_0_last_high, phase_1_0_last_middle, !side_2);
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
          let side_3: bool = map_bits != 0;
          next_tile = select(next_tile, x_116 * 32 + countTrailingZeros(map_bits), side_3);
          searching = select(searching, 0, side_3);
          next_tile = select(next_tile, (x_116 + 1) * 32, !side_3);
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
        let k_first: i32 = select(select(0, d_columns_keys_sorted[select(0, x_55 + x_152, x_157)], x_157),
            key_base + slot_tile * key_step,
          x_37);
        let x_163: i32 = slot_tile + (slots_here - 1);
        let x_168: i32 = select(-1, min(x_163, x_149), x_148) + 1;
        let x_173: bool = x_52 & (x_168 >= 0) & (x_168 < x_53);
        let k_last: i32 = select(select(0, d_columns_keys_sorted[select(0, x_55 + x_168, x_173)], x_173),
            key_base + x_163 * key_step,
          x_37);
        let x_182: i32 = next_tile >> 5u;
        let x_187: bool = x_52 & (tile < launch.query_tiles);
        let x_189: bool = x_187 & (x_182 >= 0) & (x_182 < x_119);
        let x_199: bool = q_first + 1 <= k_last;
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
        let masked: bool = !((x_37 & x_197) | (!x_37 & !(x_199 | ((x_202 <= x_204) & ((x_208 >= 64) | any)))));
        let x_251: i32 = max(x_200, 0) + x_201;
        let x_253: i32 = x_251 >> 5u;
        let x_254: i32 = x_206 - x_253;
        let x_257: i32 = select(x_253, x_211, x_254 < 64);
        var any_2: bool = false;
        for (var mark_word_1: i32 = x_253; mark_word_1 < x_257; mark_word_1 += 1) {
          let x_263: bool = x_52 & (mark_word_1 >= 0) & (mark_word_1 < x_216);
          any_2 = any_2
            | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_216 + mark_word_1, x_263)], x_263)
                & (select(-1, -1 << u32(x_251 & 31 & 31), mark_word_1 == x_253)
                  & select(-1, (2 << u32(x_204 & 31 & 31)) - 1, mark_word_1 == x_206)))
              != 0);
        }
        if (!((phase != 0) & !((k_first <= q_last) & ((x_251 <= x_204) & ((x_254 >= 64) | any_2))))) {
          let x_289: i32 = (slots_here + 3) >> 2u;
          for (var step: i32 = 0; step < x_289; step += 1) {
            let slot_first: i32 = slot_tile + step * 4;
            let k_slot_c1: i32 = slot_first + 1;
            let k_slot_c2: i32 = slot_first + 2;
            let k_slot_c3: i32 = slot_first + 3;
            let x_299: i32 = select(-1, min(slot_first, x_149), x_148) + 1;
            let x_304: bool = x_52 & (x_299 >= 0) & (x_299 < x_53);
            let k_pos_c0: i32 = select(select(0, d_columns_keys_sorted[select(0, x_55 + x_299, x_304)], x_304),
                key_base + slot_first * key_step,
              x_37);
            let x_313: i32 = select(-1, min(k_slot_c1, x_149), x_148) + 1;
            let x_318: bool = x_52 & (x_313 >= 0) & (x_313 < x_53);
            let k_pos_c1: i32 = select(select(0, d_columns_keys_sorted[select(0, x_55 + x_313, x_318)], x_318),
                key_base + k_slot_c1 * key_step,
              x_37);
            let x_327: i32 = select(-1, min(k_slot_c2, x_149), x_148) + 1;
            let x_332: bool = x_52 & (x_327 >= 0) & (x_327 < x_53);
            let k_pos_c2: i32 = select(select(0, d_columns_keys_sorted[select(0, x_55 + x_327, x_332)], x_332),
                key_base + k_slot_c2 * key_step,
              x_37);
            let x_341: i32 = select(-1, min(k_slot_c3, x_149), x_148) + 1;
            let x_346: bool = x_52 & (x_341 >= 0) & (x_341 < x_53);
            let k_pos_c3: i32 = select(select(0, d_columns_keys_sorted[select(0, x_55 + x_341, x_346)], x_346),
                key_base + k_slot_c3 * key_step,
              x_37);
            let x_352: i32 = slot_first + (subgroup_lane & 3);
            let x_360: i32 = select(-1, min(x_352, x_149), x_148) + 1;
            let x_365: bool = x_52 & (x_360 >= 0) & (x_360 < x_53);
            let x_369: i32 = select(select(0, d_columns_keys_sorted[select(0, x_55 + x_360, x_365)], x_365),
                key_base + x_352 * key_step,
              x_37);
            let inside_1: bool = (x_352 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_369 >= 0) & (x_369 < launch.n_k));
            let x_377: i32 = select(0, kv_local * launch.n_k + x_369, inside_1);
            var S_c0: f32 = 0.0f;
            var S_c1: f32 = 0.0f;
            var S_c2: f32 = 0.0f;
            var S_c3: f32 = 0.0f;
            let x_378: vec4f = select(vec4f(0.0f), k[x_377], inside_1);
            S_c0 = dot(Q, quadBroadcast(x_378, 0u));
            S_c1 = dot(Q, quadBroadcast(x_378, 1u));
            S_c2 = dot(Q, quadBroadcast(x_378, 2u));
            S_c3 = dot(Q, quadBroadcast(x_378, 3u));
            let side_4: bool = slots_here < 8;
            let side_8: bool = masked;
            let side_7: bool = x_37;
            let side_5: bool = x_199;
            let x_401: i32 = q_pos - k_pos_c0 + x_201;
            let x_402: i32 = x_401 >> 5u;
            let x_405: i32 = h * x_216;
            let x_408: bool = x_52 & (x_402 >= 0) & (x_402 < x_216);
            let x_419: i32 = q_pos - k_pos_c1 + x_201;
            let x_420: i32 = x_419 >> 5u;
            let x_425: bool = x_52 & (x_420 >= 0) & (x_420 < x_216);
            let x_436: i32 = q_pos - k_pos_c2 + x_201;
            let x_437: i32 = x_436 >> 5u;
            let x_442: bool = x_52 & (x_437 >= 0) & (x_437 < x_216);
            let x_453: i32 = q_pos - k_pos_c3 + x_201;
            let x_454: i32 = x_453 >> 5u;
            let x_459: bool = x_52 & (x_454 >= 0) & (x_454 < x_216);
            let side_6: bool = x_199;
            let x_478: i32 = q_pos - k_pos_c0 + x_201;
            let x_479: i32 = x_478 >> 5u;
            let x_482: i32 = h * x_216;
            let x_485: bool = x_52 & (x_479 >= 0) & (x_479 < x_216);
            let x_496: i32 = q_pos - k_pos_c1 + x_201;
            let x_497: i32 = x_496 >> 5u;
            let x_502: bool = x_52 & (x_497 >= 0) & (x_497 < x_216);
            let x_513: i32 = q_pos - k_pos_c2 + x_201;
            let x_514: i32 = x_513 >> 5u;
            let x_519: bool = x_52 & (x_514 >= 0) & (x_514 < x_216);
            let x_530: i32 = q_pos - k_pos_c3 + x_201;
            let x_531: i32 = x_530 >> 5u;
            let x_536: bool = x_52 & (x_531 >= 0) & (x_531 < x_216);
            S_c0 = select(-3.0e38f,
              S_c0,
                ((slot_first < slot_count) | !side_4)
                & ((((((q_pos >= k_pos_c0) | !side_5)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_405 + x_402, x_408)], x_408)
                              >> u32(x_401 & 31 & 31))
                            & 1)
                          != 0))
                      | !side_7)
                    & ((((q_pos >= k_pos_c0) | !side_6)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_482 + x_479, x_485)], x_485)
                              >> u32(x_478 & 31 & 31))
                            & 1)
                          == 0))
                      | side_7))
                  | !side_8));
            S_c1 = select(-3.0e38f,
              S_c1,
                ((k_slot_c1 < slot_count) | !side_4)
                & ((((((q_pos >= k_pos_c1) | !side_5)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_405 + x_420, x_425)], x_425)
                              >> u32(x_419 & 31 & 31))
                            & 1)
                          != 0))
                      | !side_7)
                    & ((((q_pos >= k_pos_c1) | !side_6)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_482 + x_497, x_502)], x_502)
                              >> u32(x_496 & 31 & 31))
                            & 1)
                          == 0))
                      | side_7))
                  | !side_8));
            S_c2 = select(-3.0e38f,
              S_c2,
                ((k_slot_c2 < slot_count) | !side_4)
                & ((((((q_pos >= k_pos_c2) | !side_5)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_405 + x_437, x_442)], x_442)
                              >> u32(x_436 & 31 & 31))
                            & 1)
                          != 0))
                      | !side_7)
                    & ((((q_pos >= k_pos_c2) | !side_6)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_482 + x_514, x_519)], x_519)
                              >> u32(x_513 & 31 & 31))
                            & 1)
                          == 0))
                      | side_7))
                  | !side_8));
            S_c3 = select(-3.0e38f,
              S_c3,
                ((k_slot_c3 < slot_count) | !side_4)
                & ((((((q_pos >= k_pos_c3) | !side_5)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_405 + x_454, x_459)], x_459)
                              >> u32(x_453 & 31 & 31))
                            & 1)
                          != 0))
                      | !side_7)
                    & ((((q_pos >= k_pos_c3) | !side_6)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, x_482 + x_531, x_536)], x_536)
                              >> u32(x_530 & 31 & 31))
                            & 1)
                          == 0))
                      | side_7))
                  | !side_8));
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
            let x_568: vec4f = select(vec4f(0.0f), v[x_377], inside_1);
            l = l * alpha + l_step;
            O = fma(quadBroadcast(x_568, 3u), vec4f(S_c3), fma(quadBroadcast(x_568, 2u), vec4f(S_c2), fma(quadBroadcast(x_568,
                    1u), vec4f(S_c1), fma(quadBroadcast(x_568, 0u), vec4f(S_c0), O * alpha))));
            m = m_new;
          }
        }
        next_tile = next_tile + 1;
        if (x_37) {
          searching = 1;
          while ((searching == 1) & (next_tile < walk_end)) {
            let x_576: i32 = next_tile >> 5u;
            let x_582: bool = x_187 & (x_576 >= 0) & (x_576 < x_119);
            let map_bits_1: i32 = select(0,
                d_tile_map[select(0, (h * launch.query_tiles + tile) * x_119 + x_576, x_582)],
                x_582)
              & (-1 << u32(next_tile & 31 & 31));
            let side_9: bool = map_bits_1 != 0;
            next_tile = select(next_tile, x_576 * 32 + countTrailingZeros(map_bits_1), side_9);
            searching = select(searching, 0, side_9);
            next_tile = select(next_tile, (x_576 + 1) * 32, !side_9);
          }
        } else {
          let x_596: i32 = max(next_tile, range_from_0);
          next_tile = min(select(1073741824, x_596, x_596 < range_to_0), 1073741824);
        }
      }
    }
    let x_600: bool = split < launch.slots;
    let x_607: i32 = (split * x_602 + head) * launch.n_q + x_28;
    let inside_2: bool = x_30 & (x_600 & (head >= 0) & (head < x_602) & x_31);
    if (inside_2) {
      part_state[x_607] = m;
    }
    let x_615: i32 = ((launch.slots + split) * x_602 + head) * launch.n_q + x_28;
    if (inside_2) {
      part_state[x_615] = l;
    }
    let x_619: i32 = (head_local * launch.slots + split) * launch.n_q + x_28;
    if (x_30 & (x_600 & x_31)) {
      part_out[x_619] = O;
    }
  }
}

// ---- vertical_slash_decode_partial ----
// vertical_slash: rows
enable subgroups;
diagnostic(off, subgroup_uniformity);

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_columns_keys_sorted: array<i32>;
@group(0) @binding(2) var<storage, read> d_tile_map: array<i32>;
@group(0) @binding(3) var<storage, read> d_slashes_at_slashes_marks: array<i32>;
@group(0) @binding(4) var<storage, read> k: array<vec4f>;
@group(0) @binding(5) var<storage, read> v: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> part_state: array<f32>;
@group(0) @binding(7) var<storage, read_write> part_out: array<vec4f>;

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
@group(0) @binding(8) var<uniform> launch: Launch;

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
  let x_48: bool = h < launch.heads;
  let x_49: i32 = launch.x_columns_n_columns + 1;
  let x_51: i32 = h * x_49;
  let x_52: bool = x_48 & (0 < x_49);
  let x_55: i32 = select(0, d_columns_keys_sorted[select(0, x_51, x_52)], x_52);
  let x_115: i32 = (launch.key_tiles + 31) >> 5u;
  let x_212: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
  let x_398: i32 = launch.batch * launch.heads;
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
    var searching: i32 = 0;
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 2; phase += 1) {
      let x_33: bool = phase == 0;
      if (x_33) {
        // phase_0
        slot_count = launch.n_k;
        let phase_0_end: i32 = (slot_count + 7) >> 3u;
        let x_38: i32 = max(phase_0_end, 0) + (launch.splits - 1);
        let x_39: i32 = max(launch.splits, 1);
        let x_40: i32 = x_38 / x_39;
        let phase_0_share: i32 = select(x_40 - select(0, 1, x_38 - x_40 * x_39 < 0), 0, launch.splits < 1);
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
        slot_count = x_55;
        var phase_1_0_first_high: i32 = slot_count;
        while (phase_1_0_first_low < phase_1_0_first_high) {
          let phase_1_0_first_middle: i32 = (phase_1_0_first_low + phase_1_0_first_high) >> 1u;
          let x_60: i32 = phase_1_0_first_middle + 1;
          let x_65: bool = x_48 & (x_60 >= 0) & (x_60 < x_49);
          let side_1: bool = select(0, d_columns_keys_sorted[select(0, x_51 + x_60, x_65)], x_65) < 0;
          phase_1_0_first_low = select(phase_1_0_first_low, x_60, side_1);
          phase_1_0_first_high = select(phase_1_0_first_high, phase_1_0_first_middle, !side_1);
        }
        var phase_1_0_last_low: i32 = 0;
        var phase_1_0_last_high: i32 = slot_count;
        while (phase_1_0_last_low < phase_1_0_last_high) {
          let phase_1_0_last_middle: i32 = (phase_1_0_last_low + phase_1_0_last_high) >> 1u;
          let x_72: i32 = phase_1_0_last_middle + 1;
          let x_77: bool = x_48 & (x_72 >= 0) & (x_72 < x_49);
          let side_2: bool = select(0, d_columns_keys_sorted[select(0, x_51 + x_72, x_77)], x_77) < phase_1_0_to;
          phase_1_0_last_low = select(phase_1_0_last_low, x_72, side_2);
          phase_1_0_last_high = select(phase_1_0_last_high, phase_1_0_last_middle, !side_2);
        }
        let phase_1_0_slot_from: i32 = phase_1_0_first_low;
        let phase_1_0_slot_to: i32 = phase_1_0_last_low;
        let x_84: bool = (0 < phase_1_0_to) & (phase_1_0_slot_from < phase_1_0_slot_to);
        range_from_0 = select(0, phase_1_0_slot_from >> 3u, x_84);
        range_to_0 = select(0, (phase_1_0_slot_to + 7) >> 3u, x_84);
        let x_90: bool = range_from_0 < range_to_0;
        let phase_1_start: i32 = min(select(1073741824, range_from_0, x_90), 1073741824);
        let phase_1_end: i32 = max(select(0, range_to_0, x_90), 0);
        let x_98: i32 = max(phase_1_end - phase_1_start, 0) + (launch.splits - 1);
        let x_99: i32 = max(launch.splits, 1);
        let x_100: i32 = x_98 / x_99;
        let phase_1_share: i32 = select(x_100 - select(0, 1, x_98 - x_100 * x_99 < 0), 0, launch.splits < 1);
        next_tile = phase_1_start + split * phase_1_share;
        key_base = 0;
        key_step = 1;
        walk_end = min(phase_1_end, next_tile + phase_1_share);
      }
      if (x_33) {
        searching = 1;
        while ((searching == 1) & (next_tile < walk_end)) {
          let x_112: i32 = next_tile >> 5u;
          let x_121: bool = x_48 & (tile < launch.query_tiles) & (x_112 >= 0) & (x_112 < x_115);
          let map_bits: i32 = select(0,
              d_tile_map[select(0, (h * launch.query_tiles + tile) * x_115 + x_112, x_121)],
              x_121)
            & (-1 << u32(next_tile & 31 & 31));
          let side_3: bool = map_bits != 0;
          next_tile = select(next_tile, x_112 * 32 + countTrailingZeros(map_bits), side_3);
          searching = select(searching, 0, side_3);
          next_tile = select(next_tile, (x_112 + 1) * 32, !side_3);
        }
      } else {
        let x_135: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_135, x_135 < range_to_0), 1073741824);
      }
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let x_144: bool = phase == 1;
        let x_145: i32 = slot_count - 1;
        let x_148: i32 = select(-1, min(slot_tile, x_145), x_144) + 1;
        let x_153: bool = x_48 & (x_148 >= 0) & (x_148 < x_49);
        let k_first: i32 = select(select(0, d_columns_keys_sorted[select(0, x_51 + x_148, x_153)], x_153),
            key_base + slot_tile * key_step,
          x_33);
        let x_159: i32 = slot_tile + (slots_here - 1);
        let x_164: i32 = select(-1, min(x_159, x_145), x_144) + 1;
        let x_169: bool = x_48 & (x_164 >= 0) & (x_164 < x_49);
        let k_last: i32 = select(select(0, d_columns_keys_sorted[select(0, x_51 + x_164, x_169)], x_169),
            key_base + x_159 * key_step,
          x_33);
        let x_178: i32 = next_tile >> 5u;
        let x_183: bool = x_48 & (tile < launch.query_tiles);
        let x_185: bool = x_183 & (x_178 >= 0) & (x_178 < x_115);
        let x_195: bool = q_first + 1 <= k_last;
        let x_196: i32 = q_first - k_last;
        let x_197: i32 = launch.n_q - 1;
        let x_198: i32 = x_196 + x_197;
        let x_200: i32 = q_last - k_first + x_197;
        let x_202: i32 = x_200 >> 5u;
        let x_203: i32 = x_198 >> 5u;
        let x_204: i32 = x_202 - x_203;
        let x_207: i32 = x_202 + 1;
        let x_208: i32 = select(x_203, x_207, x_204 < 64);
        var any: bool = false;
        for (var mark_word: i32 = x_203; mark_word < x_208; mark_word += 1) {
          let x_217: bool = x_48 & (mark_word >= 0) & (mark_word < x_212);
          any = any
            | ((select(0, d_slashes_at_slashes_marks[select(0, h * x_212 + mark_word, x_217)], x_217)
                & (select(-1, -1 << u32(x_198 & 31 & 31), mark_word == x_203)
                  & select(-1, (2 << u32(x_200 & 31 & 31)) - 1, mark_word == x_202)))
              != 0);
        }
        let x_193: bool = ((select(0,
                d_tile_map[select(0, ((launch.heads + h) * launch.query_tiles + tile) * x_115 + x_178, x_185)],
                x_185)
              >> u32(next_tile & 31 & 31))
            & 1)
          != 0;
        let masked: bool = !((x_33 & x_193) | (!x_33 & !(x_195 | ((x_198 <= x_200) & ((x_204 >= 64) | any)))));
        let x_247: i32 = max(x_196, 0) + x_197;
        let x_249: i32 = x_247 >> 5u;
        let x_250: i32 = x_202 - x_249;
        let x_253: i32 = select(x_249, x_207, x_250 < 64);
        var any_2: bool = false;
        for (var mark_word_1: i32 = x_249; mark_word_1 < x_253; mark_word_1 += 1) {
          let x_259: bool = x_48 & (mark_word_1 >= 0) & (mark_word_1 < x_212);
          any_2 = any_2
            | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_212 + mark_word_1, x_259)], x_259)
                & (select(-1, -1 << u32(x_247 & 31 & 31), mark_word_1 == x_249)
                  & select(-1, (2 << u32(x_200 & 31 & 31)) - 1, mark_word_1 == x_202)))
              != 0);
        }
        if (!((phase != 0) & !((k_first <= q_last) & ((x_247 <= x_200) & ((x_250 >= 64) | any_2))))) {
          let x_285: i32 = (slots_here + 3) >> 2u;
          for (var step: i32 = 0; step < x_285; step += 1) {
            let k_slot: i32 = slot_tile + step * 4 + lane;
            let x_293: i32 = select(-1, min(k_slot, x_145), x_144) + 1;
            let x_298: bool = x_48 & (x_293 >= 0) & (x_293 < x_49);
            let k_pos: i32 = select(select(0, d_columns_keys_sorted[select(0, x_51 + x_293, x_298)], x_298),
                key_base + k_slot * key_step,
              x_33);
            let x_303: bool = k_slot < slot_count;
            let inside_1: bool = x_303
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
            let x_313: i32 = select(0, kv_local * launch.n_k + k_pos, inside_1);
            var S: f32 = 0.0f;
            S = dot(Q, select(vec4f(0.0f), k[x_313], inside_1));
            let side_4: bool = slots_here < 8;
            let side_8: bool = masked;
            let side_7: bool = x_33;
            let side_5: bool = x_195;
            let x_320: i32 = q_first - k_pos + x_197;
            let x_321: i32 = x_320 >> 5u;
            let x_327: bool = x_48 & (x_321 >= 0) & (x_321 < x_212);
            let side_6: bool = x_195;
            let x_340: i32 = q_first - k_pos + x_197;
            let x_341: i32 = x_340 >> 5u;
            let x_347: bool = x_48 & (x_341 >= 0) & (x_341 < x_212);
            S = select(-3.0e38f,
              S,
                (x_303 | !side_4)
                & ((((((q_first >= k_pos) | !side_5)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, h * x_212 + x_321, x_327)], x_327)
                              >> u32(x_320 & 31 & 31))
                            & 1)
                          != 0))
                      | !side_7)
                    & ((((q_first >= k_pos) | !side_6)
                        & (((select(0, d_slashes_at_slashes_marks[select(0, h * x_212 + x_341, x_347)], x_347)
                              >> u32(x_340 & 31 & 31))
                            & 1)
                          == 0))
                      | side_7))
                  | !side_8));
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
            O = fma(select(vec4f(0.0f), v[x_313], inside_1), vec4f(S), O * alpha);
            m = m_new;
          }
        }
        next_tile = next_tile + 1;
        if (x_33) {
          searching = 1;
          while ((searching == 1) & (next_tile < walk_end)) {
            let x_372: i32 = next_tile >> 5u;
            let x_378: bool = x_183 & (x_372 >= 0) & (x_372 < x_115);
            let map_bits_1: i32 = select(0,
                d_tile_map[select(0, (h * launch.query_tiles + tile) * x_115 + x_372, x_378)],
                x_378)
              & (-1 << u32(next_tile & 31 & 31));
            let side_9: bool = map_bits_1 != 0;
            next_tile = select(next_tile, x_372 * 32 + countTrailingZeros(map_bits_1), side_9);
            searching = select(searching, 0, side_9);
            next_tile = select(next_tile, (x_372 + 1) * 32, !side_9);
          }
        } else {
          let x_392: i32 = max(next_tile, range_from_0);
          next_tile = min(select(1073741824, x_392, x_392 < range_to_0), 1073741824);
        }
      }
    }
    let x_396: bool = split < launch.slots;
    let x_403: i32 = (split * x_398 + head) * launch.n_q + tile;
    let x_407: bool = lane < 1;
    let inside_2: bool = x_27 & x_407 & (x_396 & (head >= 0) & (head < x_398) & x_20);
    if (inside_2) {
      part_state[x_403] = m;
    }
    let x_408: f32 = subgroupAdd(l);
    let x_413: i32 = ((launch.slots + split) * x_398 + head) * launch.n_q + tile;
    if (inside_2) {
      part_state[x_413] = x_408;
    }
    let x_414: vec4f = subgroupAdd(O);
    let x_418: i32 = (head_local * launch.slots + split) * launch.n_q + tile;
    if (x_27 & x_407 & (x_396 & x_20)) {
      part_out[x_418] = x_414;
    }
  }
}

// ---- vertical_slash_merge ----
// vertical_slash: merge of partial results

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
fn vertical_slash_merge(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
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
