/**
 * The evaluation without a device: windows, scores, planted keys, patterns, and what the command says to bad input.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { command } from '../../../examples/bytelm/eval.ts';
import { figuresOf } from '../../../examples/bytelm/figures.ts';
import { weightsOf } from '../../../examples/bytelm/model.ts';
import { accuracyCurves, evaluationPage, lossCurves } from '../../../examples/bytelm/page.ts';
import { modelProgram, readPatterns } from '../../../examples/bytelm/programs.ts';
import { besidePublished, readPublished } from '../../../examples/bytelm/published.ts';
import { openStore, rowKey } from '../../../examples/bytelm/results.ts';
import type { Row } from '../../../examples/bytelm/results.ts';
import { distanceFits, keyLength, retrievalWindow } from '../../../examples/bytelm/retrieval.ts';
import { scoreBytes } from '../../../examples/bytelm/score.ts';
import { windowNumbers, windowsOf } from '../../../examples/bytelm/windows.ts';
import type { Given } from '../../../tools/command-line/command.ts';
import { memoryIo } from '../../../tools/command-line/io.ts';
import { runProgram } from '../../../tools/command-line/main.ts';
import { progressOn } from '../../../tools/command-line/progress.ts';
import { commandLineOf } from '../../../tools/command-line/words.ts';
import { noSpan } from '../../../dsl/span.ts';
import { weights } from './support.ts';

const root = join(import.meta.dirname, '../../..');

async function evaluate(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const io = memoryIo(root);
  const code = await runProgram('npm run eval --', command, argv, io);
  return { code, out: io.stdout(), err: io.stderr() };
}

const letters = Uint8Array.from({ length: 26 * 40 }, (_, i) => 97 + (i % 26));

describe('windows', () => {
  it('follow one another, begin with the marker and drop what is left over', () => {
    const windows = windowsOf(letters, 300);
    expect(windows.map((w) => w.number)).toEqual([0, 1, 2]);
    expect([...(windows[1]?.tokens.subarray(0, 3) ?? [])]).toEqual([0, letters[300], letters[301]]);
    expect([...(windows[1]?.targets.subarray(0, 2) ?? [])]).toEqual([letters[300], letters[301]]);
    expect(windows[1]?.tokens.length).toBe(300);
  });

  it('are named by a step: every twelfth, eight of them, are 0, 12, ... 84', () => {
    expect(windowNumbers(100, 8, 12)).toEqual([0, 12, 24, 36, 48, 60, 72, 84]);
    expect(windowNumbers(100, undefined, 40)).toEqual([0, 40, 80]);
    expect(windowNumbers(0)).toEqual([]);
  });

  it('are chosen evenly: 16 of 100 are 0, 6, 12, ... 90', () => {
    const chosen = windowsOf(new Uint8Array(100 * 32), 32, 16).map((w) => w.number);
    expect(chosen).toEqual(Array.from({ length: 16 }, (_, i) => 6 * i));
    expect(windowsOf(new Uint8Array(100 * 32), 32, 8).map((w) => w.number).at(-1)).toBe(84);
    expect(windowsOf(new Uint8Array(64), 32, 16).length).toBe(2);
  });
});

describe('scores', () => {
  it('are the cost of the byte that came, and whether it was the likeliest', () => {
    const logits = new Float64Array(512);
    logits[7] = Math.log(255 * 3);
    const { nats, hits } = scoreBytes(logits, Uint8Array.of(7, 9));
    expect(nats[0]).toBeCloseTo(-Math.log(0.75), 12);
    expect(nats[1]).toBeCloseTo(Math.log(256), 12);
    expect([...hits]).toEqual([1, 0]);
  });
});

describe('planted keys', () => {
  it('stand twice in the window, the given distance apart, and end it', () => {
    const window = retrievalWindow(letters, 600, 128, 3);
    const text = new TextDecoder().decode(window?.targets);
    const key = text.slice(-keyLength);
    expect(key).toMatch(/^[a-z0-9]{24}$/);
    expect(text.endsWith(`\nAPI_KEY = "${key}`)).toBe(true);
    const line = text.indexOf(`\nAPI_KEY = "${key}"\n`);
    expect(text.lastIndexOf('\nAPI_KEY') - line).toBe(128);
    expect(window?.targets.length).toBe(600);
  });

  it('differ between trials, and are the same at every distance', () => {
    const keyOf = (trial: number, distance: number): string => new TextDecoder().decode(retrievalWindow(letters, 600, distance, trial)?.targets).slice(-keyLength);
    expect(keyOf(1, 100)).toBe(keyOf(1, 400));
    expect(keyOf(1, 100)).not.toBe(keyOf(2, 100));
  });

  it('are refused where the lines would touch or leave the window', () => {
    expect(distanceFits(37, 600)).toBe(false);
    expect(distanceFits(38, 600)).toBe(true);
    expect(distanceFits(600 - 36, 600)).toBe(true);
    expect(distanceFits(600 - 35, 600)).toBe(false);
    expect(retrievalWindow(letters, 600, 600, 0)).toBeUndefined();
  });
});

const row = (title: string, nats: number, live: number): Row => ({
  title, program: 'p.fil', name: 'p', settings: 'window = 4', window: 8, counted: 8, text: 't', device: 'd', selectionFlops: 0,
  nats: { 0: nats, 3: nats + 1 }, live: { 0: [[live, 36]] }, retrieval: { 4: { 0: { nats: 1, accuracy: 0.5, natsLater: 1, accuracyLater: 0.5 }, 1: { nats: 3, accuracy: 0.25, natsLater: 3, accuracyLater: 0.25 } } },
});

describe('figures', () => {
  const counting = { windows: [0, 3], distances: [4], trials: 2 };

  it('are means over windows and trials, density against all causal pairs', () => {
    const f = figuresOf(row('window', 1, 18), counting);
    expect(f?.natsPerByte).toBe(1.5);
    expect(f?.bitsPerByte).toBeCloseTo(1.5 / Math.LN2, 12);
    expect(f?.densities).toEqual([[0.5, 1]]);
    expect(f?.density).toBe(0.75);
    expect(f?.attentionFlops).toBe(4 * 64 * 54);
    expect(f?.retrieval).toEqual([{ distance: 4, trials: 2, nats: 2, accuracy: 0.375, natsLater: 2, accuracyLater: 0.375 }]);
  });

  it('are missing while a window is', () => {
    expect(figuresOf(row('window', 1, 18), { ...counting, windows: [0, 3, 6] })).toBeUndefined();
  });

  it('become a page with the difference to dense and one curve for each pattern', () => {
    const all = [row('dense', 1, 36), row('window', 1.25, 18), row('sinks', 0.5, 9)].flatMap((r) => figuresOf(r, counting) ?? []);
    const page = evaluationPage(all, { command: 'npm run eval', example: '../model', text: 't', distances: [4], numbers: [0, 3], published: { loss: [], retrieval: [] }, loss: 'l.svg', accuracy: ['a.svg'] });
    expect(page).toContain('| window | window = 4 | 75.0 % |');
    expect(page).toContain('+0.2500');
    expect(page).toContain('-0.5000');
    expect(page).not.toContain('published');
    expect(lossCurves(all).match(/<circle/g)?.length).toBe(2);
    expect(accuracyCurves(all, 4).match(/<circle/g)?.length).toBe(3);
  });

  it('of the end of a window are compared with dense ones of the same bytes', () => {
    const end = (title: string, nats: number, live: number): Row => ({ ...row(title, nats, live), counted: 2 });
    const all = [row('dense', 1, 36), end('dense', 2, 15), end('kept', 2.125, 3)].flatMap((r) => figuresOf(r, counting) ?? []);
    // The last two of eight queries see 7 + 8 keys.
    expect(all[1]?.densities).toEqual([[1, 36 / 15]]);
    const page = evaluationPage(all, { command: 'npm run eval', example: '../model', text: 't', distances: [], numbers: [0, 3], published: { loss: [], retrieval: [] }, loss: 'l.svg', accuracy: [] });
    expect(page).toMatch(/The last 2 bytes of each window:\n[^]*\| kept \|.*\+0\.1250/);
  });
});

describe('published figures', () => {
  const published = {
    text: createHash('sha256').update(letters).digest('hex'),
    loss: [{ what: 'dense', window: 8, title: 'dense', settings: 'window = 4', every: 3, limit: 2, nats: 1.5 }],
    retrieval: [{ window: 8, title: 'dense', settings: 'window = 4', distance: 4, trials: 2, nats: undefined, accuracy: 0.5 }],
  };

  it('stand beside ours where windows, text and trials are the same, and nowhere else', () => {
    const rows = [row('dense', 1, 36)];
    const found = besidePublished(published, rows, { size: 8, text: letters });
    expect(found.loss.map((l) => [l.windows, l.measured])).toEqual([[[0, 3], 1.5]]);
    expect(found.retrieval.map((r) => r.measured)).toEqual([{ nats: 2, accuracy: 0.375 }]);
    const nothing = { loss: [], retrieval: [] };
    expect(besidePublished(published, rows, { size: 8, text: letters.subarray(8) })).toEqual(nothing);
    expect(besidePublished(published, rows, { size: 16, text: letters })).toEqual(nothing);
    expect(besidePublished(published, [{ ...row('dense', 1, 36), counted: 4 }], { size: 8, text: letters })).toEqual(nothing);
    expect(besidePublished({ ...published, retrieval: [] }, [{ ...row('dense', 1, 36), nats: { 0: 1 } }], { size: 8, text: letters }).loss).toEqual([]);
  });

  it('are of patterns that the list has', () => {
    const known = new Set(['dense', ...readPatterns().methods.map((m) => m.title)]);
    const { loss, retrieval } = readPublished();
    expect([...loss, ...retrieval].filter((p) => !known.has(p.title))).toEqual([]);
    expect([loss.length, retrieval.length]).toEqual([11, 11]);
    expect([...loss, ...retrieval].filter((p) => !Number.isFinite(p.window) || ('accuracy' in p ? !(p.accuracy <= 1 && p.trials === 10) : !(p.nats > 0.9)))).toEqual([]);
  });
});

describe('the store', () => {
  it('gives rows back after writing, and nothing for a broken file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'bytelm-')), 'rows.json');
    expect(openStore(file, []).rows()).toEqual([]);
    openStore(file, []).put('key', row('window', 1, 18));
    expect(openStore(file, []).row('key')).toEqual(row('window', 1, 18));
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, -20));
    expect(openStore(file, []).row('key')).toBeUndefined();
  });
});

describe('a row', () => {
  const key = (parameters: Readonly<Record<string, number>>, size = 64): string => {
    const io = memoryIo(root);
    const given: Given = { io, line: commandLineOf([]), files: [], options: {}, json: false, progress: progressOn(io, true), sources: new Map(), inputs: new Set() };
    const choice = { title: 't', program: 'examples/block-top-k/block-top-k.fil', name: 'block_top_k', parameters };
    return rowKey(modelProgram(given, { choice, window: size, weights, tensors: new Map(), span: noSpan }), size, letters, 'wgsl');
  };

  it('is found again by the same program, and by no other: constants, numbers and lengths count', () => {
    expect(key({ best: 4 })).toBe(key({ best: 4 }));
    const others = [key({ best: 4 }), key({ best: 8 }), key({ best: 4, block: 32 }), key({ best: 4 }, 128)];
    expect(new Set(others).size).toBe(4);
  });
});

describe('weights', () => {
  it('that are missing or of another shape are named', () => {
    const said = weightsOf(new Map(), 'w.safetensors');
    expect(said.ok ? '' : said.diagnostics[0]?.message).toBe("'w.safetensors' does not hold the model: there is no tensor 'tok_embed'");
  });
});

describe('the command', () => {
  it.each([
    [['--pattern', 'windo'], "there is no pattern 'windo'", "did you mean 'window'?"],
    [['--pattern', 'examples/quest/qest.fil'], "the file 'examples/quest/qest.fil' does not exist", "did you mean 'quest.fil'?"],
    [['--pattern', 'examples/quest/quest.fil'], 'examples/quest/quest.fil declares several attentions', 'examples/quest/quest.fil:quest_unforced'],
    [['--pattern', 'examples/quest/quest.fil:qest'], "examples/quest/quest.fil declares no 'qest'", "did you mean 'quest'?"],
    [['--pattern', 'window', '--set', 'widow=3'], "'sliding_window' has no parameter 'widow'", "did you mean 'window'?"],
    [['--pattern', 'window', '--set', 'window=wide'], '--set takes numbers', ''],
    [['--pattern', 'examples/bytelm/tuned.fil:tuned'], "'tuned' needs the tensor 'choice': int[6, heads]", '--tensors'],
    [['--pattern', 'snapkv', '--window', '128'], "'SnapKV' is for the last 160 bytes of a window; one of 128 has no prompt before them", ''],
    [['--every', '0'], '--every takes a whole number from 1', ''],
    [['--window', '8192'], '--window takes a whole number from 16 to 4096', ''],
    [['--text', 'package.json'], 'less than one window of 2048', ''],
    [['--retrieval', '--distances', '64,5000'], "not '5000'", ''],
    [['--backend', 'gpu'], '--backend is one of', ''],
    [['--weights', 'package.json'], 'is no safetensors file', ''],
  ])('says what is wrong with %j', async (argv, message, help) => {
    const { code, err } = await evaluate(...argv, '--out', mkdtempSync(join(tmpdir(), 'bytelm-')));
    expect(code).toBe(1);
    expect(err).toContain(message);
    expect(err).toContain(help);
  });
});
