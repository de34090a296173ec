import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { openTopics } from "../../../src/bus/index.ts";
import type { JsonValue, TopicMessage } from "../../../src/contract/index.ts";

const from = { node_id: "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg" };
const message = (data: JsonValue, topic = "t.one"): TopicMessage => ({ topic, data, from });

describe("what was published on a topic (T-16)", () => {
  it("is numbered from 1 for each topic, and is there for who asks what came after a number", () => {
    const topics = openTopics({ epoch: "E1" });
    topics.publish(message("a"));
    topics.publish(message("other", "t.two"));
    topics.publish(message("b"));
    assert.deepEqual(topics.since("t.one", { seq: 0 }), {
      epoch: "E1.0",
      messages: [
        { seq: 1, data: "a" },
        { seq: 2, data: "b" },
      ],
      last_seq: 2,
    });
    assert.deepEqual(topics.since("t.one", { seq: 1 }).messages, [{ seq: 2, data: "b" }]);
    assert.deepEqual(topics.since("t.one", { seq: 2 }), { epoch: "E1.0", messages: [], last_seq: 2 });
    assert.deepEqual(topics.since("t.never", { seq: 0 }), { epoch: "E1.0", messages: [], last_seq: 0 });
  });

  it("is kept as a ring of 256, and a gap says that more has gone", () => {
    const topics = openTopics();
    for (let n = 1; n <= 300; n += 1) topics.publish(message(n));
    const all = topics.since("t.one", { seq: 0 });
    assert.deepEqual([all.messages.length, all.messages[0]?.seq, all.last_seq, all.gap], [256, 45, 300, true]);
    assert.equal(topics.since("t.one", { seq: 44 }).gap, undefined);
    assert.equal(topics.since("t.one", { seq: 43 }).gap, true);
  });

  it("starts anew with another epoch: old numbers count as none, and as a gap", () => {
    const topics = openTopics({ epoch: "E2" });
    topics.publish(message("new"));
    const found = topics.since("t.one", { seq: 1, epoch: "E1.0" });
    assert.deepEqual([found.messages.length, found.gap], [1, true]);
    assert.deepEqual(topics.since("t.one", { seq: 7 }).messages.length, 1, "a number that was never given");
  });

  it("from a neighbour is handed on here and kept for nobody", () => {
    const topics = openTopics();
    const heard: JsonValue[] = [];
    const end = topics.subscribe(({ data }) => heard.push(data));
    topics.receive(message("theirs"));
    end();
    topics.receive(message("later"));
    assert.deepEqual(heard, ["theirs"]);
    assert.equal(topics.since("t.one", { seq: 0 }).last_seq, 0);
  });

  it("is bounded over all topics: bytes and names, and who missed something is told", () => {
    const topics = openTopics();
    const big = "x".repeat(60_000);
    for (let n = 0; n < 600; n += 1) topics.publish(message(big, `t.topic_${n % 6}`));
    const kept = [0, 1, 2, 3, 4, 5].map((n) => topics.since(`t.topic_${n}`, { seq: 0 }));
    const bytes = kept.flatMap(({ messages }) => messages).length * 60_002;
    assert.ok(bytes <= 16_777_216 && bytes > 16_000_000, `${bytes} bytes are kept`);
    assert.ok(kept.every(({ gap, last_seq }) => gap === true && last_seq === 100));
    const first = topics.since("t.topic_0", { seq: 0 }).epoch;
    for (let n = 0; n < 1200; n += 1) topics.publish(message(n, `t.many_${n}`));
    assert.notEqual(topics.since("t.topic_0", { seq: 0 }).epoch, first, "a forgotten topic has another epoch");
  });

  it("holds whatever was published and asked (property)", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(400)), { maxLength: 60 }), fc.nat(500), (bursts, asked) => {
        const topics = openTopics();
        const counts = [0, 0, 0, 0];
        for (const [topic, size] of bursts)
          for (let n = 0; n < size; n += 1) topics.publish(message((counts[topic] = (counts[topic] ?? 0) + 1), `t.n${topic}`));
        for (const [topic, count] of counts.entries()) {
          const { messages, last_seq, gap } = topics.since(`t.n${topic}`, { seq: asked });
          const after = asked > count ? 0 : asked;
          assert.equal(last_seq, count);
          assert.equal(messages.length, Math.min(256, count - after));
          assert.ok(messages.every(({ seq, data }, n) => seq === data && seq === count - messages.length + 1 + n));
          assert.equal(gap === true, count - after > 256 || asked > count);
        }
      }),
    );
  });
});
