import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { holds } from "../../../host/test/support/property.ts";
import { byteLength, GuestDecoder, GuestEncoder } from "../../src/guest/text.ts";

const encoder = new GuestEncoder();

test("text becomes the bytes that the platform makes of it, lone surrogates included, and comes back", () => {
  holds(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      const expected = new TextEncoder().encode(text);
      assert.deepEqual(encoder.encode(text), expected);
      assert.equal(byteLength(text), expected.byteLength);
      assert.equal(new GuestDecoder().decode(expected), new TextDecoder().decode(expected));
    }),
  );
  assert.deepEqual(encoder.encode("a\ud800b"), new TextEncoder().encode("a\ud800b"));
});

test("bytes that are no UTF-8 become what the platform makes of them, or are refused where it refuses them", () => {
  const lead = fc.constantFrom(
    0x41,
    0x80,
    0xbf,
    0xc0,
    0xc2,
    0xdf,
    0xe0,
    0xa0,
    0xed,
    0x9f,
    0xef,
    0xbb,
    0xf0,
    0x90,
    0xf4,
    0x8f,
    0xf5,
    0xff,
  );
  holds(
    fc.property(fc.array(fc.oneof(lead, fc.integer({ min: 0, max: 255 })), { maxLength: 12 }), (list) => {
      const bytes = Uint8Array.from(list);
      for (const ignoreBOM of [true, false])
        assert.equal(
          new GuestDecoder("utf-8", { ignoreBOM }).decode(bytes),
          new TextDecoder("utf-8", { ignoreBOM }).decode(bytes),
        );
      const refused = (decode: () => unknown): boolean => {
        try {
          decode();
          return false;
        } catch (error) {
          return error instanceof TypeError;
        }
      };
      assert.equal(
        refused(() => new GuestDecoder("utf-8", { fatal: true }).decode(bytes)),
        refused(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
      );
    }),
  );
});

test("views are read from their place, long texts in one go, and only UTF-8 is known", () => {
  const bytes = new TextEncoder().encode("xxé€𝄞");
  assert.equal(new GuestDecoder().decode(new DataView(bytes.buffer, 2)), "é€𝄞");
  assert.equal(new GuestDecoder().decode(bytes.buffer), "xxé€𝄞");
  assert.equal(new GuestDecoder().decode(new TextEncoder().encode("é".repeat(20_000))), "é".repeat(20_000));
  assert.equal(new GuestDecoder().decode(), "");
  assert.throws(() => new GuestDecoder("latin1"), RangeError);
});
