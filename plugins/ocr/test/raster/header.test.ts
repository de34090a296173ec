import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { bombPng, pictureFormats, pictureWithDpi, pngOf, turnedJpeg } from "../../../../test/fixtures/ocr-pages.ts";
import { Failure } from "../../src/failure.ts";
import { readHeader } from "../../src/raster/header.ts";

const LIMIT = 50_000_000;

function reasonOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, "bad_request");
    return error.reason;
  }
  return "accepted";
}

test("reads the size of every format without decoding it", async () => {
  for (const [name, bytes] of Object.entries(await pictureFormats(48, 32))) {
    const { width, height, orientation } = readHeader(bytes, LIMIT);
    assert.deepEqual({ width, height, orientation }, { width: 48, height: 32, orientation: 1 }, name);
  }
});

test("refuses a picture of 20000 × 20000 pixels by its header (22 §7)", () => {
  const bomb = bombPng();
  assert.ok(bomb.length < 100_000);
  assert.equal(
    reasonOf(() => readHeader(bomb, LIMIT)),
    "too_large",
  );
});

test("refuses what the recogniser cannot count, and a picture without pixels", () => {
  const rows = Buffer.alloc(0);
  assert.equal(
    reasonOf(() => readHeader(pngOf({ width: 40_000, height: 2, bits: 1, rows }), LIMIT)),
    "too_large",
  );
  assert.equal(
    reasonOf(() => readHeader(pngOf({ width: 4_294_967_295, height: 4_294_967_295, bits: 1, rows }), LIMIT)),
    "too_large",
  );
  assert.equal(
    reasonOf(() => readHeader(pngOf({ width: 0, height: 9, bits: 1, rows }), LIMIT)),
    "decode_failed",
  );
  assert.equal(
    reasonOf(() => readHeader(pngOf({ width: 100, height: 100, bits: 1, rows }), 9_999)),
    "too_large",
  );
});

test("a renamed program, a text and nothing are no pictures", () => {
  for (const text of [
    "MZ this is not a picture",
    "%PDF-1.7\n",
    "GIF89a\u0001\u0000\u0001\u0000",
    "P7\nWIDTH 1",
    "",
    "B",
    "RIFF1234WAVE12345678901234567890",
  ]) {
    assert.equal(
      reasonOf(() => readHeader(Buffer.from(text, "latin1"), LIMIT)),
      "decode_failed",
      text,
    );
  }
});

test("takes a stated resolution only where software does not write it blindly", async () => {
  for (const format of ["png", "jpeg", "tiff"] as const) {
    assert.equal(readHeader(await pictureWithDpi(format, 200), LIMIT).dpi, 200, format);
    assert.equal(readHeader(await pictureWithDpi(format, 72), LIMIT).dpi, null, format);
  }
});

test("reads the orientation a camera wrote", async () => {
  const { png } = await pictureFormats();
  assert.ok(png);
  for (const orientation of [3, 6, 8] as const)
    assert.equal(readHeader(await turnedJpeg(png, orientation), LIMIT).orientation, orientation);
});

test("any bytes end in a header or in a refusal with a reason", async () => {
  const samples = Object.values(await pictureFormats());
  const seed = Number(process.env["HN_SEED"] ?? 20261124);
  const damaged = fc.tuple(
    fc.constantFrom(...samples),
    fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 8 }),
    fc.nat(200),
  );
  fc.assert(
    fc.property(damaged, ([sample, changes, length]) => {
      const bytes = Buffer.from(sample.subarray(0, length));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      const outcome = reasonOf(() => readHeader(bytes, LIMIT));
      assert.ok(["accepted", "decode_failed", "too_large"].includes(outcome));
    }),
    { seed, numRuns: 3000 },
  );
});
