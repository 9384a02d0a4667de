/**
 * `build --target cuda,pytorch`: the files, what nvcc makes of them, and the Python package, which is imported with a stand-in for torch
 * and calls the compiled launcher as far as that goes without a GPU.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryIo } from '../../../tools/command-line/io.ts';
import { runCommandLine } from '../../../tools/command-line/main.ts';
import { buildCuda, cudaReportText } from '../../../tools/commands/build-cuda.ts';
import { findNvcc } from '../../../tools/cuda/find-nvcc.ts';
import { resolveLaunch } from '../../../compiler/launch/resolve.ts';
import { compileSpec } from '../../../compiler/pipeline.ts';
import { compileSource } from '../../../compiler/spec/from-source.ts';
import { chainOf, twoLayers } from '../../support/chains.ts';
import { sm80 } from '../../../backends/targets.ts';

const found = findNvcc();
const noNvcc = 'looked' in found ? `no nvcc in ${found.looked.join(', ')}` : undefined;
const python = ['python3', 'python'].find((p) => spawnSync(p, ['--version']).status === 0);
let folder = '';
const chooser = `/// Blocks by the sum of their keys.
stage picked(const size: int, n: int, tau: float) {
  index B in keys / size
  index m in 0 .. n
  index t in 0 .. floor(float(n_k) * tau)
  weight[h, B] = sum j in 0 .. size, c in dim: k[h, B * size + j, c]
  keep[h, B] = top(n) B: weight[h, B]
  list[h, m] = nth(m) B in keys / size where keep[h, B]: -B
  early[h, t] = t
}
/// Attention over the heaviest blocks.
attention chooser(n: int = 2, tau: float) {
  stage sel = picked(4, n, tau)
  mask { (q, k) => sel.keep[h, k div 4] }
  output sel.keep, sel.list, sel.weight, sel.early
}
`;
const source = `/// Documents under a window.
attention tagged(size: int tokens = 5, cap: float, doc: int[batch, keys], keep: bool[heads], cols: int[n]) {
  mask band(0 .. size) & segments(doc) & { (q, k) => keep[h] | k == 0 } | keys(cols)
  score s => cap * tanh(s / cap)
}
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'filigree-cuda-'));
  writeFileSync(join(folder, 'tagged.fil'), source);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function filigree(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const io = memoryIo(folder);
  const code = await runCommandLine(argv, io);
  return { code, out: io.stdout(), err: io.stderr() };
}

/** Enough of torch to import the package and to check arguments: tensors are shapes, operators are their functions. */
const standIn = `
import types
class dtype(str): pass
float32, float16, bfloat16, int32, bool, uint8 = map(dtype, ("float32", "float16", "bfloat16", "int32", "bool", "uint8"))
class Tensor:
    def __init__(self, shape, dtype, device="cuda:0"): self.shape, self.dtype, self.device = tuple(shape), dtype, device
    def dim(self): return len(self.shape)
    def to(self, dtype): return Tensor(self.shape, dtype, self.device)
    def new_empty(self, shape, dtype=None): return Tensor(shape, dtype or self.dtype, self.device)
operators = {}
def custom_op(name, *, mutates_args, device_types):
    def decorate(function):
        operators[name] = function
        def register_fake(fake): function.fake = fake
        function.register_fake = register_fake
        return function
    return decorate
library = types.SimpleNamespace(custom_op=custom_op)
`;

const session = `
import ctypes, json, sys
sys.path.insert(0, sys.argv[1])
import torch, inspect, tagged
said = {}
t = lambda shape, d: torch.Tensor(shape, d)
good = dict(q=t((1, 4, 9, 16), torch.float16), k=t((1, 2, 9, 16), torch.float16), v=t((1, 2, 9, 16), torch.float16), doc=t((1, 9), torch.int32), keep=t((4,), torch.bool), cols=t((3,), torch.int32))
fake = torch.operators["filigree::tagged"].fake
out, lse = fake(*good.values(), 5, 2.0)
said["fake"] = [out.shape, out.dtype, lse.shape, lse.dtype]
def refused(**change):
    try: fake(*{**good, **change}.values(), 5, 2.0)
    except (TypeError, ValueError) as e: return type(e).__name__ + ": " + str(e)
said["refused"] = [refused(q=t((1, 4, 9, 16), torch.float32)), refused(doc=t((1, 8), torch.int32)), refused(k=t((1, 3, 9, 16), torch.float16), v=t((1, 3, 9, 16), torch.float16)), refused(keep=t((4, 1), torch.bool)), refused(v=torch.Tensor((1, 2, 9, 16), torch.float16, "cpu"))]
said["signature"] = str(inspect.signature(tagged.tagged)).replace("torch.Tensor", "T")
if len(sys.argv) > 2:
    call = tagged._Call(batch=1, heads=4, kv_heads=2, n_q=9, n_k=9, cols_n=3, size=5, cap=2.0)
    lib = tagged._native.library("tagged", tagged._flags, tagged._Call)
    said["elements"] = [lib.tagged_elements(ctypes.byref(call), i) for i in range(8)]
    said["workspace"] = lib.tagged_workspace_bytes(ctypes.byref(call))
    call.cap = float("inf")
    said["wrong"] = [lib.tagged_workspace_bytes(ctypes.byref(call)), tagged._native.said(lib, "tagged")]
print(json.dumps(said))
`;

/** The types and shapes that the fake operator of `chooser` gives, for lengths that a block does and does not divide. */
const choosing = `
import json, sys
sys.path.insert(0, sys.argv[1])
import torch, inspect, chooser
t = lambda *shape: torch.Tensor(shape, torch.bfloat16 if sys.argv[2] == "bf16" else torch.float16)
fake = torch.operators["filigree::chooser"].fake
said = []
for n_k, n, tau in ((9, 2, 0.5), (12, 0, 0.26), (1, -3, 0.0)):
    said.append([[list(x.shape), x.dtype] for x in fake(t(2, 4, 7, 16), t(2, 2, n_k, 16), t(2, 2, n_k, 16), n, tau)])
print(json.dumps({"signature": str(inspect.signature(chooser.chooser)).replace("torch.Tensor", "T"), "fake": said, "doc": chooser.chooser.__doc__}))
`;

describe('build --target cuda,pytorch', () => {
  test('gives stage tensors back from the operator, with the types and extents of the host plan', async ({ skip }) => {
    writeFileSync(join(folder, 'chooser.fil'), chooser);
    const spec = compileSource({ file: 'chooser.fil', text: chooser }, () => undefined, 'chooser');
    if (!spec.ok) throw new Error(spec.diagnostics.map((d) => `${d.code} ${d.message}`).join('; '));
    // Without a compiler: the text is what is looked at.
    const made = await buildCuda(spec.value, { arch: 'sm_80', dim: 16, dtype: 'f16', trace: () => undefined, sources: new Map(), plain: false, python: true, nvcc: { environment: { PATH: folder } } });
    if (!made.ok) throw new Error(made.diagnostics.map((d) => d.message).join('; '));
    if (python === undefined) return skip('no Python');
    const out = join(folder, 'stages');
    mkdirSync(join(out, 'chooser'), { recursive: true });
    for (const [path, data] of made.value.files) writeFileSync(join(out, path), data);
    writeFileSync(join(out, 'torch.py'), standIn);
    writeFileSync(join(out, 'session.py'), choosing);
    expect(spawnSync(python, ['-m', 'py_compile', join(out, 'chooser', '__init__.py'), join(out, 'chooser', '_native.py')], { encoding: 'utf8' }).stderr).toBe('');
    const ran = spawnSync(python, [join(out, 'session.py'), out, 'f16'], { encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    const compiled = compileSpec(spec.value, { target: sm80, dim: 16, dtype: 'f16' });
    if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join('; '));
    const types = new Map([['f16', 'float16'], ['f32', 'float32'], ['int', 'int32'], ['bool', 'bool']]);
    const fakes = [[9, 2, 0.5], [12, 0, 0.26], [1, -3, 0]].map(([nK = 0, n = 0, tau = 0]) => {
      const resolved = resolveLaunch(compiled.value.hostPlan, { batch: 2, heads: 4, kvHeads: 2, nQ: 7, nK, dim: 16 }, new Map([['n', n], ['tau', tau]]), new Map());
      if (!resolved.ok) throw new Error(resolved.diagnostics.map((d) => d.message).join('; '));
      return resolved.value.buffers.filter((b) => b.role === 'output').map((b) => [b.extents, types.get(b.element)]);
    });
    const said: unknown = JSON.parse(ran.stdout);
    expect(said).toMatchObject({ signature: '(q: T, k: T, v: T, *, tau: float, n: int = 2) -> Tuple[T, T, T, T, T, T]', fake: fakes });
    expect(fakes[0]).toHaveLength(6);
    expect(said).toMatchObject({ doc: expect.stringContaining('p_sel_keep: bool, the stage tensor sel.keep') });
  });

  test('writes a source, a header, a plan and a package that Python imports and that checks its arguments', async ({ skip }) => {
    const ran = await filigree('build', 'tagged.fil', '--target', 'cuda,pytorch', '--arch', 'sm_90a', '--dim', '16', '--dtype', 'f16', '--out', 'out', '--json');
    expect(ran.err).toBe('');
    const out = join(folder, 'out');
    expect(readdirSync(out).sort()).toEqual(['tagged', 'tagged.cu', 'tagged.h', 'tagged.plan.json']);
    const text = readFileSync(join(out, 'tagged.cu'), 'utf8');
    expect(text).toMatch(/\/\/ tagged\.fil:[23]\n/);
    expect(text).toContain('extern "C" int tagged_launch(');
    expect(readFileSync(join(out, 'tagged.h'), 'utf8')).toContain('  const void* keep;  // bool [heads], a 32-bit word an element\n');
    if (python === undefined) return skip('no Python');
    mkdirSync(join(folder, 'stand-in'), { recursive: true });
    writeFileSync(join(out, 'torch.py'), standIn);
    writeFileSync(join(folder, 'session.py'), session);
    const compiled = spawnSync(python, ['-m', 'py_compile', join(out, 'tagged', '__init__.py'), join(out, 'tagged', '_native.py')], { encoding: 'utf8' });
    expect(compiled.stderr).toBe('');
    const python3 = spawnSync(python, [join(folder, 'session.py'), out, ...(noNvcc === undefined ? ['library'] : [])], { encoding: 'utf8' });
    expect(python3.stderr).toBe('');
    const said: unknown = JSON.parse(python3.stdout);
    expect(said).toMatchObject({
      fake: [[1, 4, 9, 16], 'float16', [1, 4, 9], 'float32'],
      refused: [
        'TypeError: q must be float16, not float32',
        'ValueError: doc must have the shape [1, 9], not [1, 8]',
        'ValueError: q has 4 heads, which is no multiple of the 3 of k',
        'ValueError: keep must have the shape [4], not [4, 1]',
        'ValueError: v must be on cuda:0, not on cpu',
      ],
      signature: '(q: T, k: T, v: T, doc: T, keep: T, cols: T, *, cap: float, size: int = 5) -> Tuple[T, T]',
    });
    if (noNvcc !== undefined) return skip(noNvcc);
    // q, k, v, doc, keep, cols, out, lse; then the launcher's own checks.
    expect(said).toMatchObject({ elements: [576, 288, 288, 9, 4, 3, 576, 36], wrong: [-1, 'cap is not finite'] });
    expect(JSON.parse(ran.out)).toMatchObject({ resources: [{ name: 'tagged', arch: 'sm_90a' }] });
  }, 180_000);

  test('writes the source without nvcc too, and says what is not known', async () => {
    const spec = compileSource({ file: 'tagged.fil', text: source }, () => undefined, 'tagged');
    if (!spec.ok) throw new Error(spec.diagnostics.map((d) => d.message).join('; '));
    const made = await buildCuda(spec.value, { arch: 'sm_80', dim: 16, dtype: 'f32', trace: () => undefined, sources: new Map(), plain: true, python: true, nvcc: { environment: { PATH: folder } } });
    if (!made.ok) throw new Error(made.diagnostics.map((d) => d.message).join('; '));
    expect([...made.value.files.keys()]).toEqual(['tagged.cu', 'tagged.h', 'tagged.plan.json', 'tagged/__init__.py', 'tagged/_native.py', 'tagged/tagged.cu', 'tagged/tagged.h', 'tagged/tagged.plan.json']);
    expect(cudaReportText(made.value.report)).toMatch(/^tagged: nvcc was not found/);
  });

  test('a chain takes its sizes from the tensors that it is given', async ({ skip }) => {
    const chain = chainOf(twoLayers, 'two');
    const made = await buildCuda(chain, { arch: 'sm_80', dim: 1, dtype: 'f32', trace: () => undefined, sources: new Map(), plain: false, python: true, nvcc: { environment: { PATH: folder } } });
    if (!made.ok) throw new Error(made.diagnostics.map((d) => d.message).join('; '));
    if (python === undefined) return skip('no Python');
    const out = join(folder, 'chain');
    mkdirSync(join(out, 'two'), { recursive: true });
    for (const [path, data] of made.value.files) writeFileSync(join(out, path), data);
    writeFileSync(join(out, 'torch.py'), standIn);
    writeFileSync(join(out, 'session.py'), `
import json, sys
sys.path.insert(0, sys.argv[1])
import torch, inspect, two
t = lambda *shape: torch.Tensor(shape, torch.float32)
fake = torch.operators["filigree::two"].fake
given = fake(t(3, 7, 8), t(2, 32, 8), t(2, 16, 8), t(2, 8, 32), 5)
try: fake(t(3, 7, 8), t(2, 32, 8), t(2, 16, 8), t(3, 8, 32), 5)
except ValueError as e: wrong = str(e)
print(json.dumps({"signature": str(inspect.signature(two.two)).replace("torch.Tensor", "T"), "fake": [list(given.shape), given.dtype], "wrong": wrong}))
`);
    const ran = spawnSync(python, [join(out, 'session.py'), out], { encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout)).toEqual({
      signature: '(x: T, wq: T, wk: T, wo: T, *, window: int) -> T', fake: [[3, 7, 8], 'float32'], wrong: 'wo must have the shape [2, 8, 32], not [3, 8, 32]',
    });
  });

  test('asks for one kind of machine at a time', async () => {
    expect(await filigree('build', 'tagged.fil', '--target', 'wgsl,cuda', '--out', 'mixed')).toMatchObject({ code: 1 });
    expect(await filigree('build', 'tagged.fil', '--arch', 'sm_80', '--out', 'mixed')).toMatchObject({ code: 1 });
    expect(await filigree('build', 'tagged.fil', '--target', 'cuda', '--arch', 'sm_75', '--out', 'mixed')).toMatchObject({ code: 1 });
  });
});
