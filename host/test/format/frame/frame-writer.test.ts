import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeFrame } from "../../../src/format/frame/codec.ts";
import { FrameWriter } from "../../../src/format/frame/frame-writer.ts";
import { holds } from "../../support/property.ts";

test("hands on the very bytes of the frames, whatever their sizes and whenever it is flushed; what was handed on never changes", () => {
  const frame = fc.record({
    text: fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 50 }),
      fc.constant("ä".repeat(40_000)),
      fc.constant("x".repeat(70_000)),
    ),
    sizes: fc.array(fc.oneof(fc.nat({ max: 10 }), fc.constantFrom(4095, 4096, 4097, 70_000)), { maxLength: 3 }),
    flush: fc.boolean(),
  });
  holds(
    fc.property(fc.array(frame, { maxLength: 12 }), (frames) => {
      const handed: { bytes: Uint8Array; copy: Buffer }[] = [];
      const writer = new FrameWriter((bytes) => handed.push({ bytes, copy: Buffer.from(bytes) }));
      const expected: Uint8Array[] = [];
      for (const { text, sizes, flush } of frames) {
        const attachments = sizes.map((size, i) => Buffer.alloc(size, i + 1));
        writer.append({ t: "x", text }, attachments);
        expected.push(...encodeFrame({ t: "x", text }, attachments));
        if (flush) {
          writer.flush();
          assert.equal(writer.bytes, 0);
        }
      }
      writer.flush();
      assert.ok(Buffer.concat(handed.map(({ bytes }) => bytes)).equals(Buffer.concat(expected)));
      for (const { bytes, copy } of handed) assert.ok(copy.equals(bytes), "bytes changed after they were handed on");
    }),
  );
});

test("gathers frames into one piece", () => {
  const handed: Uint8Array[] = [];
  const writer = new FrameWriter((bytes) => handed.push(bytes));
  for (let n = 0; n < 20; n++) writer.append({ t: "ping", n }, []);
  assert.deepEqual([writer.frames, handed.length], [20, 0]);
  writer.flush();
  assert.deepEqual([writer.frames, handed.length], [0, 1]);
});

test("writes nothing of a message that is too large", () => {
  const writer = new FrameWriter(() => {});
  assert.throws(() => writer.append({ t: "x", text: "x".repeat(1_100_000) }, []), {
    code: "plugin_gone",
    reason: "protocol_error",
  });
  assert.deepEqual([writer.frames, writer.bytes], [0, 0]);
});
