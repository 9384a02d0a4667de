/**
 * What nvcc and ptxas say, as diagnostics. In: their output and the region map of the compiled text. Out: one diagnostic for each error,
 * at the source that the refused line was made from. A generated text that is refused is a bug of ours.
 */
import { kernelRejected } from '../../dsl/catalogue/index.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { noSpan } from '../../dsl/span.ts';
import { originOfLine } from '../../backends/document.ts';
import type { RegionMap } from '../../backends/document.ts';

/** `kernels.cu(12): error: ...`, and warnings that flags made errors. */
const located = /^.*?\((\d+)\): (?:catastrophic |internal )?error(?: #[\w-]+)?: (.*)$/;

export function diagnoseNvcc(output: string, regions: RegionMap): readonly Diagnostic[] {
  const found = output.split('\n').flatMap((line) => {
    const match = located.exec(line.trim());
    if (match === null) return [];
    const at = Number(match[1]);
    return [kernelRejected(originOfLine(regions, at)?.span ?? noSpan, { device: 'nvcc', message: `${match[2] ?? ''} (line ${at} of the .cu)` })];
  });
  if (found.length > 0) return found;
  const words = output.split('\n').map((l) => l.trim()).filter((l) => l !== '');
  const said = words.find((l) => /error|fatal/i.test(l)) ?? words.at(-1) ?? 'it ended without a word';
  return [kernelRejected(noSpan, { device: 'nvcc', message: said })];
}
