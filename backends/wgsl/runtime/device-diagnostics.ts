/**
 * What can go wrong with a device, as diagnostics. In: the facts. Out: diagnostics that say what to do. Holds: codes FIL08xx
 * are the devices' (listed in the catalogue); none of these is the fault of the user's source, so they carry no span.
 */
import type { Diagnostic, DiagnosticKind } from '../../../dsl/diagnostic.ts';
import { noSpan, type Span } from '../../../dsl/span.ts';

function about(code: string, kind: DiagnosticKind, message: string, help: string, span: Span = noSpan, label = ''): Diagnostic {
  return { code, kind, severity: 'error', message, primary: { span, text: label }, related: [], help };
}

/** FIL0801: no WebGPU at all. */
export function noWebGpu(detail: string): Diagnostic {
  return about(
    'FIL0801',
    'resource',
    ['WebGPU is not available: ', detail].join(''),
    'in Node run `npm ci` with the optional packages `webgpu` and `@sparticuz/chromium`; in a browser use a current one over https or localhost',
  );
}

/** FIL0802: WebGPU is there, but no adapter. */
export function noAdapter(wanted: string | undefined, seen: string): Diagnostic {
  const message = wanted === undefined ? 'WebGPU found no adapter' : ['WebGPU found no adapter named like `', wanted, '`'].join('');
  return about('FIL0802', 'resource', message, ['drivers looked at: ', seen].join(''));
}

/** FIL0803: the device went away. */
export function deviceLost(reason: string, detail: string): Diagnostic {
  const message = ['the device was lost (', reason, ')', detail === '' ? '' : ': ' + detail].join('');
  return about('FIL0803', 'resource', message, 'open a new device and prepare the plan again; a kernel that runs for seconds can make a driver reset');
}

/** FIL0804: memory. `bytes` is what was asked for by the buffer `what`. */
export function outOfMemory(what: string, bytes: number, total: number): Diagnostic {
  const message = ['the device has no memory for ', what, ' (', String(bytes), ' bytes; ', String(total), ' bytes in all for this launch)'].join('');
  return about('FIL0804', 'resource', message, 'use fewer heads or a smaller batch per launch, or f16 storage');
}

/** FIL0805: the device refused something we built. */
export function deviceRefused(what: string, detail: string): Diagnostic {
  return about('FIL0805', 'bug', [what, ' was refused by the device: ', detail].join(''), 'this is a bug of the compiler or of the driver; please report it');
}

/** FIL0806: the launch does not fit the plan. */
export function wrongInput(detail: string, help: string): Diagnostic {
  return about('FIL0806', 'user', detail, help);
}

/** FIL0807: the generated text did not compile. */
export function shaderRefused(kernel: string, detail: string, span: Span): Diagnostic {
  return about(
    'FIL0807',
    'bug',
    ['the generated kernel `', kernel, '` does not compile: ', detail].join(''),
    'this is a bug of the compiler; please report it with the program',
    span,
    'the failing line was made from this',
  );
}

/** FIL0808: a kernel was compiled for a larger machine than this one. */
export function kernelTooLarge(kernel: string, what: string, needed: number, limit: number): Diagnostic {
  const message = ['kernel `', kernel, '` needs ', String(needed), ' ', what, ', the device has ', String(limit)].join('');
  return about('FIL0808', 'resource', message, 'compile for this device: give its capability record as the target');
}

/** FIL0809: a plan without one of its kernels. */
export function missingText(kernel: string): Diagnostic {
  return about('FIL0809', 'user', ['the plan has no WGSL for kernel `', kernel, '`'].join(''), 'pass the text of every kernel that the plan lists');
}
