/**
 * The CUDA engine without a GPU: once on a table of driver calls whose memory is JavaScript's and whose kernels run on the emulator, and once
 * through the foreign function interface on a driver library that only writes down what it is asked.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attentionWithBounds, compareRows } from '../../../compiler/interpreters/bounds.ts';
import { findNvcc } from '../../../tools/cuda/find-nvcc.ts';
import { loadDriver, type CudaDriver } from '../../../tools/cuda/driver.ts';
import { openCudaSession, targetOfCapability } from '../../../tools/engines/cuda.ts';
import { cases } from '../../conformance/cases.ts';
import { denseChain } from '../../../compiler/interpreters/dense/chain.ts';
import { chainOf, smallSchedules, twoLayers, twoLayersLaunch, valueOf } from '../../support/chains.ts';
import { pretended } from '../../support/pretended-driver.ts';

const found = findNvcc();
const compiler = ['cc', 'gcc', 'clang'].find((c) => spawnSync(c, ['--version']).status === 0);
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'filigree-driver-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const given = cases.find((c) => c.name === 'causal, one query at the end of many keys');

test('the engine uploads, launches every step of the plan in order, reads back and gives all memory back', async ({ skip }) => {
  if ('looked' in found) return skip(`no nvcc in ${found.looked.join(', ')}`);
  if (given === undefined) throw new Error('no such case');
  const live = new Map<number, Uint8Array>();
  const session = openCudaSession(pretended(2 ** 24, live), { make: 'ptx' });
  if (!session.ok) throw new Error('no session');
  const ran = await session.value.run({ spec: given.spec, launch: given.launch, inputs: given.inputs, dtype: 'f32' }, 2);
  if (!ran.ok) throw new Error(ran.diagnostics.map((d) => d.message).join('; '));
  const truth = attentionWithBounds(given.spec, given.launch, given.inputs, { outType: 'f32' });
  expect(compareRows(ran.value.out, truth.out, truth.bounds.out)).toMatchObject({ ok: true });
  expect(compareRows(ran.value.lse, truth.lse, truth.bounds.lse)).toMatchObject({ ok: true });
  expect(ran.value.milliseconds).toEqual([0.5, 0.5]);
  expect(live.size).toBe(0);
  const small = openCudaSession(pretended(4096, live), { make: 'ptx' });
  const refused = small.ok ? await small.value.run({ spec: given.spec, launch: given.launch, inputs: given.inputs, dtype: 'f32' }) : small;
  expect(refused.ok ? '' : refused.diagnostics.map((d) => d.code).join()).toBe('FIL0607');
  expect(live.size).toBe(0);
});

test('a chain is launched many times on parameters that stay on the device', async ({ skip }) => {
  if ('looked' in found) return skip(`no nvcc in ${found.looked.join(', ')}`);
  const chain = chainOf(twoLayers, 'two');
  const live = new Map<number, Uint8Array>();
  const session = openCudaSession(pretended(2 ** 24, live), { make: 'ptx' });
  if (!session.ok) throw new Error('no session');
  const opened = valueOf(await session.value.openChain({ chain, dtype: 'f32', schedules: smallSchedules }));
  const launch = twoLayersLaunch(5);
  const { x, ...weights } = Object.fromEntries(launch.tensors);
  if (x === undefined) throw new Error('no tokens');
  valueOf(opened.keep(new Map(Object.entries(weights))));
  const dense = denseChain(chain, launch).get(chain.outputs[0]?.value ?? '');
  for (let round = 0; round < 2; round += 1) {
    const { outputs } = valueOf(await opened.run({ ...launch, tensors: new Map([['x', x]]) }));
    const made = outputs.get('y.out')?.values;
    (dense?.data ?? []).forEach((v, i) => expect(Math.abs((made?.[i] ?? NaN) - v)).toBeLessThan(1e-4));
  }
  const none = await opened.run({ ...launch, tensors: new Map() });
  expect(none.ok ? [] : none.diagnostics.map((d) => d.code)).toEqual(['FIL0506']);
  const wrong = opened.keep(new Map([['nothing', x]]));
  expect(wrong.ok ? [] : wrong.diagnostics.map((d) => d.code)).toEqual(['FIL0505']);
  expect(live.size).toBeGreaterThan(0);
  opened.close();
  expect(live.size).toBe(0);
}, 60_000);

test('a device that does not answer, or is too old, is a diagnostic', () => {
  const codes = (change: Partial<CudaDriver>): string => {
    const opened = openCudaSession({ ...pretended(0, new Map()), ...change });
    return opened.ok ? opened.value.name : opened.diagnostics.map((d) => `${d.code} ${d.message}`).join();
  };
  expect(codes({})).toBe('pretended (sm_80)');
  expect(codes({ start: () => ({ status: 100, devices: 0 }) })).toBe('FIL0613 no CUDA device: error 100');
  expect(codes({ start: () => ({ status: 0, devices: 0 }) })).toBe('FIL0613 no CUDA device: the driver knows none');
  expect(codes({ describe: () => ({ status: 0, name: 'old', major: 7, minor: 5 }) })).toMatch(/^FIL0613 .*7\.5, and 8\.0 is needed/);
  expect([[8, 0], [8, 9], [9, 0], [12, 1]].map(([major = 0, minor = 0]) => targetOfCapability(major, minor)?.arch)).toEqual(['sm_80', 'sm_89', 'sm_90a', 'sm_121a']);
});

const library = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef unsigned long long u64;
int cuInit(unsigned f) { return (int)f; }
int cuDeviceGetCount(int* n) { *n = 3; return 0; }
int cuDeviceGet(int* d, int i) { *d = i + 40; return 0; }
int cuDeviceGetName(char* s, int n, int d) { snprintf(s, n, "device %d", d); return 0; }
int cuDeviceGetAttribute(int* v, int a, int d) { *v = a == 75 ? 9 : 0; return d - 40; }
int cuDevicePrimaryCtxRetain(u64* c, int d) { *c = 0x7000000000000000ull + d; return 0; }
int cuDevicePrimaryCtxRelease_v2(int d) { return d - 40; }
int cuCtxSetCurrent(u64 c) { return c == 0x7000000000000000ull + 40 ? 0 : 1; }
int cuModuleLoadData(u64* m, const char* image) { *m = strcmp(image, "image") == 0 ? 0x123456789abcull : 0; return 0; }
int cuModuleGetFunction(u64* f, u64 m, const char* name) { *f = strlen(name); return m == 0x123456789abcull ? 0 : 1; }
int cuFuncSetAttribute(u64 f, int a, int v) { return a == 8 && v == 65536 ? 0 : 1; }
int cuMemAlloc_v2(u64* p, size_t n) { *p = (u64)malloc(n); return 0; }
int cuMemFree_v2(u64 p) { free((void*)p); return 0; }
int cuMemcpyHtoD_v2(u64 p, const void* d, size_t n) { memcpy((void*)p, d, n); return 0; }
int cuMemcpyDtoH_v2(void* d, u64 p, size_t n) { memcpy(d, (void*)p, n); return 0; }
/* out[i] = grid, block, shared, then the integer of the second parameter. */
int cuLaunchKernel(u64 f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, u64 stream, void** p, void** extra) {
  int* out = *(int**)p[0];
  int values[] = {(int)f, (int)gx, (int)gy, (int)gz, (int)bx, (int)by, (int)bz, (int)shared, (int)stream, *(int*)p[1], ((int*)p[1])[1]};
  memcpy(out, values, sizeof values);
  return extra == 0 ? 0 : 1;
}
int cuCtxSynchronize(void) { return 0; }
int cuEventCreate(u64* e, unsigned f) { *e = 5; return (int)f; }
int cuEventRecord(u64 e, u64 s) { return (int)(e - 5 + s); }
int cuEventElapsedTime(float* ms, u64 a, u64 b) { *ms = 1.25f; return (int)(a - b); }
int cuGetErrorString(int s, const char** text) { *text = "said"; return s == 9 ? 0 : 1; }
`;

test('calls reach the driver library with their arguments, and results come back', async ({ skip }) => {
  if (compiler === undefined) return skip('no C compiler');
  const [source, path] = [join(folder, 'driver.c'), join(folder, 'libdriver.so')];
  writeFileSync(source, library);
  execFileSync(compiler, ['-shared', '-fPIC', source, '-o', path]);
  const driver = await loadDriver([join(folder, 'missing.so'), path]);
  if (typeof driver === 'string') throw new Error(driver);
  expect(driver.start()).toEqual({ status: 0, devices: 3 });
  expect(driver.describe(0)).toEqual({ status: 0, name: 'device 40', major: 9, minor: 0 });
  expect(driver.createContext(0).status).toBe(0);
  const module = driver.loadModule(Buffer.from('image'));
  const kernel = driver.getFunction(module.handle, 'seven..');
  expect([module.status, kernel.status, Number(kernel.handle), driver.allowShared(kernel.handle, 65536)]).toEqual([0, 0, 7, 0]);
  const { handle } = driver.allocate(44);
  const pointer = new Uint8Array(8);
  new DataView(pointer.buffer).setBigUint64(0, BigInt(handle), true);
  expect(driver.upload(handle, new Uint8Array(44).fill(1))).toBe(0);
  expect(driver.launch(kernel.handle, [2, 3, 4], 128, 1024, [pointer, new Uint8Array(Int32Array.of(-77, 88).buffer)])).toBe(0);
  const back = new Uint8Array(44);
  expect(driver.download(back, handle)).toBe(0);
  expect([...new Int32Array(back.buffer)]).toEqual([7, 2, 3, 4, 128, 1, 1, 1024, 0, -77, 88]);
  const event = driver.createEvent();
  expect([driver.recordEvent(event.handle), driver.elapsed(event.handle, event.handle), driver.words(9), driver.words(8), driver.free(handle), driver.synchronize()]).toEqual([0, { status: 0, milliseconds: 1.25 }, 'said (9)', 'error 8', 0, 0]);
  expect(driver.destroyContext(1)).toBe(0);
  expect(await loadDriver([join(folder, 'missing.so')])).toMatch(/driver library is not there/);
});
