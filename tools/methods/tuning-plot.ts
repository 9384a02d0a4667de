/**
 * What choosing per head buys, as a drawing. In: what each budget buys, the candidates given to all heads alike. Out: SVG text, a curve per
 * method and one for the choices. An error far below what any candidate leaves says nothing on a logarithmic axis: such points are left out.
 */
import { curvesToSvg } from '../../compiler/report/curve-plot.ts';
import type { Means } from './tune.ts';

export function tuningPlot(frontier: readonly Means[], singles: readonly (Means & { readonly method: string })[], heads: number): string {
  const left = singles.filter((s) => s.error > 0);
  const floor = Math.min(...left.map((s) => s.error), ...(left.length === 0 ? [0] : [])) / 4;
  const curve = (name: string, points: readonly Means[]) => ({ name, points: points.filter((p) => p.error >= floor).map((p) => ({ x: p.density, y: p.error })) });
  const names = [...new Set(left.map((s) => s.method))];
  return curvesToSvg({
    title: `One setting for ${heads} heads, and one for each`,
    xTitle: 'density (share of the pairs of dense attention)',
    yTitle: 'relative output error (L2, mean over heads)',
    series: [curve('chosen per head', frontier), ...names.map((name) => curve(name, left.filter((s) => s.method === name)))],
  });
}
