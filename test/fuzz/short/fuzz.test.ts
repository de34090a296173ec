import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fuzz as bundleReader } from "../bundle-reader.ts";
import { fuzz as canonicalJson } from "../canonical-json.ts";
import { fuzz as eventStream } from "../event-stream.ts";
import { fuzz as frameCodec } from "../frame-codec.ts";
import type { FuzzReport } from "../harness.ts";
import { fuzz as inviteReader } from "../invite-reader.ts";
import { fuzz as lanPackets } from "../lan-packets.ts";
import { fuzz as packageReader } from "../package-reader.ts";
import { fuzz as requestHeaders } from "../request-headers.ts";
import { fuzz as sessionFrames } from "../session-frames.ts";
import { fuzz as sessionHello } from "../session-hello.ts";
import { fuzz as sessionRecords } from "../session-records.ts";
import { fuzz as socketMessages } from "../socket-messages.ts";
import { fuzz as strictParser } from "../strict-parser.ts";
import { fuzz as tokenReader } from "../token-reader.ts";

const seed = Number(process.env["HN_SEED"] ?? 20_260_701);
const TARGETS: [name: string, fuzz: (o: { runs: number; seed: number }) => Promise<FuzzReport>, runs: number][] = [
  ["the strict parser neither crashes, hangs nor disagrees with JSON.parse (01 I-4)", strictParser, 8000],
  ["the invite reader takes only what was signed (01 §7, I-14)", inviteReader, 3000],
  ["the canonical writer agrees with RFC 8785 on I-JSON (01 §3)", canonicalJson, 8000],
  ["the frame codec reads the same in pieces and ends a faulty connection (plugin-platform §5)", frameCodec, 3000],
  ["the package reader takes the publisher's content and nothing else (marketplace §5.1)", packageReader, 300],
  ["the reader of bundles takes only what was promised (marketplace §8)", bundleReader, 2000],
  ["the header reader takes no header twice and no malformed claim (02 T-5)", requestHeaders, 8000],
  ["the readers of packets from the local network take nothing outside its limits (01 §9)", lanPackets, 4000],
  ["a frame of a peer session opens only as it was sealed (network.md §1.4)", sessionFrames, 4000],
  ["the records of a frame are read whole, or the frame is refused (network.md §1.4)", sessionRecords, 8000],
  ["HELLO is answered only when it is well-formed, fresh and meant for this node (network.md §1.2)", sessionHello, 2000],
  [
    "a WebSocket's first message and its client's frames are taken in order or not at all (02 §8, T-15, T-17)",
    socketMessages,
    4000,
  ],
  ["the token reader takes only what was signed (05 K-1, K-2)", tokenReader, 4000],
  ["the reader of streams reads the same in pieces (02 §7.1)", eventStream, 4000],
];

describe("readers under random input", () => {
  for (const [name, fuzz, runs] of TARGETS)
    it(name, async (t) => {
      const report = await fuzz({ runs, seed });
      t.diagnostic(JSON.stringify(report));
      assert.deepEqual([report.crashes, report.hangs], [0, 0], report.first ?? "");
      assert.ok(report.accepted > runs / 50, "too few inputs were sound");
    });
});
