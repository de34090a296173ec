import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { JsonObject } from "../../src/contract/index.ts";
import { parseStrictJson } from "../../src/foundation/index.ts";
import type { Passage } from "../../src/transport/inbound/passage.ts";
import { readCallFacts } from "../../src/transport/session/served-call.ts";
import { readFirstMessage } from "../../src/transport/websocket/first-message.ts";

const RID = "01J9Z3K8V4Q2N7M5C6B1A0XWYT";
const TRACE = "01J9Z3K8V4Q2N7M5C6B1A0XWYU";
const NODE = `ed25519:${generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x}`;
const MIB = 1_048_576;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Text that came as bytes lies outside the heap. */
function used(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A body with much to say. */
const bodyOf = (n: number): string => `{"params":{},"input":{"text":"${"abcdefghij"[n % 10]?.repeat(MIB)}"}}`;

function bySession(n: number): string[] {
  const text = `{"cap":"ext.a.b","ver":"1.0","rid":"${RID}","tr":"${TRACE}","body":${bodyOf(n)}}`;
  const { requestId, traceId } = readCallFacts(parseStrictJson(Buffer.from(text)) as JsonObject);
  return [requestId, traceId];
}

function byWebSocket(n: number): string[] {
  const ids = `"request_id":"${RID}","from":"${NODE}","community":"${NODE}"`;
  const envelope = `{"capability":"ext.a.b","version":"1.0",${ids},"timestamp":"2026-07-01T12:00:00Z","body":${bodyOf(n)}}`;
  const passage = { rule: { capability: undefined } } as unknown as Passage;
  const text = Buffer.from(`{"type":"call","signature":"ed25519:${"A".repeat(86)}","envelope":${envelope}}`);
  readFirstMessage(passage, text, { fields: new Map(), maxBytes: 2 * MIB });
  return [passage.headers?.request_id ?? "", passage.headers?.from ?? ""];
}

for (const [way, idsOf, ids] of [
  ["on a session", bySession, [RID, TRACE]],
  ["by WebSocket", byWebSocket, [RID, NODE]],
] as const)
  test(`the ids of calls ${way}, which are remembered, do not keep the calls themselves in memory`, () => {
    const before = used();
    const kept = Array.from({ length: 96 }, (_, n) => idsOf(n));
    const grown = (used() - before) / MIB;
    assert.deepEqual(kept.at(-1), ids);
    assert.ok(grown < 32, `${kept.length} calls of 1 MiB have left ${grown.toFixed(1)} MiB`);
  });
