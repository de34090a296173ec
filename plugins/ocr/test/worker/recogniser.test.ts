import assert from "node:assert/strict";
import test, { before } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { makeOcrPages } from "../../../../test/fixtures/ocr-pages.ts";
import { Failure } from "../../src/failure.ts";
import type { Raster } from "../../src/raster/raster.ts";
import { type Core, openCore } from "../../src/worker/core.ts";
import { decodePicture } from "../../src/worker/pixels.ts";
import { release } from "../../src/worker/library.ts";
import { createRecogniser, type Recogniser, type Word } from "../../src/worker/recogniser.ts";
import { shippedData } from "../support/engine.ts";

let core: Core;
let recogniser: Recogniser;
/** The first lines of a page, enough to know it by. */
let lines: Raster;

before(async () => {
  core = await openCore();
  recogniser = createRecogniser(core, shippedData);
  const [made] = await makeOcrPages([{ language: "deu", kind: "clean", repeat: 1 }]);
  assert.ok(made);
  const { page } = decodePicture(core, made.image, 50_000_000);
  lines = { width: page.width, height: 320, data: page.data.slice(0, page.width * 320) };
});

const firstWords = (words: Word[]): string =>
  words
    .slice(0, 3)
    .map((word) => word.text)
    .join(" ");

test("pixels that look like a camera's orientation tag do not turn the page", async () => {
  const data = lines.data.slice();
  data.set([1, 18, 0, 3, 0, 0, 0, 1, 0, 3]);
  assert.equal(firstWords(await recogniser.read({ ...lines, data }, ["deu"], null)), "Fällt der Strom");
});

test("a blank page has no words; one that the engine cannot take in is a refusal", async () => {
  assert.deepEqual(
    await recogniser.read({ width: 400, height: 300, data: new Uint8Array(120_000).fill(255) }, ["deu"], null),
    [],
  );
  const tooWide = { width: 40_000, height: 10, data: new Uint8Array(400_000).fill(255) };
  await assert.rejects(recogniser.read(tooWide, ["deu"], null), (error) => {
    assert.ok(error instanceof Failure);
    assert.deepEqual([error.code, error.reason], ["internal_error", "engine_failed"]);
    return true;
  });
});

test("keeps no page behind", async () => {
  await recogniser.read(lines, ["deu"], 200);
  assert.ok(core.module.FS.readdir("/").includes("deu.traineddata"));
  assert.ok(!core.module.FS.readdir("/").includes("input"));
});

test("goes on in a new module after the one before broke, and calls the broken one no more", async () => {
  await recogniser.read(lines, ["deu"], null);
  core.bytes().fill(255);
  await assert.rejects(recogniser.read(lines, ["deu"], null));
  const next = createRecogniser(await openCore(), shippedData);
  assert.equal(firstWords(await next.read(lines, ["deu"], null)), "Fällt der Strom");
});

test("a module that was let go of leaves memory, though the library cannot change its own", async () => {
  const readOnce = async (): Promise<WeakRef<object>> => {
    const one = await openCore();
    await createRecogniser(one, shippedData).read(lines, ["deu"], null);
    release(one);
    return new WeakRef(one.module);
  };
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const module = await readOnce();
  await setImmediate();
  collect();
  assert.ok(module.deref() === undefined);
});
