import assert from "node:assert/strict";
import test from "node:test";
import { binarize, denoise, isUnevenlyLit, normaliseContrast } from "../../src/raster/tone.ts";
import { findTextHeight } from "../../src/raster/text-height.ts";
import { sketchPage } from "../../src/raster/sketch.ts";
import type { Raster } from "../../src/raster/raster.ts";
import { drawPage } from "../support/drawn-page.ts";

/** Light falls off from left to right to `least` of itself. */
function shaded(page: Raster, least: number): Raster {
  const data = page.data.map((value, at) => value * (1 - (1 - least) * ((at % page.width) / page.width)));
  return { width: page.width, height: page.height, data };
}

const printed = drawPage({ width: 800, height: 1000, degrees: 0 });

test("tells a shadow from a printed box and from even light", () => {
  assert.equal(isUnevenlyLit(printed), false);
  assert.equal(isUnevenlyLit(shaded(printed, 0.4)), true);
  const boxed = { ...printed, data: printed.data.slice() };
  for (let y = 0; y < 300; y++) boxed.data.fill(60, y * 800, y * 800 + 800);
  assert.equal(isUnevenlyLit(boxed), false);
});

test("evened-out light leaves ink dark and paper light everywhere (22 O7)", () => {
  const flat = normaliseContrast(shaded(printed, 0.35));
  let wrong = 0;
  for (let at = 0; at < flat.data.length; at++) if ((flat.data[at] ?? 0) < 128 !== (printed.data[at] ?? 0) < 128) wrong++;
  assert.ok(wrong / flat.data.length < 0.001, `${wrong} pixels on the wrong side`);
});

test("black and white survives a shadow that one threshold would not (22 O7)", () => {
  const dim = shaded(printed, 0.15);
  const inkOf = (page: Raster, limit: number): number => page.data.reduce((sum, value) => sum + (value <= limit ? 1 : 0), 0);
  const truth = inkOf(printed, 128);
  assert.ok(inkOf(dim, 128) > truth * 2, "the control shows the damage");
  const clean = binarize(dim);
  assert.ok(clean.data.every((value) => value === 0 || value === 255));
  assert.ok(Math.abs(inkOf(clean, 128) - truth) < truth * 0.03);
});

test("removes single specks and keeps strokes", () => {
  const data = new Uint8Array(100).fill(255);
  data[33] = 0;
  assert.ok(denoise({ width: 10, height: 10, data }).data.every((value) => value === 255));
  for (let y = 0; y < 10; y++) data.fill(0, y * 10 + 5, y * 10 + 8);
  assert.equal(denoise({ width: 10, height: 10, data }).data[46], 0);
});

test("measures the height of small letters", () => {
  const height = findTextHeight(sketchPage(drawPage({ width: 900, height: 1200, degrees: 0, letter: 16 })));
  assert.ok(height !== null && Math.abs(height - 16) <= 2, String(height));
  assert.equal(findTextHeight(sketchPage({ width: 300, height: 300, data: new Uint8Array(90_000).fill(250) })), null);
});
