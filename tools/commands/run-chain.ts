/**
 * `filigree run` for a chain: the input file holds its tensors by name, the output file gets what it gives back, by the names of
 * its `output` (F32, I32, U8 for truth values).
 */
import { requiredText, textOf, valueSpan } from '../command-line/command.ts';
import type { Given } from '../command-line/command.ts';
import { claimOutput } from '../command-line/outputs.ts';
import { chainLaunchOf, chooseChain } from '../chains.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import { runChain } from '../engines/chains.ts';
import type { Backend } from '../engines/index.ts';
import { elementTypeOf, encodeTensor, writeSafetensors } from '../io/safetensors.ts';
import type { OpenSource } from '../source.ts';
import { readTensors } from '../tensor-file.ts';
import { orRefuse, settingsOf } from './launch-options.ts';

/** The element type in which an output is written. */
function elementOf(chain: ChainSpec, value: string): 'F32' | 'I32' | 'U8' {
  const at = value.indexOf('.');
  const spec = chain.units[chain.calls.find((c) => c.name === value.slice(0, at))?.unit ?? -1];
  const tensor = spec?.outputs.find((o) => o.name === value.slice(at + 1))?.tensor;
  return elementTypeOf(spec?.stages.find((t) => t.name === tensor)?.element ?? 'float');
}

export async function runChainCommand(given: Given, source: OpenSource, name: string, backend: Backend): Promise<number> {
  const chosen = chooseChain(given, source, name, settingsOf(given));
  const file = requiredText(given, 'in', 'inputs.safetensors');
  const output = requiredText(given, 'out', 'result.safetensors');
  const extra = textOf(given, 'tensors');
  const raw = readTensors(given, file, valueSpan(given, 'in', file));
  const tensors = extra === undefined ? raw : new Map([...raw, ...readTensors(given, extra, valueSpan(given, 'tensors', extra))]);
  const known = new Set(chosen.chain.tensors.map((t) => t.name));
  const launch = orRefuse(chainLaunchOf(chosen, new Map([...tensors].filter(([n]) => known.has(n))), valueSpan(given, 'in', file), file));
  const path = claimOutput(given, output, valueSpan(given, 'out', output));
  const adapter = textOf(given, 'adapter');
  given.progress.show(`${name}: running on ${backend}`);
  const result = orRefuse(await runChain(backend, { chain: chosen.chain, launch, dtype: 'f32', ...(adapter === undefined ? {} : { adapter }) }));
  given.progress.clear();
  const written = new Map(chosen.chain.outputs.flatMap(({ name: out, value }) => {
    const made = result.outputs.get(out);
    return made === undefined ? [] : [[out, encodeTensor(elementOf(chosen.chain, value), made.extents, made.values)] as const];
  }));
  writeSafetensors(path, written, [...given.inputs], new Map([['declaration', name], ['backend', backend]]));
  if (given.json) given.io.out(`${JSON.stringify({ out: output, backend, device: result.device ?? null, sizes: launch.sizes })}\n`);
  else given.io.out(`${output}${result.device === undefined ? '' : ` (${result.device})`}\n`);
  return 0;
}
