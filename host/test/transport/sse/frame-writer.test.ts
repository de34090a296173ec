import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Frame, JsonObject } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { StreamDigest } from "../../../src/identity/index.ts";
import { verifyTerminal } from "../../../src/transport/outbound/verify-reply.ts";
import { FrameWriter } from "../../../src/transport/sse/frame-writer.ts";
import { EventParser } from "../../../src/transport/sse/parse.ts";
import { device, refused } from "../../identity/people.ts";

const clock = new ManualClock();
const [anna, ben] = [device(1), device(2)];
const expected = { from: anna.nodeId, to: ben.nodeId, requestId: "REQUEST-1", now: () => clock.now() };
const token = { event: "token", data: { text: "Re" } };

function make(): FrameWriter {
  return new FrameWriter({ signer: anna, clock, to: ben.nodeId, requestId: "REQUEST-1" });
}

function parse(text: string): Frame {
  const [frame] = new EventParser().push(Buffer.from(text));
  assert.ok(frame);
  return frame;
}

/** What the reader takes from a stream of these frames, or its refusal. */
function readEnd(texts: string[], last: string): JsonObject {
  const digest = new StreamDigest();
  for (const text of texts) digest.add(parse(text));
  const { frames } = digest;
  return verifyTerminal(parse(last), { frames, digest: digest.digest() }, expected);
}

describe("frames of a stream (T-14)", () => {
  it("end with a signature over all of them, which a lost, doubled, moved or altered frame breaks", () => {
    const writer = make();
    const texts = [writer.frame(token), writer.frame({ event: "token", data: { text: "gen" } })] as const;
    const last = writer.terminal("done", { ms: 3 });
    const [first, second] = texts;
    assert.deepEqual({ ...readEnd([first, second], last) }, { ms: 3 });
    const broken = refused("invalid_signature", "response_unsigned");
    for (const other of [[first], [first, first, second], [second, first], [first, second.replace("gen", "gan")]])
      assert.throws(() => readEnd(other, last), broken);
    for (const other of [
      last.replace('"ms":3', '"ms":4'),
      last.replace("event: done", "event: error"),
      last.replace("_sig", "_sag"),
    ])
      assert.throws(() => readEnd([first, second], other), broken);
  });

  it("end with a signature for this request, this caller and this time only", () => {
    const last = make().terminal("done", {});
    const other = (change: Partial<typeof expected>): (() => JsonObject) => {
      const digest = new StreamDigest().digest();
      return () => verifyTerminal(parse(last), { frames: 0, digest }, { ...expected, ...change });
    };
    other({})();
    assert.throws(other({ requestId: "REQUEST-2" }), refused("invalid_signature", "response_unsigned"));
    assert.throws(other({ to: anna.nodeId }), refused("invalid_signature", "response_unsigned"));
    assert.throws(other({ from: ben.nodeId }), refused("invalid_signature", "response_unsigned"));
    assert.throws(other({ now: () => clock.now() + 121_000 }), refused("invalid_signature", "response_stale"));
  });

  it("carry bytes as base64url and sign what is carried", () => {
    const writer = make();
    const bytes = new Uint8Array([251, 255]) as unknown as string;
    const text = writer.frame({ event: "chunk", data: { bytes } });
    assert.equal(text, 'event: chunk\ndata: {"bytes":"-_8"}\n\n');
    assert.deepEqual({ ...readEnd([text], writer.terminal("done", { bytes })) }, { bytes: "-_8" });
  });

  it("cannot break out of their stream by their name", () => {
    for (const event of ["done", "error", "a\nevent: done", "", "A", "a b", "x".repeat(65)])
      assert.throws(() => make().frame({ event, data: {} }), refused("internal_error"), event);
  });

  it("are the provider's fault when they have no form that can be signed", () => {
    const writer = make();
    for (const data of [{ n: Number.NaN }, { n: 2 ** 60 }, { text: "\ud800" }, { deep: nested(70) }]) {
      assert.throws(() => writer.frame({ event: "chunk", data }), refused("internal_error"));
      assert.throws(() => writer.terminal("done", data), refused("internal_error"));
    }
    assert.deepEqual({ ...readEnd([], writer.terminal("error", { error: "internal_error" })) }, { error: "internal_error" });
  });

  it("larger than 1 MiB are refused, the last one as well", () => {
    const large = { text: "ü".repeat(600_000) };
    assert.throws(() => make().frame({ event: "chunk", data: large }), refused("bad_request", "too_large"));
    assert.throws(() => make().terminal("done", large), refused("bad_request", "too_large"));
  });

  it("cannot bring a signature of their own", () => {
    assert.deepEqual({ ...readEnd([], make().terminal("done", { _sig: "mine", ok: true })) }, { ok: true });
  });
});

function nested(depth: number): JsonObject {
  return depth === 0 ? {} : { a: nested(depth - 1) };
}
