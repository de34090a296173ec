import assert from "node:assert/strict";
import test from "node:test";
import { planSize, type SizeFacts } from "../../src/raster/plan.ts";

const page: SizeFacts = { width: 1650, height: 2340, statedDpi: null, textHeight: 18, wantedDpi: 300, strict: false };

test("enlarges a page whose stated resolution is below the wanted one (22 rule 5)", () => {
  assert.deepEqual(planSize({ ...page, statedDpi: 200 }), { shrinkBy: 1, scale: 1.5, dpi: 300 });
  assert.deepEqual(planSize({ ...page, statedDpi: 300 }), { shrinkBy: 1, scale: 1, dpi: 300 });
});

test("leaves readable text alone when no resolution is stated, and enlarges small text", () => {
  assert.deepEqual(planSize(page), { shrinkBy: 1, scale: 1, dpi: null });
  assert.equal(planSize({ ...page, textHeight: 7 }).scale, 2);
  assert.equal(planSize({ ...page, textHeight: null }).scale, 1);
});

test("a resolution the caller names counts against the height of the text", () => {
  const { scale } = planSize({ ...page, strict: true, wantedDpi: 400 });
  assert.ok(scale > 1.5 && scale < 1.8, String(scale));
});

test("halves what has far more pixels than its text needs", () => {
  assert.equal(planSize({ ...page, width: 6000, height: 8000, textHeight: 66 }).shrinkBy, 3);
  assert.deepEqual(planSize({ ...page, statedDpi: 600 }), { shrinkBy: 2, scale: 1, dpi: 300 });
});

test("never enlarges beyond what memory and the recogniser bear", () => {
  const wide = planSize({ ...page, width: 30_000, height: 900, statedDpi: 100 });
  assert.ok(30_000 * wide.scale <= 32_000);
  const large = planSize({ ...page, width: 6000, height: 6000, textHeight: 5 });
  assert.ok(36_000_000 * large.scale ** 2 <= 40_000_001);
  assert.equal(planSize({ ...page, textHeight: 3 }).scale, 3);
});
