import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { openTopics } from "../../../src/bus/index.ts";
import type { JsonValue, Topics } from "../../../src/contract/index.ts";
import { tick } from "../../bus/make.ts";
import { until } from "../../support/until.ts";
import { line } from "../support/sockets.ts";
import { Street, type House } from "../support/street.ts";

const NEWS = "marketplace.post.created";
const RATES = { softPerCapability: 1000, perAddress: 1000 };

interface Ear {
  heard: JsonValue[];
  gaps: number;
  ended: string[];
  stop: () => void;
}

function follow(t: TestContext, by: House, whom: House, topic = NEWS): Ear {
  const ear: Ear = { heard: [], gaps: 0, ended: [], stop: () => undefined };
  ear.stop = by.link.follow({
    to: whom.nodeId,
    endpoints: () => [whom.endpoint],
    topic,
    onMessage: (data) => ear.heard.push(data),
    onGap: () => (ear.gaps += 1),
    onEnd: (error) => ear.ended.push((error as { code?: string }).code ?? ""),
  });
  t.after(() => ear.stop());
  return ear;
}

describe("listening to a neighbour's topic (02 §7.2)", () => {
  async function settle(
    t: TestContext,
  ): Promise<{ street: Street; anna: House; ben: House; say: (data: JsonValue) => void; topics: Topics }> {
    const street = new Street(t);
    const topics = openTopics({ epoch: "ONE" });
    const [anna, ben] = await street.neighbours({ anna: { listener: { rates: RATES, topics } } });
    return { street, anna, ben, topics, say: (data) => topics.publish({ topic: NEWS, data, from: { node_id: anna.nodeId } }) };
  }

  /** Time passes until the neighbour is listened to again. */
  async function again(street: Street, anna: House): Promise<void> {
    await until("it is taken up again", async () => {
      street.clock.advance(1000);
      await tick();
      return anna.listener.subscriptions() === 1;
    });
  }

  it("brings what is published from now on, in order and as often as the window turns", async (t) => {
    const { anna, ben, say } = await settle(t);
    say("before");
    const ear = follow(t, ben, anna);
    await until("it listens", () => anna.listener.subscriptions() === 1);
    for (let n = 1; n <= 100; n += 1) say(n);
    await until("all came", () => ear.heard.length === 100);
    assert.deepEqual(
      ear.heard,
      Array.from({ length: 100 }, (_, n) => n + 1),
    );
    ear.stop();
    await until("the neighbour knows", () => anna.listener.subscriptions() === 0);
  });

  it("is taken up where it was when the connection breaks", async (t) => {
    const { street, anna, ben, topics, say } = await settle(t);
    const ear = follow(t, ben, anna);
    await until("it listens", () => anna.listener.subscriptions() === 1);
    say(1);
    await until("one came", () => ear.heard.length === 1);
    await anna.restart({ topics, rates: RATES });
    say(2);
    await again(street, anna);
    say(3);
    await until("all came", () => ear.heard.length === 3);
    assert.deepEqual([ear.heard, ear.gaps], [[1, 2, 3], 0]);
  });

  it("begins anew with another start of the neighbour, and tells of the gap", async (t) => {
    const { street, anna, ben, say } = await settle(t);
    const ear = follow(t, ben, anna);
    await until("it listens", () => anna.listener.subscriptions() === 1);
    for (const n of [1, 2, 3]) say(n);
    await until("they came", () => ear.heard.length === 3);
    const other = openTopics({ epoch: "TWO" });
    await anna.restart({ topics: other, rates: RATES });
    other.publish({ topic: NEWS, data: "new", from: { node_id: anna.nodeId } });
    await again(street, anna);
    await until("it came", () => ear.heard.length === 4);
    assert.deepEqual([ear.heard[3], ear.gaps], ["new", 1]);
  });

  it("goes by long poll where there is no WebSocket", async (t) => {
    const { anna, ben, say } = await settle(t);
    const full = await Promise.all(Array.from({ length: 8 }, () => line(t, anna)));
    say("before");
    const ear = follow(t, ben, anna);
    await until("a poll waits", () => anna.listener.subscriptions() === 1);
    say("now");
    await until("it came", () => ear.heard.length === 1);
    await until("the next poll waits", () => anna.listener.subscriptions() === 1);
    say("later");
    await until("it came", () => ear.heard.length === 2);
    assert.deepEqual(ear.heard, ["now", "later"]);
    for (const { socket } of full) socket.terminate();
  });

  it("ends where it is not for this node, and with a revocation", async (t) => {
    const { anna, ben } = await settle(t);
    const none = follow(t, ben, anna, "capability.registered");
    const others = follow(t, ben, anna, `chat.message.${anna.nodeId}`);
    await until("both have ended", () => none.ended.length + others.ended.length === 2);
    assert.deepEqual([none.ended, others.ended], [["not_found"], ["unauthorized"]]);
    const ear = follow(t, ben, anna);
    await until("it listens", () => anna.listener.subscriptions() === 1);
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    await until("it has ended", () => ear.ended.length === 1);
    assert.deepEqual(ear.ended, ["revoked"]);
  });

  it("is given up by the listener when the neighbour is revoked (04 E-10)", async (t) => {
    const { anna, ben } = await settle(t);
    const ear = follow(t, anna, ben);
    await until("it listens", () => ben.listener.subscriptions() === 1);
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    await until("it has ended", () => ear.ended.length === 1);
    assert.deepEqual(ear.ended, ["revoked"]);
  });
});
