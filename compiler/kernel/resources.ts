/**
 * What a kernel asks of the machine: bytes of workgroup memory, load sites (they decide the compile time of software drivers) and an
 * estimate of the registers a lane needs. In: a kernel program. Out: the figures, and the refusals of a target that cannot carry them.
 */
import { tooManyBuffers, tooManyLanes, workgroupMemory } from '../../dsl/catalogue/index.ts';
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import type { TargetRecord } from '../target.ts';
import { tensorOf } from '../tile/names.ts';
import type { KernelExpr, KernelProgram, KernelStmt, KernelType, SharedDecl } from './ir.ts';
import { expressionsOf, nestedBlocks, subexpressions } from './walk.ts';

export interface KernelResources {
  readonly sharedBytes: number;
  /** Places in the text that read a storage buffer or workgroup memory. */
  readonly loadSites: number;
  readonly statements: number;
  /** Most 32-bit words that mutable variables hold at one place: a lower estimate of the registers of a lane. */
  readonly words: number;
}

export function bytesOfShared(decl: SharedDecl): number {
  return decl.length * (decl.element === 'vec4f' || decl.element === 'vec4u' ? 16 : 4);
}

export function sharedBytes(shared: readonly SharedDecl[]): number {
  return shared.reduce((sum, d) => sum + bytesOfShared(d), 0);
}

function wordsOf(type: KernelType): number {
  return type === 'vec4f' ? 4 : type === 'vec2u' ? 2 : 1;
}

function countLoads(e: KernelExpr): number {
  const own = e.kind === 'load' || e.kind === 'load_shared' ? 1 : 0;
  return subexpressions(e).reduce((n, x) => n + countLoads(x), own);
}

function loadSites(body: readonly KernelStmt[]): number {
  return body.reduce(
    (n, s) => n + (s.kind === 'load_words' ? s.names.length : s.kind === 'load_matrix' || s.kind === 'copy_async' ? 1 : 0) + expressionsOf(s).reduce((m, e) => m + countLoads(e), 0) + nestedBlocks(s).reduce((m, b) => m + loadSites(b), 0), 0,
  );
}

function countStatements(body: readonly KernelStmt[]): number {
  return body.reduce((n, s) => n + 1 + nestedBlocks(s).reduce((m, b) => m + countStatements(b), 0), 0);
}

function words(body: readonly KernelStmt[]): number {
  let live = 0;
  let most = 0;
  for (const s of body) {
    if (s.kind === 'var') live += wordsOf(s.type);
    if (s.kind === 'array') live += s.length * wordsOf(s.type);
    most = Math.max(most, live, ...nestedBlocks(s).map((b) => live + words(b)));
  }
  return most;
}

export function kernelResources(kernel: KernelProgram): KernelResources {
  return { sharedBytes: sharedBytes(kernel.shared), loadSites: loadSites(kernel.body), statements: countStatements(kernel.body), words: words(kernel.body) };
}

/** Why the target cannot run the kernel, whatever it binds; empty when it can. */
export function resourceDiagnostics(kernel: KernelProgram, target: TargetRecord): readonly Diagnostic[] {
  const list: Diagnostic[] = [];
  const at = kernel.origin.span;
  if (sharedBytes(kernel.shared) > target.workgroupBytes) {
    list.push(workgroupMemory(at, { terms: kernel.shared.map((d) => ({ what: d.name, bytes: bytesOfShared(d) })), limit: target.workgroupBytes }));
  }
  if (kernel.workgroupSize > target.maxWorkgroupSize) {
    list.push(tooManyLanes(at, { kernel: kernel.name, lanes: kernel.workgroupSize, limit: target.maxWorkgroupSize }));
  }
  return list;
}

/** Why the target cannot bind all that the kernel reads and writes; empty when it can. */
export function bindingDiagnostics(kernel: KernelProgram, target: TargetRecord): readonly Diagnostic[] {
  if (kernel.storage.length <= target.maxStorageBuffers) return [];
  const buffers = kernel.storage.map((s) => tensorOf(s.buffer) ?? s.buffer);
  const parameters = kernel.storage.flatMap((s) => tensorOf(s.buffer) ?? []);
  return [tooManyBuffers(kernel.origin.span, { kernel: kernel.name, buffers, parameters, limit: target.maxStorageBuffers })];
}
