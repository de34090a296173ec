import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { openTopics } from "../../../src/bus/index.ts";
import type { JsonObject, JsonValue, Topics } from "../../../src/contract/index.ts";
import { tick } from "../../bus/make.ts";
import { until } from "../../support/until.ts";
import { letter, post, refusalOf, type Answer } from "../support/letters.ts";
import { shareStreet } from "../support/shared-street.ts";
import { first, line, type FirstFacts, type Line } from "../support/sockets.ts";
import { Street, type House, type Scope } from "../support/street.ts";

const RATES = { softPerCapability: 1000, perAddress: 1000 };
const NEWS = "community.member.added";

interface Told {
  street: Street;
  anna: House;
  ben: House;
  topics: Topics;
  publish(data: JsonValue, topic?: string): void;
}

async function settle(street: Street): Promise<[House, House]> {
  return street.neighbours({ anna: { listener: { rates: RATES, topics: SHARED } } });
}

const SHARED = openTopics({ epoch: "EPOCH" });

function told(street: Street, anna: House, ben: House, topics: Topics): Told {
  return {
    street,
    anna,
    ben,
    topics,
    publish: (data, topic = NEWS) => topics.publish({ topic, data, from: { node_id: anna.nodeId } }),
  };
}

/** Asks by a long poll. */
function poll({ anna, street }: Told, by: House, query: Record<string, string>): Promise<Answer & { text: string }> {
  return post(
    anna,
    letter(by.signer, anna, {
      capability: "sys.pubsub.subscribe",
      method: "GET",
      body: query,
      path: `/pubsub/v1/subscribe?${new URLSearchParams(query).toString()}`,
      at: street.clock.now(),
    }),
  );
}

async function listen(
  t: Scope,
  { anna, street }: Told,
  by: House,
  body: JsonObject,
  o: FirstFacts & { path?: string } = {},
): Promise<Line> {
  const held = await line(t, anna, { path: o.path ?? "/pubsub/v1/subscribe" });
  held.say(first(by.signer, anna, { capability: "sys.pubsub.subscribe", body, at: street.clock.now(), ...o }));
  return held;
}

describe("asking for news by long poll (02 §7.2)", async () => {
  const { street, anna, ben } = await shareStreet(settle);
  const here = told(street, anna, ben, SHARED);

  it("is answered at once when there is something newer, signed like any answer", async () => {
    here.publish({ n: 1 });
    const answer = await poll(here, ben, { topic: NEWS, last_seq: "0" });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { topic: NEWS, epoch: "EPOCH.0", messages: [{ seq: 1, data: { n: 1 } }], last_seq: 1 });
    assert.ok(answer.headers["x-hearthnet-signature"]);
  });

  it("waits until something is published", async () => {
    const waiting = poll(here, ben, { topic: NEWS, last_seq: "1" });
    await until("the poll waits", () => anna.listener.subscriptions() === 1);
    here.publish({ n: 0 }, "marketplace.post.created");
    here.publish({ n: 2 });
    assert.deepEqual((await waiting).body["messages"], [{ seq: 2, data: { n: 2 } }]);
  });

  it("says after 30 s that there was nothing, or when it was asked to, after 50 s at the latest", async () => {
    for (const [timeout, ms] of [
      [undefined, 30_000],
      ["2", 2000],
      ["500", 50_000],
    ] as const) {
      let answered = false;
      const waiting = poll(here, ben, { topic: NEWS, last_seq: "2", ...(timeout === undefined ? {} : { timeout }) });
      void waiting.then(() => (answered = true));
      await until("the poll waits", () => anna.listener.subscriptions() === 1);
      street.clock.advance(ms - 1);
      await tick();
      assert.equal(answered, false);
      street.clock.advance(1);
      assert.deepEqual((await waiting).body, { topic: NEWS, epoch: "EPOCH.0", timeout: true, last_seq: 2 });
    }
  });

  it("of another epoch gets everything that is there, and hears of the gap", async () => {
    const answer = await poll(here, ben, { topic: NEWS, last_seq: "2", epoch: "OLD.0" });
    assert.equal((answer.body["messages"] as unknown[]).length, 2);
    assert.equal(answer.body["gap"], true);
  });

  it("is refused with numbers that are none, and without a topic", async () => {
    for (const query of [{ topic: NEWS, last_seq: "-1" }, { topic: NEWS, timeout: "soon" }, { last_seq: "1" }] as Record<
      string,
      string
    >[])
      assert.match(refusalOf(await poll(here, ben, query), anna, { from: ben.nodeId }), /^400 bad_request/);
  });

  it("is let be by eight polls of one caller at a time, not more (T-16)", async () => {
    const waiting = Array.from({ length: 8 }, () => poll(here, ben, { topic: NEWS, last_seq: "2" }));
    await until("eight wait", () => anna.listener.subscriptions() === 8);
    const ninth = await poll(here, ben, { topic: NEWS, last_seq: "2" });
    assert.match(refusalOf(ninth, anna, { from: ben.nodeId }), /^429 rate_limited/);
    assert.ok(Number(ninth.headers["retry-after"]) >= 1);
    street.clock.advance(50_000);
    await Promise.all(waiting);
    await until("all have ended", () => anna.listener.subscriptions() === 0);
  });

  it("ends with its connection", async () => {
    const before = anna.listener.subscriptions();
    const controller = new AbortController();
    const leaving = fetchAborted(here, ben, controller.signal);
    await until("the poll waits", () => anna.listener.subscriptions() === before + 1);
    controller.abort();
    await leaving;
    await until("it is forgotten", () => anna.listener.subscriptions() === before);
  });
});

async function fetchAborted(here: Told, by: House, signal: AbortSignal): Promise<void> {
  const { request } = await import("node:https");
  const query = { topic: NEWS, last_seq: "2" };
  const one = letter(by.signer, here.anna, {
    capability: "sys.pubsub.subscribe",
    method: "GET",
    body: query,
    path: `/pubsub/v1/subscribe?${new URLSearchParams(query).toString()}`,
    at: here.street.clock.now(),
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const call = request(`${here.anna.listener.url}${one.path}`, {
    headers: one.headers,
    rejectUnauthorized: false,
    agent: false,
    signal,
  });
  call.on("error", () => resolve());
  call.end();
  await promise;
}

describe("hearing news over a WebSocket (02 §8)", async () => {
  const { street, anna, ben } = await shareStreet(settle);
  const here = told(street, anna, ben, SHARED);

  it("begins with epoch and number, then comes what is published", async (t) => {
    const topic = "marketplace.post.expired";
    here.publish("before", topic);
    const held = await listen(t, here, ben, { topic });
    await until("it is there", () => held.frames.length === 1);
    assert.deepEqual(held.frames[0], { event: "ready", data: { topic, epoch: "EPOCH.0", last_seq: 1 }, seq: 1 });
    here.publish("one", topic);
    here.publish("two", topic);
    await until("both came", () => held.frames.length === 3);
    assert.deepEqual(held.frames.slice(1), [
      { event: "published", data: "one", seq: 2 },
      { event: "published", data: "two", seq: 3 },
    ]);
  });

  it("brings first what came since a number (T-15)", async (t) => {
    const topic = "marketplace.post.updated";
    for (let n = 1; n <= 5; n += 1) here.publish(n, topic);
    const held = await listen(t, here, ben, { topic, since_seq: 3 });
    await until("both came", () => held.frames.length === 3);
    assert.deepEqual(
      held.frames.map(({ event, seq }) => [event, seq]),
      [
        ["ready", 3],
        ["published", 4],
        ["published", 5],
      ],
    );
  });

  it("is held to a window of 16, and tells of what was lost meanwhile", async (t) => {
    const topic = "federation.peer.added";
    const held = await listen(t, here, ben, { topic });
    await until("it is there", () => held.frames.length === 1);
    for (let n = 1; n <= 400; n += 1) here.publish(n, topic);
    await until("the window is full", () => held.frames.length === 16);
    held.say({ type: "ack", upto: 15 });
    await until("more came", () => held.frames.length > 16);
    const gap = await until("the gap is told", () => held.frames.find(({ event }) => event === "gap"));
    assert.equal(typeof gap.data["last_seq"], "number");
    held.socket.terminate();
    await until("it is forgotten", () => anna.listener.subscriptions() === 0);
  });

  it("must say in the address what it says in the message, and takes the topic in the path as well", async (t) => {
    const wrong = await listen(t, here, ben, { topic: NEWS }, { path: "/pubsub/v1/subscribe?topic=node.manifest.updated" });
    assert.equal(await wrong.closed, 4400);
    const right = await listen(t, here, ben, { topic: NEWS }, { path: `/pubsub/v1/subscribe?topic=${NEWS}` });
    await until("it is there", () => right.frames.length === 1);
    const alias = await listen(t, here, ben, { topic: NEWS }, { path: `/pubsub/v1/ws/${NEWS}` });
    await until("it is there", () => alias.frames.length === 1);
    const other = await listen(t, here, ben, { topic: NEWS }, { path: "/pubsub/v1/ws/node.manifest.updated" });
    assert.equal(await other.closed, 4400);
  });

  it("stays open as long as pings are answered, and ends on a cancel", async (t) => {
    const held = await listen(t, here, ben, { topic: NEWS });
    let pings = 0;
    held.socket.on("ping", () => (pings += 1));
    await until("it is there", () => held.frames.length === 1);
    for (let n = 1; n <= 6; n += 1) {
      street.clock.advance(30_000);
      await until("a ping is there", () => pings === n);
      held.say({ type: "ack", upto: held.frames[0]?.seq });
      await tick();
      await until("the pong has arrived", async () => (await poll(here, ben, { topic: NEWS, last_seq: "0" })).status === 200);
    }
    assert.equal(held.code, undefined);
    held.say({ type: "cancel" });
    assert.equal(await held.closed, 1000);
    assert.equal(held.frames.at(-1)?.event, "done");
  });

  it("takes nothing else from the client", async (t) => {
    const held = await listen(t, here, ben, { topic: NEWS });
    await until("it is there", () => held.frames.length === 1);
    held.say({ type: "frame", event: "piece", data: {}, seq: 1 });
    assert.equal(await held.closed, 4400);
  });

  it("is for 32 topics of one caller (T-16)", async (t) => {
    const open: Line[] = [];
    for (let n = 0; n < 32; n += 1) open.push(await listen(t, here, ben, { topic: `observability.metrics.tick.c${n}` }));
    await until("all listen", () => open.every(({ frames }) => frames.length === 1));
    const one = await listen(t, here, ben, { topic: "observability.metrics.tick.c32" });
    assert.equal(await one.closed, 4429);
    const again = await listen(t, here, ben, { topic: "observability.metrics.tick.c31" });
    await until("the same topic again is none more", () => again.frames.length === 1);
    for (const { socket } of [...open, again]) socket.terminate();
    await until("all are forgotten", () => anna.listener.subscriptions() <= 3);
  });
});

describe("who may hear a topic (02 §7.2)", async () => {
  const topics = openTopics();
  const { street, anna, ben } = await shareStreet(async (made) => {
    const pair = await made.neighbours({ anna: { listener: { rates: RATES, topics } } });
    return pair;
  });
  const here = told(street, anna, ben, topics);
  const ask = async (by: House, topic: string): Promise<string> => {
    topics.publish({ topic, data: { author: "x" }, from: { node_id: anna.nodeId } });
    const answer = await poll(here, by, { topic, last_seq: "0", timeout: "0" });
    return answer.status === 200 ? "200" : refusalOf(answer, anna, { from: by.nodeId });
  };

  it("is for members, for the one it is named after, for anchors; and nobody where only a plugin would know", async () => {
    const other = `ed25519:${"A".repeat(43)}`;
    const table: [topic: string, ben: string, anna: string][] = [
      ["community.member.added", "200", "200"],
      ["community.member.revoked", "200", "200"],
      ["node.manifest.updated", "200", "200"],
      ["marketplace.post.created", "200", "200"],
      ["marketplace.post.updated", "200", "200"],
      ["marketplace.post.expired", "200", "200"],
      [`chat.message.${ben.nodeId}`, "200", "401 unauthorized"],
      [`chat.message.${other}`, "401 unauthorized", "401 unauthorized"],
      [`chat.message.${ben.nodeId.slice(0, 20)}`, "401 unauthorized", "401 unauthorized"],
      ["chat.thread.message.01J9Z3K8V4Q2N7M5C6B1A0XWYT", "401 unauthorized", "401 unauthorized"],
      ["federation.peer.added", "200", "200"],
      [`federation.peer.heartbeat.${other}`, "200", "200"],
      ["auth.token.issued", "200", "200"],
      [`e2e.prekey.request.${ben.nodeId}`, "200", "401 unauthorized"],
      [`e2e.session.handshake.${ben.nodeId}`, "200", "401 unauthorized"],
      ["file.replication.request.ab12", "401 unauthorized", "200"],
      ["mobile.push.device1", "401 unauthorized", "401 unauthorized"],
      [`observability.metrics.tick.${other}`, "200", "200"],
      ["emergency.mode.changed", "404 not_found", "404 not_found"],
      ["capability.registered", "404 not_found", "404 not_found"],
      ["capability.deregistered", "404 not_found", "404 not_found"],
      ["ext.acme.news", "404 not_found", "404 not_found"],
      ["community.member.added.x", "404 not_found", "404 not_found"],
      ["chat.message", "404 not_found", "404 not_found"],
    ];
    for (const [topic, forBen, forAnna] of table) {
      assert.equal(await ask(ben, topic), forBen, `${topic} for a member`);
      assert.equal(await ask(anna, topic), forAnna, `${topic} for an anchor`);
    }
  });

  it("is for nobody who is no member, whatever community they name (T-9)", async () => {
    const eve = await street.house("Eve");
    assert.equal(await ask(eve, "community.member.added"), "401 unauthorized");
    const asStranger = letter(ben.signer, anna, {
      capability: "sys.pubsub.subscribe",
      method: "GET",
      body: { topic: NEWS },
      path: `/pubsub/v1/subscribe?topic=${NEWS}`,
      community: ben.nodeId,
      at: street.clock.now(),
    });
    assert.equal(refusalOf(await post(anna, asStranger), anna, { from: ben.nodeId }), "401 unauthorized");
  });

  it("shows of tokens those that concern the asker", async () => {
    const topic = "auth.token.issued";
    const event = (author: string, subject: string): JsonObject => ({ author, data: { subject } });
    const base = topics.since(topic, { seq: 0 }).last_seq;
    for (const data of [event(ben.nodeId, "x"), event("x", ben.nodeId), event("x", "y")])
      topics.publish({ topic, data, from: { node_id: anna.nodeId } });
    const { body } = await poll(here, ben, { topic, last_seq: String(base) });
    assert.deepEqual(body["messages"], [
      { seq: base + 1, data: event(ben.nodeId, "x") },
      { seq: base + 2, data: event("x", ben.nodeId) },
    ]);
    assert.equal(body["last_seq"], base + 3);
  });

  it("is asked of whoever knows, where there is one", async (t) => {
    const own = new Street(t);
    const isThreadMember = (thread: string, node: string): boolean => thread === "T1" && node === guest.nodeId;
    const [host, guest] = await own.neighbours({
      anna: { listener: { topics: openTopics(), topicGuard: { isThreadMember, isRelayOf: () => false } } },
    });
    const there = told(own, host, guest, openTopics());
    const query = { last_seq: "0", timeout: "0" };
    assert.equal((await poll(there, guest, { topic: "chat.thread.message.T1", ...query })).status, 200);
    assert.equal((await poll(there, guest, { topic: "chat.thread.message.T2", ...query })).status, 401);
  });
});

/** Ben listens to Anna's news by a WebSocket and by a poll. */
async function listening(t: TestContext) {
  const topics = openTopics();
  const street = new Street(t);
  const [anna, ben] = await street.neighbours({ anna: { listener: { topics } } });
  const here = told(street, anna, ben, topics);
  const held = await listen(t, here, ben, { topic: NEWS });
  await until("it is there", () => held.frames.length === 1);
  const waiting = poll(here, ben, { topic: NEWS, last_seq: "0" });
  await until("both listen", () => anna.listener.subscriptions() === 2);
  return { anna, ben, held, waiting };
}

describe("a revoked neighbour's subscriptions (04 E-10)", () => {
  it("end with the event: WebSocket with 4403, poll with 403", async (t) => {
    const { anna, ben, held, waiting } = await listening(t);
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    assert.equal(await held.closed, 4403);
    assert.equal(held.frames.at(-1)?.data["error"], "revoked");
    assert.match(refusalOf(await waiting, anna, { from: ben.nodeId }), /^403 revoked/);
    assert.equal(anna.listener.subscriptions(), 0);
  });
});

describe("subscriptions of a node that stops", () => {
  it("end at once: WebSocket with 1001, poll with an answer", async (t) => {
    const { anna, held, waiting } = await listening(t);
    await anna.listener.close();
    assert.equal(await held.closed, 1001);
    assert.equal((await waiting).body["timeout"], true);
  });
});
