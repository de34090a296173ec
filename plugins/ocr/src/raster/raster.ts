/** A grey picture: one byte a pixel, row by row, 0 is black. */
export interface Raster {
  width: number;
  height: number;
  data: Uint8Array;
}

/** Averages squares of `factor` × `factor` pixels; what is left over at the right and bottom edge is dropped. */
export function shrink(page: Raster, factor: number): Raster {
  if (factor <= 1) return page;
  const width = Math.max(1, Math.floor(page.width / factor));
  const height = Math.max(1, Math.floor(page.height / factor));
  const data = new Uint8Array(width * height);
  const source = page.data;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      let count = 0;
      const right = Math.min(page.width, (x + 1) * factor);
      const bottom = Math.min(page.height, (y + 1) * factor);
      for (let sy = y * factor; sy < bottom; sy++) {
        for (let sx = x * factor; sx < right; sx++) {
          sum += source[sy * page.width + sx] ?? 255;
          count++;
        }
      }
      data[y * width + x] = sum / count;
    }
  }
  return { width, height, data };
}

/** Brightness below which `share` of the pixels lie, from a sample. */
export function percentile(page: Raster, share: number): number {
  const histogram = new Uint32Array(256);
  const stride = Math.max(1, Math.floor(page.data.length / 100_000));
  let total = 0;
  for (let i = 0; i < page.data.length; i += stride) {
    const value = page.data[i] ?? 255;
    histogram[value] = (histogram[value] ?? 0) + 1;
    total++;
  }
  let seen = 0;
  for (let value = 0; value < 256; value++) {
    seen += histogram[value] ?? 0;
    if (seen >= total * share) return value;
  }
  return 255;
}
