import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Frame } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { FrameWriter } from "../../../src/transport/sse/frame-writer.ts";
import { EventParser } from "../../../src/transport/sse/parse.ts";
import { device, refused } from "../../identity/people.ts";
import { holds } from "../../support/property.ts";

const name = fc.stringMatching(/^[a-z][a-z0-9_.]{0,20}$/).filter((text) => text !== "done" && text !== "error");
const value = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 3 }),
);
const data = fc.dictionary(
  fc.string({ unit: "grapheme" }).filter((key) => key !== "__proto__" && key !== "constructor"),
  value,
  { maxKeys: 4 },
);
const frames = fc.array(fc.record({ event: name, data }), { maxLength: 6 }) as fc.Arbitrary<Frame[]>;

/** Cuts at random places; a character of several bytes may fall apart. */
function inPieces(bytes: Uint8Array, cuts: number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.byteLength + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.byteLength));
}

function read(pieces: Uint8Array[]): unknown {
  const parser = new EventParser();
  return JSON.parse(JSON.stringify(pieces.flatMap((piece) => parser.push(piece))));
}

function writer(): FrameWriter {
  return new FrameWriter({ signer: device(1), clock: new ManualClock(), to: device(2).nodeId, requestId: "REQUEST-1" });
}

describe("server-sent events (02 §7.1)", () => {
  it("are read as they were written, however they are cut, with or without CR and comments", () => {
    holds(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), fc.boolean(), fc.boolean(), (wanted, cuts, cr, comments) => {
        const out = writer();
        let text = wanted.map((frame) => out.frame(frame)).join(comments ? ": keepalive\n\n" : "");
        if (comments) text = `:\nretry: 5\nid: 7\n\n${text}: the end\n`;
        if (cr) text = text.replaceAll("\n", "\r\n");
        assert.deepEqual(read(inPieces(Buffer.from(text), cuts)), JSON.parse(JSON.stringify(wanted)));
      }),
    );
  });

  it("may lack the space after the colon and spread one value over several lines", () => {
    assert.deepEqual(read([Buffer.from('event:token\ndata:{"text":\ndata: "Re"}\n\n')]), [
      { event: "token", data: { text: "Re" } },
    ]);
  });

  it("that are none are refused, not skipped", () => {
    const wrong = [
      "data: {}\n\n",
      "event: token\ndata: []\n\n",
      "event: token\ndata: {\n\n",
      "event: token\ndata: null\n\n",
      'event: token\ndata: {"a":1,"a":2}\n\n',
    ];
    for (const text of wrong) assert.throws(() => read([Buffer.from(text)]), refused("bad_request"), text);
    assert.throws(() => read([Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x0a])]), refused("bad_request", "json_invalid"));
  });

  it("beyond 1 MiB are refused before they are held whole, in one line or in many", () => {
    const large = Buffer.alloc(1_100_000, 0x61);
    for (const start of ["data: ", ": ", "event: "])
      assert.throws(() => read([Buffer.from(start), large]), refused("bad_request", "too_large"), start);
    const lines = Buffer.from("data: a\n".repeat(200_000));
    assert.throws(() => read([lines]), refused("bad_request", "too_large"));
    const comments = Buffer.from(": nothing\n".repeat(150_000));
    assert.deepEqual(read([comments]), []);
    const full = { event: "chunk", data: { text: "x".repeat(1_048_576 - 11) } };
    assert.deepEqual(read([Buffer.from(writer().frame(full))]), [full]);
  });

  it("that arrive byte by byte cost each byte once", () => {
    const parser = new EventParser();
    const text = Buffer.from(writer().frame({ event: "chunk", data: { text: "x".repeat(400_000) } }));
    const started = process.cpuUsage();
    let seen = 0;
    for (let at = 0; at < text.byteLength; at++) seen += parser.push(text.subarray(at, at + 1)).length;
    const used = process.cpuUsage(started);
    assert.equal(seen, 1);
    assert.ok(used.user + used.system < 5e6, `${used.user + used.system} µs`);
  });
});
