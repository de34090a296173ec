import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { readHeader } from "../../src/raster/header.ts";
import { tiffOf } from "../../src/raster/tiff.ts";
import { openCore } from "../../src/worker/core.ts";
import { decodePicture } from "../../src/worker/pixels.ts";

test("any grey page comes back from the decoder pixel by pixel, with its resolution", async () => {
  const core = await openCore();
  const pages = fc
    .record({ width: fc.integer({ min: 1, max: 70 }), height: fc.integer({ min: 1, max: 40 }) })
    .chain(({ width, height }) =>
      fc.record({
        page: fc
          .uint8Array({ minLength: width * height, maxLength: width * height })
          .map((data) => ({ width, height, data: Uint8Array.from(data) })),
        dpi: fc.option(fc.integer({ min: 100, max: 1200 })),
      }),
    );
  fc.assert(
    fc.property(pages, ({ page, dpi }) => {
      const file = tiffOf(page, dpi);
      assert.deepEqual(decodePicture(core, file, 1_000_000).page, page);
      assert.equal(readHeader(file, 1_000_000).dpi, dpi);
    }),
  );
});
