/**
 * PNG files. In: pixels, four bytes each (red, green, blue, alpha), row by row. Out: the bytes of the file.
 */
import { encode } from 'fast-png';

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA, 4 * width * height bytes. */
  readonly data: Uint8Array;
}

/** The bytes of a PNG file; `text` becomes its text chunks (`Title`, `Description`, ...). */
export function encodePng({ width, height, data }: Pixels, text: Readonly<Record<string, string>> = {}): Uint8Array {
  return encode({ width, height, data, channels: 4, depth: 8, text: { ...text } });
}
