/**
 * The calibration of one selector's thresholds as a run of `filigree tune`. In: a space with one method and the rule, inputs of one or several
 * layers. Out: the file with the thresholds, [heads] or [layers, heads], the largest over the inputs of a layer; a record; the figures of the
 * method with them.
 */
import { worldOf } from '../../compiler/interpreters/dense/scalar.ts';
import { evaluate } from '../../compiler/expr/evaluate.ts';
import type { Axis } from '../../compiler/spec/ir.ts';
import { fileSpan, onlyFile } from '../command-line/command.ts';
import type { Given } from '../command-line/command.ts';
import { refuse } from '../command-line/problems.ts';
import { writeAtomic } from '../io/files.ts';
import { encodeTensor, writeSafetensors } from '../io/safetensors.ts';
import { figure, percent, tableText } from '../table.ts';
import { calibrated } from './calibrate.ts';
import type { Calibration } from './calibrate.ts';
import { measureMethods } from './measured.ts';
import type { QkvFile } from './measured.ts';
import type { Method } from './methods-file.ts';
import type { OpenMethods } from './resolve.ts';
import { cachedStages } from './stage-cache.ts';
import { layersOf, tableParameters } from './tables.ts';

export interface TuneOutputs {
  readonly output: string;
  readonly path: string;
  readonly record: string;
  readonly recordPath: string;
}

export async function calibrate(given: Given, methods: OpenMethods, rule: Calibration, files: readonly QkvFile[], heads: number, outputs: TuneOutputs): Promise<number> {
  const file = onlyFile(given);
  const span = fileSpan(given, file);
  const [method, ...others] = methods.file.methods;
  if (method === undefined || others.length > 0 || method.budgets.length > 1) return refuse('FIL9004', `'${file}' calibrates one method with one budget`, span, { help: 'put others into files of their own' });

  const found = new Map<number, number[]>();
  for (const { inputs, layer = 0, name } of files) {
    given.progress.show(`scores of ${name}`);
    const { spec, launch } = methods.programOf(method, method.budgets[0] ?? {}, inputs.sizes);
    const tensor = spec.stages.find((t) => t.name === rule.scores);
    const sizes = tensor?.indices.map(({ axis }) => axis) ?? [];
    const blockOf = (axis: Axis | undefined): number | undefined => (axis?.kind === 'blocks' ? evaluate(axis.size, worldOf(spec, launch).constants) : undefined);
    const [height, width] = [blockOf(sizes[2]), blockOf(sizes[3])];
    if (tensor === undefined || sizes.length !== 4 || sizes[1]?.kind !== 'heads' || height === undefined || width === undefined) {
      return refuse('FIL9004', `'${method.name}' makes no scores '${rule.scores}' for heads, blocks of queries and blocks of keys`, span, { help: `its stages make: ${spec.stages.map((t) => t.name).filter((n) => !n.includes("'")).join(', ')}` });
    }
    const scores = cachedStages(spec, launch, inputs, new Map(), [rule.scores]).get(rule.scores);
    if (scores === undefined) continue;
    const dense = methods.programOf(methods.file.dense, {}, inputs.sizes);
    const largest = found.get(layer) ?? new Array<number>(heads).fill(0);
    calibrated(dense, inputs, { scores, height, width }, rule.share).forEach((x, i) => {
      largest[i % heads] = Math.max(largest[i % heads] ?? 0, x);
    });
    found.set(layer, largest);
  }
  given.progress.clear();

  const { perHead } = methods.file;
  const parameters = perHead === undefined ? [] : tableParameters(methods.specOf(perHead, {})).filter((p) => p.name === rule.parameter);
  if (perHead !== undefined && parameters.length === 0) return refuse('FIL9004', `'${perHead.name}' has no tensor '${rule.parameter}' with a value per head`, span);
  const deepest = Math.max(0, ...found.keys());
  const depth = perHead === undefined ? { ok: true as const, layers: deepest === 0 ? undefined : deepest + 1 } : layersOf(parameters, deepest);
  if (!depth.ok) return refuse('FIL9004', `no table can be written: ${depth.reason}`, span, { help: depth.help });
  // A layer without an input keeps everything.
  const table = Array.from({ length: depth.layers ?? 1 }, (_, layer) => found.get(layer) ?? new Array<number>(heads).fill(1)).flat();
  const tensor = encodeTensor('F32', depth.layers === undefined ? [heads] : [depth.layers, heads], table);
  const inputs = [...given.inputs];
  writeSafetensors(outputs.path, new Map([[rule.parameter, tensor]]), inputs, new Map([['rule', JSON.stringify(rule)]]));

  const rows = [];
  for (const [layer, thresholds] of found) {
    const own: Method = { ...method, parameters: { ...method.parameters, [rule.parameter]: thresholds }, budgets: [{}] };
    const measured = await measureMethods(given, { ...methods, file: { ...methods.file, methods: [own] } }, files.filter((f) => (f.layer ?? 0) === layer));
    rows.push(...measured.map((r) => ({ layer, head: r.head % heads, input: r.input, threshold: thresholds[r.head % heads] ?? 0, density: r.density, recall: r.recall, error: r.error })));
  }
  const result = { rule, heads: rows };
  writeAtomic(outputs.recordPath, `${JSON.stringify(result, null, 1)}\n`, inputs);
  if (given.json) given.io.out(`${JSON.stringify(result)}\n`);
  else {
    const right = (title: string) => ({ title, align: 'right' as const });
    given.io.out(tableText(
      [right('head'), { title: 'input', align: 'left' }, right(rule.parameter), right('density'), right('recall'), right('error')],
      rows.map((r) => [`${r.layer}.${r.head}`, r.input, figure(r.threshold), percent(r.density), percent(r.recall), figure(r.error)]),
    ));
    given.io.out(`${outputs.output}, ${outputs.record}\n`);
  }
  return 0;
}
