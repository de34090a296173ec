import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { before } from "node:test";
import { deflateSync } from "node:zlib";
import {
  blankPage,
  bombPng,
  makeOcrPages,
  type OcrPage,
  pictureFormats,
  pngOf,
  transparentPng,
  turnedJpeg,
} from "../../../../test/fixtures/ocr-pages.ts";
import { seededRandom } from "../../../../test/fixtures/random.ts";
import { characterErrorRate } from "../../../../test/support/ocr-accuracy.ts";
import { Failure } from "../../src/failure.ts";
import { type Core, openCore } from "../../src/worker/core.ts";
import { createEngine, type Engine, languageFolder } from "../../src/worker/engine.ts";
import { decodePicture } from "../../src/worker/pixels.ts";
import { orderFor, shippedData, shippedLanguages } from "../support/engine.ts";

const LIMIT = 50_000_000;
let core: Core;
let engine: Engine;
let page: OcrPage;

before(async () => {
  core = await openCore();
  engine = createEngine(shippedLanguages);
  const [made] = await makeOcrPages([{ language: "deu", kind: "clean", repeat: 1 }]);
  assert.ok(made);
  page = made;
});

async function failureOf(work: () => Promise<unknown>): Promise<Failure> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return error;
  }
  throw new Error("expected a refusal");
}

test("decodes every format to the same grey picture", async () => {
  for (const [name, bytes] of Object.entries(await pictureFormats(48, 32))) {
    const { page: grey } = decodePicture(core, bytes, LIMIT);
    assert.deepEqual([grey.width, grey.height], [48, 32], name);
    for (const [x, wanted] of [
      [4, 0],
      [20, 0],
      [28, 255],
      [44, 255],
    ] as const) {
      const value = grey.data[16 * 48 + x] ?? -1;
      assert.ok(Math.abs(value - wanted) <= 14, `${name} at ${x}: ${value}`);
    }
  }
});

test("shows transparent pixels as white paper", async () => {
  const { page: grey } = decodePicture(core, await transparentPng(), LIMIT);
  assert.ok(grey.data.every((value) => value === 255));
});

test("sees a photo upright, as its EXIF tag says", async () => {
  const { png } = await pictureFormats(48, 32);
  assert.ok(png);
  for (const orientation of [3, 6, 8] as const) {
    const { page: grey } = decodePicture(core, await turnedJpeg(png, orientation), LIMIT);
    assert.deepEqual([grey.width, grey.height], [48, 32]);
    assert.ok((grey.data[16 * 48 + 4] ?? 255) < 20 && (grey.data[16 * 48 + 44] ?? 0) > 235, `orientation ${orientation}`);
  }
});

test("refuses bombs, renamed files and broken pictures, and goes on reading (22 §7)", async () => {
  const formats = await pictureFormats();
  const cut = (name: string): Buffer => {
    const whole = formats[name];
    assert.ok(whole);
    return whole.subarray(0, Math.floor(whole.length * 0.6));
  };
  const lying = pngOf({ width: 3000, height: 3000, bits: 8, rows: deflateSync(Buffer.alloc(64)) });
  const cases: [string, Buffer, string][] = [
    ["bomb", bombPng(), "too_large"],
    ["program", Buffer.from("MZ this is not a picture"), "decode_failed"],
    ["cut jpeg", cut("jpeg"), "decode_failed"],
    ["cut webp", cut("webp"), "decode_failed"],
    ["cut png", cut("png"), "decode_failed"],
    ["header only", lying, "decode_failed"],
    ["empty", Buffer.alloc(0), "decode_failed"],
  ];
  for (const [name, bytes, reason] of cases) {
    const failure = await failureOf(() => engine.read(bytes, orderFor(["deu"])));
    assert.deepEqual([failure.code, failure.reason], ["bad_request", reason], name);
    assert.ok(failure.message.length > 20);
  }
  const { text } = await engine.read(page.image, orderFor(["deu"]));
  assert.ok(characterErrorRate(page.truth, text) < 1);
});

test("any damaged picture ends in a picture or a refusal, and the decoder goes on", async () => {
  const samples = Object.values(await pictureFormats());
  const random = seededRandom(Number(process.env["HN_SEED"] ?? 20261124));
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let i = 0; i < 2000; i++) {
    const bytes = Buffer.from(samples[below(samples.length)] ?? []);
    for (let changes = below(6); changes >= 0; changes--) bytes[below(random() < 0.5 ? 64 : bytes.length)] = below(256);
    const damaged = random() < 0.2 ? bytes.subarray(0, below(bytes.length)) : bytes;
    try {
      decodePicture(core, damaged, LIMIT);
    } catch (error) {
      assert.ok(error instanceof Failure && error.code === "bad_request", `${damaged.toString("base64")}: ${String(error)}`);
    }
  }
  for (const [name, bytes] of Object.entries(await pictureFormats()))
    assert.equal(decodePicture(core, bytes, LIMIT).page.width, 48, name);
});

test("says which language data is missing or damaged and reads on with another", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hn-tessdata-"));
  try {
    writeFileSync(join(folder, "deu.traineddata.gz"), shippedData("deu"));
    writeFileSync(join(folder, "eng.traineddata.gz"), shippedData("eng").subarray(0, 100_000));
    const reader = createEngine(languageFolder(folder));
    for (const language of ["fra", "eng"]) {
      const failure = await failureOf(() => reader.read(page.image, orderFor([language])));
      assert.deepEqual([failure.code, failure.reason], ["not_implemented", "model_missing"]);
    }
    assert.ok((await reader.read(page.image, orderFor(["deu"]))).text.startsWith("Fällt"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a blank page has no words and no confidence", async () => {
  const result = await engine.read(await blankPage(), orderFor(["deu"]));
  assert.deepEqual([result.text, result.blocks, result.languages, result.confidenceMean], ["", [], [], 0]);
});

test("finds the leading language among several, whatever their order (22 rule 3)", async () => {
  for (const languages of [
    ["eng", "deu"],
    ["deu", "eng"],
  ]) {
    const result = await engine.read(page.image, orderFor(languages));
    assert.deepEqual(result.languages, ["deu"]);
    assert.ok(characterErrorRate(page.truth, result.text) < 0.5);
  }
});

test("two pages asked for at once are read one after the other, each in its language", async () => {
  const [english] = await makeOcrPages([{ language: "eng", kind: "clean", repeat: 1 }]);
  assert.ok(english);
  const [first, second] = await Promise.all([
    engine.read(page.image, orderFor(["deu"])),
    engine.read(english.image, orderFor(["eng"])),
  ]);
  assert.deepEqual([first.languages, second.languages], [["deu"], ["eng"]]);
  assert.ok(characterErrorRate(page.truth, first.text) < 0.5);
  assert.ok(characterErrorRate(english.truth, second.text) < 0.5);
});
