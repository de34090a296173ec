import type { Raster } from "./raster.ts";

/**
 * Turns and mirrors a picture as its EXIF orientation says, so that it is seen as every viewer shows it.
 * @param orientation   1–8; 1 returns the picture itself
 */
export function applyOrientation(page: Raster, orientation: number): Raster {
  if (orientation <= 1 || orientation > 8) return page;
  const swap = orientation >= 5;
  const { width: w, height: h } = page;
  const width = swap ? h : w;
  const height = swap ? w : h;
  const data = new Uint8Array(w * h);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [sx, sy] = stored(orientation, { x, y, w, h });
      data[y * width + x] = page.data[sy * w + sx] ?? 255;
    }
  }
  return { width, height, data };
}

/** Where the pixel seen at x, y is stored. */
function stored(orientation: number, at: { x: number; y: number; w: number; h: number }): [number, number] {
  const { x, y, w, h } = at;
  switch (orientation) {
    case 2:
      return [w - 1 - x, y];
    case 3:
      return [w - 1 - x, h - 1 - y];
    case 4:
      return [x, h - 1 - y];
    case 5:
      return [y, x];
    case 6:
      return [y, h - 1 - x];
    case 7:
      return [w - 1 - y, h - 1 - x];
    default:
      return [w - 1 - y, x];
  }
}
