/**
 * What can go wrong with a device, in the words of the catalogue. In: the facts. Out: diagnostics. Holds: none of these is the
 * fault of a line of the user's source, so they carry no span, but for a refused kernel: that points at the line it was
 * made from.
 */
import * as catalogue from '../../../dsl/catalogue/index.ts';
import type { Diagnostic } from '../../../dsl/diagnostic.ts';
import { noSpan, type Span } from '../../../dsl/span.ts';

/** No WebGPU at all. */
export function noWebGpu(detail: string): Diagnostic {
  return catalogue.noWebGpu(noSpan, { reason: detail });
}

/** WebGPU is there, but no adapter. */
export function noAdapter(wanted: string | undefined, seen: string): Diagnostic {
  const which = wanted === undefined ? 'no adapter was found' : ['no adapter is named like `', wanted, '`'].join('');
  return catalogue.noWebGpu(noSpan, { reason: [which, ' (drivers: ', seen, ')'].join('') });
}

/** The device went away. */
export function deviceLost(reason: string, detail: string): Diagnostic {
  return catalogue.deviceLost(noSpan, { reason: [reason, detail].filter((w) => w !== '').join(': ') });
}

/** The buffers of a launch do not fit; all of them are shown. */
export function outOfMemory(terms: readonly { readonly what: string; readonly bytes: number }[]): Diagnostic {
  return catalogue.outOfDeviceMemory(noSpan, { terms });
}

/** The device refused something we built. */
export function deviceRefused(what: string, detail: string): Diagnostic {
  return catalogue.internalError(noSpan, { stage: 'WebGPU', message: [what, ' was refused by the device: ', detail].join('') });
}

/** The generated text did not compile. */
export function shaderRefused(kernel: string, detail: string, span: Span): Diagnostic {
  return catalogue.kernelRejected(span, { device: 'WebGPU', message: ['`', kernel, '`: ', detail].join('') });
}

/** A kernel was compiled for a larger machine than this one. */
export function kernelTooLarge(kernel: string, what: string, needed: number, limit: number): Diagnostic {
  const reason = ['it needs ', String(needed), ' ', what, ', the device has ', String(limit)].join('');
  return catalogue.unsupported(noSpan, { construct: ['kernel `', kernel, '`'].join(''), target: 'this device', reason });
}

/** A kernel uses an optional feature that the device was not opened with. */
export function featureMissing(kernel: string, feature: string): Diagnostic {
  const reason = ['it needs the WebGPU feature `', feature, '`'].join('');
  return catalogue.unsupported(noSpan, { construct: ['kernel `', kernel, '`'].join(''), target: 'this device', reason });
}

/** A plan came without one of its kernels. */
export function missingText(kernel: string): Diagnostic {
  return catalogue.internalError(noSpan, { stage: 'WebGPU', message: ['the plan has no text for kernel `', kernel, '`'].join('') });
}

export function missingTensor(name: string, extents: readonly number[]): Diagnostic {
  return catalogue.missingTensor(noSpan, { name, wanted: ['[', extents.join(', '), ']'].join('') });
}

/** A tensor's shape is not what the launch needs: the first axis that differs. */
export function wrongShape(name: string, given: readonly number[], wanted: readonly number[]): Diagnostic {
  if (given.length !== wanted.length) {
    return catalogue.wrongRank(noSpan, { name, given: given.length, wanted: wanted.length, type: ['[', wanted.join(', '), ']'].join('') });
  }
  const axis = Math.max(0, wanted.findIndex((n, i) => n !== given[i]));
  return catalogue.wrongShape(noSpan, { name, axis: String(axis), given: given[axis] ?? 0, wanted: wanted[axis] ?? 0 });
}

export function wrongLength(name: string, given: number, extents: readonly number[]): Diagnostic {
  return catalogue.wrongDataLength(noSpan, { name, given, extents });
}

export function wrongArray(name: string, found: string, wanted: string): Diagnostic {
  return catalogue.wrongElementType(noSpan, { name, found, wanted });
}
