import type { Raster } from "./raster.ts";

/** Where the pixels begin. tesseract.js looks for a camera's orientation tag in the first 500 bytes, where a stranger's pixels must not be. */
const PIXELS_AT = 512;
const [SHORT, LONG, RATIONAL] = [3, 4, 5];

/**
 * A grey page as an uncompressed TIFF of one strip, little-endian.
 * @param dpi   as the page says of itself; null says nothing
 */
export function tiffOf(page: Raster, dpi: number | null): Uint8Array {
  const { width, height, data } = page;
  const entries: [tag: number, type: number, value: number][] = [
    [256, LONG, width],
    [257, LONG, height],
    [258, SHORT, 8],
    [259, SHORT, 1],
    [262, SHORT, 1],
    [273, LONG, PIXELS_AT],
    [277, SHORT, 1],
    [278, LONG, height],
    [279, LONG, data.length],
  ];
  const ratioAt = PIXELS_AT - 8;
  if (dpi !== null) entries.push([282, RATIONAL, ratioAt], [283, RATIONAL, ratioAt]);

  const file = new Uint8Array(PIXELS_AT + data.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x49492a00);
  view.setUint32(4, 8, true);
  view.setUint16(8, entries.length, true);
  for (const [index, [tag, type, value]] of entries.entries()) {
    const at = 10 + index * 12;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, 1, true);
    view.setUint32(at + 8, value, true);
  }
  view.setUint32(ratioAt, dpi ?? 0, true);
  view.setUint32(ratioAt + 4, 1, true);
  file.set(data, PIXELS_AT);
  return file;
}
