/**
 * The part of bench/h100.py that needs no GPU: what h100:prepare writes byte-compiles; the generated masks mean what the interpreter says,
 * pair by pair; made tensors fit their programs; arguments, figures and bounds are worked out as they should be. Python without torch.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patterns } from '../../bench/h100-patterns.ts';
import { manifestEntry, maskFunctions, prepare, specOf } from '../../bench/h100-prepare.ts';
import { torchProgram, type TorchProgram } from '../../bench/torch-mask.ts';
import { denseMask, denseStages } from '../../compiler/interpreters/dense/index.ts';
import { checkLaunch } from '../../compiler/spec/check-launch.ts';
import type { Launch, Spec, TensorValue } from '../../compiler/spec/ir.ts';
import { fileCases } from '../../tools/fuzz/file-cases.ts';
import type { Case } from '../../tools/fuzz/random-programs.ts';
import { asGiven } from '../../tools/fuzz/stage-cases.ts';

const python = ['python3', 'python'].find((p) => spawnSync(p, ['--version']).status === 0);
const numpy = python !== undefined && spawnSync(python, ['-c', 'import numpy']).status === 0;
const bench = join(import.meta.dirname, '..', '..', 'bench');
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'filigree-h100-'));
  const titles = ['dense causal', 'vertical-slash', 'ALiBi, soft-cap, sinks', 'block top-k'];
  await prepare({ folder, arch: 'sm_90a', dims: [16], dtype: 'bf16', chosen: patterns.filter((p) => titles.includes(p.title)), sourceOnly: true, said: () => undefined });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string, input: unknown): unknown {
  const file = join(folder, 'session.py');
  writeFileSync(file, script);
  const ran = spawnSync(python ?? 'python3', ['-B', file], { input: JSON.stringify(input), encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout);
}

const head = `import json, sys\nsys.path.insert(0, ${JSON.stringify(bench)})\n`;

test('every example of attention is measured', () => {
  const programs = new Set(patterns.map((p) => p.program));
  const folders = readdirSync(join(bench, '..', 'examples')).filter((f) => existsSync(join(bench, '..', 'examples', f, `${f}.fil`)) && /^attention /m.test(readFileSync(join(bench, '..', 'examples', f, `${f}.fil`), 'utf8')));
  const missing = folders.filter((f) => ![...programs].some((p) => p.startsWith(`${f}/`)));
  expect(missing).toEqual([]);
});

test('what is carried to the GPU machine is complete and byte-compiles', ({ skip }) => {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  expect(manifest).toMatchObject({ format: 'filigree-bench-1', dtype: 'bf16', dims: [16], arch: 'sm_90a' });
  const packages = join(folder, 'packages', 'bf16_16');
  expect(readdirSync(packages).sort()).toEqual(['alibi_softcap_sinks', 'block_top_k', 'dense_causal', 'vertical_slash'].flatMap((n) => [n, `${n}.resources.json`]).sort());
  // The tables that its mask reads come out beside out and lse.
  expect(readFileSync(join(packages, 'block_top_k', '__init__.py'), 'utf8')).toContain('bool, the stage tensor sel.keep');
  if (python === undefined) return skip('no Python');
  const files = ['h100.py', 'h100_bound.py', 'h100_tensors.py', 'masks.py'].map((f) => join(folder, f));
  const inits = readdirSync(packages).filter((n) => !n.endsWith('.json')).map((n) => join(packages, n, '__init__.py'));
  expect(spawnSync(python, ['-m', 'py_compile', ...files, ...inits], { encoding: 'utf8' }).stderr).toBe('');
});

test('arguments are checked against what was prepared', ({ skip }) => {
  if (python === undefined) return skip('no Python');
  const said = run(`${head}import contextlib, io, h100
given = json.load(sys.stdin)
def tried(words):
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        try:
            options, manifest = h100.arguments([given, *words])
            return [options.dims, options.lengths, options.rounds, [p["title"] for p in h100.chosen(manifest, options)], [h100.lengths_of(p, options) for p in h100.chosen(manifest, options)]]
        except SystemExit:
            return errors.getvalue().strip().split("\\n")[-1]
print(json.dumps([tried(w) for w in ([], ["--quick", "--only", "a"], ["--dims", "64"], ["--heads", "6", "--kv-heads", "4"])]))
`, folder);
  expect(said).toEqual([
    [[16], [4096, 16384, 65536, 131072], 3, ['dense causal', 'vertical-slash', 'ALiBi, soft-cap, sinks', 'block top-k'], [[4096, 16384, 65536, 131072], [4096, 16384, 65536, 131072], [4096, 16384, 65536, 131072], [4096, 16384, 65536]]],
    [[16], [4096, 16384], 1, ['dense causal', 'vertical-slash'], [[4096, 16384], [4096, 16384]]],
    expect.stringContaining('head dimensions [64] were not prepared; there are [16]'),
    expect.stringContaining('--heads 6 is no multiple of --kv-heads 4'),
  ]);
});

test('figures are rates on live pairs, against the own dense rate and the best peer, with and without its mask', ({ skip }) => {
  if (python === undefined) return skip('no Python');
  const said = run(`${head}import h100
row = h100.figures({"title": "window"}, 128, 4096, {"filigree": 2.0, "flex attention": 5.0, "other": 4.0}, {"flex attention": 1.0}, 1e9, 4e9, 512.0)
print(json.dumps([row, h100.row_text({**row, "failed": {}}), h100.row_text({"pattern": "x", "dim": 64, "wrong": {"out": 2.0}})]))
`, null);
  expect(said).toMatchObject([
    { density: 0.25, tflops: { filigree: 256, other: 128 }, 'of own dense': 0.5, 'over best peer': 2, 'over best peer with its mask': 2, 'mask creation ms': { 'flex attention': 1 } },
    expect.stringContaining('TFLOP/s: filigree 256, flex attention 102, other 128, mask of flex attention 1.00 ms'),
    expect.stringContaining("wrong: {'out': 2.0}"),
  ]);
});

test('bounds grow with what is summed and rounded, and vanish for nothing', ({ skip }) => {
  if (python === undefined) return skip('no Python');
  const said = run(`${head}import h100_bound as b
print(json.dumps([b.logit_error(64, 0.125, 10.0, 10.0, 5.0, False) / b.U, b.logit_error(64, 0.125, 10.0, 10.0, 5.0, True) / b.U, b.weight_error(1e-6, 3.0, 10) > b.weight_error(0.0, 3.0, 10),
  b.sum_error(100, 2.0, True) / b.U, b.packed_error("f32", 1.0, 10, 1.0, 1.0), b.packed_error("bf16", 1.0, 10, 1.0, 1.0) > b.packed_error("f16", 1.0, 10, 1.0, 1.0), b.stored_error("f16", 1.0) > 2 ** -11, b.steps_of(2048)]))
`, null);
  expect(said).toEqual([72 * 12.5 + 40, 136 * 12.5 + 40, true, 816, 0, true, true, 192]);
});

test('a result of single precision lies within its bound, and one that is a little wrong does not', ({ skip }) => {
  if (!numpy) return skip('no numpy');
  const said = run(`${head}sys.path.insert(0, ${JSON.stringify(import.meta.dirname)})
import numpy_torch as torch
sys.modules["torch"] = torch
import numpy as np
import h100_bound
random = np.random.default_rng(5)
def bf16(a):
    bits = np.asarray(a, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)
said = []
for dtype, store in (("f32", lambda a: np.asarray(a, dtype=np.float32)), ("f16", lambda a: np.asarray(a, dtype=np.float16).astype(np.float32)), ("bf16", bf16)):
    for sink in (None, 0.7):
        n_q, n_k, dim = 40, 70, 32
        q, k, v = (store(random.normal(size=(n, dim))) for n in (n_q, n_k, n_k))
        at = np.arange(n_k - n_q, n_k)[:, None]
        mask = (np.arange(n_k)[None, :] <= at) & ((at + np.arange(n_k)[None, :]) % 5 != 2)
        mask[3] = False
        cap = lambda x: 4 * np.tanh(np.asarray(x) / 4) + 0.01 * (np.arange(n_k)[None, :] - at)
        x = cap((q @ k.T) * np.float32(0.17)).astype(np.float32)
        x = np.where(mask, x, np.float32(-3e38))
        top = x.max(axis=1, keepdims=True) if sink is None else np.maximum(x.max(axis=1, keepdims=True), np.float32(sink))
        w = np.where(mask, np.exp(x - top), np.float32(0))
        total = w.sum(axis=1, keepdims=True) + np.float32(0 if sink is None else 1) * (0 if sink is None else np.exp(np.float32(sink) - top))
        out = store((store(w) @ v) / np.where(total == 0, np.float32(1), total))
        with np.errstate(divide="ignore"):
            lse = np.where(total[:, 0] == 0, -np.inf, top[:, 0] + np.log(total[:, 0]))
        judge = lambda out, lse: h100_bound.judge_head(*(torch.tensor(a, dtype=np.float64) for a in (q, k, v)), torch.tensor(mask), 0.17, lambda x: torch.tensor(cap(x)), None if sink is None else torch.tensor(sink),
            torch.tensor(out, dtype=np.float64), torch.tensor(lse, dtype=np.float64), dtype)
        wrong = np.array(out); wrong[17, 5] += 0.08
        missing = np.array(lse); missing[9] += 0.05
        said.append([judge(out, lse)[0] <= 1, judge(out, lse)[1] <= 1, judge(wrong, lse)[0] > 1, judge(wrong, lse)[2], judge(out, missing)[1] > 1, judge(out * np.nan, lse)[0] > 1])
print(json.dumps([[x if isinstance(x, int) and not isinstance(x, bool) else bool(x) for x in row] for row in said]))
`, null);
  expect(said).toEqual(Array.from({ length: 6 }, () => [true, true, true, 17, true, true]));
});

/** A pattern by its place, as the bench has it. */
interface Prepared {
  readonly title: string;
  readonly spec: Spec;
  readonly torch: TorchProgram;
  readonly index: number;
  readonly entry: Readonly<Record<string, unknown>>;
}

const prepared = patterns.map((pattern, index): Prepared => {
  const spec = specOf(pattern);
  const torch = torchProgram(spec);
  if ('reason' in torch) throw new Error(`${pattern.title}: ${torch.reason}`);
  return { title: pattern.title, spec, torch, index, entry: manifestEntry(pattern, spec, torch, index) };
});

function nested({ extents, data }: TensorValue, isBool: boolean): unknown {
  const build = (depth: number, at: number): unknown => {
    if (depth === extents.length) return isBool ? data[at] !== 0 : data[at];
    return Array.from({ length: extents[depth] ?? 0 }, (_, i) => build(depth + 1, at * (extents[depth] ?? 0) + i));
  };
  return build(0, 0);
}

/** A random launch whose stage tensors, where there are any, are given as parameters. */
function randomLaunch({ spec, index }: Prepared): Case | undefined {
  const drawn = fc.sample(fileCases(fc, [spec], { maxLength: 21, dims: [4] }), { seed: index + 2, numRuns: 12 });
  const [largest] = drawn.filter((c) => c.launch.sizes.nQ <= c.launch.sizes.nK).toSorted((a, b) => b.launch.sizes.nQ * b.launch.sizes.nK - a.launch.sizes.nQ * a.launch.sizes.nK);
  if (largest === undefined) return undefined;
  const made = denseStages(largest.spec, largest.launch, largest.inputs);
  return asGiven(largest, new Map([...made].map(([name, { extents, data }]) => [name, { extents, values: data }])));
}

describe('generated masks', () => {
  const launches = prepared.flatMap((p) => {
    const given = randomLaunch(p);
    return given === undefined ? [] : [{ p, given }];
  });
  const cases = launches.map(({ p, given: { spec, launch } }) => {
    const { batch, heads, kvHeads, nQ, nK, dim } = launch.sizes;
    const extents = spec.tensors.flatMap((t) => t.axes.flatMap((a, i) => (a.kind === 'free' ? [[`${t.name}.${a.name}`, launch.tensors.get(t.name)?.extents[i] ?? 0] as const] : [])));
    return {
      index: p.index, sets: p.torch.sets, v: { ...Object.fromEntries([...launch.scalars, ...extents]), batch, heads, kv_heads: kvHeads, n_q: nQ, n_k: nK, dim },
      t: Object.fromEntries([...launch.tensors].map(([name, value]) => [name, nested(value, spec.tensors.find((x) => x.name === name)?.element === 'bool')])),
      // Nested lists do not tell the shape of a tensor without elements.
      shapes: Object.fromEntries([...launch.tensors].map(([name, value]) => [name, value.extents])),
    };
  });
  const expected = launches.map(({ given: { spec, launch } }) => [...denseMask(spec, launch)].join(''));
  const masks = `${head}import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
`;

  const wrongOf = (said: unknown): readonly string[] => launches.flatMap(({ p }, i) => (Array.isArray(said) && said[i] === expected[i] ? [] : [p.title]));

  beforeAll(() => writeFileSync(join(folder, 'every_mask.py'), prepared.map((p) => maskFunctions(p.torch, p.index)).join('\n\n')));

  test('hold exactly the pairs that the interpreter says, at random launches', ({ skip }) => {
    if (python === undefined) return skip('no Python');
    expect(launches.length).toBeGreaterThan(25);
    // Masks that hold everything or nothing would show little.
    expect(expected.filter((bits) => bits.includes('0') && bits.includes('1')).length).toBeGreaterThan(20);
    expect(wrongOf(run(`${masks}import every_mask
from h100_tensors import Plain
def as_set(table, length):
    return [as_set(t, length) for t in table] if table and isinstance(table[0], list) else [i in table for i in range(length)]
said = []
for case in json.load(sys.stdin):
    v, t, live = case["v"], case["t"], getattr(every_mask, f"live_{case['index']}")
    for name in case["sets"]:
        t[name + "@set"] = as_set(t[name], max(v["n_q"], v["n_k"]))
    first = v["n_k"] - v["n_q"]
    said.append("".join("1" if live(Plain, t, v, b, h, first + q, k) else "0" for b in range(v["batch"]) for h in range(v["heads"]) for q in range(v["n_q"]) for k in range(v["n_k"])))
print(json.dumps(said))
`, cases))).toEqual([]);
  }, 60_000);

  test('hold the same on tensors of positions', ({ skip }) => {
    if (!numpy) return skip('no numpy');
    expect(wrongOf(run(`${masks}sys.path.insert(0, ${JSON.stringify(import.meta.dirname)})
import numpy_torch as torch
sys.modules["torch"] = torch
import numpy as np
import every_mask, h100_tensors
said = []
for case in json.load(sys.stdin):
    v, live = case["v"], getattr(every_mask, f"live_{case['index']}")
    t = {name: torch.tensor(np.array(value).reshape(case["shapes"][name])) for name, value in case["t"].items()}
    for name in case["sets"]:
        t[name + "@set"] = h100_tensors.as_set(t[name], max(v["n_q"], v["n_k"]))
    rows, keys = torch.arange(v["n_k"] - v["n_q"], v["n_k"])[:, None], torch.arange(v["n_k"])[None, :]
    bits = ""
    for b in range(v["batch"]):
        for h in range(v["heads"]):
            found = np.broadcast_to(np.asarray(live(h100_tensors.Tensors, t, v, b, h, rows, keys)), (v["n_q"], v["n_k"]))
            bits += "".join("1" if x else "0" for x in found.reshape(-1))
    said.append(bits)
print(json.dumps(said))
`, cases))).toEqual([]);
  }, 60_000);

  test('a quantifier over positions is told, not guessed', () => {
    const [draft] = prepared.filter((p) => p.title.startsWith('draft'));
    if (draft === undefined || draft.spec.mask.kind !== 'or') throw new Error('no draft tree');
    const moved = JSON.parse(JSON.stringify(draft.spec.mask).replaceAll('"kind":"literal","type":"int","value":0', '"kind":"ref","type":"int","name":"q"'));
    expect(torchProgram({ ...draft.spec, mask: moved })).toEqual({ reason: 'the ends of a quantifier depend on positions' });
  });
});

test('tensors made for long sequences fit their programs', ({ skip }) => {
  if (python === undefined) return skip('no Python');
  const said = run(`${head}import h100, h100_tensors
said = []
for p in json.load(sys.stdin):
    v = h100.values_of(p, 4096, 64, 8, 2)
    said.append([v["n_q"], [h100_tensors.plain_tensor(t, v) for t in p["tensors"]]])
print(json.dumps(said))
`, prepared.map((p) => p.entry));
  if (!Array.isArray(said)) throw new Error('no list came back');
  said.forEach((one: readonly [number, readonly (readonly [readonly number[], unknown])[]], i) => {
    const p = prepared[i];
    if (p === undefined) throw new Error('more came back than went in');
    const [nQ, tensors] = one;
    const values = p.spec.tensors.map((t, n): readonly [string, TensorValue] => {
      const [extents = [], data] = tensors[n] ?? [];
      const length = extents.reduce((a, b) => a * b, 1);
      // Tensors that are drawn on the device: any values of the type do.
      const flat: readonly unknown[] = data === null || data === undefined ? Array.from({ length }, () => 0) : Array.isArray(data) ? data.flat(9) : [];
      expect(flat.length, `${p.title}: ${t.name}`).toBe(length);
      const numbers = flat.map(Number);
      return [t.name, { extents, data: t.element === 'int' ? Int32Array.from(numbers) : t.element === 'float' ? Float32Array.from(numbers) : Uint8Array.from(numbers) }];
    });
    const scalars = Object.entries(p.entry['scalars'] ?? {}).map(([name, value]) => [name, Number(value)] as const);
    const launch: Launch = { sizes: { batch: 1, heads: 8, kvHeads: 2, nQ, nK: 4096, dim: 64 }, scalars: new Map(scalars), tensors: new Map(values) };
    expect(checkLaunch(p.spec, launch).map((d) => `${p.title}: ${d.message}`)).toEqual([]);
  });
});
