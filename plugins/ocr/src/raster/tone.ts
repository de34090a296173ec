import type { Raster } from "./raster.ts";

/** Squares along the longer side over which the brightness of the paper is taken as one figure. */
const CELLS = 24;
/** Paper this much darker in one corner than in another defeats a single threshold. */
const UNEVEN = 0.72;
/** Neighbouring squares of paper under a shadow differ less than this; at the rim of a printed box they differ more. */
const SMOOTH = 0.7;

interface Light {
  columns: number;
  rows: number;
  size: number;
  /** Brightness of the paper in each square. */
  paper: Float32Array;
}

/** True when light falls off across the page so far that dark paper looks like ink, but gradually, as shadows do. */
export function isUnevenlyLit(page: Raster): boolean {
  const light = measureLight(page);
  const sorted = light.paper.toSorted();
  const dim = sorted[Math.floor(sorted.length * 0.05)] ?? 0;
  const bright = sorted[Math.floor(sorted.length * 0.95)] ?? 0;
  if (dim > bright * UNEVEN) return false;
  for (let y = 0; y < light.rows; y++) {
    for (let x = 0; x + 1 < light.columns; x++) {
      const here = light.paper[y * light.columns + x] ?? 0;
      const right = light.paper[y * light.columns + x + 1] ?? 0;
      const below = y + 1 < light.rows ? (light.paper[(y + 1) * light.columns + x] ?? 0) : here;
      if (Math.min(here, right) < SMOOTH * Math.max(here, right) || Math.min(here, below) < SMOOTH * Math.max(here, below))
        return false;
    }
  }
  return true;
}

/** Divides by the brightness of the paper around each pixel, then stretches what is left to the full range. */
export function normaliseContrast(page: Raster): Raster {
  const light = measureLight(page);
  const flat = new Uint8Array(page.data.length);
  for (let y = 0; y < page.height; y++) {
    const gy = Math.min(light.rows - 1, Math.max(0, y / light.size - 0.5));
    const y0 = Math.floor(gy);
    const y1 = Math.min(light.rows - 1, y0 + 1);
    for (let x = 0; x < page.width; x++) {
      const gx = Math.min(light.columns - 1, Math.max(0, x / light.size - 0.5));
      const x0 = Math.floor(gx);
      const x1 = Math.min(light.columns - 1, x0 + 1);
      const upper =
        (light.paper[y0 * light.columns + x0] ?? 0) * (1 - gx + x0) + (light.paper[y0 * light.columns + x1] ?? 0) * (gx - x0);
      const lower =
        (light.paper[y1 * light.columns + x0] ?? 0) * (1 - gx + x0) + (light.paper[y1 * light.columns + x1] ?? 0) * (gx - x0);
      const paper = Math.max(16, upper * (1 - gy + y0) + lower * (gy - y0));
      const at = y * page.width + x;
      flat[at] = Math.min(255, ((page.data[at] ?? 0) * 245) / paper);
    }
  }
  return stretch({ width: page.width, height: page.height, data: flat });
}

/** Black and white: the light is evened out first, then one threshold serves the whole page (Otsu). */
export function binarize(page: Raster): Raster {
  const even = normaliseContrast(page);
  const threshold = otsu(histogramOf(even.data));
  const data = even.data;
  for (let i = 0; i < data.length; i++) data[i] = (data[i] ?? 255) <= threshold ? 0 : 255;
  return even;
}

/** Replaces each pixel by the middle one of its 3 × 3 neighbourhood: single specks vanish, strokes stay. */
export function denoise(page: Raster): Raster {
  const { width, height, data } = page;
  const out = new Uint8Array(data);
  const window = new Uint8Array(9);
  for (let y = 1; y + 1 < height; y++) {
    for (let x = 1; x + 1 < width; x++) {
      let n = 0;
      for (let at = (y - 1) * width + x - 1; n < 9; at += width - 3) {
        for (const end = n + 3; n < end; n++) {
          const value = data[at++] ?? 0;
          let slot = n;
          for (; slot > 0 && (window[slot - 1] ?? 0) > value; slot--) window[slot] = window[slot - 1] ?? 0;
          window[slot] = value;
        }
      }
      out[y * width + x] = window[4] ?? 0;
    }
  }
  return { width, height, data: out };
}

/** The brighter pixels of a square are its paper; the middle of nine squares keeps a picture or a bold heading from counting. */
function measureLight(page: Raster): Light {
  const size = Math.max(8, Math.ceil(Math.max(page.width, page.height) / CELLS));
  const columns = Math.ceil(page.width / size);
  const rows = Math.ceil(page.height / size);
  const raw = new Float32Array(columns * rows);
  const histogram = new Uint32Array(256);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      histogram.fill(0);
      let count = 0;
      for (let y = row * size; y < Math.min(page.height, (row + 1) * size); y += 2) {
        for (let x = column * size; x < Math.min(page.width, (column + 1) * size); x += 2) {
          const value = page.data[y * page.width + x] ?? 255;
          histogram[value] = (histogram[value] ?? 0) + 1;
          count++;
        }
      }
      let seen = 0;
      let value = 255;
      while (value > 0 && seen + (histogram[value] ?? 0) < count * 0.15) seen += histogram[value--] ?? 0;
      raw[row * columns + column] = value;
    }
  }
  return { columns, rows, size, paper: middleOfNine(raw, columns, rows) };
}

function middleOfNine(raw: Float32Array, columns: number, rows: number): Float32Array {
  return raw.map((_, at) => {
    const x = at % columns;
    const y = (at - x) / columns;
    const near: number[] = [];
    for (let ny = Math.max(0, y - 1); ny <= Math.min(rows - 1, y + 1); ny++) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(columns - 1, x + 1); nx++) near.push(raw[ny * columns + nx] ?? 255);
    }
    return near.toSorted((a, b) => a - b)[near.length >> 1] ?? 255;
  });
}

function histogramOf(data: Uint8Array): Uint32Array {
  const histogram = new Uint32Array(256);
  for (const value of data) histogram[value] = (histogram[value] ?? 0) + 1;
  return histogram;
}

/** Lets the darkest half per cent be black. */
function stretch(page: Raster): Raster {
  const histogram = histogramOf(page.data);
  let black = 0;
  for (let seen = 0; black < 128; black++) {
    seen += histogram[black] ?? 0;
    if (seen > page.data.length * 0.005) break;
  }
  const data = page.data;
  for (let i = 0; i < data.length; i++) data[i] = Math.max(0, (((data[i] ?? 0) - black) * 255) / (255 - black));
  return page;
}

function otsu(histogram: Uint32Array): number {
  let total = 0;
  let sum = 0;
  histogram.forEach((count, value) => {
    total += count;
    sum += count * value;
  });
  let best = -1;
  let threshold = 128;
  let below = 0;
  let sumBelow = 0;
  for (let value = 0; value < 255; value++) {
    below += histogram[value] ?? 0;
    sumBelow += value * (histogram[value] ?? 0);
    if (below === 0 || below === total) continue;
    const distance = sumBelow / below - (sum - sumBelow) / (total - below);
    const between = below * (total - below) * distance * distance;
    if (between > best) {
      best = between;
      threshold = value;
    }
  }
  return threshold;
}
