/**
 * Checking WGSL without a device: Dawn's null backend runs the whole Tint validator and needs no driver. In: module text and
 * the features it may enable. Out: Tint's messages, or diagnostics that point at the user's source. Holds: an empty list
 * means that the module compiles, and that its entry point makes a pipeline.
 */
import type { Diagnostic } from '../../dsl/diagnostic.ts';
import type { Printed } from '../document.ts';
import { diagnoseMessages, type WgslFeatures, type WgslMessage } from './messages.ts';
import { noWebGpu } from './runtime/device-diagnostics.ts';
import { checkOnNullDevice } from './runtime/null-device.ts';

/** Tint's messages about the module, without a device; the pipeline of its one entry point is made too. */
export function validateWgsl(text: string, features: WgslFeatures): Promise<readonly WgslMessage[]> {
  return checkOnNullDevice(text, features);
}

/** Validates a printed module; no diagnostics means that it compiles. */
export async function validatePrinted(kernel: string, printed: Printed, features: WgslFeatures): Promise<readonly Diagnostic[]> {
  try {
    return diagnoseMessages(kernel, await validateWgsl(printed.text, features), printed.regions);
  } catch (error) {
    return [noWebGpu(error instanceof Error ? error.message : String(error))];
  }
}
