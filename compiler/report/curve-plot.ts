/**
 * Curves on logarithmic axes, as a drawing. In: named series of points with positive coordinates and the titles of the axes. Out: SVG text with
 * a grid at powers of ten and their halves and fifths, one line with marks per series, and a legend. Points that are not positive cannot
 * stand on a logarithmic axis: they are drawn at the lower edge, hollow. The vertical axis may be linear, for values of one size.
 */
import { hex, palette } from './picture-layout.ts';

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface CurvePlot {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  /** Default: logarithmic. */
  readonly yScale?: 'linear';
  readonly series: readonly Series[];
}

const left = 70;
const top = 56;
const width = 560;
const height = 400;
const legendWidth = 200;
// Told apart by the colour-blind (Okabe and Ito), then again with dashes.
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000', '#8c6d31'];
const dashes = ['', '6 3', '2 3'];
const font = 'font-family="ui-sans-serif, system-ui, Segoe UI, Helvetica, Arial, sans-serif"';

const short = (value: number): string => String(Number(value.toFixed(2)));
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Maps [low, high] of the values, widened to the next tick, to [from, to] in pixels. */
function logScale(values: readonly number[], from: number, to: number): Scale {
  const positive = values.filter((v) => v > 0 && Number.isFinite(v));
  const smallest = positive.length === 0 ? 0.1 : Math.min(...positive);
  const largest = positive.length === 0 ? 1 : Math.max(...positive);
  const steps: number[] = [];
  for (let power = Math.floor(Math.log10(smallest)) - 1; power <= Math.ceil(Math.log10(largest)) + 1; power += 1) for (const n of [1, 2, 5]) steps.push(Number(`${n}e${power}`));
  const low = steps.filter((t) => t <= smallest).at(-1) ?? smallest;
  const high = steps.find((t) => t >= largest && t > low) ?? largest;
  const span = Math.log(high) - Math.log(low);
  const within = steps.filter((t) => t >= low && t <= high);
  return {
    at: (value) => from + (value > 0 ? (Math.log(Math.min(high, Math.max(low, value))) - Math.log(low)) / span : 0) * (to - from),
    // Over many decades only the powers of ten are named.
    ticks: within.length <= 10 ? within : within.filter((t) => Number.isInteger(Number(Math.log10(t).toFixed(9)))),
  };
}

/** Maps [low, high] of the values, widened to the next multiple of a step of 1, 2 or 5 times a power of ten, to [from, to] in pixels. */
function linearScale(values: readonly number[], from: number, to: number): Scale {
  const finite = values.filter(Number.isFinite);
  const [smallest, largest] = finite.length === 0 ? [0, 1] : [Math.min(...finite), Math.max(...finite)];
  const rough = Math.max(largest - smallest, 1e-9) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? power;
  const [first, last] = [Math.floor(smallest / step), Math.max(Math.ceil(largest / step), Math.floor(smallest / step) + 1)];
  return {
    at: (value) => from + ((value / step - first) / (last - first)) * (to - from),
    ticks: Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12))),
  };
}

export function curvesToSvg({ title, xTitle, yTitle, yScale, series }: CurvePlot): string {
  const all = series.flatMap((s) => s.points);
  const x = logScale(all.map((p) => p.x), left, left + width);
  const y = (yScale === 'linear' ? linearScale : logScale)(all.map((p) => p.y), top + height, top);
  const total = { width: left + width + legendWidth + 24, height: Math.max(top + height + 64, top + series.length * 20 + 24) };
  const grid = hex(palette.frame);
  const label = (at: string, text: string, extra: string): string => `<text ${at} font-size="11" ${extra}>${escape(text)}</text>`;
  const lines = series.flatMap(({ name, points }, i) => {
    const colour = colours[i % colours.length] ?? '#000000';
    const dash = dashes[Math.floor(i / colours.length) % dashes.length] ?? '';
    const stroke = `stroke="${colour}" stroke-width="1.8"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}`;
    const sorted = [...points].sort((a, b) => a.x - b.x);
    const path = sorted.map((p, n) => `${n === 0 ? 'M' : 'L'}${short(x.at(p.x))} ${short(y.at(p.y))}`).join('');
    const marks = sorted.map((p) => {
      const solid = p.x > 0 && (p.y > 0 || yScale === 'linear');
      return `<circle cx="${short(x.at(p.x))}" cy="${short(y.at(p.y))}" r="3.2" fill="${solid ? colour : hex(palette.page)}" stroke="${colour}"><title>${escape(`${name}: ${p.x.toPrecision(3)}, ${p.y.toPrecision(3)}`)}</title></circle>`;
    });
    const row = top + 6 + i * 20;
    const sample = left + width + 20;
    return [
      ...(sorted.length > 1 ? [`<path d="${path}" fill="none" ${stroke}/>`] : []),
      ...marks,
      `<path d="M${sample} ${row}h22" ${stroke}/>`,
      label(`x="${sample + 28}" y="${row + 4}"`, name, ''),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${total.width}" height="${total.height}" viewBox="0 0 ${total.width} ${total.height}" role="img" aria-label="${escape(title)}">`,
    `<title>${escape(title)}</title>`,
    `<rect width="100%" height="100%" fill="${hex(palette.page)}"/>`,
    `<g ${font} fill="${hex(palette.text)}">`,
    `<text x="${left}" y="30" font-size="16" font-weight="600">${escape(title)}</text>`,
    ...x.ticks.flatMap((t) => [`<path d="M${short(x.at(t))} ${top}v${height}" stroke="${grid}" stroke-width="0.5"/>`, label(`x="${short(x.at(t))}" y="${top + height + 18}"`, String(t), 'text-anchor="middle"')]),
    ...y.ticks.flatMap((t) => [`<path d="M${left} ${short(y.at(t))}h${width}" stroke="${grid}" stroke-width="0.5"/>`, label(`x="${left - 8}" y="${short(y.at(t) + 4)}"`, String(t), 'text-anchor="end"')]),
    `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="none" stroke="${grid}"/>`,
    label(`x="${left + width / 2}" y="${top + height + 42}"`, xTitle, 'text-anchor="middle"'),
    label(`transform="translate(18 ${top + height / 2}) rotate(-90)"`, yTitle, 'text-anchor="middle"'),
    ...lines,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}
