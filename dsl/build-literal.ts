/**
 * The value of a number literal, with its sign. In: the token's text. Out: an int or float literal, or a hole and a report.
 */
import type { Expr } from './ast.ts';
import * as report from './catalogue/index.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { Span } from './span.ts';

const decimal = /^\d+(?:_\d+)*$/;
const hexadecimal = /^0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*$/;
const floating = /^\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?(?:[eE][+-]?\d+)?$/;

/** The largest finite single-precision number: kernels compute in f32. */
const largestFloat = 3.4028234663852886e38;

export function literalOf(text: string, negative: boolean, span: Span, report_: (d: Diagnostic) => void): Expr {
  const digits = text.replaceAll('_', '');
  if (hexadecimal.test(text)) {
    const bits = Number(digits);
    // All 32 bits may be written; the top one is the sign.
    if (bits > 0xffff_ffff) return refuse('a hexadecimal integer has at most 32 bits');
    return { kind: 'int', value: negative ? (-bits | 0) : (bits | 0), span };
  }
  if (decimal.test(text)) {
    const value = negative ? -Number(digits) : Number(digits);
    if (value > 2_147_483_647 || value < -2_147_483_648) return refuse('integers lie between -2147483648 and 2147483647');
    return { kind: 'int', value: value | 0, span };
  }
  if (floating.test(text)) {
    const value = negative ? -Number(digits) : Number(digits);
    if (Math.abs(value) > largestFloat) return refuse('floats lie within +-3.4e38');
    return { kind: 'float', value, text: negative ? `-${text}` : text, span };
  }
  report_(report.malformedNumber(span, { text: shorten(text) }));
  return { kind: 'hole', span };

  function refuse(limit: string): Expr {
    report_(report.numberTooLarge(span, { text: shorten(negative ? `-${text}` : text), limit }));
    return { kind: 'hole', span };
  }
}

/** Garbage is quoted only in part. */
function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 36)}...`;
}
