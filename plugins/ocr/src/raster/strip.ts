import { percentile, type Raster } from "./raster.ts";

/** Share of the page's height: some four lines of a letter. */
const SHARE = 1 / 12;
const LEAST_ROWS = 160;
/** A row with less than this share of the ink of a full line lies between two lines. */
const GAP = 0.1;

/**
 * A sample of the page on which languages are compared: the full-width part with the most ink, cut between lines, for half a line reads
 * as rubbish in any language. Rows lie one behind the other, so nothing is copied.
 */
export function darkestStrip(page: Raster): Raster {
  const height = Math.min(page.height, Math.max(LEAST_ROWS, Math.round(page.height * SHARE)));
  const rows = inkOfRows(page);
  let sum = 0;
  let best = -1;
  let top = 0;
  for (let y = 0; y < page.height; y++) {
    sum += rows[y] ?? 0;
    if (y >= height) sum -= rows[y - height] ?? 0;
    if (y >= height - 1 && sum > best) {
      best = sum;
      top = y - height + 1;
    }
  }
  let bottom = top + height;
  const gap = rows.reduce((most, ink) => Math.max(most, ink), 0) * GAP;
  for (let step = 0; step < height / 2 && top > 0 && (rows[top] ?? 0) > gap; step++) top--;
  for (let step = 0; step < height / 2 && bottom < page.height && (rows[bottom - 1] ?? 0) > gap; step++) bottom++;
  return { width: page.width, height: bottom - top, data: page.data.subarray(top * page.width, bottom * page.width) };
}

function inkOfRows(page: Raster): Uint32Array {
  const ink = (percentile(page, 0.02) + percentile(page, 0.8)) / 2;
  const rows = new Uint32Array(page.height);
  for (let y = 0; y < page.height; y++) {
    let count = 0;
    for (let x = 0, at = y * page.width; x < page.width; x += 2, at += 2) if ((page.data[at] ?? 255) < ink) count++;
    // A row that is mostly dark is a picture or a rule, not text.
    rows[y] = count > page.width / 4 ? 0 : count;
  }
  return rows;
}
