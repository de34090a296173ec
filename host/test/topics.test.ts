import assert from "node:assert/strict";
import { it } from "node:test";
import { openTopics } from "../src/bus/index.ts";
import type {
  BusChange,
  Event,
  Grant,
  JsonValue,
  PeerRow,
  PluginStatus,
  TopicFollowing,
  TopicMessage,
} from "../src/contract/index.ts";
import { ManualClock, silentLog } from "../src/foundation/index.ts";
import { followNeighbours } from "../src/neighbour-topics.ts";
import { tellTopics } from "../src/topic-tales.ts";

const ME = `ed25519:${"A".repeat(43)}`;
const COMMUNITY = `ed25519:${"C".repeat(43)}`;

it("news of the log stand on their topics, and what is no id names none (02 §7.2, 04 §5)", () => {
  const topics = openTopics();
  let onEvent: (event: Event) => void = () => undefined;
  const end = tellTopics({
    topics,
    community: { onEvent: (listener) => ((onEvent = listener), () => (onEvent = (): void => undefined)) },
    bus: { onChange: () => () => undefined },
    nodeId: ME,
    clock: new ManualClock(),
    manifest: () => Promise.reject(new Error("not asked for")),
    log: silentLog,
  });
  const table: [type: string, data: Record<string, string>, topic: string | undefined][] = [
    ["community.member.joined", {}, "community.member.added"],
    ["community.member.revoked", {}, "community.member.revoked"],
    ["market.post.created", {}, "marketplace.post.created"],
    ["market.post.expired", {}, "marketplace.post.expired"],
    ["chat.message.sent", { recipient: ME }, `chat.message.${ME}`],
    ["chat.thread.message.sent", { thread_id: "01J9Z3K8V4Q2N7M5C6B1A0XWYT" }, "chat.thread.message.01J9Z3K8V4Q2N7M5C6B1A0XWYT"],
    ["federation.heartbeat", { peer_community_id: COMMUNITY }, `federation.peer.heartbeat.${COMMUNITY}`],
    ["auth.token.issued", {}, "auth.token.issued"],
    ["chat.message.sent", { recipient: "a b" }, undefined],
    ["chat.message.sent", {}, undefined],
    ["community.policy.updated", {}, undefined],
  ];
  const heard: TopicMessage[] = [];
  topics.subscribe((message) => heard.push(message));
  for (const [event_type, data, topic] of table) {
    heard.length = 0;
    const event = { event_type, data } as unknown as Event;
    onEvent(event);
    assert.deepEqual(
      heard.map((message) => [message.topic, message.data, message.from]),
      topic === undefined ? [] : [[topic, event, { node_id: ME }]],
    );
  }
  end();
  heard.length = 0;
  onEvent({ event_type: "auth.token.issued", data: {} } as unknown as Event);
  assert.deepEqual(heard, []);
});

it("what comes and goes on the bus is told here, and the node's own description once for a burst", async () => {
  const topics = openTopics();
  const clock = new ManualClock();
  let change: (change: BusChange) => void = () => undefined;
  tellTopics({
    topics,
    community: { onEvent: () => () => undefined },
    bus: { onChange: (listener) => ((change = listener), () => undefined) },
    nodeId: ME,
    clock,
    manifest: () => ({ node_id: ME }) as never,
    log: silentLog,
  });
  const entry = { node_id: ME, is_local: true, descriptor: { name: "ext.demo.echo", version: [1, 0] } };
  for (const kind of ["added", "updated", "removed"] as const) change({ kind, entry } as never);
  const facts = { node_id: ME, name: "ext.demo.echo", version: "1.0" };
  assert.deepEqual(topics.since("capability.registered", { seq: 0 }).messages, [{ seq: 1, data: facts }]);
  assert.deepEqual(topics.since("capability.deregistered", { seq: 0 }).messages, [{ seq: 1, data: facts }]);
  assert.equal(topics.since("node.manifest.updated", { seq: 0 }).last_seq, 0);
  clock.advance(1000);
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(topics.since("node.manifest.updated", { seq: 0 }).messages, [{ seq: 1, data: { node_id: ME } }]);
});

it("a plugin's topics are heard at neighbours that are there and members, as long as the plugin may hear them", () => {
  const topics = openTopics();
  const heard: TopicMessage[] = [];
  topics.subscribe((message) => heard.push(message));
  const open = new Map<string, TopicFollowing>();
  let onChange: () => void = () => undefined;
  const grant = (patterns: string[]): Grant => ({
    permission: "pubsub.subscribe",
    mode: "allow",
    scope: { topics: patterns },
    grantedBy: "operator",
    at: 0,
  });
  let grants: Grant[] = [
    grant(["observability.metrics.tick.<community>", "chat.message.<recipient>", "e2e.prekey.request.<id>"]),
  ];
  const peers = [
    { node_id: "ben", online: true, endpoints: [] },
    { node_id: "carl", online: false, endpoints: [] },
    { node_id: "eve", online: true, endpoints: [] },
  ] as unknown as PeerRow[];
  const end = followNeighbours({
    nodeId: ME,
    topics,
    link: {
      follow: (following) => {
        const key = `${following.to} ${following.topic}`;
        open.set(key, following);
        return () => void open.delete(key);
      },
    },
    runtime: {
      list: () => [{ id: "acme/news", state: "active" } as PluginStatus],
      grants: () => grants,
      onChange: (listener) => ((onChange = listener as () => void), () => undefined),
    },
    peers: { list: () => peers, onChange: () => () => undefined },
    community: {
      communityId: () => COMMUNITY,
      standing: (node) => ({ kind: node === "eve" ? "revoked" : "member", level: "member" }),
    },
  });
  const tick = `ben observability.metrics.tick.${COMMUNITY}`;
  assert.deepEqual([...open.keys()].toSorted(), [`ben e2e.prekey.request.${ME}`, tick]);
  const say = (data: JsonValue): void => open.get(tick)?.onMessage(data);
  say({ online: true });
  say("x".repeat(70_000));
  assert.deepEqual(
    heard.map(({ from, data }) => [from, data]),
    [[{ node_id: "ben" }, { online: true }]],
    "and nothing that no plugin here could have said",
  );
  assert.equal(topics.since(`observability.metrics.tick.${COMMUNITY}`, { seq: 0 }).last_seq, 0, "told to nobody else");
  grants = [];
  onChange();
  assert.deepEqual([...open.keys()], []);
  grants = [grant([`observability.metrics.tick.${COMMUNITY}`])];
  onChange();
  assert.deepEqual([...open.keys()], [tick]);
  end();
  assert.deepEqual([...open.keys()], []);
});
