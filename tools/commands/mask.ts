/**
 * `filigree mask FILE --name NAME --n-q N --n-k N --out M.png|.svg|.safetensors`: the mask as the interpreter sees it. A safetensors file
 * holds `mask` (U8, [heads, n_q, n_k]); a PNG or SVG draws the heads side by side. One batch is shown: the first, or --batch.
 * A mask that is chosen at run time is made from the q, k and v of `--in`; of a longer prompt the first n_k keys are taken.
 */
import { extname } from 'node:path';
import { countOf, onlyFile, requiredCount, requiredText, valueSpan } from '../command-line/command.ts';
import type { CommandModule } from '../command-line/command.ts';
import { claimOutput } from '../command-line/outputs.ts';
import { refuse } from '../command-line/problems.ts';
import { wordSpan } from '../command-line/words.ts';
import { writeAtomic } from '../io/files.ts';
import { encodeTensor, writeSafetensors } from '../io/safetensors.ts';
import { madeTensors } from '../made-tensors.ts';
import { maskBits, mostPairs, pngOf, svgOf } from '../picture.ts';
import { chooseDeclaration, declareSettings, declareSizes, launchFor, longest, originOf, orRefuse, shapeOf } from './launch-options.ts';

export const command: CommandModule = {
  declare: (c) => {
    c.description('Draws or saves a mask.').argument('<file>', '.fil file').option('--name <name>', 'declaration (default: the only attention of the file)');
    declareSizes(c);
    declareSettings(c);
    c.option('--batch <index>', 'which batch to show (default: 0)').option('--out <file>', 'where to: .png, .svg or .safetensors');
  },
  run: async (given) => {
    const chosen = chooseDeclaration(given, onlyFile(given));
    const nQ = requiredCount(given, 'nQ', 1, longest);
    const nK = requiredCount(given, 'nK', 1, longest);
    const out = requiredText(given, 'out', 'mask.png');
    const span = valueSpan(given, 'out', out);
    const format = extname(out).toLowerCase();
    if (format !== '.png' && format !== '.svg' && format !== '.safetensors') refuse('FIL9004', `--out ends in .png, .svg or .safetensors, not in '${format}'`, span);
    const origin = originOf(given);
    const launch = launchFor(given, chosen, { nQ, nK, ...shapeOf(given, chosen.spec, origin) }, origin.tensors, 'tensors');
    const { batch, heads } = launch.sizes;
    const b = countOf(given, 'batch', 0, batch - 1) ?? 0;
    const path = claimOutput(given, out, span);
    if (heads * nQ * nK > mostPairs) {
      refuse('FIL9004', `the mask has ${heads} x ${nQ} x ${nK} pairs; at most ${mostPairs} can be shown`, wordSpan(given.line, (w) => w.startsWith('--n-q')), { help: 'take fewer heads or smaller sizes; `filigree explain` works at any size' });
    }
    const made = orRefuse(madeTensors(chosen.spec, launch, origin));
    const bits = maskBits(chosen.spec, launch, b, (done, rows) => given.progress.show(`mask: row ${done} of ${rows}`), made);
    const title = `${chosen.name}, n_q = ${nQ}, n_k = ${nK}`;
    const inputs = [...given.inputs];
    if (format === '.safetensors') {
      writeSafetensors(path, new Map([['mask', encodeTensor('U8', [heads, nQ, nK], bits.bits)]]), inputs, new Map([['declaration', chosen.name]]));
    } else if (format === '.png') writeAtomic(path, pngOf(bits, title), inputs);
    else {
      writeAtomic(path, svgOf(bits, title) ?? refuse('FIL9004', 'this mask has too many parts for an SVG drawing', span, { help: 'write a .png, or take smaller sizes' }), inputs);
    }
    given.progress.clear();
    given.io.out(given.json ? `${JSON.stringify({ out, heads, nQ, nK })}\n` : `${out}\n`);
    return 0;
  },
};
