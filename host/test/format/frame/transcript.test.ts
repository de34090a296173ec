import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame, FrameDecoder } from "../../../src/format/frame/codec.ts";
import { attachmentOf, readTranscript, wireOf } from "../../support/transcript.ts";

const TURNS = readTranscript();

test("the conversation in test/vectors/fd3.json is what its own headers say", () => {
  for (const turn of TURNS) {
    const text = Buffer.from(JSON.stringify(turn.header));
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(4 + text.byteLength + attachmentOf(turn).byteLength, 0);
    lengths.writeUInt32BE(text.byteLength, 4);
    assert.equal(turn.head, Buffer.concat([lengths, text]).toString("hex"));
  }
});

test("the codec writes every frame of the conversation byte for byte (§5.1)", () => {
  for (const turn of TURNS) {
    const bytes = attachmentOf(turn);
    assert.ok(Buffer.concat(encodeFrame(turn.header, bytes.byteLength === 0 ? [] : [bytes])).equals(wireOf(turn)));
  }
});

test("the codec reads the conversation, in pieces of any size (§5.1)", () => {
  const wire = Buffer.concat(TURNS.map(wireOf));
  for (const size of [7, 8, 9, 1000, wire.byteLength]) {
    const decoder = new FrameDecoder();
    const frames = [];
    for (let at = 0; at < wire.byteLength; at += size) frames.push(...decoder.push(wire.subarray(at, at + size)));
    assert.equal(frames.length, TURNS.length);
    for (const [n, turn] of TURNS.entries()) {
      assert.equal(JSON.stringify(frames[n]?.header), JSON.stringify(turn.header));
      assert.ok(Buffer.from(frames[n]?.payload ?? []).equals(attachmentOf(turn)));
    }
    assert.equal(decoder.partial, false);
  }
});
