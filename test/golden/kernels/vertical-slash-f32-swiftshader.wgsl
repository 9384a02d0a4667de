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
  let x_39: bool = h < launch.heads;
  let x_40: i32 = launch.x_columns_n_columns + 1;
  let x_42: i32 = h * x_40;
  let x_43: bool = x_39 & (0 < x_40);
  let x_46: i32 = select(0, d_columns_sorted[select(0, x_42, x_43)], x_43);
  let x_92: i32 = (launch.key_tiles + 31) >> 5u;
  let x_189: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
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
      let x_36: bool = phase == 0;
      if (x_36) {
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
        slot_count = x_46;
        var phase_1_0_first_high: i32 = slot_count;
        while (phase_1_0_first_low < phase_1_0_first_high) {
          let phase_1_0_first_middle: i32 = (phase_1_0_first_low + phase_1_0_first_high) >> 1u;
          let x_51: i32 = phase_1_0_first_middle + 1;
          let x_56: bool = x_39 & (x_51 >= 0) & (x_51 < x_40);
          if (select(0, d_columns_sorted[select(0, x_42 + x_51, x_56)], x_56) < 0) {
            phase_1_0_first_low = x_51;
          } else {
            phase_1_0_first_high = phase_1_0_first_middle;
          }
        }
        var phase_1_0_last_low: i32 = 0;
        var phase_1_0_last_high: i32 = slot_count;
        while (phase_1_0_last_low < phase_1_0_last_high) {
          let phase_1_0_last_middle: i32 = (phase_1_0_last_low + phase_1_0_last_high) >> 1u;
          let x_63: i32 = phase_1_0_last_middle + 1;
          let x_68: bool = x_39 & (x_63 >= 0) & (x_63 < x_40);
          if (select(0, d_columns_sorted[select(0, x_42 + x_63, x_68)], x_68) < phase_1_0_to) {
            phase_1_0_last_low = x_63;
          } else {
            phase_1_0_last_high = phase_1_0_last_middle;
          }
        }
        let phase_1_0_slot_from: i32 = phase_1_0_first_low;
        let phase_1_0_slot_to: i32 = phase_1_0_last_low;
        let x_75: bool = (0 < phase_1_0_to) & (phase_1_0_slot_from < phase_1_0_slot_to);
        range_from_0 = select(0, phase_1_0_slot_from >> 3u, x_75);
        range_to_0 = select(0, (phase_1_0_slot_to + 7) >> 3u, x_75);
        let x_81: bool = range_from_0 < range_to_0;
        key_base = 0;
        key_step = 1;
        next_tile = min(select(1073741824, range_from_0, x_81), 1073741824);
        walk_end = max(select(0, range_to_0, x_81), 0);
      }
      if (x_36) {
        searching = 1;
        while ((searching == 1) & (next_tile < walk_end)) {
          let x_89: i32 = next_tile >> 5u;
          let x_98: bool = x_39 & (tile < launch.query_tiles) & (x_89 >= 0) & (x_89 < x_92);
          let map_bits: i32 = select(0,
              d_tile_map[select(0, (h * launch.query_tiles + tile) * x_92 + x_89, x_98)],
              x_98)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits != 0) {
            next_tile = x_89 * 32 + countTrailingZeros(map_bits);
            searching = 0;
          } else {
            next_tile = (x_89 + 1) * 32;
          }
        }
      } else {
        let x_112: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_112, x_112 < range_to_0), 1073741824);
      }
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let x_121: bool = phase == 1;
        let x_122: i32 = slot_count - 1;
        let x_125: i32 = select(-1, min(slot_tile, x_122), x_121) + 1;
        let x_130: bool = x_39 & (x_125 >= 0) & (x_125 < x_40);
        let k_first: i32 = select(select(0, d_columns_sorted[select(0, x_42 + x_125, x_130)], x_130),
            key_base + slot_tile * key_step,
          x_36);
        let x_136: i32 = slot_tile + (slots_here - 1);
        let x_141: i32 = select(-1, min(x_136, x_122), x_121) + 1;
        let x_146: bool = x_39 & (x_141 >= 0) & (x_141 < x_40);
        let k_last: i32 = select(select(0, d_columns_sorted[select(0, x_42 + x_141, x_146)], x_146),
            key_base + x_136 * key_step,
          x_36);
        let x_155: i32 = next_tile >> 5u;
        let x_160: bool = x_39 & (tile < launch.query_tiles);
        let x_162: bool = x_160 & (x_155 >= 0) & (x_155 < x_92);
        let x_172: bool = q_first + 1 <= k_last;
        let x_173: i32 = q_first - k_last;
        let x_174: i32 = launch.n_q - 1;
        let x_175: i32 = x_173 + x_174;
        let x_177: i32 = q_last - k_first + x_174;
        let x_179: i32 = x_177 >> 5u;
        let x_180: i32 = x_175 >> 5u;
        let x_181: i32 = x_179 - x_180;
        let x_184: i32 = x_179 + 1;
        let x_185: i32 = select(x_180, x_184, x_181 < 64);
        var any: bool = false;
        for (var mark_word: i32 = x_180; mark_word < x_185; mark_word += 1) {
          let x_194: bool = x_39 & (mark_word >= 0) & (mark_word < x_189);
          any = any
            | ((select(0, d_slashes_at_slashes_marks[select(0, h * x_189 + mark_word, x_194)], x_194)
                & (select(-1, -1 << u32(x_175 & 31 & 31), mark_word == x_180)
                  & select(-1, (2 << u32(x_177 & 31 & 31)) - 1, mark_word == x_179)))
              != 0);
        }
        let x_170: bool = ((select(0,
                d_tile_map[select(0, ((launch.heads + h) * launch.query_tiles + tile) * x_92 + x_155, x_162)],
                x_162)
              >> u32(next_tile & 31 & 31))
            & 1)
          != 0;
        let masked: bool = !((x_36 & x_170) | (!x_36 & !(x_172 | ((x_175 <= x_177) & ((x_181 >= 64) | any)))));
        let x_224: i32 = max(x_173, 0) + x_174;
        let x_226: i32 = x_224 >> 5u;
        let x_227: i32 = x_179 - x_226;
        let x_230: i32 = select(x_226, x_184, x_227 < 64);
        var any_2: bool = false;
        for (var mark_word_1: i32 = x_226; mark_word_1 < x_230; mark_word_1 += 1) {
          let x_236: bool = x_39 & (mark_word_1 >= 0) & (mark_word_1 < x_189);
          any_2 = any_2
            | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_189 + mark_word_1, x_236)], x_236)
                & (select(-1, -1 << u32(x_224 & 31 & 31), mark_word_1 == x_226)
                  & select(-1, (2 << u32(x_177 & 31 & 31)) - 1, mark_word_1 == x_179)))
              != 0);
        }
        if (!((phase != 0) & !((k_first <= q_last) & ((x_224 <= x_177) & ((x_227 >= 64) | any_2))))) {
          let x_262: i32 = (slots_here + 3) >> 2u;
          for (var step: i32 = 0; step < x_262; step += 1) {
            let slot_first: i32 = slot_tile + step * 4;
            let k_slot_c1: i32 = slot_first + 1;
            let k_slot_c2: i32 = slot_first + 2;
            let k_slot_c3: i32 = slot_first + 3;
            let x_272: i32 = select(-1, min(slot_first, x_122), x_121) + 1;
            let x_277: bool = x_39 & (x_272 >= 0) & (x_272 < x_40);
            let k_pos_c0: i32 = select(select(0, d_columns_sorted[select(0, x_42 + x_272, x_277)], x_277),
                key_base + slot_first * key_step,
              x_36);
            let x_286: i32 = select(-1, min(k_slot_c1, x_122), x_121) + 1;
            let x_291: bool = x_39 & (x_286 >= 0) & (x_286 < x_40);
            let k_pos_c1: i32 = select(select(0, d_columns_sorted[select(0, x_42 + x_286, x_291)], x_291),
                key_base + k_slot_c1 * key_step,
              x_36);
            let x_300: i32 = select(-1, min(k_slot_c2, x_122), x_121) + 1;
            let x_305: bool = x_39 & (x_300 >= 0) & (x_300 < x_40);
            let k_pos_c2: i32 = select(select(0, d_columns_sorted[select(0, x_42 + x_300, x_305)], x_305),
                key_base + k_slot_c2 * key_step,
              x_36);
            let x_314: i32 = select(-1, min(k_slot_c3, x_122), x_121) + 1;
            let x_319: bool = x_39 & (x_314 >= 0) & (x_314 < x_40);
            let k_pos_c3: i32 = select(select(0, d_columns_sorted[select(0, x_42 + x_314, x_319)], x_319),
                key_base + k_slot_c3 * key_step,
              x_36);
            let x_325: i32 = slot_first + (subgroup_lane & 3);
            let x_333: i32 = select(-1, min(x_325, x_122), x_121) + 1;
            let x_338: bool = x_39 & (x_333 >= 0) & (x_333 < x_40);
            let x_342: i32 = select(select(0, d_columns_sorted[select(0, x_42 + x_333, x_338)], x_338),
                key_base + x_325 * key_step,
              x_36);
            let inside: bool = (x_325 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_342 >= 0) & (x_342 < launch.n_k));
            let x_350: i32 = select(0, kv_local * launch.n_k + x_342, inside);
            var S_c0: f32 = 0.0f;
            var S_c1: f32 = 0.0f;
            var S_c2: f32 = 0.0f;
            var S_c3: f32 = 0.0f;
            let x_351: vec4f = select(vec4f(0.0f), k[x_350], inside);
            S_c0 = dot(Q, quadBroadcast(x_351, 0u));
            S_c1 = dot(Q, quadBroadcast(x_351, 1u));
            S_c2 = dot(Q, quadBroadcast(x_351, 2u));
            S_c3 = dot(Q, quadBroadcast(x_351, 3u));
            if (slots_here < 8) {
              S_c0 = select(-3.0e38f, S_c0, slot_first < slot_count);
              S_c1 = select(-3.0e38f, S_c1, k_slot_c1 < slot_count);
              S_c2 = select(-3.0e38f, S_c2, k_slot_c2 < slot_count);
              S_c3 = select(-3.0e38f, S_c3, k_slot_c3 < slot_count);
            }
            if (masked) {
              if (x_36) {
                if (x_172) {
                  S_c0 = select(-3.0e38f, S_c0, q_pos >= k_pos_c0);
                  S_c1 = select(-3.0e38f, S_c1, q_pos >= k_pos_c1);
                  S_c2 = select(-3.0e38f, S_c2, q_pos >= k_pos_c2);
                  S_c3 = select(-3.0e38f, S_c3, q_pos >= k_pos_c3);
                }
                let x_374: i32 = q_pos - k_pos_c0 + x_174;
                let x_375: i32 = x_374 >> 5u;
                let x_378: i32 = h * x_189;
                let x_381: bool = x_39 & (x_375 >= 0) & (x_375 < x_189);
                let x_392: i32 = q_pos - k_pos_c1 + x_174;
                let x_393: i32 = x_392 >> 5u;
                let x_398: bool = x_39 & (x_393 >= 0) & (x_393 < x_189);
                let x_409: i32 = q_pos - k_pos_c2 + x_174;
                let x_410: i32 = x_409 >> 5u;
                let x_415: bool = x_39 & (x_410 >= 0) & (x_410 < x_189);
                let x_426: i32 = q_pos - k_pos_c3 + x_174;
                let x_427: i32 = x_426 >> 5u;
                let x_432: bool = x_39 & (x_427 >= 0) & (x_427 < x_189);
                S_c0 = select(-3.0e38f,
                  S_c0,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_378 + x_375, x_381)], x_381)
                        >> u32(x_374 & 31 & 31))
                      & 1)
                    != 0);
                S_c1 = select(-3.0e38f,
                  S_c1,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_378 + x_393, x_398)], x_398)
                        >> u32(x_392 & 31 & 31))
                      & 1)
                    != 0);
                S_c2 = select(-3.0e38f,
                  S_c2,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_378 + x_410, x_415)], x_415)
                        >> u32(x_409 & 31 & 31))
                      & 1)
                    != 0);
                S_c3 = select(-3.0e38f,
                  S_c3,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_378 + x_427, x_432)], x_432)
                        >> u32(x_426 & 31 & 31))
                      & 1)
                    != 0);
              } else {
                if (x_172) {
                  S_c0 = select(-3.0e38f, S_c0, q_pos >= k_pos_c0);
                  S_c1 = select(-3.0e38f, S_c1, q_pos >= k_pos_c1);
                  S_c2 = select(-3.0e38f, S_c2, q_pos >= k_pos_c2);
                  S_c3 = select(-3.0e38f, S_c3, q_pos >= k_pos_c3);
                }
                let x_451: i32 = q_pos - k_pos_c0 + x_174;
                let x_452: i32 = x_451 >> 5u;
                let x_455: i32 = h * x_189;
                let x_458: bool = x_39 & (x_452 >= 0) & (x_452 < x_189);
                let x_469: i32 = q_pos - k_pos_c1 + x_174;
                let x_470: i32 = x_469 >> 5u;
                let x_475: bool = x_39 & (x_470 >= 0) & (x_470 < x_189);
                let x_486: i32 = q_pos - k_pos_c2 + x_174;
                let x_487: i32 = x_486 >> 5u;
                let x_492: bool = x_39 & (x_487 >= 0) & (x_487 < x_189);
                let x_503: i32 = q_pos - k_pos_c3 + x_174;
                let x_504: i32 = x_503 >> 5u;
                let x_509: bool = x_39 & (x_504 >= 0) & (x_504 < x_189);
                S_c0 = select(-3.0e38f,
                  S_c0,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_455 + x_452, x_458)], x_458)
                        >> u32(x_451 & 31 & 31))
                      & 1)
                    == 0);
                S_c1 = select(-3.0e38f,
                  S_c1,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_455 + x_470, x_475)], x_475)
                        >> u32(x_469 & 31 & 31))
                      & 1)
                    == 0);
                S_c2 = select(-3.0e38f,
                  S_c2,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_455 + x_487, x_492)], x_492)
                        >> u32(x_486 & 31 & 31))
                      & 1)
                    == 0);
                S_c3 = select(-3.0e38f,
                  S_c3,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_455 + x_504, x_509)], x_509)
                        >> u32(x_503 & 31 & 31))
                      & 1)
                    == 0);
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
            let x_541: vec4f = select(vec4f(0.0f), v[x_350], inside);
            l = l * alpha + l_step;
            O = fma(quadBroadcast(x_541, 3u), vec4f(S_c3), fma(quadBroadcast(x_541, 2u), vec4f(S_c2), fma(quadBroadcast(x_541,
                    1u), vec4f(S_c1), fma(quadBroadcast(x_541, 0u), vec4f(S_c0), O * alpha))));
            m = m_new;
          }
        }
        next_tile = next_tile + 1;
        if (x_36) {
          searching = 1;
          while ((searching == 1) & (next_tile < walk_end)) {
            let x_549: i32 = next_tile >> 5u;
            let x_555: bool = x_160 & (x_549 >= 0) & (x_549 < x_92);
            let map_bits_1: i32 = select(0,
                d_tile_map[select(0, (h * launch.query_tiles + tile) * x_92 + x_549, x_555)],
                x_555)
              & (-1 << u32(next_tile & 31 & 31));
            if (map_bits_1 != 0) {
              next_tile = x_549 * 32 + countTrailingZeros(map_bits_1);
              searching = 0;
            } else {
              next_tile = (x_549 + 1) * 32;
            }
          }
        } else {
          let x_569: i32 = max(next_tile, range_from_0);
          next_tile = min(select(1073741824, x_569, x_569 < range_to_0), 1073741824);
        }
      }
    }
    // rows that saw nothing give zeros and minus infinity
    let x_573: bool = l > 0.0f;
    let inverse: f32 = select(0.0f, 1.0f / l, x_573);
    if (x_30) {
      out[x_32] = O * inverse;
    }
    let x_582: i32 = (b * launch.heads + h) * launch.n_q + x_28;
    let x_587: f32 = select(f32_from_bits(0xff800000u), m + log(l), x_573);
    if (x_30 & ((b >= 0) & (b < launch.batch) & x_39)) {
      lse[x_582] = x_587;
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
  let x_51: bool = h < launch.heads;
  let x_52: i32 = launch.x_columns_n_columns + 1;
  let x_54: i32 = h * x_52;
  let x_55: bool = x_51 & (0 < x_52);
  let x_58: i32 = select(0, d_columns_sorted[select(0, x_54, x_55)], x_55);
  let x_118: i32 = (launch.key_tiles + 31) >> 5u;
  let x_215: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
  let x_601: i32 = launch.batch * launch.heads;
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
        let x_198: bool = q_first + 1 <= k_last;
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
        let masked: bool = !((x_36 & x_196) | (!x_36 & !(x_198 | ((x_201 <= x_203) & ((x_207 >= 64) | any)))));
        let x_250: i32 = max(x_199, 0) + x_200;
        let x_252: i32 = x_250 >> 5u;
        let x_253: i32 = x_205 - x_252;
        let x_256: i32 = select(x_252, x_210, x_253 < 64);
        var any_2: bool = false;
        for (var mark_word_1: i32 = x_252; mark_word_1 < x_256; mark_word_1 += 1) {
          let x_262: bool = x_51 & (mark_word_1 >= 0) & (mark_word_1 < x_215);
          any_2 = any_2
            | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_215 + mark_word_1, x_262)], x_262)
                & (select(-1, -1 << u32(x_250 & 31 & 31), mark_word_1 == x_252)
                  & select(-1, (2 << u32(x_203 & 31 & 31)) - 1, mark_word_1 == x_205)))
              != 0);
        }
        if (!((phase != 0) & !((k_first <= q_last) & ((x_250 <= x_203) & ((x_253 >= 64) | any_2))))) {
          let x_288: i32 = (slots_here + 3) >> 2u;
          for (var step: i32 = 0; step < x_288; step += 1) {
            let slot_first: i32 = slot_tile + step * 4;
            let k_slot_c1: i32 = slot_first + 1;
            let k_slot_c2: i32 = slot_first + 2;
            let k_slot_c3: i32 = slot_first + 3;
            let x_298: i32 = select(-1, min(slot_first, x_148), x_147) + 1;
            let x_303: bool = x_51 & (x_298 >= 0) & (x_298 < x_52);
            let k_pos_c0: i32 = select(select(0, d_columns_sorted[select(0, x_54 + x_298, x_303)], x_303),
                key_base + slot_first * key_step,
              x_36);
            let x_312: i32 = select(-1, min(k_slot_c1, x_148), x_147) + 1;
            let x_317: bool = x_51 & (x_312 >= 0) & (x_312 < x_52);
            let k_pos_c1: i32 = select(select(0, d_columns_sorted[select(0, x_54 + x_312, x_317)], x_317),
                key_base + k_slot_c1 * key_step,
              x_36);
            let x_326: i32 = select(-1, min(k_slot_c2, x_148), x_147) + 1;
            let x_331: bool = x_51 & (x_326 >= 0) & (x_326 < x_52);
            let k_pos_c2: i32 = select(select(0, d_columns_sorted[select(0, x_54 + x_326, x_331)], x_331),
                key_base + k_slot_c2 * key_step,
              x_36);
            let x_340: i32 = select(-1, min(k_slot_c3, x_148), x_147) + 1;
            let x_345: bool = x_51 & (x_340 >= 0) & (x_340 < x_52);
            let k_pos_c3: i32 = select(select(0, d_columns_sorted[select(0, x_54 + x_340, x_345)], x_345),
                key_base + k_slot_c3 * key_step,
              x_36);
            let x_351: i32 = slot_first + (subgroup_lane & 3);
            let x_359: i32 = select(-1, min(x_351, x_148), x_147) + 1;
            let x_364: bool = x_51 & (x_359 >= 0) & (x_359 < x_52);
            let x_368: i32 = select(select(0, d_columns_sorted[select(0, x_54 + x_359, x_364)], x_364),
                key_base + x_351 * key_step,
              x_36);
            let inside: bool = (x_351 < slot_count)
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (x_368 >= 0) & (x_368 < launch.n_k));
            let x_376: i32 = select(0, kv_local * launch.n_k + x_368, inside);
            var S_c0: f32 = 0.0f;
            var S_c1: f32 = 0.0f;
            var S_c2: f32 = 0.0f;
            var S_c3: f32 = 0.0f;
            let x_377: vec4f = select(vec4f(0.0f), k[x_376], inside);
            S_c0 = dot(Q, quadBroadcast(x_377, 0u));
            S_c1 = dot(Q, quadBroadcast(x_377, 1u));
            S_c2 = dot(Q, quadBroadcast(x_377, 2u));
            S_c3 = dot(Q, quadBroadcast(x_377, 3u));
            if (slots_here < 8) {
              S_c0 = select(-3.0e38f, S_c0, slot_first < slot_count);
              S_c1 = select(-3.0e38f, S_c1, k_slot_c1 < slot_count);
              S_c2 = select(-3.0e38f, S_c2, k_slot_c2 < slot_count);
              S_c3 = select(-3.0e38f, S_c3, k_slot_c3 < slot_count);
            }
            if (masked) {
              if (x_36) {
                if (x_198) {
                  S_c0 = select(-3.0e38f, S_c0, q_pos >= k_pos_c0);
                  S_c1 = select(-3.0e38f, S_c1, q_pos >= k_pos_c1);
                  S_c2 = select(-3.0e38f, S_c2, q_pos >= k_pos_c2);
                  S_c3 = select(-3.0e38f, S_c3, q_pos >= k_pos_c3);
                }
                let x_400: i32 = q_pos - k_pos_c0 + x_200;
                let x_401: i32 = x_400 >> 5u;
                let x_404: i32 = h * x_215;
                let x_407: bool = x_51 & (x_401 >= 0) & (x_401 < x_215);
                let x_418: i32 = q_pos - k_pos_c1 + x_200;
                let x_419: i32 = x_418 >> 5u;
                let x_424: bool = x_51 & (x_419 >= 0) & (x_419 < x_215);
                let x_435: i32 = q_pos - k_pos_c2 + x_200;
                let x_436: i32 = x_435 >> 5u;
                let x_441: bool = x_51 & (x_436 >= 0) & (x_436 < x_215);
                let x_452: i32 = q_pos - k_pos_c3 + x_200;
                let x_453: i32 = x_452 >> 5u;
                let x_458: bool = x_51 & (x_453 >= 0) & (x_453 < x_215);
                S_c0 = select(-3.0e38f,
                  S_c0,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_404 + x_401, x_407)], x_407)
                        >> u32(x_400 & 31 & 31))
                      & 1)
                    != 0);
                S_c1 = select(-3.0e38f,
                  S_c1,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_404 + x_419, x_424)], x_424)
                        >> u32(x_418 & 31 & 31))
                      & 1)
                    != 0);
                S_c2 = select(-3.0e38f,
                  S_c2,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_404 + x_436, x_441)], x_441)
                        >> u32(x_435 & 31 & 31))
                      & 1)
                    != 0);
                S_c3 = select(-3.0e38f,
                  S_c3,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_404 + x_453, x_458)], x_458)
                        >> u32(x_452 & 31 & 31))
                      & 1)
                    != 0);
              } else {
                if (x_198) {
                  S_c0 = select(-3.0e38f, S_c0, q_pos >= k_pos_c0);
                  S_c1 = select(-3.0e38f, S_c1, q_pos >= k_pos_c1);
                  S_c2 = select(-3.0e38f, S_c2, q_pos >= k_pos_c2);
                  S_c3 = select(-3.0e38f, S_c3, q_pos >= k_pos_c3);
                }
                let x_477: i32 = q_pos - k_pos_c0 + x_200;
                let x_478: i32 = x_477 >> 5u;
                let x_481: i32 = h * x_215;
                let x_484: bool = x_51 & (x_478 >= 0) & (x_478 < x_215);
                let x_495: i32 = q_pos - k_pos_c1 + x_200;
                let x_496: i32 = x_495 >> 5u;
                let x_501: bool = x_51 & (x_496 >= 0) & (x_496 < x_215);
                let x_512: i32 = q_pos - k_pos_c2 + x_200;
                let x_513: i32 = x_512 >> 5u;
                let x_518: bool = x_51 & (x_513 >= 0) & (x_513 < x_215);
                let x_529: i32 = q_pos - k_pos_c3 + x_200;
                let x_530: i32 = x_529 >> 5u;
                let x_535: bool = x_51 & (x_530 >= 0) & (x_530 < x_215);
                S_c0 = select(-3.0e38f,
                  S_c0,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_481 + x_478, x_484)], x_484)
                        >> u32(x_477 & 31 & 31))
                      & 1)
                    == 0);
                S_c1 = select(-3.0e38f,
                  S_c1,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_481 + x_496, x_501)], x_501)
                        >> u32(x_495 & 31 & 31))
                      & 1)
                    == 0);
                S_c2 = select(-3.0e38f,
                  S_c2,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_481 + x_513, x_518)], x_518)
                        >> u32(x_512 & 31 & 31))
                      & 1)
                    == 0);
                S_c3 = select(-3.0e38f,
                  S_c3,
                    ((select(0, d_slashes_at_slashes_marks[select(0, x_481 + x_530, x_535)], x_535)
                        >> u32(x_529 & 31 & 31))
                      & 1)
                    == 0);
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
            let x_567: vec4f = select(vec4f(0.0f), v[x_376], inside);
            l = l * alpha + l_step;
            O = fma(quadBroadcast(x_567, 3u), vec4f(S_c3), fma(quadBroadcast(x_567, 2u), vec4f(S_c2), fma(quadBroadcast(x_567,
                    1u), vec4f(S_c1), fma(quadBroadcast(x_567, 0u), vec4f(S_c0), O * alpha))));
            m = m_new;
          }
        }
        next_tile = next_tile + 1;
        if (x_36) {
          searching = 1;
          while ((searching == 1) & (next_tile < walk_end)) {
            let x_575: i32 = next_tile >> 5u;
            let x_581: bool = x_186 & (x_575 >= 0) & (x_575 < x_118);
            let map_bits_1: i32 = select(0,
                d_tile_map[select(0, (h * launch.query_tiles + tile) * x_118 + x_575, x_581)],
                x_581)
              & (-1 << u32(next_tile & 31 & 31));
            if (map_bits_1 != 0) {
              next_tile = x_575 * 32 + countTrailingZeros(map_bits_1);
              searching = 0;
            } else {
              next_tile = (x_575 + 1) * 32;
            }
          }
        } else {
          let x_595: i32 = max(next_tile, range_from_0);
          next_tile = min(select(1073741824, x_595, x_595 < range_to_0), 1073741824);
        }
      }
    }
    let x_606: i32 = (split * x_601 + head) * launch.n_q + x_28;
    let inside_1: bool = x_30 & ((split < launch.slots) & (head >= 0) & (head < x_601));
    if (inside_1) {
      part_state[x_606] = m;
    }
    let x_613: i32 = ((launch.slots + split) * x_601 + head) * launch.n_q + x_28;
    if (inside_1) {
      part_state[x_613] = l;
    }
    if (inside_1) {
      part_out[x_606] = O;
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
  let x_47: bool = h < launch.heads;
  let x_48: i32 = launch.x_columns_n_columns + 1;
  let x_50: i32 = h * x_48;
  let x_51: bool = x_47 & (0 < x_48);
  let x_54: i32 = select(0, d_columns_sorted[select(0, x_50, x_51)], x_51);
  let x_114: i32 = (launch.key_tiles + 31) >> 5u;
  let x_211: i32 = (launch.n_q + launch.n_k + 30) >> 5u;
  let x_397: i32 = launch.batch * launch.heads;
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
    var searching: i32 = 0;
    Q = Q * 0.5f;
    for (var phase: i32 = 0; phase < 2; phase += 1) {
      let x_32: bool = phase == 0;
      if (x_32) {
        // phase_0
        slot_count = launch.n_k;
        let phase_0_end: i32 = (slot_count + 7) >> 3u;
        let x_37: i32 = max(phase_0_end, 0) + (launch.splits - 1);
        let x_38: i32 = max(launch.splits, 1);
        let x_39: i32 = x_37 / x_38;
        let phase_0_share: i32 = select(x_39 - select(0, 1, x_37 - x_39 * x_38 < 0), 0, launch.splits < 1);
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
        slot_count = x_54;
        var phase_1_0_first_high: i32 = slot_count;
        while (phase_1_0_first_low < phase_1_0_first_high) {
          let phase_1_0_first_middle: i32 = (phase_1_0_first_low + phase_1_0_first_high) >> 1u;
          let x_59: i32 = phase_1_0_first_middle + 1;
          let x_64: bool = x_47 & (x_59 >= 0) & (x_59 < x_48);
          if (select(0, d_columns_sorted[select(0, x_50 + x_59, x_64)], x_64) < 0) {
            phase_1_0_first_low = x_59;
          } else {
            phase_1_0_first_high = phase_1_0_first_middle;
          }
        }
        var phase_1_0_last_low: i32 = 0;
        var phase_1_0_last_high: i32 = slot_count;
        while (phase_1_0_last_low < phase_1_0_last_high) {
          let phase_1_0_last_middle: i32 = (phase_1_0_last_low + phase_1_0_last_high) >> 1u;
          let x_71: i32 = phase_1_0_last_middle + 1;
          let x_76: bool = x_47 & (x_71 >= 0) & (x_71 < x_48);
          if (select(0, d_columns_sorted[select(0, x_50 + x_71, x_76)], x_76) < phase_1_0_to) {
            phase_1_0_last_low = x_71;
          } else {
            phase_1_0_last_high = phase_1_0_last_middle;
          }
        }
        let phase_1_0_slot_from: i32 = phase_1_0_first_low;
        let phase_1_0_slot_to: i32 = phase_1_0_last_low;
        let x_83: bool = (0 < phase_1_0_to) & (phase_1_0_slot_from < phase_1_0_slot_to);
        range_from_0 = select(0, phase_1_0_slot_from >> 3u, x_83);
        range_to_0 = select(0, (phase_1_0_slot_to + 7) >> 3u, x_83);
        let x_89: bool = range_from_0 < range_to_0;
        let phase_1_start: i32 = min(select(1073741824, range_from_0, x_89), 1073741824);
        let phase_1_end: i32 = max(select(0, range_to_0, x_89), 0);
        let x_97: i32 = max(phase_1_end - phase_1_start, 0) + (launch.splits - 1);
        let x_98: i32 = max(launch.splits, 1);
        let x_99: i32 = x_97 / x_98;
        let phase_1_share: i32 = select(x_99 - select(0, 1, x_97 - x_99 * x_98 < 0), 0, launch.splits < 1);
        next_tile = phase_1_start + split * phase_1_share;
        key_base = 0;
        key_step = 1;
        walk_end = min(phase_1_end, next_tile + phase_1_share);
      }
      if (x_32) {
        searching = 1;
        while ((searching == 1) & (next_tile < walk_end)) {
          let x_111: i32 = next_tile >> 5u;
          let x_120: bool = x_47 & (tile < launch.query_tiles) & (x_111 >= 0) & (x_111 < x_114);
          let map_bits: i32 = select(0,
              d_tile_map[select(0, (h * launch.query_tiles + tile) * x_114 + x_111, x_120)],
              x_120)
            & (-1 << u32(next_tile & 31 & 31));
          if (map_bits != 0) {
            next_tile = x_111 * 32 + countTrailingZeros(map_bits);
            searching = 0;
          } else {
            next_tile = (x_111 + 1) * 32;
          }
        }
      } else {
        let x_134: i32 = max(next_tile, range_from_0);
        next_tile = min(select(1073741824, x_134, x_134 < range_to_0), 1073741824);
      }
      while (next_tile < walk_end) {
        let slot_tile: i32 = next_tile * 8;
        let slots_here: i32 = min(slot_count - slot_tile, 8);
        let x_143: bool = phase == 1;
        let x_144: i32 = slot_count - 1;
        let x_147: i32 = select(-1, min(slot_tile, x_144), x_143) + 1;
        let x_152: bool = x_47 & (x_147 >= 0) & (x_147 < x_48);
        let k_first: i32 = select(select(0, d_columns_sorted[select(0, x_50 + x_147, x_152)], x_152),
            key_base + slot_tile * key_step,
          x_32);
        let x_158: i32 = slot_tile + (slots_here - 1);
        let x_163: i32 = select(-1, min(x_158, x_144), x_143) + 1;
        let x_168: bool = x_47 & (x_163 >= 0) & (x_163 < x_48);
        let k_last: i32 = select(select(0, d_columns_sorted[select(0, x_50 + x_163, x_168)], x_168),
            key_base + x_158 * key_step,
          x_32);
        let x_177: i32 = next_tile >> 5u;
        let x_182: bool = x_47 & (tile < launch.query_tiles);
        let x_184: bool = x_182 & (x_177 >= 0) & (x_177 < x_114);
        let x_194: bool = q_first + 1 <= k_last;
        let x_195: i32 = q_first - k_last;
        let x_196: i32 = launch.n_q - 1;
        let x_197: i32 = x_195 + x_196;
        let x_199: i32 = q_last - k_first + x_196;
        let x_201: i32 = x_199 >> 5u;
        let x_202: i32 = x_197 >> 5u;
        let x_203: i32 = x_201 - x_202;
        let x_206: i32 = x_201 + 1;
        let x_207: i32 = select(x_202, x_206, x_203 < 64);
        var any: bool = false;
        for (var mark_word: i32 = x_202; mark_word < x_207; mark_word += 1) {
          let x_216: bool = x_47 & (mark_word >= 0) & (mark_word < x_211);
          any = any
            | ((select(0, d_slashes_at_slashes_marks[select(0, h * x_211 + mark_word, x_216)], x_216)
                & (select(-1, -1 << u32(x_197 & 31 & 31), mark_word == x_202)
                  & select(-1, (2 << u32(x_199 & 31 & 31)) - 1, mark_word == x_201)))
              != 0);
        }
        let x_192: bool = ((select(0,
                d_tile_map[select(0, ((launch.heads + h) * launch.query_tiles + tile) * x_114 + x_177, x_184)],
                x_184)
              >> u32(next_tile & 31 & 31))
            & 1)
          != 0;
        let masked: bool = !((x_32 & x_192) | (!x_32 & !(x_194 | ((x_197 <= x_199) & ((x_203 >= 64) | any)))));
        let x_246: i32 = max(x_195, 0) + x_196;
        let x_248: i32 = x_246 >> 5u;
        let x_249: i32 = x_201 - x_248;
        let x_252: i32 = select(x_248, x_206, x_249 < 64);
        var any_2: bool = false;
        for (var mark_word_1: i32 = x_248; mark_word_1 < x_252; mark_word_1 += 1) {
          let x_258: bool = x_47 & (mark_word_1 >= 0) & (mark_word_1 < x_211);
          any_2 = any_2
            | ((~select(0, d_slashes_at_slashes_marks[select(0, h * x_211 + mark_word_1, x_258)], x_258)
                & (select(-1, -1 << u32(x_246 & 31 & 31), mark_word_1 == x_248)
                  & select(-1, (2 << u32(x_199 & 31 & 31)) - 1, mark_word_1 == x_201)))
              != 0);
        }
        if (!((phase != 0) & !((k_first <= q_last) & ((x_246 <= x_199) & ((x_249 >= 64) | any_2))))) {
          let x_284: i32 = (slots_here + 3) >> 2u;
          for (var step: i32 = 0; step < x_284; step += 1) {
            let k_slot: i32 = slot_tile + step * 4 + lane;
            let x_292: i32 = select(-1, min(k_slot, x_144), x_143) + 1;
            let x_297: bool = x_47 & (x_292 >= 0) & (x_292 < x_48);
            let k_pos: i32 = select(select(0, d_columns_sorted[select(0, x_50 + x_292, x_297)], x_297),
                key_base + k_slot * key_step,
              x_32);
            let x_302: bool = k_slot < slot_count;
            let inside: bool = x_302
              & ((kv_local >= 0) & (kv_local < launch.kv_count) & (k_pos >= 0) & (k_pos < launch.n_k));
            let x_312: i32 = select(0, kv_local * launch.n_k + k_pos, inside);
            var S: f32 = 0.0f;
            S = dot(Q, select(vec4f(0.0f), k[x_312], inside));
            if (slots_here < 8) {
              S = select(-3.0e38f, S, x_302);
            }
            if (masked) {
              if (x_32) {
                if (x_194) {
                  S = select(-3.0e38f, S, q_first >= k_pos);
                }
                let x_319: i32 = q_first - k_pos + x_196;
                let x_320: i32 = x_319 >> 5u;
                let x_326: bool = x_47 & (x_320 >= 0) & (x_320 < x_211);
                S = select(-3.0e38f,
                  S,
                    ((select(0, d_slashes_at_slashes_marks[select(0, h * x_211 + x_320, x_326)], x_326)
                        >> u32(x_319 & 31 & 31))
                      & 1)
                    != 0);
              } else {
                if (x_194) {
                  S = select(-3.0e38f, S, q_first >= k_pos);
                }
                let x_339: i32 = q_first - k_pos + x_196;
                let x_340: i32 = x_339 >> 5u;
                let x_346: bool = x_47 & (x_340 >= 0) & (x_340 < x_211);
                S = select(-3.0e38f,
                  S,
                    ((select(0, d_slashes_at_slashes_marks[select(0, h * x_211 + x_340, x_346)], x_346)
                        >> u32(x_339 & 31 & 31))
                      & 1)
                    == 0);
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
            O = fma(select(vec4f(0.0f), v[x_312], inside), vec4f(S), O * alpha);
            m = m_new;
          }
        }
        next_tile = next_tile + 1;
        if (x_32) {
          searching = 1;
          while ((searching == 1) & (next_tile < walk_end)) {
            let x_371: i32 = next_tile >> 5u;
            let x_377: bool = x_182 & (x_371 >= 0) & (x_371 < x_114);
            let map_bits_1: i32 = select(0,
                d_tile_map[select(0, (h * launch.query_tiles + tile) * x_114 + x_371, x_377)],
                x_377)
              & (-1 << u32(next_tile & 31 & 31));
            if (map_bits_1 != 0) {
              next_tile = x_371 * 32 + countTrailingZeros(map_bits_1);
              searching = 0;
            } else {
              next_tile = (x_371 + 1) * 32;
            }
          }
        } else {
          let x_391: i32 = max(next_tile, range_from_0);
          next_tile = min(select(1073741824, x_391, x_391 < range_to_0), 1073741824);
        }
      }
    }
    let x_402: i32 = (split * x_397 + head) * launch.n_q + tile;
    let inside_1: bool = x_20 & (lane < 1) & ((split < launch.slots) & (head >= 0) & (head < x_397));
    if (inside_1) {
      part_state[x_402] = m;
    }
    let x_406: f32 = subgroupAdd(l);
    let x_411: i32 = ((launch.slots + split) * x_397 + head) * launch.n_q + tile;
    if (inside_1) {
      part_state[x_411] = x_406;
    }
    let x_412: vec4f = subgroupAdd(O);
    if (inside_1) {
      part_out[x_402] = x_412;
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
