/**
 * What Tint says about a module, as data shared by the validator and the runtimes. In: nothing. Out: the types, and the
 * translation of messages into diagnostics that point at the user's source. Holds: warnings never become errors.
 */
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import { noSpan } from '../../dsl/span.ts';
import { originOfLine, type RegionMap } from '../document.ts';
import { shaderRefused } from './runtime/device-diagnostics.ts';

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

/** Errors as diagnostics; each points at the source that the refused line was made from. */
export function diagnoseMessages(kernel: string, messages: readonly WgslMessage[], regions: RegionMap): readonly Diagnostic[] {
  return messages
    .filter((m) => m.severity === 'error')
    .map((m) => {
      const place = m.line > 0 ? [' (line ', String(m.line), ', column ', String(m.column), ' of the WGSL)'].join('') : '';
      return shaderRefused(kernel, m.message + place, originOfLine(regions, m.line)?.span ?? noSpan);
    });
}
