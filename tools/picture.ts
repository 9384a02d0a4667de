/**
 * Masks as picture files. In: a spec, a launch and a batch. Out: the bits of all heads, and the bytes of a PNG or the text of an SVG.
 * Every pixel is an average over the pairs it stands for, so a large picture is coarse but shows nothing that is not there.
 */
import { maskRow } from '../compiler/interpreters/dense/index.ts';
import { maskToRgba } from '../compiler/report/mask-picture.ts';
import type { MaskBits, TileClasses } from '../compiler/report/mask-picture.ts';
import { maskToSvg, svgIsSmall } from '../compiler/report/mask-svg.ts';
import type { Launch, Spec } from '../compiler/spec/ir.ts';
import { encodePng } from './io/png.ts';
import type { MadeTensors } from './made-tensors.ts';

/** Pairs of one picture; a byte each while it is drawn. */
export const mostPairs = 2 ** 31;

/** The mask of all heads of one batch. `said` hears how far it is; `made` are the stage tensors that the mask reads. */
export function maskBits(spec: Spec, launch: Launch, batch: number, said: (done: number, rows: number) => void = () => undefined, made?: MadeTensors): MaskBits {
  const { heads, nQ, nK } = launch.sizes;
  const bits = new Uint8Array(heads * nQ * nK);
  const rowOf = maskRow(spec, launch, made);
  for (let h = 0; h < heads; h += 1) {
    for (let row = 0; row < nQ; row += 1) {
      const at = (h * nQ + row) * nK;
      rowOf(batch, h, row, bits.subarray(at, at + nK));
      if (row % 64 === 0) said(h * nQ + row, heads * nQ);
    }
  }
  return { heads, nQ, nK, bits };
}

export function pngOf(bits: MaskBits, title: string, tiles?: TileClasses): Uint8Array {
  return encodePng(maskToRgba(bits, tiles === undefined ? {} : { tiles }), { Title: title, Software: 'filigree' });
}

/** The drawing, or undefined where it would have too many parts to be of use. */
export function svgOf(bits: MaskBits, title: string, tiles?: TileClasses): string | undefined {
  return svgIsSmall(bits) ? maskToSvg(bits, { title, ...(tiles === undefined ? {} : { tiles }) }) : undefined;
}
