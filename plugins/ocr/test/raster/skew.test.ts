import assert from "node:assert/strict";
import test from "node:test";
import { seededRandom } from "../../../../test/fixtures/random.ts";
import { findSkew } from "../../src/raster/skew.ts";
import { sketchPage } from "../../src/raster/sketch.ts";
import { drawPage } from "../support/drawn-page.ts";

for (const degrees of [-12, -5.3, -2.5, -0.4, 0, 0.8, 1.7, 2.5, 7.1, 13]) {
  test(`finds lines turned by ${degrees}° to within 0.15° (22 rule 5)`, () => {
    const page = drawPage({ width: 900, height: 1200, degrees, seed: 7 });
    assert.ok(Math.abs(findSkew(sketchPage(page)) - degrees) <= 0.15, `found ${findSkew(sketchPage(page))}`);
  });
}

test("finds the slant of a page with many pixels and of one with few", () => {
  for (const [width, height, letter] of [
    [2400, 3400, 30],
    [420, 600, 7],
  ] as const) {
    const found = findSkew(sketchPage(drawPage({ width, height, degrees: 3.2, letter })));
    assert.ok(Math.abs(found - 3.2) <= 0.15, `${width}: ${found}`);
  }
});

test("leaves a page without lines alone", () => {
  const random = seededRandom(3);
  const noise = { width: 600, height: 600, data: new Uint8Array(360_000).map(() => random() * 255) };
  assert.equal(findSkew(sketchPage(noise)), 0);
  assert.equal(findSkew(sketchPage({ width: 600, height: 600, data: new Uint8Array(360_000).fill(255) })), 0);
});

test("is not misled by a dark photo beside the text", () => {
  const page = drawPage({ width: 900, height: 1200, degrees: 2, seed: 5 });
  for (let y = 700; y < 1100; y++) page.data.fill(30, y * 900 + 100, y * 900 + 700);
  assert.ok(Math.abs(findSkew(sketchPage(page)) - 2) <= 0.15);
});
