import type { Raster } from "./raster.ts";

/** Widest picture the search looks at; more pixels add time, not accuracy. */
const WORK_WIDTH = 1000;
/** Fewer dark pixels than this say nothing about lines of text. */
const LEAST_INK = 200;
const MAX_POINTS = 120_000;

/**
 * Finds by how much the lines of text are turned. For each trial angle the dark pixels are summed along lines at that angle;
 * the angle whose sums differ most from line to line is the one along which text and gaps alternate.
 * @param limit   largest angle that is tried, degrees
 * @returns       degrees, positive when lines fall towards the right; 0 for a page without text
 */
export function findSkew(page: Raster, limit = 15): number {
  const points = inkEdges(page);
  if (points.count < LEAST_INK) return 0;
  let best = search(points, { from: -limit, to: limit, step: 0.5 });
  if (!best.clear) return 0;
  best = search(points, { from: best.angle - 0.5, to: best.angle + 0.5, step: 0.1 });
  best = search(points, { from: best.angle - 0.1, to: best.angle + 0.1, step: 0.02 });
  return Math.abs(best.angle) >= limit ? 0 : best.angle;
}

interface Points {
  count: number;
  x: Float32Array;
  y: Float32Array;
  height: number;
  width: number;
}

/** The lower edges of dark marks: baselines show most clearly there, and large dark areas do not drown the text. */
function inkEdges(page: Raster): Points {
  const scale = Math.max(1, Math.ceil(Math.max(page.width, page.height * 0.7) / WORK_WIDTH));
  const width = Math.floor(page.width / scale);
  const height = Math.floor(page.height / scale);
  const small = shrink(page, { width, height, scale });
  const dark = darkLocally(small, width, height);
  const found: number[] = [];
  for (let y = 0; y + 1 < height; y++) {
    for (let x = 0; x < width; x++) if (dark[y * width + x] === 1 && dark[(y + 1) * width + x] === 0) found.push(y * width + x);
  }
  const stride = Math.max(1, Math.ceil(found.length / MAX_POINTS));
  const count = Math.floor(found.length / stride);
  const points: Points = { count, x: new Float32Array(count), y: new Float32Array(count), width, height };
  for (let i = 0; i < count; i++) {
    const at = found[i * stride] ?? 0;
    points.x[i] = (at % width) - width / 2;
    points.y[i] = Math.floor(at / width) - height / 2;
  }
  return points;
}

function shrink(page: Raster, to: { width: number; height: number; scale: number }): Uint8Array {
  if (to.scale === 1) return page.data;
  const out = new Uint8Array(to.width * to.height);
  const area = to.scale * to.scale;
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      let sum = 0;
      for (let dy = 0; dy < to.scale; dy++) {
        const row = (y * to.scale + dy) * page.width + x * to.scale;
        for (let dx = 0; dx < to.scale; dx++) sum += page.data[row + dx] ?? 255;
      }
      out[y * to.width + x] = sum / area;
    }
  }
  return out;
}

/** 1 where a pixel is clearly darker than its neighbourhood, so that shadows and tinted paper do not count as ink. */
function darkLocally(grey: Uint8Array, width: number, height: number): Uint8Array {
  const radius = 16;
  const sums = new Float64Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += grey[y * width + x] ?? 255;
      sums[(y + 1) * (width + 1) + x + 1] = (sums[y * (width + 1) + x + 1] ?? 0) + row;
    }
  }
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const top = Math.max(0, y - radius) * (width + 1);
    const bottom = Math.min(height, y + radius + 1) * (width + 1);
    for (let x = 0; x < width; x++) {
      const left = Math.max(0, x - radius);
      const right = Math.min(width, x + radius + 1);
      const sum = (sums[bottom + right] ?? 0) - (sums[bottom + left] ?? 0) - (sums[top + right] ?? 0) + (sums[top + left] ?? 0);
      const mean = (sum * (width + 1)) / ((bottom - top) * (right - left));
      if ((grey[y * width + x] ?? 255) < mean * 0.8) out[y * width + x] = 1;
    }
  }
  return out;
}

function search(points: Points, range: { from: number; to: number; step: number }): { angle: number; clear: boolean } {
  let angle = 0;
  let best = -1;
  let total = 0;
  let tries = 0;
  const bins = new Int32Array(points.height + points.width + 4);
  for (let trial = range.from; trial <= range.to + 1e-9; trial += range.step) {
    const value = lineContrast(points, trial, bins);
    total += value;
    tries++;
    if (value > best) {
      best = value;
      angle = trial;
    }
  }
  return { angle, clear: best > (1.15 * total) / tries };
}

function lineContrast(points: Points, degrees: number, bins: Int32Array): number {
  bins.fill(0);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const cos = Math.cos((degrees * Math.PI) / 180);
  const middle = bins.length / 2;
  for (let i = 0; i < points.count; i++) {
    const row = Math.round((points.y[i] ?? 0) * cos - (points.x[i] ?? 0) * sin + middle);
    bins[row] = (bins[row] ?? 0) + 1;
  }
  let sum = 0;
  for (const n of bins) sum += n * n;
  return sum;
}
