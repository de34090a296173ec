import assert from "node:assert/strict";
import { test } from "node:test";
import { queryObjects } from "node:v8";
import { Rings } from "../../../src/bus/topics/rings.ts";
import { CONSTANTS, type JsonValue } from "../../../src/contract/index.ts";

class Said {
  readonly text = "a message";
}

test("of what a ring has dropped nothing stays in memory (02 T-16)", () => {
  const rings = new Rings("e");
  for (let n = 0; n < 2 * CONSTANTS.TOPIC_RING_MESSAGES; n += 1) rings.add("ext.a.b", new Said() as unknown as JsonValue);
  const { messages } = rings.since("ext.a.b", { seq: 0 });
  assert.equal(messages.length, CONSTANTS.TOPIC_RING_MESSAGES);
  assert.equal(queryObjects(Said, { format: "count" }), CONSTANTS.TOPIC_RING_MESSAGES);
});
