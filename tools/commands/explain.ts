/**
 * `filigree explain FILE --name NAME --n-q N --n-k N [--heads H] [--set ...] [--tensors T.safetensors] [--tile 64x64] [--json]`: how an attention
 * is computed, why so, and what it costs. Tensors are read to classify tiles that depend on them; where
 * stages choose, they are computed first, from the q, k and v of `--in`.
 */
import type { Expr } from '../../compiler/expr/ir.ts';
import { freeRefs } from '../../compiler/expr/traverse.ts';
import type { Spec } from '../../compiler/spec/ir.ts';
import { tensorsOfMask } from '../../compiler/spec/traverse.ts';
import { choiceOf, countOf, onlyFile, requiredCount, textOf, valueSpan } from '../command-line/command.ts';
import type { CommandModule, Given } from '../command-line/command.ts';
import { refuse } from '../command-line/problems.ts';
import { explain, explainJson, explainText } from '../explain.ts';
import type { ExplainOptions, TileSize } from '../explain.ts';
import { targets } from '../../backends/targets.ts';
import { choosesAtRunTime, madeTensors } from '../made-tensors.ts';
import { chooseDeclaration, declareSettings, declareSizes, launchFor, longest, originOf, orRefuse, shapeOf, targetOf } from './launch-options.ts';

function tileOf(given: Given): TileSize | undefined {
  const text = textOf(given, 'tile');
  if (text === undefined) return undefined;
  const [, rows, keys] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? [];
  const tile = { queryTile: Number(rows), keyTile: Number(keys) };
  return tile.queryTile >= 1 && tile.keyTile >= 1 ? tile : refuse('FIL9004', `--tile takes query rows x keys, not '${text}'`, valueSpan(given, 'tile', text), { help: 'as in --tile 64x64' });
}

/**
 * The program without what does not decide which pairs are live: a bias of n x n entries cannot be handed over at a length where it matters.
 * Requirements that speak of left-out tensors go with them.
 */
function maskOnly(spec: Spec): Spec {
  const { score: _score, sink: _sink, ...rest } = spec;
  const used = tensorsOfMask(spec.mask);
  const leftOut = spec.tensors.filter((t) => !used.has(t.name));
  const speaksOf = (e: Expr): boolean => [...freeRefs(e)].some((name) => leftOut.some((t) => name.startsWith(`${t.name}.`)));
  return { ...rest, tensors: spec.tensors.filter((t) => used.has(t.name)), requires: spec.requires.filter((r) => !speaksOf(r.condition)) };
}

export const command: CommandModule = {
  declare: (c) => {
    c.description('Says how an attention is computed, why so, and what it costs.').argument('<file>', '.fil file').option('--name <name>', 'declaration (default: the only attention of the file)');
    declareSizes(c);
    declareSettings(c);
    c.option('--batch <count>', 'batches (default: from the tensors, or 1)')
      .option('--tile <rows x keys>', 'count in tiles of this size (default: those of the schedule)')
      .option('--dtype <type>', 'storage of q, k, v and out: f32, f16 or bf16 (default: f32)')
      .option('--target-record <name>', `what the machine can do: ${targets.map((t) => t.name).join(', ')} (default: webgpu-default)`);
  },
  run: async (given) => {
    const chosen = chooseDeclaration(given, onlyFile(given));
    const nQ = requiredCount(given, 'nQ', 1, longest);
    const nK = requiredCount(given, 'nK', 1, longest);
    const batch = countOf(given, 'batch', 1, 65536);
    const tile = tileOf(given);
    const options: ExplainOptions = {
      target: targetOf(given, 'webgpu-default'),
      dtype: choiceOf(given, 'dtype', ['f32', 'f16', 'bf16'] as const) ?? 'f32',
      ...(tile === undefined ? {} : { tile }),
    };
    const origin = originOf(given);
    const { tensors } = origin;
    // Stages read what they like, so nothing of such a program can be left out.
    const spec = choosesAtRunTime(chosen.spec) || chosen.spec.tensors.every((t) => tensors.has(t.name)) ? chosen.spec : maskOnly(chosen.spec);
    const launch = launchFor(given, { ...chosen, spec }, { nQ, nK, ...shapeOf(given, spec, origin), ...(batch === undefined ? {} : { batch }) }, tensors, 'tensors');
    const made = orRefuse(madeTensors(spec, launch, origin));
    const explained = orRefuse(explain(spec, launch, { ...options, made }));
    given.io.out(given.json ? `${JSON.stringify(explainJson(explained, launch))}\n` : explainText(spec, launch, explained, options));
    return 0;
  },
};
