/**
 * `npm run heads -- --out FOLDER [--text FILE] [--window COUNT] [--number WINDOW] [--backend NAME]`: q, k and v of every layer on a window of a
 * text, with dense attention, as `layer-I.safetensors`: what `filigree report` and `filigree tune` take as --in. They are outputs of one run
 * of the chain.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import { choiceOf, countOf, requiredText, textOf, valueSpan } from '../../tools/command-line/command.ts';
import type { CommandModule } from '../../tools/command-line/command.ts';
import { claimFolder, pathOf } from '../../tools/command-line/outputs.ts';
import { refuse } from '../../tools/command-line/problems.ts';
import { wordSpan } from '../../tools/command-line/words.ts';
import { orRefuse } from '../../tools/commands/launch-options.ts';
import { backends } from '../../tools/engines/index.ts';
import { encodeTensor, writeSafetensors } from '../../tools/io/safetensors.ts';
import { dataFile, readWeights } from './model.ts';
import { exampleFile, modelProgram, readPatterns } from './programs.ts';
import { openRunner } from './runner.ts';
import { windowsOf } from './windows.ts';

const inputs = ['q', 'k', 'v'] as const;

/** The chain with what its attentions are given as outputs, `layer.q` and so on by number of the attention. */
export function withInputs(chain: ChainSpec): ChainSpec {
  const attentions = chain.calls.filter((call) => chain.units[call.unit]?.computes === 'attention');
  const given = attentions.flatMap((call, layer) => inputs.flatMap((name) => {
    const value = call.tensors.get(name);
    return value === undefined ? [] : [{ name: `${layer}.${name}`, value }];
  }));
  return { ...chain, outputs: given };
}

export const command: CommandModule = {
  declare: (c) => {
    c.description('Writes q, k and v of every layer.')
      .option('--out <folder>', 'folder for layer-0.safetensors and so on')
      .option('--text <file>', 'text to read, raw bytes (default: the evaluation text)')
      .option('--window <count>', 'bytes of a window, up to 4096 (default: 1024)')
      .option('--number <window>', 'which window of the text, from 0 (default: 0)')
      .option('--backend <name>', `${backends.join(', ')} (default: wgsl)`)
      .option('--adapter <name>', 'part of the name of the WebGPU adapter');
  },
  run: async (given) => {
    const size = countOf(given, 'window', 16, 4096) ?? 1024;
    const number = countOf(given, 'number', 0, 1_000_000) ?? 0;
    const backend = choiceOf(given, 'backend', backends) ?? 'wgsl';
    const out = requiredText(given, 'out', 'out/heads');
    const file = textOf(given, 'text');
    const path = file === undefined ? dataFile('eval-text.bin') : pathOf(given, file);
    const span = file === undefined ? wordSpan(given.line, () => false) : valueSpan(given, 'text', file);
    if (!existsSync(path)) refuse('FIL9005', `the file '${file ?? path}' does not exist`, span);
    given.inputs.add(path);
    const windows = windowsOf(readFileSync(path), size);
    const window = windows[number];
    if (window === undefined) return refuse('FIL9004', `the text has ${windows.length} windows of ${size} bytes`, span);
    const folder = claimFolder(given, out, valueSpan(given, 'out', out));
    const { dense } = readPatterns();
    const choice = { title: 'dense', ...dense, program: exampleFile(given, dense.program) };
    const program = modelProgram(given, { choice, window: size, weights: orRefuse(readWeights()), tensors: new Map(), span });
    given.progress.show(`running on ${backend}`);
    const { sizes, scalars, tensors } = program;
    const runner = orRefuse(await openRunner({ chain: withInputs(program.chain), sizes: { batch: 1, nQ: sizes.nQ, nK: sizes.nK }, scalars, fixed: tensors, backend, adapter: textOf(given, 'adapter') }));
    const outputs = orRefuse(await runner.run(new Map([['token', { extents: [1, size], data: window.tokens }]])));
    runner.close();
    given.progress.clear();
    const layers = outputs.size / inputs.length;
    for (let layer = 0; layer < layers; layer += 1) {
      const made = inputs.flatMap((name) => {
        const found = outputs.get(`${layer}.${name}`);
        return found === undefined ? [] : [[name, encodeTensor('F16', found.extents, found.values)] as const];
      });
      writeSafetensors(join(folder, `layer-${layer}.safetensors`), new Map(made), [...given.inputs], new Map([['layer', String(layer)]]));
    }
    given.io.out(given.json ? `${JSON.stringify({ out, layers, device: runner.device })}\n` : `${out}: ${layers} files\n`);
    return 0;
  },
};
