/**
 * Floats as text, for every language that writes them like C. In: a finite f32. Out: the shortest decimal that reads back to
 * exactly this f32: 1.0f, 0.125f, -3.0e38f.
 */
const largestFloat = 3.4028234663852886e38;

function shortestFloat(value: number): string {
  const magnitude = Math.abs(value);
  for (let digits = 1; digits <= 9; digits += 1) {
    const candidate = magnitude.toPrecision(digits);
    // Tint refuses a decimal above the largest f32 even where it rounds down to it.
    if (Math.fround(Number(candidate)) === magnitude && Number(candidate) <= largestFloat) return candidate;
  }
  return String(magnitude);
}

/** The decimal, with its sign, a point and the suffix `f`. */
export function decimalFloat(value: number): string {
  const [mantissa = '0', exponent] = shortestFloat(value).split('e');
  const whole = mantissa.includes('.') ? mantissa : mantissa + '.0';
  const power = exponent === undefined ? '' : 'e' + exponent.replace('+', '');
  return [value < 0 || Object.is(value, -0) ? '-' : '', whole, power, 'f'].join('');
}
