/** A grey picture: one byte a pixel, row by row, 0 is black. */
export interface Raster {
  width: number;
  height: number;
  data: Uint8Array;
}

export function createRaster(width: number, height: number, fill = 255): Raster {
  return { width, height, data: new Uint8Array(width * height).fill(fill) };
}
