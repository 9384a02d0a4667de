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
import { compileSource } from '../../../compiler/spec/from-source.ts';

const found = findNvcc();
const noNvcc = 'looked' in found ? `no nvcc in ${found.looked.join(', ')}` : undefined;
const python = ['python3', 'python'].find((p) => spawnSync(p, ['--version']).status === 0);
let folder = '';
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
float32, float16, int32, bool, uint8 = map(dtype, ("float32", "float16", "int32", "bool", "uint8"))
class Tensor:
    def __init__(self, shape, dtype, device="cuda:0"): self.shape, self.dtype, self.device = tuple(shape), dtype, device
    def dim(self): return len(self.shape)
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

describe('build --target cuda,pytorch', () => {
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

  test('asks for one kind of machine at a time', async () => {
    expect(await filigree('build', 'tagged.fil', '--target', 'wgsl,cuda', '--out', 'mixed')).toMatchObject({ code: 1 });
    expect(await filigree('build', 'tagged.fil', '--arch', 'sm_80', '--out', 'mixed')).toMatchObject({ code: 1 });
    expect(await filigree('build', 'tagged.fil', '--target', 'cuda', '--arch', 'sm_75', '--out', 'mixed')).toMatchObject({ code: 1 });
  });
});
