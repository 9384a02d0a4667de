import { linkSync, mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denseMask } from '../../compiler/interpreters/dense/index.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';
import { memoryIo } from '../../tools/command-line/io.ts';
import { runCommandLine } from '../../tools/command-line/main.ts';
import { encodeTensor, readSafetensors, writeSafetensors } from '../../tools/io/safetensors.ts';
import { randomInputs } from '../../tools/inputs.ts';
import { floatsOf } from '../../tools/tensors.ts';
import { manyRoles } from '../support/chains.ts';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'filigree-commands-'));
  writeFileSync(join(folder, 'window.fil'), windowSource);
  writeFileSync(join(folder, 'broken.fil'), 'mask a = casual\nmask b(n: int) = band(0 .. m)\n');
  writeFileSync(join(folder, 'two.fil'), 'mask first = causal\nmask second = all\n');
  writeFileSync(join(folder, 'documents.fil'), 'attention documents(doc: int[batch, keys], const block: int, keep: bool[heads]) {\n  mask segments(doc) & { (q, k) => keep[h] | (q div block == k div block) }\n}\n');
  const { q, k, v } = randomInputs({ batch: 1, heads: 2, kvHeads: 1, nQ: 6, nK: 8, dim: 4 }, 3);
  writeSafetensors(join(folder, 'in.safetensors'), new Map([
    ['q', encodeTensor('F16', [1, 2, 6, 4], q)],
    ['k', encodeTensor('F32', [1, 1, 8, 4], k)],
    ['v', encodeTensor('BF16', [1, 1, 8, 4], v)],
    ['doc', encodeTensor('I64', [1, 8], [0, 0, 0, 1, 1, 1, 2, 2])],
    ['keep', encodeTensor('BOOL', [2], [1, 0])],
  ]), []);
  writeSafetensors(join(folder, 'wrong.safetensors'), new Map([
    ['doc', encodeTensor('F32', [1, 8], [0, 0, 0, 1, 1, 1, 2, 2])],
    ['keep', encodeTensor('U8', [3], [1, 0, 1])],
  ]), []);
  writeFileSync(join(folder, 'no.safetensors'), 'not at all');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const windowSource = '/// A window.\nattention window(size: int tokens = 3, sharp: bool = false, cap: float = 4.0) {\n  mask band(0 .. size)\n  score s => if sharp then s else cap * tanh(s / cap)\n}\n';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function filigree(...argv: readonly string[]): Promise<Ran> {
  const io = memoryIo(folder, (part) => import(`../support/${part}.ts`));
  const code = await runCommandLine(argv, io);
  return { code, out: io.stdout(), err: io.stderr() };
}

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

describe('the command line', () => {
  test.each([
    [['chek', 'window.fil'], 'FIL9001', "did you mean 'check'?"],
    [['--fast'], 'FIL9001', 'commands:'],
    [['mask', 'window.fil', '--n-qq', '8'], 'FIL9002', "did you mean '--n-q'?"],
    [['mask', 'window.fil', '--n-q'], 'FIL9003', 'needs a value'],
    [['mask', 'window.fil', '--n-q', '8', '--out', 'm.png'], 'FIL9003', '--n-k is needed'],
    [['mask', 'window.fil', '--n-q', '8', '--n-k', '8'], 'FIL9003', '--out is needed'],
    [['mask', 'window.fil', '--n-q', '-8', '--n-k', '8', '--out', 'm.png'], 'FIL9004', 'whole number'],
    [['mask', 'window.fil', '--n-q', 'many', '--n-k', '8', '--out', 'm.png'], 'FIL9004', "not 'many'"],
    [['mask', 'window.fil', '--n-q', '8', '--n-k', '99999999', '--out', 'm.png'], 'FIL9004', '16777216'],
    [['mask', 'window.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.gif'], 'FIL9004', '.png, .svg or .safetensors'],
    [['mask', 'widow.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png'], 'FIL9005', "did you mean 'window.fil'?"],
    [['mask', '.', '--n-q', '8', '--n-k', '8', '--out', 'm.png'], 'FIL9005', 'is a folder'],
    [['mask', 'two.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png'], 'FIL9003', 'say which with --name'],
    [['mask', 'two.fil', '--name', 'c', '--n-q', '8', '--n-k', '8', '--out', 'm.png'], 'FIL0512', 'declares no'],
    [['mask', 'window.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--set', 'sizes=4'], 'FIL0505', 'size'],
    [['mask', 'window.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--set', 'size=4.5'], 'FIL0504', 'a whole number'],
    [['mask', 'window.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--set', 'sharp=maybe'], 'FIL0504', 'true or false'],
    [['mask', 'window.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--set', 'cap=NaN'], 'FIL0504', 'a number'],
    [['mask', 'window.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--set', 'size'], 'FIL9004', 'parameter=value'],
    [['mask', 'documents.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--set', 'block=2'], 'FIL0506', 'doc'],
    [['mask', 'documents.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--tensors', 'in.safetensors'], 'FIL0503', 'block'],
    [['mask', 'documents.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--set', 'block=x', '--tensors', 'in.safetensors'], 'FIL0504', 'block'],
    [['mask', 'documents.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--set', 'block=2', '--tensors', 'wrong.safetensors'], 'FIL0510', 'F32'],
    [['mask', 'documents.fil', '--n-q', '8', '--n-k', '9', '--out', 'm.png', '--set', 'block=2', '--tensors', 'in.safetensors'], 'FIL0508', '9'],
    [['mask', 'documents.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--set', 'block=2', '--tensors', 'no.safetensors'], 'FIL9005', 'no safetensors file'],
    [['mask', 'documents.fil', '--n-q', '8', '--n-k', '8', '--out', 'm.png', '--set', 'block=2', '--tensors', 'on.safetensors'], 'FIL9005', "did you mean"],
    [['run', 'window.fil', '--in', 'in.safetensors', '--out', 'o.safetensors', '--backend', 'gpu'], 'FIL9004', 'one of interpreter'],
    [['run', 'window.fil', '--in', 'wrong.safetensors', '--out', 'o.safetensors', '--backend', 'interpreter'], 'FIL0506', '`q`'],
    [['explain', 'window.fil', '--n-q', '8', '--n-k', '8', '--tile', '0x8'], 'FIL9004', '--tile 64x64'],
    [['explain', 'window.fil', '--n-q', '8', '--n-k', '8', '--target-record', 'swiftshade'], 'FIL9004', "did you mean 'swiftshader'?"],
    [['build', 'window.fil', '--target', 'wgls', '--out', 'dist'], 'FIL9004', 'wgsl, ts, cuda, pytorch'],
    [['build', 'two.fil', '--out', 'dist'], 'FIL9004', 'no attention'],
    [['build', 'window.fil'], 'FIL9003', '--out is needed'],
    [['explain-code', 'FIL0000'], 'FIL9004', 'no code'],
    [['fmt', 'broken.fil', '--check', '--write'], 'FIL9004', 'exclude each other'],
    [['list', 'window.fil', 'two.fil'], 'FIL9004', 'too many arguments'],
    [['list'], 'FIL9003', 'FILE is missing'],
    [['fuzz', 'window.fil', '--level', 'cuda'], 'FIL9004', 'one of algebra'],
    [['bench', 'window.fil', '--n', '12,x'], 'FIL9004', '--n takes'],
    [['demo', '--only', 'nothing-like-this'], 'FIL9005', 'no example is named like'],
  ])('answers %j with %s and exit code 1', async (argv, code, words) => {
    const { code: exit, err, out } = await filigree(...argv);
    expect(err).toContain(code);
    expect(err).toContain(words);
    expect(err).not.toMatch(/\n\s+at /);
    expect(out).toBe('');
    expect(exit).toBe(1);
  });

  test('points at the bad word of the command line with a caret', async () => {
    const { err } = await filigree('mask', 'window.fil', '--n-q', 'many', '--n-k', '8', '--out', 'm.png');
    const lines = err.split('\n');
    const at = lines.findIndex((l) => l.includes('filigree mask window.fil'));
    expect(lines[at + 1]?.indexOf('^')).toBe(lines[at]?.indexOf('many'));
  });

  test('gives diagnostics as JSON with --json, and nothing else on either stream', async () => {
    const { code, err, out } = await filigree('check', 'broken.fil', '--json');
    expect(code).toBe(1);
    expect(err).toBe('');
    expect(out).toMatch(/"FIL\d{4}"/);
    const other = await filigree('mask', 'window.fil', '--n-q', 'x', '--json');
    expect(JSON.stringify(jsonOf(other.err)['diagnostics'])).toContain('FIL9004');
  });

  test('shows help without a fault', async () => {
    expect(await filigree('--help')).toMatchObject({ code: 0, err: '' });
    expect((await filigree('mask', '--help')).out).toContain('--n-q <count>');
    expect(await filigree()).toMatchObject({ code: 1 });
  });
});

describe('check, fmt and list', () => {
  test('check reports every error of a file with its place and accepts good ones', async () => {
    const bad = await filigree('check', 'window.fil', 'broken.fil');
    expect(bad.code).toBe(1);
    expect(bad.out).toBe('window.fil: good\n');
    expect(bad.err).toContain('causal');
    expect(bad.err).toMatch(/broken\.fil:1:10/);
    expect(bad.err).toMatch(/broken\.fil:2:/);
    expect(await filigree('check', 'window.fil')).toEqual({ code: 0, out: 'window.fil: good\n', err: '' });
  });

  test('fmt prints canonical text, checks it, and writes only when told to', async () => {
    const ugly = 'mask   a=causal&band( 0..8 )\n';
    writeFileSync(join(folder, 'ugly.fil'), ugly);
    const printed = await filigree('fmt', 'ugly.fil');
    expect(printed.out).toBe('mask a =\n  causal & band(0 .. 8)\n');
    expect(readFileSync(join(folder, 'ugly.fil'), 'utf8')).toBe(ugly);
    const check = await filigree('fmt', '--check', 'ugly.fil');
    expect(check.code).toBe(1);
    expect(check.err).toContain('FIL9007');
    expect(await filigree('fmt', '--write', 'ugly.fil')).toMatchObject({ code: 0, out: 'ugly.fil\n' });
    expect(readFileSync(join(folder, 'ugly.fil'), 'utf8')).toBe(printed.out);
    expect(await filigree('fmt', '--check', 'ugly.fil')).toMatchObject({ code: 0 });
    expect((await filigree('fmt', 'broken-syntax.fil')).code).toBe(1);
  });

  test('list shows declarations with parameters as they are written', async () => {
    expect((await filigree('list', 'window.fil')).out).toBe('attention window(size: int tokens = 3, sharp: bool = false, cap: float = 4.0)\n    A window.\n');
    expect((await filigree('list', 'documents.fil')).out).toContain('doc: int [batch, keys], const block: int, keep: bool [heads]');
  });

  test('explain-code explains codes of the language and of the tools', async () => {
    for (const code of ['FIL0505', 'FIL9002', '9002', 'fil0505']) expect((await filigree('explain-code', code)).out).toContain('Right:');
    expect((await filigree('explain-code')).out.split('\n').length).toBeGreaterThan(40);
  });
});

describe('mask', () => {
  const size = ['--n-q', '6', '--n-k', '8'];

  test('saves what the interpreter says', async () => {
    const ran = await filigree('mask', 'documents.fil', ...size, '--set', 'block=2', '--tensors', 'in.safetensors', '--out', 'deep/er/m.safetensors');
    expect(ran).toMatchObject({ code: 0, err: '' });
    const read = readSafetensors(join(folder, 'deep/er/m.safetensors'));
    const mask = read.ok ? read.value.tensors.get('mask') : undefined;
    expect(mask?.dtype).toBe('U8');
    expect(mask?.shape).toEqual([2, 6, 8]);
    const spec = compileSource({ file: 'd.fil', text: readFileSync(join(folder, 'documents.fil'), 'utf8') }, () => undefined, 'documents', new Map([['block', 2]]));
    if (!spec.ok) throw new Error('the program is good');
    const truth = denseMask(spec.value, {
      sizes: { batch: 1, heads: 2, kvHeads: 2, nQ: 6, nK: 8, dim: 64 }, scalars: new Map(),
      tensors: new Map([['doc', { extents: [1, 8], data: Int32Array.of(0, 0, 0, 1, 1, 1, 2, 2) }], ['keep', { extents: [2], data: Uint8Array.of(1, 0) }]]),
    });
    expect([...(mask?.data ?? [])]).toEqual([...truth]);
  });

  test('draws PNG and SVG', async () => {
    expect((await filigree('mask', 'window.fil', ...size, '--heads', '3', '--out', 'm.png')).code).toBe(0);
    expect([...readFileSync(join(folder, 'm.png')).subarray(1, 4)].map((c) => String.fromCharCode(c)).join('')).toBe('PNG');
    expect((await filigree('mask', 'window.fil', ...size, '--set', 'size=2', 'cap=1', '--out', 'm.svg', '--json')).out).toContain('"heads":1');
    expect(readFileSync(join(folder, 'm.svg'), 'utf8')).toMatch(/^<svg/);
  });

  test.each(['in.safetensors', './in.safetensors', 'deep/../in.safetensors', 'link.safetensors', 'hard.safetensors'])('never writes over an input, here as %s', async (out) => {
    mkdirSync(join(folder, 'deep'), { recursive: true });
    const before = readFileSync(join(folder, 'in.safetensors'));
    for (const [make, name] of [[symlinkSync, 'link.safetensors'], [linkSync, 'hard.safetensors']] as const) {
      rmSync(join(folder, name), { force: true });
      make(join(folder, 'in.safetensors'), join(folder, name));
    }
    const ran = await filigree('mask', 'documents.fil', ...size, '--set', 'block=2', '--tensors', 'in.safetensors', '--out', out);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('FIL9006');
    expect(readFileSync(join(folder, 'in.safetensors'))).toEqual(before);
  });

  test('refuses an output that is the program, a folder, or below a file', async () => {
    writeFileSync(join(folder, 'p.svg'), windowSource);
    expect((await filigree('mask', 'p.svg', ...size, '--out', 'p.svg')).err).toContain('FIL9006');
    mkdirSync(join(folder, 'f.png'), { recursive: true });
    expect((await filigree('mask', 'window.fil', ...size, '--out', 'f.png')).err).toContain('is a folder');
    expect((await filigree('mask', 'window.fil', ...size, '--out', 'two.fil/m.png')).err).toContain('FIL9006');
    expect(readdirSync(folder).filter((f) => f.endsWith('.part'))).toEqual([]);
  });
});

describe('run', () => {
  test.each(['interpreter', 'tile', 'lockstep'])('on %s writes out in the type of q and lse in F32', async (backend) => {
    const ran = await filigree('run', 'window.fil', '--in', 'in.safetensors', '--out', `o-${backend}.safetensors`, '--backend', backend, '--set', 'size=2');
    expect(ran).toMatchObject({ code: 0, err: '' });
    const [mine, truth] = [`o-${backend}.safetensors`, 'o-interpreter.safetensors'].map((f) => readSafetensors(join(folder, f)));
    if (mine?.ok !== true || truth?.ok !== true) throw new Error('no output');
    expect(mine.value.tensors.get('out')).toMatchObject({ dtype: 'F16', shape: [1, 2, 6, 4] });
    expect(mine.value.tensors.get('lse')).toMatchObject({ dtype: 'F32', shape: [1, 2, 6] });
    const numbers = (f: typeof mine): readonly number[] => [...new Float32Array(Uint8Array.from(f.value.tensors.get('lse')?.data ?? []).buffer)];
    numbers(mine).forEach((x, i) => expect(x).toBeCloseTo(numbers(truth)[i] ?? Number.NaN, 4));
  });

  test('follows bfloat16 files: out in BF16, rounded once from what the interpreter says', async () => {
    const brain = new Map(['q', 'k', 'v'].map((name, i) => [name, encodeTensor('BF16', [1, 1, 6, 4], Float64Array.from({ length: 24 }, (_, j) => Math.sin(j + 7 * i)))] as const));
    writeSafetensors(join(folder, 'brain.safetensors'), brain, []);
    const outputs: (readonly number[])[] = [];
    for (const backend of ['interpreter', 'tile', 'lockstep']) {
      expect(await filigree('run', 'window.fil', '--in', 'brain.safetensors', '--out', 'b.safetensors', '--backend', backend, '--set', 'size=2')).toMatchObject({ code: 0, err: '' });
      const read = readSafetensors(join(folder, 'b.safetensors'));
      const out = read.ok ? read.value.tensors.get('out') : undefined;
      expect(out).toMatchObject({ dtype: 'BF16', shape: [1, 1, 6, 4] });
      const values = out === undefined ? undefined : floatsOf(out);
      outputs.push(values?.ok === true ? [...values.data] : []);
    }
    const [exact = [], ...others] = outputs;
    expect(exact.some((x) => x !== 0)).toBe(true);
    // A kernel may stand on the other side of the middle between two numbers of eight bits.
    for (const other of others) other.forEach((x, i) => expect(Math.abs(x - (exact[i] ?? Number.NaN))).toBeLessThanOrEqual(2 ** -7 * Math.abs(exact[i] ?? 0)));
  });

  test.each([
    [['run', 'window.fil', '--in', 'in.safetensors', '--out', 'o.safetensors', '--backend', 'lockstep'], 'goes with --backend cuda or cuda-emulated, not lockstep'],
    [['build', 'window.fil', '--out', 'built'], 'goes with --target cuda or pytorch'],
    [['build', 'window.fil', '--target', 'cuda', '--dtype', 'bf16', '--out', 'built'], 'about products of f32, and --dtype is bf16'],
  ])('refuses --precision tf32 where nothing could use it: %s', async (words, said) => {
    const ran = await filigree(...words, '--precision', 'tf32');
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('FIL9004');
    expect(ran.err).toContain(said);
  });

  test('takes tensor parameters from the same file', async () => {
    expect((await filigree('run', 'documents.fil', '--set', 'block=4', '--in', 'in.safetensors', '--out', 'o.safetensors', '--backend', 'interpreter')).code).toBe(0);
  });
});

describe('explain', () => {
  test('prints the keys of the contract, exactly counted', async () => {
    const { code, out } = await filigree('explain', 'window.fil', '--n-q', '64', '--n-k', '64', '--heads', '2', '--set', 'size=8', '--tile', '8x8', '--json');
    expect(code).toBe(0);
    const figures = jsonOf(out);
    const keys = ['density', 'livePairs', 'tilesNeeded', 'tilesVisited', 'tilesFull', 'tilesPartial', 'tilesEmpty', 'strategy', 'reason', 'maskBytes', 'workspaceBytes', 'flops', 'bytesMoved'];
    for (const key of keys) expect(figures).toHaveProperty(key);
    expect(figures['livePairs']).toBe(2 * (64 * 8 - 28));
    expect(figures).toMatchObject({ tilesNeeded: 30, tilesVisited: 30, tilesEmpty: 98, maskBytes: 0, exact: true, strategy: 'closed-form' });
  });

  test('reports to people: strategy, reason, tiles, memory, kernels', async () => {
    const { out } = await filigree('explain', 'window.fil', '--n-q', '64', '--n-k', '64');
    for (const word of ['strategy', 'because', 'density', 'tiles', 'memory', 'kernels for webgpu-default', 'workgroup bytes']) expect(out).toContain(word);
  });
});

describe('build', () => {
  test('writes kernels, the plan, a module, and every level of the compilation', async () => {
    const ran = await filigree('build', 'window.fil', '--out', 'dist', '--dim', '8', '--trace', 'dist/trace', '--target', 'wgsl,ts');
    expect(ran).toMatchObject({ code: 0, err: '' });
    const files = readdirSync(join(folder, 'dist'));
    expect(files).toEqual(expect.arrayContaining(['window.ts', 'window.plan.json', 'window.wgsl']));
    const plan = jsonOf(readFileSync(join(folder, 'dist/window.plan.json'), 'utf8'));
    expect(plan).toMatchObject({ format: 'filigree-plan-1', name: 'window', dim: 8 });
    const traced = readdirSync(join(folder, 'dist/trace')).sort();
    expect(traced).toEqual(['1-spec.txt', '2-plan.txt', '3-tile.txt', '4-kernel.txt', '5-launch.txt', '6-wgsl.wgsl', 'index.md'].map((f) => `window.${f}`));
    expect(readFileSync(join(folder, 'dist/window.ts'), 'utf8')).toContain('export async function window(');
  });

  test('writes a chain as one plan, for the attention that is chosen', async () => {
    writeFileSync(join(folder, 'roles.fil'), manyRoles);
    const line = ['build', 'roles.fil', '--name', 'roles', '--with', 'again=roles.fil:plain', '--out', 'chain', '--trace', 'chain/trace'];
    expect(await filigree(...line)).toMatchObject({ code: 0, err: '' });
    const plan = jsonOf(readFileSync(join(folder, 'chain/roles.plan.json'), 'utf8'));
    expect(plan).toMatchObject({ name: 'roles', dim: 4, chain: { heads: 4, kvHeads: 4 }, stages: { outputs: [{ name: 'third.out' }, { name: 'third.lse' }] } });
    expect(readFileSync(join(folder, 'chain/roles.ts'), 'utf8')).toContain('readonly thirdOut: Float32Array;');
    expect(readdirSync(join(folder, 'chain/trace'))).toEqual(expect.arrayContaining(['roles.chain-launch.txt', 'roles.unit-0-split-3-tile.txt']));
    expect((await filigree(...line, '--dim', '8')).err).toContain('a chain says its head dimension itself');
    expect((await filigree('build', 'roles.fil', '--name', 'roles', '--out', 'chain')).err).toContain('needs an attention for `again`');
  });
});

describe('run of a chain', () => {
  const source = 'stage rows(x: float[heads, queries]) {\n  index i in queries\n  index j in keys\n  index g in kv_heads\n  index c in dim\n  q1[h, i, c] = x[h, i] + c\n  k1[g, j, c] = 0.25 * float(j * 1 - c)\n}\nchain one(f: attention, x: float[heads, queries]) {\n  sizes heads = 2, dim = 3\n  stage r = rows(x)\n  attention a = f(q = r.q1, k = r.k1, v = r.k1)\n  output a.out, r.k1\n}\n';

  test('takes its tensors from a file, its attention and the settings of that from the line', async () => {
    writeFileSync(join(folder, 'chain.fil'), source);
    writeSafetensors(join(folder, 'x.safetensors'), new Map([['x', encodeTensor('F32', [2, 5], Float32Array.from({ length: 10 }, (_, i) => i / 4))]]), []);
    const line = (backend: string): readonly string[] => ['run', 'chain.fil', '--with', 'f=window.fil', '--set', 'size=2', '--in', 'x.safetensors', '--out', `${backend}.safetensors`, '--backend', backend];
    const read = (backend: string): readonly number[] => {
      const file = readSafetensors(join(folder, `${backend}.safetensors`));
      const out = file.ok ? file.value.tensors.get('a.out') : undefined;
      const floats = out === undefined ? undefined : floatsOf(out);
      return floats?.ok === true ? [...floats.data] : [];
    };
    for (const backend of ['interpreter', 'tile']) expect(await filigree(...line(backend))).toMatchObject({ code: 0, err: '' });
    expect(read('interpreter')).toHaveLength(30);
    read('tile').forEach((v, i) => expect(v).toBeCloseTo(read('interpreter')[i] ?? Number.NaN, 5));
  });

  test('is refused without an attention, with a setting nobody has, and by commands that look at one declaration', async () => {
    expect((await filigree('run', 'chain.fil', '--in', 'x.safetensors', '--out', 'o.safetensors')).err).toContain('FIL0516');
    expect((await filigree('run', 'chain.fil', '--with', 'f=window.fil', '--set', 'sise=2', '--in', 'x.safetensors', '--out', 'o.safetensors')).err).toContain('FIL0505');
    expect((await filigree('explain', 'chain.fil', '--name', 'one', '--n-q', '4', '--n-k', '4')).err).toContain('is a chain');
  });
});

describe('fuzz', () => {
  test('checks random programs and prints a summary', async () => {
    const { code, out } = await filigree('fuzz', '--level', 'algebra', '--runs', '20', '--seed', '4', '--json', '--out', folder);
    expect(jsonOf(out)).toMatchObject({ level: 'algebra', runs: 20, failures: 0, failure: null });
    expect(code).toBe(0);
  });

  test('checks random launches of a chain, call by call', async () => {
    writeFileSync(join(folder, 'roles.fil'), manyRoles);
    const line = ['fuzz', 'roles.fil', '--name', 'roles', '--with', 'again=roles.fil:plain', '--runs', '3', '--max-length', '9', '--json'];
    const { code, out } = await filigree(...line);
    expect(jsonOf(out)).toMatchObject({ level: 'tile', runs: 3, failures: 0, refused: 0, failure: null });
    expect(code).toBe(0);
    // What no storage of the chain fits is said, not counted as a success.
    expect(jsonOf((await filigree(...line, '--dtype', 'f16')).out)).toMatchObject({ failures: 3, failure: { finding: expect.stringContaining('FIL0518') } });
  });

  test('checks random launches of a file', async () => {
    const { code, out } = await filigree('fuzz', 'window.fil', '--level', 'tile', '--runs', '5', '--seed', '4', '--max-length', '20');
    expect(out).toMatch(/^tile: 5 cases from seed 4, 0 failed/);
    expect(code).toBe(0);
  });
});
