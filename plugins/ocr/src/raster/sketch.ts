import { type Raster, shrink } from "./raster.ts";

/** A small black-and-white copy of a page on which slant and size of the text are measured. */
export interface Sketch {
  width: number;
  height: number;
  /** Source pixels per sketch pixel, a whole number. */
  scale: number;
  /** 1 where there is ink. */
  dark: Uint8Array;
}

/** More pixels add time, not accuracy. */
const MAX_WIDTH = 1000;
const RADIUS = 16;

/** Marks as ink what is clearly darker than its neighbourhood, so that shadows and tinted paper do not count. */
export function sketchPage(page: Raster): Sketch {
  const scale = Math.max(1, Math.ceil(Math.max(page.width, page.height * 0.7) / MAX_WIDTH));
  const small = shrink(page, scale);
  return { width: small.width, height: small.height, scale, dark: darkLocally(small) };
}

function darkLocally(page: Raster): Uint8Array {
  const { width, height, data } = page;
  const line = width + 1;
  const sums = new Float64Array(line * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += data[y * width + x] ?? 255;
      sums[(y + 1) * line + x + 1] = (sums[y * line + x + 1] ?? 0) + row;
    }
  }
  const dark = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const top = Math.max(0, y - RADIUS);
    const bottom = Math.min(height, y + RADIUS + 1);
    for (let x = 0; x < width; x++) {
      const left = Math.max(0, x - RADIUS);
      const right = Math.min(width, x + RADIUS + 1);
      const sum =
        (sums[bottom * line + right] ?? 0) -
        (sums[bottom * line + left] ?? 0) -
        (sums[top * line + right] ?? 0) +
        (sums[top * line + left] ?? 0);
      const mean = sum / ((bottom - top) * (right - left));
      if ((data[y * width + x] ?? 255) < mean * 0.8) dark[y * width + x] = 1;
    }
  }
  return dark;
}
