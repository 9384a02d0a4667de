import { existsSync, linkSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DiagnosticError } from '../../../dsl/diagnostic.ts';
import { writeAtomic } from '../../../tools/io/files.ts';
import { encodeSafetensors, encodeTensor, parseSafetensors, readSafetensors, writeSafetensors } from '../../../tools/io/safetensors.ts';
import { boolsOf, floatsOf, intsOf } from '../../../tools/tensors.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'filigree-io-'));

function parsed(bytes: Uint8Array) {
  const result = parseSafetensors(bytes, 'file');
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join());
  return result.value;
}

function messageOf(bytes: Uint8Array): string {
  const result = parseSafetensors(bytes, 'file');
  return result.ok ? 'good' : result.diagnostics.map((d) => `${d.kind} ${d.code} ${d.message}`).join();
}

/** A file with this header text and data. */
function fileOf(header: string, data: readonly number[] = []): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

describe('round trips', () => {
  test('floats come back as they were stored', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 20 }), (values) => {
        const { tensors } = parsed(encodeSafetensors(new Map([['x', encodeTensor('F32', [values.length], values)]])));
        const raw = tensors.get('x');
        expect(raw?.shape).toEqual([values.length]);
        const back = raw === undefined ? undefined : floatsOf(raw);
        expect(back).toEqual({ ok: true, data: values });
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  test.each([
    ['F16', [1.5, -65504, 2 ** -24]],
    ['BF16', [1.5, -256, 2 ** -120]],
    ['F64', [1.5, -3.25]],
  ] as const)('%s holds its own numbers exactly', (dtype, values) => {
    const raw = parsed(encodeSafetensors(new Map([['x', encodeTensor(dtype, [values.length], values)]]))).tensors.get('x');
    expect(raw === undefined ? undefined : floatsOf(raw)).toEqual({ ok: true, data: Float32Array.from(values) });
  });

  test.each(['I32', 'I64'] as const)('%s holds ints', (dtype) => {
    const values = [0, -1, 2147483647, -2147483648];
    const raw = parsed(encodeSafetensors(new Map([['x', encodeTensor(dtype, [2, 2], values)]]))).tensors.get('x');
    expect(raw === undefined ? undefined : intsOf(raw)).toEqual({ ok: true, data: Int32Array.from(values) });
  });

  test('a 64-bit int that does not fit 32 bits is refused', () => {
    const raw = encodeTensor('I64', [1], [2 ** 40]);
    expect(intsOf(raw)).toMatchObject({ ok: false });
  });

  test.each(['U8', 'BOOL'] as const)('%s holds truth values', (dtype) => {
    const raw = parsed(encodeSafetensors(new Map([['x', encodeTensor(dtype, [3], [1, 0, 1])]]))).tensors.get('x');
    expect(raw === undefined ? undefined : boolsOf(raw)).toEqual({ ok: true, data: Uint8Array.of(1, 0, 1) });
  });

  test('names, metadata, scalars and empty tensors survive, and the same tensors give the same bytes', () => {
    const a = encodeTensor('F32', [], [7]);
    const b = encodeTensor('I32', [0, 3], []);
    const notes = new Map([['made by', 'a test']]);
    const bytes = encodeSafetensors(new Map([['b', b], ['a', a]]), notes);
    expect(encodeSafetensors(new Map([['a', a], ['b', b]]), notes)).toEqual(bytes);
    const back = parsed(bytes);
    expect([...back.tensors.keys()].sort()).toEqual(['a', 'b']);
    expect(back.metadata).toEqual(notes);
    expect(back.tensors.get('a')?.shape).toEqual([]);
    expect(back.tensors.get('b')?.data.length).toBe(0);
  });
});

describe('malformed files are explained', () => {
  const entry = (text: string): string => `{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]${text}}}`;
  test.each([
    ['too short', Uint8Array.of(1, 2), 'fewer than the 8'],
    ['a header longer than the file', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127), 'would take'],
    ['no JSON', fileOf('{"x"'), 'not JSON'],
    ['invalid UTF-8', (() => { const f = fileOf('{"xy":1}'); f[11] = 0xff; return f; })(), 'not JSON'],
    ['a list', fileOf('[1]'), 'not a JSON object'],
    ['an unknown element type', fileOf('{"x":{"dtype":"F7","shape":[1],"data_offsets":[0,4]}}', [0, 0, 0, 0]), 'unknown element type "F7"'],
    ['a negative extent', fileOf('{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', [0, 0, 0, 0]), 'no proper shape'],
    ['offsets past the end', fileOf(entry('')), 'lies at bytes 0 to 4, but there are 0'],
    ['a size that is not that of the shape', fileOf('{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', [0, 0, 0, 0]), 'takes 8'],
    ['overlap', fileOf('{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}', [0, 0, 0]), 'overlaps'],
    ['a gigantic shape', fileOf('{"x":{"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,4]}}', [0, 0, 0, 0]), 'takes'],
  ])('%s', (_, bytes, text) => {
    expect(messageOf(bytes)).toMatch(/^user FIL/);
    expect(messageOf(bytes)).toContain(text);
  });

  test('no mutation of a good file throws', () => {
    const good = encodeSafetensors(new Map([['x', encodeTensor('F32', [2], [1, 2])], ['y', encodeTensor('U8', [1], [1])]]));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.nat(good.length), (edits, length) => {
        const bytes = good.slice();
        for (const [at, value] of edits) bytes[at] = value;
        expect(typeof parseSafetensors(bytes.subarray(0, length), 'f').ok).toBe('boolean');
      }),
      { numRuns: 1000, seed: 3 },
    );
  });

  test('a missing file is a diagnostic', () => {
    expect(readSafetensors(join(folder(), 'none.safetensors'))).toMatchObject({ ok: false, diagnostics: [{ kind: 'user' }] });
  });
});

describe('writing', () => {
  test('a file is written whole, into folders made for it, and nothing else is left', () => {
    const path = join(folder(), 'deep', 'er', 'x.safetensors');
    writeSafetensors(path, new Map([['x', encodeTensor('U8', [1], [1])]]), []);
    writeSafetensors(path, new Map([['x', encodeTensor('U8', [2], [1, 0])]]), []);
    const read = readSafetensors(path);
    expect(read.ok && read.value.tensors.get('x')?.shape).toEqual([2]);
    expect(readdirSync(join(path, '..'))).toEqual(['x.safetensors']);
  });

  test('an input is never overwritten, however it is spelled', () => {
    const dir = folder();
    const input = join(dir, 'in.bin');
    writeFileSync(input, 'precious');
    symlinkSync(input, join(dir, 'link.bin'));
    linkSync(input, join(dir, 'hard.bin'));
    symlinkSync(dir, join(dir, 'again'));
    for (const output of [input, join(dir, '.', 'in.bin'), join(dir, 'link.bin'), join(dir, 'hard.bin'), join(dir, 'again', 'in.bin')]) {
      expect(() => writeAtomic(output, 'gone', [input]), output).toThrow(DiagnosticError);
    }
    expect(readFileSync(input, 'utf8')).toBe('precious');
    writeAtomic(join(dir, 'out.bin'), 'fine', [input]);
    expect(readFileSync(join(dir, 'out.bin'), 'utf8')).toBe('fine');
  });

  test('a target that cannot be written is a diagnostic, and leaves no temporary file', () => {
    const dir = folder();
    expect(() => writeAtomic(dir, 'x', [])).toThrow(/cannot be written/);
    expect(readdirSync(dir)).toEqual([]);
    expect(existsSync(dir)).toBe(true);
  });
});

const real = new URL('../../../../shared/data/bytelm6-l0-n1024.safetensors', import.meta.url);
test.skipIf(!existsSync(real))('a file of real attention is read', () => {
  const read = readSafetensors(real.pathname);
  if (!read.ok) throw new Error('not read');
  const q = read.value.tensors.get('q');
  expect(q?.shape).toEqual([1, 4, 1024, 64]);
  expect(read.value.metadata.get('model')).toBe('bytelm6');
  const values = q === undefined ? undefined : floatsOf(q);
  expect(values?.ok).toBe(true);
});
