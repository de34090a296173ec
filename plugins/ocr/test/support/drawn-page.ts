import { seededRandom } from "../../../../test/fixtures/random.ts";
import type { Raster } from "../../src/raster/raster.ts";

export interface DrawnPage extends Raster {
  /** Middle of every mark on the unturned page. */
  marks: { x: number; y: number; w: number; h: number }[];
}

/** Rows of letter-like marks, turned by `degrees` around the middle; no fonts and no codecs needed. */
export function drawPage(options: { width: number; height: number; degrees: number; letter?: number; seed?: number }): DrawnPage {
  const { width, height, degrees } = options;
  const letter = options.letter ?? 12;
  const random = seededRandom(options.seed ?? 1);
  const marks: DrawnPage["marks"] = [];
  for (let y = letter * 4; y < height - letter * 4; y += letter * 3) {
    let x = letter * 5;
    const end = width - letter * 5 - random() * width * 0.3;
    while (x < end) {
      const h = random() < 0.25 ? letter * 1.5 : letter;
      const w = letter * (0.4 + random() * 0.5);
      marks.push({ x, y: y + letter - h, w, h });
      x += w + (random() < 0.2 ? letter : letter * 0.3);
    }
  }
  const page = blank(width, height);
  for (const mark of marks) paint(page, mark);
  return { ...turn(page, degrees), marks };
}

function blank(width: number, height: number): Raster {
  return { width, height, data: new Uint8Array(width * height).fill(240) };
}

function paint(page: Raster, mark: { x: number; y: number; w: number; h: number }): void {
  for (let y = Math.round(mark.y); y < mark.y + mark.h; y++) {
    for (let x = Math.round(mark.x); x < mark.x + mark.w; x++) page.data[y * page.width + x] = 20;
  }
}

/** Nearest pixel, size kept: independent of the code under test. Positive degrees make lines fall towards the right. */
function turn(page: Raster, degrees: number): Raster {
  if (degrees === 0) return page;
  const out = blank(page.width, page.height);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const cos = Math.cos((degrees * Math.PI) / 180);
  for (let y = 0; y < page.height; y++) {
    for (let x = 0; x < page.width; x++) {
      const dx = x - page.width / 2;
      const dy = y - page.height / 2;
      const sx = Math.round(dx * cos + dy * sin + page.width / 2);
      const sy = Math.round(-dx * sin + dy * cos + page.height / 2);
      if (sx >= 0 && sy >= 0 && sx < page.width && sy < page.height)
        out.data[y * page.width + x] = page.data[sy * page.width + sx] ?? 240;
    }
  }
  return out;
}
