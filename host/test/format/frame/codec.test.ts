/** Room for frames that come in pieces. @source plugin-platform §5.1, §5.3.3 */
import assert from "node:assert/strict";
import { it } from "node:test";
import { encodeFrame, FrameDecoder, type DecodedFrame } from "../../../src/format/frame/codec.ts";

const CHUNK = 262_144;
const SOCKET_PIECE = 65_536;

function frameOf(bytes: number): Buffer {
  const header = { t: "frame", id: 2, event: "chunk", data: {}, att: [{ ptr: "/data", size: bytes }] };
  return Buffer.concat(encodeFrame(header, [Buffer.alloc(bytes, 7)]));
}

function decoded(whole: Buffer, piece: number): DecodedFrame[] {
  const decoder = new FrameDecoder();
  const frames: DecodedFrame[] = [];
  for (let at = 0; at < whole.byteLength; at += piece) frames.push(...decoder.push(Buffer.from(whole.subarray(at, at + piece))));
  return frames;
}

it("a chunk of a file that comes in pieces gets exactly the room it needs, once", () => {
  const whole = frameOf(CHUNK);
  const three = Buffer.concat([whole, whole, whole]);
  for (const piece of [SOCKET_PIECE, 40_000, CHUNK]) {
    const frames = decoded(three, piece);
    assert.equal(frames.length, 3);
    for (const { payload } of frames) {
      assert.deepEqual([payload.byteLength, payload[0], payload.at(-1)], [CHUNK, 7, 7]);
      assert.equal(payload.buffer.byteLength, whole.byteLength, `in pieces of ${piece}`);
    }
  }
});

it("room follows what has come, not what a prefix claims", () => {
  const start = frameOf(8_000_000).subarray(0, 1000);
  const before = process.memoryUsage().arrayBuffers;
  const decoders = Array.from({ length: 200 }, () => new FrameDecoder());
  for (const decoder of decoders) assert.deepEqual(decoder.push(start), []);
  const held = (process.memoryUsage().arrayBuffers - before) / decoders.length;
  assert.ok(held < 16_384, `${held} bytes are held for 1000 that have come`);
  assert.ok(decoders.every(({ partial }) => partial));
});

it("a frame in single bytes is read as one in a piece", () => {
  const whole = frameOf(50_000);
  const plain = (piece: number): unknown[] => decoded(whole, piece).map(({ header, payload }) => [header, Buffer.from(payload)]);
  assert.deepEqual(plain(1), plain(whole.byteLength));
});
