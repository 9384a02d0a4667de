/**
 * `filigree tune SPACE.json --in A.safetensors [--in B ...] --out TABLE.safetensors [--budget density|flops] [--objective output-error|mass-recall]
 * [--limit SHARE] [--plot FILE.svg] [--unchecked] [--json]`: a program and parameters for each head of each layer. The space is a methods file with a `which` for
 * each method, a `search` rule and the per-head program. Inputs of one layer (`layer` in a file's metadata) are texts that its heads are judged on
 * together. Writes the tensors that the program reads, [heads] or [layers, heads], and beside them a JSON record of what was found; then
 * runs the program with the table on every input and compares.
 */
import { claimOutput } from '../command-line/outputs.ts';
import { choiceOf, fileSpan, has, onlyFile, requiredText, textOf, valueSpan } from '../command-line/command.ts';
import type { CommandModule, Given } from '../command-line/command.ts';
import { refuse } from '../command-line/problems.ts';
import { writeAtomic } from '../io/files.ts';
import { writeSafetensors } from '../io/safetensors.ts';
import type { SearchRule } from '../methods/assign.ts';
import type { Calibration } from '../methods/calibrate.ts';
import { measureMethods, readQkv } from '../methods/measured.ts';
import type { Measured, QkvFile } from '../methods/measured.ts';
import type { Method } from '../methods/methods-file.ts';
import { openMethods } from '../methods/resolve.ts';
import type { OpenMethods } from '../methods/resolve.ts';
import { parametersText } from '../methods/report-text.ts';
import { tablesOf } from '../methods/tables.ts';
import { calibrate } from '../methods/run-calibration.ts';
import { choose, frontierOf, headsOf, meansOf, singlesOf } from '../methods/tune.ts';
import type { Choice } from '../methods/tune.ts';
import { tuningPlot } from '../methods/tuning-plot.ts';
import { figure, percent, tableText } from '../table.ts';
import type { RawTensor } from '../tensors.ts';
import { collect } from './launch-options.ts';

function ruleOf(given: Given, written: SearchRule | Calibration | undefined, file: string): SearchRule | Calibration {
  const rule = written ?? refuse('FIL9003', `'${file}' has no "search"`, fileSpan(given, file), { help: 'for example "search": { "rule": "budget", "limit": 0.25 }' });
  const text = textOf(given, 'limit');
  if (text === undefined) return rule;
  const limit = Number(text);
  const span = valueSpan(given, 'limit', text);
  if (rule.rule !== 'budget' && rule.rule !== 'best') return refuse('FIL9004', `the rule '${rule.rule}' of '${file}' has no limit`, span);
  return text.trim() !== '' && limit >= 0 && Number.isFinite(limit) ? { ...rule, limit } : refuse('FIL9004', `--limit takes a share of the dense cost, not '${text}'`, span);
}

/** All inputs have the same heads: how many. */
function headCount(given: Given, files: readonly QkvFile[]): number {
  const [first] = files;
  const heads = first?.inputs.sizes.heads ?? 1;
  const other = files.find((f) => f.inputs.sizes.heads !== heads);
  return other === undefined ? heads : refuse('FIL9004', `'${other.name}' has ${other.inputs.sizes.heads} heads, '${first?.name ?? ''}' has ${heads}`, valueSpan(given, 'in'), { help: 'one table is for layers with the same heads' });
}

/** What the per-head program does with the table, by layer and head. */
async function checked(given: Given, methods: OpenMethods, files: readonly QkvFile[], heads: number, choices: readonly Choice[], tables: ReadonlyMap<string, RawTensor>) {
  const { perHead } = methods.file;
  if (perHead === undefined) return undefined;
  const rows: Measured[] = [];
  // The layer is a scalar of the program, so each layer is measured by itself.
  for (const layer of new Set(files.map((f) => f.layer ?? 0))) {
    const budgets = [perHead.layer === undefined ? {} : { [perHead.layer]: layer }];
    const method: Method = { title: perHead.name, ...perHead, budgets, rows: undefined, counted: undefined, which: undefined, as: {} };
    const own: OpenMethods = { ...methods, file: { ...methods.file, methods: [method] }, programOf: (choice, more, sizes) => methods.programOf(choice, more, sizes, choice === method ? tables : undefined) };
    rows.push(...(await measureMethods(given, own, files.filter((f) => (f.layer ?? 0) === layer))));
  }
  const found = headsOf(rows, [], files, heads, { budget: 'density', objective: 'output-error' });
  const strange = choices.flatMap(({ layer, head, candidate }) => {
    const own = found.find((h) => h.layer === layer && h.head === head)?.candidates[0];
    return own === undefined || Math.abs(own.density - candidate.density) > 0.01 + 0.02 * candidate.density ? [{ layer, head, candidate, own }] : [];
  })[0];
  if (strange !== undefined) {
    const { layer, head, candidate, own } = strange;
    refuse('FIL9004', `'${perHead.name}' does not do what was chosen: head ${head} of layer ${layer} keeps ${percent(own?.density ?? 0)}, but '${candidate.method.title}' ${percent(candidate.density)}`, fileSpan(given, onlyFile(given)), {
      help: `compare the "which" and "as" of '${candidate.method.title}' with the program; the table is written`,
    });
  }
  return meansOf(found.flatMap((h) => h.candidates));
}

export const command: CommandModule = {
  declare: (c) => {
    c.description('Chooses a program and parameters for each head.')
      .argument('<space>', 'JSON file of candidates')
      .option('--in <file>', 'safetensors file with q, k, v; may be repeated: all heads share one budget', collect)
      .option('--out <file>', 'safetensors file for the table')
      .option('--budget <name>', 'what costs: density or flops, each as a share of dense (default: density)')
      .option('--objective <name>', 'what is lost: output-error or mass-recall (default: output-error)')
      .option('--limit <share>', 'cost allowed, instead of the limit in the file')
      .option('--plot <file>', 'SVG: error against density, of the candidates given to all heads and of choices per head')
      .option('--unchecked', 'do not run the per-head program with the table')
      .option('--tile <count>', 'side of the tiles in which work is counted (default: 64)')
      .option('--backend <name>', 'what runs the stages: interpreter, or wgsl for long inputs (default: interpreter)')
      .option('--threads <count>', 'threads, each with one input at a time (default: up to 4)');
  },
  run: async (given) => {
    const file = onlyFile(given);
    const methods = openMethods(given, file);
    const rule = ruleOf(given, methods.file.search, file);
    const output = requiredText(given, 'out', 'table.safetensors');
    const files = readQkv(given);
    const twice = files.find(({ name }, i) => files.some((other, j) => j < i && other.name === name));
    if (twice !== undefined) refuse('FIL9004', `two inputs are called '${twice.name}'`, valueSpan(given, 'in'), { help: 'inputs are told apart by their names' });
    const heads = headCount(given, files);
    const path = claimOutput(given, output, valueSpan(given, 'out', output));
    const record = output.replace(/(\.safetensors)?$/, '.json');
    const recordPath = claimOutput(given, record, valueSpan(given, 'out', output));
    const outputs = { output, path, record, recordPath };
    const plot = textOf(given, 'plot');
    const plotPath = plot === undefined ? undefined : claimOutput(given, plot, valueSpan(given, 'plot', plot));
    if (rule.rule === 'calibrate') return calibrate(given, methods, rule, files, heads, outputs);

    const unnumbered = methods.file.methods.find((m) => m.which === undefined);
    if (unnumbered !== undefined) refuse('FIL9003', `the method '${unnumbered.title}' of '${file}' has no "which"`, fileSpan(given, file), { help: 'give the number by which the per-head program knows it' });
    const budget = choiceOf(given, 'budget', ['density', 'flops'] as const) ?? 'density';
    const objective = choiceOf(given, 'objective', ['output-error', 'mass-recall'] as const) ?? 'output-error';
    const { perHead } = methods.file;
    const program = perHead === undefined ? undefined : { spec: methods.specOf(perHead, {}), choice: perHead.choice };

    // The dense program is measured too: its work is the unit of cost.
    const dense: Method = { title: 'dense', ...methods.file.dense, budgets: [{}], rows: undefined, counted: undefined, which: undefined, as: {} };
    const candidates = methods.file.methods;
    const rows = await measureMethods(given, { ...methods, file: { ...methods.file, methods: [...candidates, dense] } }, files);
    const tuned = headsOf(rows.filter((r) => r.method !== dense), rows.filter((r) => r.method === dense), files, heads, { budget, objective });
    const choices = choose(tuned, rule);
    if (choices === undefined) return refuse('FIL9004', `no choice costs at most ${'limit' in rule ? rule.limit : 'that'} of dense ${budget}`, fileSpan(given, file), { help: 'allow more, or add a cheaper candidate' });
    const denseCandidate = candidates.find((m) => m.program === dense.program && m.name === dense.name);
    const made = tablesOf(choices, candidates, denseCandidate, heads, program);
    if (!made.ok) return refuse('FIL9004', `no table can be written: ${made.reason}`, fileSpan(given, file), { help: made.help });

    const inputs = [...given.inputs];
    writeSafetensors(path, made.tables, inputs, new Map([['rule', JSON.stringify(rule)], ['budget', budget], ['objective', objective]]));
    const result = {
      rule, budget, objective, inputs: files.map((f) => f.name), ...meansOf(choices.map((c) => c.candidate)),
      heads: choices.map(({ layer, head, candidate: { method, parameters, cost, density, recall, error } }) => ({
        layer, head, method: method.title, which: method.which, parameters: { ...method.parameters, ...parameters }, cost, density, recall, error,
      })),
      frontier: frontierOf(tuned),
      singles: singlesOf(tuned).map(({ method, parameters, ...means }) => ({ method: method.title, parameters: { ...method.parameters, ...parameters }, ...means })),
    };
    writeAtomic(recordPath, `${JSON.stringify(result, null, 1)}\n`, inputs);
    if (plotPath !== undefined) writeAtomic(plotPath, tuningPlot(result.frontier, result.singles, choices.length), inputs);
    const measured = has(given, 'unchecked') ? undefined : await checked(given, methods, files, heads, choices, made.tables);
    if (given.json) given.io.out(`${JSON.stringify({ ...result, ...(measured === undefined ? {} : { perHead: measured }) })}\n`);
    else {
      const right = (title: string) => ({ title, align: 'right' as const });
      const leftward = (title: string) => ({ title, align: 'left' as const });
      given.io.out(tableText(
        [right('head'), leftward('method'), leftward('parameters'), right('cost'), right('density'), right('recall'), right('error')],
        choices.map(({ layer, head, candidate: c }) => [`${layer}.${head}`, c.method.title, parametersText(c.parameters), percent(c.cost), percent(c.density), percent(c.recall), figure(c.error)]),
      ));
      given.io.out(`mean: cost ${percent(result.cost)}, density ${percent(result.density)}, recall ${percent(result.recall)}, error ${figure(result.error)}; ${output}, ${record}\n`);
      const rival = [...result.singles].filter((s) => s.cost <= result.cost * 1.02 + 1e-9).sort((a, b) => a.error - b.error)[0];
      if (rival !== undefined) given.io.out(`one setting for all heads at that cost: ${rival.method}, ${parametersText(rival.parameters)}: density ${percent(rival.density)}, error ${figure(rival.error)}\n`);
      if (measured !== undefined) given.io.out(`${perHead?.name ?? ''} with the table: density ${percent(measured.density)}, error ${figure(measured.error)}\n`);
    }
    return 0;
  },
};
