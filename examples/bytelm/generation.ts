/**
 * `npm run generate -- [--prompt TEXT] [--bytes COUNT] [--pattern NAME|FILE.fil[:NAME]] [--backend NAME] [--json]`: continues a text, byte by
 * byte, behind a cache of keys and values.
 */
import type { TensorValue } from '../../compiler/spec/ir.ts';
import { choiceOf, countOf, textOf, valueSpan } from '../../tools/command-line/command.ts';
import type { CommandModule } from '../../tools/command-line/command.ts';
import { refuse } from '../../tools/command-line/problems.ts';
import { collect, orRefuse, tensorsOf } from '../../tools/commands/launch-options.ts';
import { backends } from '../../tools/engines/index.ts';
import { emptyCache, generate } from './generate.ts';
import { readWeights } from './model.ts';
import { chainProgram } from './programs.ts';
import { patternsOf, usedEverywhere } from './patterns.ts';
import { openRunner } from './runner.ts';

const usual = '\n# What is ownership?\n\nOwnership is ';

export const command: CommandModule = {
  declare: (c) => {
    c.description('Continues a text, greedily.')
      .option('--prompt <text>', 'what the text begins with')
      .option('--bytes <count>', 'bytes to add (default: 100)')
      .option('--pattern <name>', 'a pattern of patterns.json with one setting, or FILE.fil[:NAME] (default: dense)', collect)
      .option('--backend <name>', `${backends.join(', ')} (default: wgsl)`)
      .option('--adapter <name>', 'part of the name of the WebGPU adapter')
      .option('--set <parameter=value>', 'value of a parameter of the pattern; may be repeated', collect)
      .option('--tensors <file>', 'safetensors file with tensor parameters of the pattern');
  },
  run: async (given) => {
    const count = countOf(given, 'bytes', 1, 4096) ?? 100;
    const backend = choiceOf(given, 'backend', backends) ?? 'wgsl';
    const text = textOf(given, 'prompt') ?? usual;
    const prompt = Uint8Array.from([0, ...new TextEncoder().encode(text)]);
    const total = prompt.length + count;
    if (total > 4096) refuse('FIL9004', `prompt and new bytes are ${total} together; the model was trained on up to 4096`, valueSpan(given, 'prompt', text));
    const [asked, ...more] = usedEverywhere(patternsOf(given, ['dense']));
    if (asked === undefined || more.length > 0) return refuse('FIL9004', 'this pattern has several settings', asked?.span ?? valueSpan(given, 'pattern'), { help: 'fix one with --set' });
    const cache = emptyCache(total);
    const weights = orRefuse(readWeights());
    const changing = new Map<string, TensorValue>([['token', { extents: [1, 1], data: new Int32Array(1) }], ['past_key', cache], ['past_value', cache]]);
    const program = chainProgram(given, { choice: asked.choice, window: total, weights, tensors: tensorsOf(given), span: asked.span }, 'bytelm_step', { nQ: 1, changing });
    const { chain, scalars, tensors } = program;
    const runner = orRefuse(await openRunner({ chain, sizes: { batch: 1, nQ: 1, nK: 1 }, scalars, fixed: tensors, backend, adapter: textOf(given, 'adapter') }));
    let made = 0;
    const { bytes } = orRefuse(await generate(runner, prompt, count, () => {
      made += 1;
      given.progress.show(`${made} of ${count} bytes`);
    }));
    runner.close();
    given.progress.clear();
    const said = new TextDecoder().decode(bytes);
    given.io.out(given.json ? `${JSON.stringify({ prompt: text, text: said, pattern: asked.choice.title, device: runner.device })}\n` : `${text}${said}\n`);
    return 0;
  },
};
