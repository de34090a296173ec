import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { JsonObject } from "../../../src/contract/index.ts";
import { parseStrictJson } from "../../../src/foundation/index.ts";
import { readCallFacts } from "../../../src/transport/session/served-call.ts";

const RID = "01J9Z3K8V4Q2N7M5C6B1A0XWYT";
const TRACE = "01J9Z3K8V4Q2N7M5C6B1A0XWYU";
const MIB = 1_048_576;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Text that came as bytes lies outside the heap. */
function used(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The ids of one call with much to say. */
function idsOf(n: number): [string, string] {
  const text = `{"cap":"ext.a.b","ver":"1.0","rid":"${RID}","tr":"${TRACE}","body":{"input":{"text":"${"abcdefghij"[n % 10]?.repeat(MIB)}"}}}`;
  const { requestId, traceId } = readCallFacts(parseStrictJson(Buffer.from(text)) as JsonObject);
  return [requestId, traceId];
}

test("the ids of calls, which are remembered, do not keep the calls themselves in memory", () => {
  const before = used();
  const kept = Array.from({ length: 96 }, (_, n) => idsOf(n));
  const grown = (used() - before) / MIB;
  assert.deepEqual(kept.at(-1), [RID, TRACE]);
  assert.ok(grown < 32, `${kept.length} calls of 1 MiB have left ${grown.toFixed(1)} MiB`);
});
