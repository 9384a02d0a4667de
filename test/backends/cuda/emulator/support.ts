/** Fixtures and little helpers of the emulator's tests. */
import { readFileSync } from 'node:fs';
import { runPtxKernel, parsePtx } from '../../../../backends/cuda/emulator/index.ts';
import type { PtxLaunch, PtxModule, PtxParam, PtxRun } from '../../../../backends/cuda/emulator/index.ts';

export function fixture(name: string): string {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
}

export function moduleOf(text: string): PtxModule {
  const parsed = parsePtx(text);
  if (!parsed.ok) throw new Error(parsed.diagnostics.map((d) => d.message).join('\n'));
  return parsed.value;
}

export function input(values: ArrayBufferView): PtxParam {
  return { kind: 'buffer', bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength), writable: false };
}

export function output(values: ArrayBufferView): PtxParam {
  return { kind: 'buffer', bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength), writable: true };
}

export function int(value: number): PtxParam {
  return { kind: 'bytes', bytes: new Uint8Array(Int32Array.of(value).buffer) };
}

export function run(module: PtxModule, name: string, launch: Partial<PtxLaunch> & Pick<PtxLaunch, 'params'>): PtxRun {
  return runPtxKernel(module, name, { grid: [1, 1, 1], block: 32, sharedBytes: 0, ...launch });
}

/** A kernel of one warp around the given body; `out` gets a word per lane from %r1 and `in` gives one in %r2, %r3, %r4. */
export function snippet(body: string, inputs: readonly Int32Array[], options: Partial<PtxLaunch> = {}): { readonly out: Uint32Array; readonly run: PtxRun } {
  const out = new Uint32Array(options.block ?? 32);
  const loads = inputs.map((_, i) => `ld.param.u64 %rd1, [in${i}]; add.s64 %rd1, %rd1, %rd9; ld.global.u32 %r${i + 2}, [%rd1];`).join('\n');
  const text = `.version 9.0
.target sm_80
.address_size 64
.visible .entry k(.param .u64 out${inputs.map((_, i) => `, .param .u64 in${i}`).join('')})
{ .reg .pred %p<9>; .reg .b16 %rs<9>; .reg .f32 %f<9>; .reg .b32 %r<40>; .reg .b64 %rd<12>; .shared .align 16 .b8 s[4096];
mov.u32 %r9, %tid.x; mul.wide.u32 %rd9, %r9, 4;
${loads}
${body}
ld.param.u64 %rd1, [out]; add.s64 %rd1, %rd1, %rd9; st.global.u32 [%rd1], %r1;
ret; }`;
  const result = run(moduleOf(text), 'k', { params: [output(out), ...inputs.map(input)], ...options });
  return { out, run: result };
}
