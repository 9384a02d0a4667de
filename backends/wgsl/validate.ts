/**
 * Checking WGSL without a device: Dawn's null backend runs the whole Tint validator and needs no driver. In: module text and
 * the features it may enable. Out: Tint's messages, and their translation into diagnostics that point at the user's source.
 * Holds: an empty list means that the module compiles, and that its entry point makes a pipeline.
 */
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { noSpan } from '../../dsl/span.ts';
import { originOfLine, type RegionMap } from '../document.ts';
import { noWebGpu, shaderRefused } from './runtime/device-diagnostics.ts';

export interface WgslMessage {
  readonly severity: 'error' | 'warning';
  /** 1-based; 0 where the message is about the whole module. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface WgslFeatures {
  readonly f16: boolean;
  readonly subgroups: boolean;
}

/** Tint's messages about the module, without a device; the pipeline of its one entry point is made too. */
export async function validateWgsl(text: string, features: WgslFeatures): Promise<readonly WgslMessage[]> {
  // Only here, so that printing never loads the native library.
  const { checkOnNullDevice } = await import('./runtime/null-device.ts');
  return checkOnNullDevice(text, features);
}

/** Messages as diagnostics; each points at the source that the refused line was made from. */
export function diagnoseMessages(kernel: string, messages: readonly WgslMessage[], regions: RegionMap): readonly Diagnostic[] {
  return messages
    .filter((m) => m.severity === 'error')
    .map((m) => {
      const place = m.line > 0 ? [' (line ', String(m.line), ', column ', String(m.column), ' of the WGSL)'].join('') : '';
      return shaderRefused(kernel, m.message + place, originOfLine(regions, m.line)?.span ?? noSpan);
    });
}

/** Validates a printed module; no diagnostics means that it compiles. */
export async function validatePrinted(
  kernel: string,
  printed: { readonly text: string; readonly regions: RegionMap },
  features: WgslFeatures,
): Promise<readonly Diagnostic[]> {
  try {
    return diagnoseMessages(kernel, await validateWgsl(printed.text, features), printed.regions);
  } catch (error) {
    return [noWebGpu(error instanceof Error ? error.message : String(error))];
  }
}
