/** Topics as calls on the peer session that stands. @source network.md §1.4 "Pseudo-capabilities", 02 §7.2 */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { openTopics } from "../../../src/bus/index.ts";
import type { JsonValue, Topics } from "../../../src/contract/index.ts";
import { TYPE } from "../../../src/transport/session/record.ts";
import { tick } from "../../bus/make.ts";
import { until } from "../../support/until.ts";
import { Hand } from "../session/hand.ts";
import { Street, type House } from "../support/street.ts";

const NEWS = "marketplace.post.created";
const FEATURES = { features: ["req-to", "resp-sig", "peer-session"] };
const RATES = { softPerCapability: 1000, perAddress: 1000 };

interface Scene {
  street: Street;
  anna: House;
  ben: House;
  topics: Topics;
  heard: JsonValue[];
  ended: string[];
  stop: () => void;
  say: (data: JsonValue) => void;
  calls: () => number;
}

/** Ben has a session with Anna, and listens to her. */
async function settle(t: TestContext, topic: string = NEWS): Promise<Scene> {
  const street = new Street(t);
  const topics = openTopics({ epoch: "ONE" });
  const [anna, ben] = await street.neighbours({ anna: { listener: { rates: RATES, topics }, ...FEATURES }, ben: FEATURES });
  anna.offer();
  await street.meet(ben, anna);
  await ben.bus.call(ben.ask({ capability: "ext.demo.echo" }));
  await until("a session stands", () => ben.link.sessions.live(anna.nodeId));
  const [heard, ended]: [JsonValue[], string[]] = [[], []];
  const calls = (): number => ben.link.sessions.live(anna.nodeId)?.facts.calls ?? 0;
  const before = calls();
  const stop = ben.link.follow({
    to: anna.nodeId,
    endpoints: () => [anna.endpoint],
    topic,
    onMessage: (data) => heard.push(data),
    onEnd: (error) => ended.push((error as { code?: string }).code ?? ""),
  });
  t.after(stop);
  await until("it is a call on the session", () => calls() === before + 1);
  const say = (data: JsonValue): void => topics.publish({ topic: NEWS, data, from: { node_id: anna.nodeId } });
  return { street, anna, ben, topics, heard, ended, stop, say, calls };
}

describe("a topic on a peer session", () => {
  it("brings what is published, in order, and ends when nobody listens any more", async (t) => {
    const { anna, heard, stop, say } = await settle(t);
    await until("it listens", () => anna.listener.subscriptions() === 1);
    const wanted = Array.from({ length: 300 }, (_, n) => ({ n, text: "x".repeat(n) }));
    for (const [n, data] of wanted.entries()) {
      say(data);
      // The ring of a topic holds 256.
      if (n % 100 === 0) await until("as much came", () => heard.length === n + 1);
    }
    await until("all came", () => heard.length === wanted.length);
    assert.deepEqual(JSON.parse(JSON.stringify(heard)), wanted);
    stop();
    await until("the neighbour knows", () => anna.listener.subscriptions() === 0);
  });

  it("is taken up where it was, on whatever way there is, when the session ends", async (t) => {
    const { street, anna, ben, heard, say } = await settle(t);
    await until("it listens", () => anna.listener.subscriptions() === 1);
    say(1);
    await until("one came", () => heard.length === 1);
    for (const session of ben.link.sessions.sessions) session.drain("idle");
    street.clock.advance(40_000);
    await until("the session is over", () => ben.link.sessions.sessions.length === 0);
    say(2);
    await until("it is taken up again", async () => {
      street.clock.advance(1000);
      await tick();
      return heard.length === 2;
    });
    say(3);
    await until("all came", () => heard.length === 3);
    assert.deepEqual(heard, [1, 2, 3]);
  });

  it("is not for everybody here either", async (t) => {
    const { anna, ended } = await settle(t, "chat.message.somebody");
    await until("it has ended", () => ended.length === 1);
    assert.deepEqual([ended, anna.listener.subscriptions()], [["unauthorized"], 0]);
  });

  it("ends for whoever is revoked", async (t) => {
    const { anna, ben, ended } = await settle(t);
    await until("it listens", () => anna.listener.subscriptions() === 1);
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    await until("it has ended", () => ended.length === 1);
    assert.deepEqual([ended, anna.listener.subscriptions()], [["revoked"], 0]);
  });

  it("says where it stands, then what is published, each with its number; broken questions are refused", async (t) => {
    const topics = openTopics({ epoch: "ONE" });
    const [anna, ben] = await new Street(t).neighbours({ anna: { listener: { rates: RATES, topics }, ...FEATURES } });
    const say = (data: JsonValue): void => topics.publish({ topic: NEWS, data, from: { node_id: anna.nodeId } });
    const hand = await Hand.shake(anna, ben.signer);
    t.after(() => hand.webSocket.terminate());
    say("before");
    hand.data(hand.call({ cap: "sys.pubsub.subscribe", st: true, body: { topic: NEWS, since_seq: 0 } }, 1));
    const first = await hand.next(TYPE.event, 1);
    assert.deepEqual(JSON.parse(JSON.stringify(first.value)), {
      event: "ready",
      data: { topic: NEWS, epoch: "ONE.0", last_seq: 1, seq: 0 },
    });
    const second = await hand.next(TYPE.event, 1);
    assert.deepEqual(JSON.parse(JSON.stringify(second.value)), { event: "published", data: { seq: 1, message: "before" } });
    for (const [n, body] of [{}, { topic: 7 }, { topic: NEWS, since_seq: -1 }, { topic: NEWS, epoch: 7 }].entries()) {
      hand.data(hand.call({ cap: "sys.pubsub.subscribe", st: true, body }, 3 + 2 * n));
      assert.equal((await hand.next(TYPE.error, 3 + 2 * n)).value["error"], "bad_request", JSON.stringify(body));
    }
  });
});
