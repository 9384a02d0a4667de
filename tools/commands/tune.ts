/**
 * `filigree tune SPACE.json --in A.safetensors [--in B ...] --out TABLE.safetensors [--budget density|flops] [--objective output-error|mass-recall]
 * [--limit SHARE] [--json]`: a program and parameters for each head. The space is a methods file with a `which` for each method and a `search`
 * rule. Writes what a `per head choose` program reads, `choice` and the parameters as tensors [heads] (with several inputs `INPUT.choice`, ...),
 * and beside it a JSON record of what was found.
 */
import { claimOutput } from '../command-line/outputs.ts';
import { choiceOf, fileSpan, onlyFile, requiredText, textOf, valueSpan } from '../command-line/command.ts';
import type { CommandModule, Given } from '../command-line/command.ts';
import { refuse } from '../command-line/problems.ts';
import { writeAtomic } from '../io/files.ts';
import { writeSafetensors } from '../io/safetensors.ts';
import type { SearchRule } from '../methods/assign.ts';
import { measureMethods, readQkv } from '../methods/measured.ts';
import type { Method } from '../methods/methods-file.ts';
import { openMethods } from '../methods/resolve.ts';
import { choose, tablesOf } from '../methods/tune.ts';
import type { Choice } from '../methods/tune.ts';
import { figure, percent, tableText } from '../table.ts';
import { collect } from './launch-options.ts';

function ruleOf(given: Given, written: SearchRule | undefined, file: string): SearchRule {
  const rule = written ?? refuse('FIL9003', `'${file}' has no "search"`, fileSpan(given, file), { help: 'for example "search": { "rule": "budget", "limit": 0.25 }' });
  const text = textOf(given, 'limit');
  if (text === undefined) return rule;
  const limit = Number(text);
  const span = valueSpan(given, 'limit', text);
  if (rule.rule !== 'budget' && rule.rule !== 'best') return refuse('FIL9004', `the rule '${rule.rule}' of '${file}' has no limit`, span);
  return text.trim() !== '' && limit >= 0 && Number.isFinite(limit) ? { ...rule, limit } : refuse('FIL9004', `--limit takes a share of the dense cost, not '${text}'`, span);
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
      .option('--tile <count>', 'side of the tiles in which work is counted (default: 64)')
      .option('--threads <count>', 'threads, each with one input at a time (default: up to 4)');
  },
  run: async (given) => {
    const file = onlyFile(given);
    const methods = openMethods(given, file);
    const rule = ruleOf(given, methods.file.search, file);
    const unnumbered = methods.file.methods.find((m) => m.which === undefined);
    if (unnumbered !== undefined) refuse('FIL9003', `the method '${unnumbered.title}' of '${file}' has no "which"`, fileSpan(given, file), { help: 'give the number by which the per-head program knows it' });
    const budget = choiceOf(given, 'budget', ['density', 'flops'] as const) ?? 'density';
    const objective = choiceOf(given, 'objective', ['output-error', 'mass-recall'] as const) ?? 'output-error';
    const output = requiredText(given, 'out', 'table.safetensors');
    const files = readQkv(given);
    const twice = files.find(({ name }, i) => files.some((other, j) => j < i && other.name === name));
    if (twice !== undefined) refuse('FIL9004', `two inputs are called '${twice.name}'`, valueSpan(given, 'in'), { help: 'the tables are named after the inputs' });
    const path = claimOutput(given, output, valueSpan(given, 'out', output));
    const record = output.replace(/(\.safetensors)?$/, '.json');
    const recordPath = claimOutput(given, record, valueSpan(given, 'out', output));

    // The dense program is measured too: its work is the unit of cost.
    const dense: Method = { title: 'dense', ...methods.file.dense, budgets: [{}], which: undefined };
    const candidates = methods.file.methods;
    const rows = await measureMethods(given, { ...methods, file: { ...methods.file, methods: [...candidates, dense] } }, files);
    const choices = choose(rows.filter((r) => r.method !== dense), rows.filter((r) => r.method === dense), { rule, budget, objective });
    if (choices === undefined) return refuse('FIL9004', `no choice costs at most ${'limit' in rule ? rule.limit : 'that'} of dense ${budget}`, fileSpan(given, file), { help: 'allow more, or add a cheaper candidate' });

    const inputs = [...given.inputs];
    writeSafetensors(path, tablesOf(choices, candidates, files.length > 1), inputs, new Map([['rule', JSON.stringify(rule)], ['budget', budget], ['objective', objective]]));
    const mean = (pick: (c: Choice) => number): number => choices.reduce((sum, c) => sum + pick(c), 0) / Math.max(1, choices.length);
    const result = {
      rule, budget, objective, cost: mean((c) => c.cost), density: mean((c) => c.row.density), recall: mean((c) => c.row.recall), error: mean((c) => c.row.error),
      heads: choices.map(({ input, head, cost, row }) => ({
        input, head, method: row.method.title, which: row.method.which, parameters: { ...row.method.parameters, ...row.parameters }, cost, density: row.density, recall: row.recall, error: row.error,
      })),
    };
    writeAtomic(recordPath, `${JSON.stringify(result, null, 1)}\n`, inputs);
    if (given.json) given.io.out(`${JSON.stringify(result)}\n`);
    else {
      const right = (title: string) => ({ title, align: 'right' as const });
      const leftward = (title: string) => ({ title, align: 'left' as const });
      given.io.out(tableText(
        [leftward('input'), right('head'), leftward('method'), leftward('parameters'), right('cost'), right('recall'), right('error')],
        result.heads.map((h) => [h.input, `${h.head}`, h.method, JSON.stringify(h.parameters), percent(h.cost), percent(h.recall), figure(h.error)]),
      ));
      given.io.out(`mean: cost ${percent(result.cost)}, recall ${percent(result.recall)}, error ${figure(result.error)}; ${output}, ${record}\n`);
    }
    return 0;
  },
};
