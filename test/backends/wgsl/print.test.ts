import { describe, expect, it } from 'vitest';
import { printWgsl } from '../../../backends/wgsl/module.ts';
import { lintWgsl } from '../../../backends/wgsl/lint.ts';
import { validatePrinted } from '../../../backends/wgsl/validate.ts';
import { allKernels, awkward, bfloats, freshInLoop, halfStorage, halves, sharedSum, shuffled, vectorAdd } from '../kernels.ts';

describe('printed WGSL', () => {
  it('shows bindings, the uniform block and the entry point of an elementwise kernel', () => {
    expect(printWgsl(vectorAdd).text).toMatchInlineSnapshot(`
      "// out[i] = a[i] + b[i]

      @group(0) @binding(0) var<storage, read> a: array<f32>;
      @group(0) @binding(1) var<storage, read> b: array<f32>;
      @group(0) @binding(2) var<storage, read_write> out: array<f32>;

      struct Launch {
        n: i32,
      }
      @group(0) @binding(3) var<uniform> launch: Launch;

      @compute @workgroup_size(64)
      fn vector_add(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
        let lane: i32 = i32(local_index);
        let group_x: i32 = i32(group_id.x);
        let i: i32 = group_x * 64 + lane;
        if (i < launch.n) {
          out[i] = a[i] + b[i];
        }
      }
      "
    `);
  });
  it('shows workgroup memory, barriers and loops of a reduction', () => {
    expect(printWgsl(sharedSum).text).toMatchInlineSnapshot(`
      "// sums[g] = sum of 64 elements of x, by halving in workgroup memory

      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read_write> sums: array<f32>;

      var<workgroup> partial_2: array<f32, 64>;

      @compute @workgroup_size(64)
      fn shared_sum(@builtin(local_invocation_index) local_index: u32, @builtin(workgroup_id) group_id: vec3u) {
        let lane: i32 = i32(local_index);
        let group_x: i32 = i32(group_id.x);
        partial_2[lane] = x[group_x * 64 + lane];
        workgroupBarrier();
        var width: i32 = 32;
        while (width > 0) {
          if (lane < width) {
            partial_2[lane] = partial_2[lane] + partial_2[lane + width];
          }
          workgroupBarrier();
          width = width / 2;
        }
        if (lane == 0) {
          sums[group_x] = partial_2[0];
        }
      }
      "
    `);
  });
  it('enables subgroups for a kernel that shuffles', () => {
    expect(printWgsl(shuffled).text).toMatchInlineSnapshot(`
      "// hands lane 2 round, and reduces over the subgroup
      enable subgroups;
      diagnostic(off, subgroup_uniformity);

      @group(0) @binding(0) var<storage, read> x: array<vec4f>;
      @group(0) @binding(1) var<storage, read_write> from_two: array<vec4f>;
      @group(0) @binding(2) var<storage, read_write> reduced: array<f32>;

      @compute @workgroup_size(16)
      fn shuffled(@builtin(local_invocation_index) local_index: u32, @builtin(subgroup_invocation_id) subgroup_index: u32) {
        let lane: i32 = i32(local_index);
        let subgroup_lane: i32 = i32(subgroup_index);
        let mine: vec4f = x[lane];
        let other: vec4f = subgroupShuffle(mine, 2u);
        from_two[lane] = other - mine;
        let total: f32 = subgroupAdd(mine.w);
        let most: i32 = subgroupMax(subgroup_lane);
        reduced[lane] = total / f32(most + 1);
      }
      "
    `);
  });
  it('unpacks and packs halves with builtins, without the f16 feature', () => {
    expect(printWgsl(halves).text).toMatchInlineSnapshot(`
      "// packed halves times a factor

      @group(0) @binding(0) var<storage, read> four: array<vec2u>;
      @group(0) @binding(1) var<storage, read> pairs: array<u32>;
      @group(0) @binding(2) var<storage, read_write> scaled: array<vec2u>;
      @group(0) @binding(3) var<storage, read_write> swapped: array<u32>;

      struct Launch {
        factor: f32,
      }
      @group(0) @binding(4) var<uniform> launch: Launch;

      fn pack_half4(values: vec4f) -> vec2u {
        return vec2u(pack2x16float(values.xy), pack2x16float(values.zw));
      }

      fn unpack_half4(pairs: vec2u) -> vec4f {
        return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
      }

      @compute @workgroup_size(64)
      fn halves(@builtin(local_invocation_index) local_index: u32) {
        let lane: i32 = i32(local_index);
        let values: vec4f = unpack_half4(four[lane]);
        scaled[lane] = pack_half4(values * launch.factor);
        let pair: u32 = pairs[lane];
        swapped[lane] = pack2x16float(vec2f(unpack2x16float(pair).y, unpack2x16float(pair).x));
      }
      "
    `);
  });
  it('takes bfloat16 apart and puts it together with integers', () => {
    const { text } = printWgsl(bfloats);
    expect(text).toContain('let values: vec4f = unpack_bfloat4(four[lane]);');
    expect(text).toContain('swapped[lane] = pack_bfloat2(unpack_bfloat_high(pair), unpack_bfloat_low(pair));');
    expect(text.match(/^fn \w+/gm)).toEqual(['fn pack_bfloat2', 'fn pack_bfloat4', 'fn unpack_bfloat4', 'fn unpack_bfloat_high', 'fn unpack_bfloat_low', 'fn bfloats']);
    expect(text).not.toContain('enable f16');
  });
  it('refuses single elements of bfloat16, which WGSL has not', () => {
    expect(() => printWgsl({ ...bfloats, storage: bfloats.storage.map((s) => ({ ...s, element: 'bf16' as const })) })).toThrow('no elements of bf16');
  });
  it('converts at the border of f16 storage', () => {
    expect(printWgsl(halfStorage).text).toMatchInlineSnapshot(`
      "// half_storage
      enable f16;

      @group(0) @binding(0) var<storage, read> x: array<f16>;
      @group(0) @binding(1) var<storage, read> w: array<vec4h>;
      @group(0) @binding(2) var<storage, read_write> y: array<f16>;
      @group(0) @binding(3) var<storage, read_write> z: array<vec4h>;

      @compute @workgroup_size(64)
      fn half_storage(@builtin(local_invocation_index) local_index: u32) {
        let lane: i32 = i32(local_index);
        y[lane] = f16(f32(x[lane]) + 1.0f);
        z[lane] = vec4h(fma(vec4f(2.0f), vec4f(w[lane]), vec4f(f32(x[lane]))));
      }
      "
    `);
  });
  it('gives every variable a value, also in loops', () => {
    expect(printWgsl(freshInLoop).text).toMatchInlineSnapshot(`
      "// fresh_in_loop

      @group(0) @binding(0) var<storage, read_write> out: array<f32>;

      @compute @workgroup_size(1)
      fn fresh_in_loop() {
        for (var i: i32 = 0; i < 8; i += 1) {
          var a: vec4f = vec4f(0.0f);
          var b: array<f32, 2> = array<f32, 2>(0.0f, 0.0f);
          a = a + vec4f(1.0f, 0.0f, 0.0f, 0.0f);
          b[1] = b[1] + 1.0f;
          out[i] = a.x + b[1];
        }
      }
      "
    `);
  });
  it('renames what WGSL reserves, parenthesises as little as WGSL allows, and folds constants that WGSL would refuse', () => {
    expect(printWgsl(awkward).text).toMatchInlineSnapshot(`
      "// loop

      @group(0) @binding(0) var<storage, read> array_2: array<i32>;
      @group(0) @binding(1) var<storage, read_write> out: array<f32>;

      struct Launch {
        if_2: i32,
        k_length: f32,
      }
      @group(0) @binding(2) var<uniform> launch: Launch;

      fn f32_from_bits(bits: u32) -> f32 {
        return bitcast<f32>(bits);
      }

      @compute @workgroup_size(1)
      fn loop_2() {
        let max_2: i32 = array_2[0];
        let a_b: i32 = max_2 - (launch.if_2 - -2147483648);
        let a_b_2: i32 = (a_b ^ (max_2 & -7)) << u32(launch.if_2 & 31);
        let c: bool = ((a_b_2 < 3) | (max_2 > 4)) & !(a_b == max_2);
        let d: bool = select((a_b_2 > 1), (max_2 < 1), launch.k_length >= 0.1f);
        let e: f32 = -(-tanh(max(min(launch.k_length / -3.0e38f, 15.0f), -15.0f)));
        let f: i32 = 32 - countLeadingZeros(max_2) + (32 - countLeadingZeros(a_b_2)) * 2;
        if (c) {
          out[0] = f32_from_bits(0x7f800000u);
        } else if (d) {
          out[1] = e;
        } else {
          out[2] = f32(f);
        }
        // two
        // lines
      }
      "
    `);
  });
  it.each(allKernels)('compiles under Tint and passes the lint: $name', async (kernel) => {
    const printed = printWgsl(kernel);
    expect(await validatePrinted(kernel.name, printed, { f16: true, subgroups: true })).toEqual([]);
    expect(lintWgsl(printed.text)).toEqual([]);
  });
  it('is the same text each time', () => {
    for (const kernel of allKernels) expect(printWgsl(kernel).text).toBe(printWgsl(structuredClone(kernel)).text);
  });
});
