import assert from "node:assert/strict";
import { test } from "node:test";
import { readVersion, satisfies } from "../../../src/bus/route/version.ts";
import { paramsCompatible } from "../../../src/bus/route/params.ts";

test("an offer satisfies the same major from the wanted minor on (03 §2)", () => {
  const table: [[number, number], [number, number], boolean][] = [
    [[1, 0], [1, 0], true],
    [[1, 3], [1, 2], true],
    [[1, 1], [1, 2], false],
    [[2, 0], [1, 0], false],
  ];
  for (const [offered, wanted, ok] of table)
    assert.equal(satisfies(offered, wanted), ok, `${offered.join(".")} for ${wanted.join(".")}`);
});

test("reads versions without leading zeros or patch level (00 §3)", () => {
  assert.deepEqual(readVersion("2.10"), [2, 10]);
  for (const bad of ["1", "1.0.0", "01.0", "1.00", "-1.0", "1.x", "", "1.0 "]) assert.equal(readVersion(bad), undefined, bad);
});

test("params fit when what is asked equals what is offered (03 B-5)", () => {
  const table: [object, object, boolean][] = [
    [{ backend: "tesseract" }, {}, true],
    [{ backend: "tesseract" }, { backend: "tesseract" }, true],
    [{ backend: "tesseract" }, { backend: "trocr" }, false],
    [{ backend: "tesseract" }, { backend: null }, true],
    [{ backend: "tesseract" }, { languages: ["deu"] }, true],
    [{ tags: ["a", { b: 1 }] }, { tags: ["a", { b: 1 }] }, true],
    [{ tags: ["a"] }, { tags: ["b"] }, false],
    [{ model: "m1" }, { model: "m1" }, true],
    [{ model: "m1", models: ["m1", "m2"] }, { model: "m2" }, true],
    [{ model: "m1" }, { model: "m2" }, false],
    [{}, { model: "m1" }, false],
  ];
  for (const [offered, requested, ok] of table) {
    assert.equal(paramsCompatible(offered as never, requested as never), ok, JSON.stringify([offered, requested]));
  }
});

test("compares params without regard to prototypes", () => {
  const bare = Object.assign(Object.create(null) as object, { nested: Object.assign(Object.create(null) as object, { a: 1 }) });
  assert.equal(paramsCompatible({ nested: { a: 1 } }, bare as never), true);
});
