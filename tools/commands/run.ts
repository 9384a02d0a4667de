/**
 * `filigree run FILE --name NAME --in IN.safetensors --out OUT.safetensors --backend interpreter|wgsl|cuda|cuda-emulated|tile|lockstep`: runs an attention on
 * tensors. The input file holds `q`, `k`, `v` and the tensor parameters by name; the output file gets `out` (in the element type of
 * q; F32 for F64), `lse` (F32) and the stage tensors that the program gives back (F32, I32, U8 for truth values).
 */
import { choiceOf, onlyFile, requiredText, textOf, valueSpan } from '../command-line/command.ts';
import type { CommandModule, Given } from '../command-line/command.ts';
import { claimOutput } from '../command-line/outputs.ts';
import { refuse } from '../command-line/problems.ts';
import * as report from '../../dsl/catalogue/index.ts';
import { DiagnosticError } from '../../dsl/diagnostic.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';
import { backends, runBackend } from '../engines/index.ts';
import type { Backend } from '../engines/index.ts';
import { elementTypeOf, encodeTensor, writeSafetensors } from '../io/safetensors.ts';
import { inputsOf } from '../inputs.ts';
import type { AttentionInputs } from '../inputs.ts';
import { openSource } from '../source.ts';
import { readTensors } from '../tensor-file.ts';
import type { RawTensor } from '../tensors.ts';
import { chosenFrom, collect, declarationName, declareSettings, launchFor, orRefuse } from './launch-options.ts';
import { runChainCommand } from './run-chain.ts';

const shapes = { q: '[batch, heads, n_q, dim]', k: '[batch, kv_heads, n_k, dim]', v: '[batch, kv_heads, n_k, dim]' };

function readInputs(given: Given, tensors: ReadonlyMap<string, RawTensor>, file: string): AttentionInputs {
  const read = inputsOf(tensors);
  if (read.ok) return read.value;
  const span = valueSpan(given, 'in', file);
  const { tensor, reason, tell } = read;
  if (tell !== undefined) throw new DiagnosticError([tell(span)]);
  const wanted = tensor === 'q' || tensor === 'k' || tensor === 'v' ? shapes[tensor] : '';
  const diagnostic = tensors.has(tensor)
    ? report.wrongElementType(span, { name: tensor, found: reason, wanted: `floats ${wanted}` })
    : report.missingTensor(span, { name: tensor, wanted, file, candidates: [...tensors.keys()] });
  throw new DiagnosticError([tensors.has(tensor) ? { ...diagnostic, message: `tensor \`${tensor}\` of ${file} ${reason}` } : diagnostic]);
}

/** Kernels keep f16 or bf16 when all three inputs are. */
function storageOf(tensors: ReadonlyMap<string, RawTensor>): FloatElement {
  const all = (dtype: string): boolean => ['q', 'k', 'v'].every((name) => tensors.get(name)?.dtype === dtype);
  return all('F16') ? 'f16' : all('BF16') ? 'bf16' : 'f32';
}

/** What products may round to: of f32 alone, and on CUDA. */
function productsOf(given: Given, dtype: FloatElement, backend: Backend): { readonly products?: 'tf32' } {
  if (choiceOf(given, 'precision', ['f32', 'tf32'] as const) !== 'tf32') return {};
  const span = valueSpan(given, 'precision', 'tf32');
  if (backend !== 'cuda' && backend !== 'cuda-emulated') refuse('FIL9004', `--precision tf32 goes with --backend cuda or cuda-emulated, not ${backend}`, span);
  if (dtype !== 'f32') refuse('FIL9004', '--precision tf32 is about products of f32, and q, k and v hold 16-bit numbers', span);
  return { products: 'tf32' };
}

export const command: CommandModule = {
  declare: (c) => {
    c.description('Runs an attention, a stage or a chain on tensors.')
      .argument('<file>', '.fil file')
      .option('--name <name>', 'declaration (default: the only chain or attention of the file)')
      .option('--in <file>', 'safetensors file with q, k, v and the tensor parameters')
      .option('--tensors <file>', 'another safetensors file for tensor parameters')
      .option('--with <parameter=file>', 'attention that a parameter of a chain stands for, as FILE.fil or FILE.fil:NAME; may be repeated', collect)
      .option('--out <file>', 'safetensors file for out and lse')
      .option('--backend <name>', `${backends.join(', ')} (default: wgsl)`)
      .option('--precision <type>', 'for cuda and cuda-emulated on F32 tensors: tf32 lets products round their factors to 11 bits (default: f32)')
      .option('--adapter <name>', 'part of the name of the WebGPU adapter, such as SwiftShader or NVIDIA');
    declareSettings(c);
  },
  run: async (given) => {
    const backend = choiceOf(given, 'backend', backends) ?? 'wgsl';
    const source = openSource(given, onlyFile(given));
    const name = declarationName(given, source, onlyFile(given), ['chain', 'attention']);
    if (source.declarations.find((d) => d.name === name)?.kind === 'chain') return runChainCommand(given, source, name, backend);
    const chosen = chosenFrom(given, source, name);
    const file = requiredText(given, 'in', 'inputs.safetensors');
    const output = requiredText(given, 'out', 'result.safetensors');
    const raw = readTensors(given, file, valueSpan(given, 'in', file));
    const inputs = readInputs(given, raw, file);
    const extra = textOf(given, 'tensors');
    const tensors = extra === undefined ? raw : new Map([...raw, ...readTensors(given, extra, valueSpan(given, 'tensors', extra))]);
    const launch = launchFor(given, chosen, inputs.sizes, tensors, 'in');
    const path = claimOutput(given, output, valueSpan(given, 'out', output));
    const adapter = textOf(given, 'adapter');
    const dtype = storageOf(raw);
    const products = productsOf(given, dtype, backend);
    given.progress.show(`${chosen.name}: running on ${backend}`);
    const result = orRefuse(await runBackend(backend, { spec: chosen.spec, launch, inputs, dtype, ...products, ...(adapter === undefined ? {} : { adapter }) }));
    given.progress.clear();
    const { batch, heads, nQ, dim } = inputs.sizes;
    const stored = raw.get('q')?.dtype;
    const outType = stored === 'F16' || stored === 'BF16' ? stored : 'F32';
    const { spec } = chosen;
    const elementOf = (name: string): ReturnType<typeof elementTypeOf> => {
      const made = spec.stages.find((t) => t.name === spec.outputs.find((o) => o.name === name)?.tensor);
      return elementTypeOf(made?.element ?? 'float');
    };
    const written = new Map([
      ...(spec.computes === 'stages' ? [] : [
        ['out', encodeTensor(outType, [batch, heads, nQ, dim], result.out)],
        ['lse', encodeTensor('F32', [batch, heads, nQ], result.lse)],
      ] as const),
      ...[...(result.outputs ?? [])].map(([name, o]) => [name, encodeTensor(elementOf(name), o.extents, o.values)] as const),
    ]);
    writeSafetensors(path, written, [...given.inputs], new Map([['declaration', chosen.name], ['backend', backend]]));
    if (given.json) given.io.out(`${JSON.stringify({ out: output, backend, device: result.device ?? null, sizes: inputs.sizes })}\n`);
    else given.io.out(`${output}${result.device === undefined ? '' : ` (${result.device})`}\n`);
    return 0;
  },
};
