/** Real pages through the real engine. @source 22 §7, architecture §7 */
import assert from "node:assert/strict";
import test, { before } from "node:test";
import { baselineStart, makeOcrPages, movePoint, type OcrPage, type OcrPageOrder } from "../../../test/fixtures/ocr-pages.ts";
import { characterErrorRate } from "../../../test/support/ocr-accuracy.ts";
import { createEngine, type Engine, type PageResult } from "../src/worker/engine.ts";
import { orderFor, shippedLanguages } from "./support/engine.ts";

const LIMITS = { clean: 1, scan: 2, skew: 2, shadow: 2 } as const;
const ORDERS: OcrPageOrder[] = (["deu", "eng"] as const).flatMap((language) =>
  (["clean", "scan", "skew", "shadow"] as const).map(
    (kind) => ({ language, kind, repeat: 1, font: language === "deu" ? "serif" : "sans" }) as const,
  ),
);

let engine: Engine;
let pages: OcrPage[];
const results = new Map<OcrPage, PageResult>();

before(async () => {
  engine = createEngine(shippedLanguages);
  pages = await makeOcrPages(ORDERS);
});

for (const [index, order] of ORDERS.entries()) {
  test(`reads a ${order.kind} page in ${order.language} with fewer than ${LIMITS[order.kind]} % wrong characters`, async () => {
    const page = pages[index];
    assert.ok(page);
    const result = await engine.read(page.image, orderFor([order.language]));
    results.set(page, result);
    const error = characterErrorRate(page.truth, result.text);
    assert.ok(error < LIMITS[order.kind], `${error.toFixed(2)} %`);
    assert.ok(result.confidenceMean > 0.85, String(result.confidenceMean));
    assert.deepEqual(result.languages, [order.language]);
  });
}

test("word boxes line up with the picture, also on a turned one (22 §7)", async () => {
  const english = pages.filter((page) => page.language === "eng");
  const clean = english.find((page) => page.kind === "clean");
  assert.ok(clean);
  for (const page of english) {
    const { blocks } = results.get(page) ?? (await engine.read(page.image, orderFor(["eng"])));
    for (const [index, line] of page.truth.split("\n").entries()) {
      const first = line.split(" ")[0] ?? "";
      // Letters with nothing below the baseline, so that the box ends on it.
      if (!/^[A-Za-fh-ik-oq-xz]{2,}$/.test(first)) continue;
      const wanted = movePoint(baselineStart(index), page, clean);
      const tolerance = page.kind === "clean" || page.kind === "shadow" ? 3 : 5;
      const hit = blocks.find((block) => {
        const [x, y, , h] = block.bbox;
        return block.text === first && Math.abs(x - wanted.x) <= tolerance && Math.abs(y + h - wanted.y) <= tolerance;
      });
      assert.ok(hit, `${page.name}: "${first}" at ${wanted.x.toFixed(0)}, ${wanted.y.toFixed(0)}`);
      assert.ok(hit.bbox[3] < 40 && hit.bbox[2] < first.length * 30, "a box holds one word");
    }
  }
});
