/**
 * What `build --target cuda` and `--target pytorch` write for one attention or chain. In: its spec, an architecture, the texts of its sources. Out: the files
 * by name, and how much of the machine each kernel takes. Without nvcc the source is written all the same, and the report says
 * what is missing.
 */
import { compileChain, compileSpec } from '../../compiler/pipeline.ts';
import type { CompileOptions } from '../../compiler/pipeline.ts';
import type { ChainSpec } from '../../compiler/spec/chain.ts';
import type { Spec } from '../../compiler/spec/ir.ts';
import type { FloatElement } from '../../compiler/tile/ir.ts';
import { good } from '../../dsl/diagnostic.ts';
import type { Checked } from '../../dsl/diagnostic.ts';
import { lineColumn } from '../../dsl/span.ts';
import type { Origin } from '../../dsl/span.ts';
import { cIdentifier } from '../../backends/cuda/launcher/call.ts';
import { printHeader } from '../../backends/cuda/launcher/print.ts';
import { printCuda } from '../../backends/cuda/module.ts';
import { cudaEntry } from '../../backends/cuda/names.ts';
import { printNative, printPytorch } from '../../backends/cuda/pytorch/print.ts';
import { cudaTargets, sm80 } from '../../backends/targets.ts';
import { libraryFlags, runNvcc } from '../cuda/nvcc.ts';
import type { NvccOptions } from '../cuda/nvcc.ts';
import { resourceUse } from '../cuda/resources.ts';
import type { KernelUse } from '../cuda/resources.ts';
import { percent, tableText } from '../table.ts';

export interface CudaBuild {
  readonly arch: string;
  /** Of an attention; a chain says its own. */
  readonly dim: number;
  readonly dtype: FloatElement;
  readonly products?: 'tf32';
  readonly trace: NonNullable<CompileOptions['trace']>;
  /** Texts of the sources by file, for comments that name lines. */
  readonly sources: ReadonlyMap<string, string>;
  /** NAME.cu, NAME.h and NAME.plan.json. */
  readonly plain: boolean;
  /** A folder NAME that Python imports. */
  readonly python: boolean;
  readonly nvcc?: NvccOptions;
}

export interface CudaReport {
  readonly name: string;
  readonly arch: string;
  /** Absent: there is no nvcc. */
  readonly kernels?: readonly KernelUse[];
}

export interface CudaBuilt {
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  readonly report: CudaReport;
}

/** `strided.fil:3`, the line that an origin lies on. */
function placeIn(sources: ReadonlyMap<string, string>): (origin: Origin) => string | undefined {
  return ({ span }) => {
    const text = sources.get(span.file);
    return text === undefined ? undefined : `${span.file.replace(/^.*\//, '')}:${lineColumn(text, span.start).line}`;
  };
}

export async function buildCuda(program: Spec | ChainSpec, build: CudaBuild): Promise<Checked<CudaBuilt>> {
  const { arch, dim, dtype, products, trace } = build;
  const target = cudaTargets.find((t) => t.name === arch) ?? sm80;
  const options = { target, dtype, trace, ...(products === undefined ? {} : { products }) };
  const compiled = 'calls' in program ? compileChain(program, options) : compileSpec(program, { ...options, dim });
  if (!compiled.ok) return compiled;
  const { hostPlan, kernelPrograms } = compiled.value;
  const source = printCuda({ name: hostPlan.name, doc: hostPlan.doc, kernels: kernelPrograms }, { placeOf: placeIn(build.sources), launcher: hostPlan });
  trace('6-cuda', source.text);
  const made = await runNvcc({ source, arch, make: build.python ? 'library' : 'cubin' }, build.nvcc);
  // No compiler is no fault of the program; anything else it says is ours.
  if (!made.ok && made.diagnostics.some((d) => d.code !== 'FIL0612')) return made;
  const name = cIdentifier(hostPlan.name);
  const plan = `${JSON.stringify(hostPlan, null, 1)}\n`;
  const texts: readonly (readonly [string, string])[] = [[`${name}.cu`, source.text], [`${name}.h`, printHeader(hostPlan)], [`${name}.plan.json`, plan]];
  const python: readonly (readonly [string, string | Uint8Array])[] = [
    ['__init__.py', printPytorch(hostPlan, libraryFlags(arch))], ['_native.py', printNative()], ...texts,
    ...(made.ok ? [[`lib${name}.so`, made.value.data] as const] : []),
  ];
  const files = new Map<string, string | Uint8Array>([
    ...(build.plain ? texts : []),
    ...(build.python ? python.map(([file, data]) => [`${name}/${file}`, data] as const) : []),
  ]);
  const shapes = hostPlan.kernels.map((k) => ({ entry: cudaEntry(hostPlan.name, k.name), workgroupSize: k.workgroupSize, sharedBytes: k.sharedBytes }));
  return good({ files, report: { name: hostPlan.name, arch, ...(made.ok ? { kernels: resourceUse(made.value.log, arch, shapes) } : {}) } }, compiled.diagnostics);
}

/** The report for people. */
export function cudaReportText({ name, arch, kernels }: CudaReport): string {
  if (kernels === undefined) return `${name}: nvcc was not found in CUDA_HOME, CUDA_PATH and PATH; the source is written, its use of registers is not known\n`;
  const right = (title: string) => ({ title, align: 'right' as const });
  const rows = kernels.map((k) => [k.kernel, `${k.registers}`, `${k.sharedBytes}`, `${k.spillStores + k.spillLoads}`, `${k.blocksPerProcessor}`, percent(k.occupancy), k.limitedBy]);
  return tableText([{ title: `kernel for ${arch}`, align: 'left' }, right('registers'), right('shared bytes'), right('spilled bytes'), right('blocks'), right('occupancy'), { title: 'limited by', align: 'left' }], rows);
}
