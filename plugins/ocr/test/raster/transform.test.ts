import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type Box, transformPage } from "../../src/raster/transform.ts";
import type { Raster } from "../../src/raster/raster.ts";

/** A white page with one black rectangle. */
function pageWith(box: Box, width = 200, height = 160): Raster {
  const data = new Uint8Array(width * height).fill(255);
  for (let y = box[1]; y < box[1] + box[3]; y++) data.fill(0, y * width + box[0], y * width + box[0] + box[2]);
  return { width, height, data };
}

/** Smallest box around all dark pixels. */
function darkBox(page: Raster): Box {
  let [left, top, right, bottom] = [page.width, page.height, 0, 0];
  for (let at = 0; at < page.data.length; at++) {
    if ((page.data[at] ?? 255) > 128) continue;
    const x = at % page.width;
    const y = (at - x) / page.width;
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
  }
  return [left, top, right - left, bottom - top];
}

test("a box found on the turned and scaled page leads back around the mark in the source (22 §1 bbox)", () => {
  const cases = fc.record({
    x: fc.integer({ min: 20, max: 125 }),
    y: fc.integer({ min: 20, max: 95 }),
    w: fc.integer({ min: 12, max: 50 }),
    h: fc.integer({ min: 12, max: 40 }),
    degrees: fc.double({ min: -15, max: 15, noNaN: true }),
    scale: fc.double({ min: 0.5, max: 3, noNaN: true }),
  });
  const seed = Number(process.env["HN_SEED"] ?? 20261124);
  fc.assert(
    fc.property(cases, ({ x, y, w, h, degrees, scale }) => {
      const source: Box = [x, y, w, h];
      const turned = transformPage(pageWith(source), { degrees, scale });
      const [bx, by, bw, bh] = turned.toSource(darkBox(turned.page));
      // Lossless in the middle; as an upright box around a turned one it grows by the share of the other side.
      const slack = 2.5 / Math.min(1, scale);
      const grow = Math.abs(Math.sin((degrees * Math.PI) / 180)) * 2;
      assert.ok(Math.abs(bx + bw / 2 - (x + w / 2)) <= slack && Math.abs(by + bh / 2 - (y + h / 2)) <= slack, "middle");
      assert.ok(bx <= x + slack && by <= y + slack && bx + bw >= x + w - slack && by + bh >= y + h - slack, "covers");
      assert.ok(bw <= w + grow * h + grow * w + 2 * slack && bh <= h + grow * w + grow * h + 2 * slack, "not larger than needed");
    }),
    { seed, numRuns: 150 },
  );
});

test("turning back undoes a turn: a slanted bar becomes level", () => {
  const bar: Box = [20, 70, 160, 6];
  const slanted = transformPage(pageWith(bar), { degrees: -6, scale: 1 }).page;
  assert.ok(darkBox(slanted)[3] > 18);
  assert.ok(darkBox(transformPage(slanted, { degrees: 6, scale: 1 }).page)[3] <= 8);
});

test("corners that appear by turning have the colour of the paper", () => {
  const grey = { width: 100, height: 100, data: new Uint8Array(10_000).fill(190) };
  const { page } = transformPage(grey, { degrees: 10, scale: 1 });
  assert.ok(page.data.every((value) => value >= 189 && value <= 191));
});

test("neither turned nor scaled is the page itself, and boxes are clipped to it", () => {
  const page = pageWith([1, 1, 2, 2]);
  const same = transformPage(page, { degrees: 0, scale: 1 });
  assert.equal(same.page, page);
  assert.deepEqual(same.toSource([-5, 150, 20, 40]), [0, 150, 15, 10]);
});
