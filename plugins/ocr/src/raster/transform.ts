import { percentile, type Raster } from "./raster.ts";

/** Position and size `[x, y, w, h]` in pixels. */
export type Box = [x: number, y: number, w: number, h: number];

/** A turned and scaled page together with the way back. */
export interface Transformed {
  page: Raster;
  /** The smallest upright box in the picture before that holds `box` of the picture after, clipped to the picture. */
  toSource(box: Box): Box;
}

/**
 * Turns a page by `-degrees` around its middle and scales it in one step, so that every pixel is interpolated only once.
 * The new page is large enough for all corners; what lies outside the old one gets the colour of the paper.
 * @param change   `degrees` as found by `findSkew`; `scale` > 0
 */
export function transformPage(page: Raster, change: { degrees: number; scale: number }): Transformed {
  const { degrees, scale } = change;
  if (degrees === 0 && scale === 1) return { page, toSource: (box) => clip(box, page) };
  const sin = Math.sin((degrees * Math.PI) / 180);
  const cos = Math.cos((degrees * Math.PI) / 180);
  const width = Math.ceil((page.width * Math.abs(cos) + page.height * Math.abs(sin)) * scale - 1e-6);
  const height = Math.ceil((page.width * Math.abs(sin) + page.height * Math.abs(cos)) * scale - 1e-6);
  const at = (x: number, y: number): [number, number] => {
    const dx = (x - width / 2) / scale;
    const dy = (y - height / 2) / scale;
    return [dx * cos - dy * sin + page.width / 2, dx * sin + dy * cos + page.height / 2];
  };
  return {
    page: { width, height, data: resample(page, { width, height, at, stepX: cos / scale, stepY: sin / scale }) },
    toSource: ([x, y, w, h]) => {
      const corners = [at(x, y), at(x + w, y), at(x, y + h), at(x + w, y + h)];
      const xs = corners.map((corner) => corner[0]);
      const ys = corners.map((corner) => corner[1]);
      const left = Math.min(...xs);
      const top = Math.min(...ys);
      return clip([left, top, Math.max(...xs) - left, Math.max(...ys) - top], page);
    },
  };
}

function clip([x, y, w, h]: Box, page: Raster): Box {
  const left = Math.min(page.width, Math.max(0, Math.round(x)));
  const top = Math.min(page.height, Math.max(0, Math.round(y)));
  const right = Math.min(page.width, Math.max(left, Math.round(x + w)));
  const bottom = Math.min(page.height, Math.max(top, Math.round(y + h)));
  return [left, top, right - left, bottom - top];
}

interface Grid {
  width: number;
  height: number;
  at: (x: number, y: number) => [number, number];
  /** Movement in the source for one pixel to the right in the target. */
  stepX: number;
  stepY: number;
}

/** Bilinear interpolation between the four nearest pixels. */
function resample(page: Raster, grid: Grid): Uint8Array {
  const paper = percentile(page, 0.8);
  const { width, height, data } = page;
  const out = new Uint8Array(grid.width * grid.height);
  for (let y = 0; y < grid.height; y++) {
    let [sx, sy] = grid.at(0.5, y + 0.5);
    sx -= 0.5;
    sy -= 0.5;
    for (let x = 0; x < grid.width; x++, sx += grid.stepX, sy += grid.stepY) {
      const x0 = Math.floor(sx);
      const y0 = Math.floor(sy);
      let value = paper;
      if (x0 >= -1 && y0 >= -1 && x0 < width && y0 < height) {
        const fx = sx - x0;
        const fy = sy - y0;
        const left = x0 < 0 ? 0 : x0;
        const right = x0 + 1 >= width ? width - 1 : x0 + 1;
        const top = (y0 < 0 ? 0 : y0) * width;
        const bottom = (y0 + 1 >= height ? height - 1 : y0 + 1) * width;
        const upper = (data[top + left] ?? 0) * (1 - fx) + (data[top + right] ?? 0) * fx;
        const lower = (data[bottom + left] ?? 0) * (1 - fx) + (data[bottom + right] ?? 0) * fx;
        value = upper * (1 - fy) + lower * fy + 0.5;
      }
      out[y * grid.width + x] = value;
    }
  }
  return out;
}
