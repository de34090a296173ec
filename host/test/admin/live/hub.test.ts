import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LiveHub } from "../../../src/admin/live/hub.ts";

type Heard = { kind: string; seq: number; data: unknown };

function listen(hub: LiveHub, topic: string, o: { since?: number; epoch?: string } = {}): Heard[] {
  const heard: Heard[] = [];
  hub.subscribe(topic, { ...o, subscriber: ({ kind, seq, data }) => heard.push({ kind, seq, data }) });
  return heard;
}

describe("live topics (admin-ui §3)", () => {
  it("begin with a snapshot where there is one, else with everything kept", () => {
    const hub = new LiveHub("first");
    hub.snapshotWith("node", () => "facts");
    hub.publish("jobs", 1);
    assert.deepEqual(listen(hub, "node"), [{ kind: "snapshot", seq: 0, data: "facts" }]);
    assert.deepEqual(listen(hub, "jobs"), [{ kind: "change", seq: 1, data: 1 }]);
  });

  it("give a reader who was away exactly what it missed", () => {
    const hub = new LiveHub("first");
    hub.snapshotWith("node", () => "facts");
    for (let i = 1; i <= 3; i++) hub.publish("node", i);
    const heard = listen(hub, "node", { since: 2, epoch: "first" });
    hub.publish("node", 4);
    assert.deepEqual(
      heard.map((m) => [m.kind, m.data]),
      [
        ["change", 3],
        ["change", 4],
      ],
    );
  });

  it("do not trust a count from the node's former life, from the future, or from before what is kept", () => {
    const hub = new LiveHub("second");
    hub.snapshotWith("node", () => "facts");
    hub.publish("node", 1);
    hub.publish("try:x", 1);
    assert.equal(listen(hub, "node", { since: 1, epoch: "first" })[0]?.kind, "snapshot");
    assert.equal(listen(hub, "try:x", { since: 1, epoch: "first" })[0]?.kind, "gap");
    assert.deepEqual(listen(hub, "try:gone", { since: 5, epoch: "second" }), [{ kind: "gap", seq: 0, data: null }]);
    for (let i = 0; i < 300; i++) hub.publish("logs:a", i);
    assert.equal(listen(hub, "logs:a", { since: 2, epoch: "second" })[0]?.kind, "gap");
    assert.equal(listen(hub, "logs:a", { since: 299, epoch: "second" })[0]?.data, 299);
  });

  it("feed a topic only while somebody watches", () => {
    const hub = new LiveHub("first");
    const calls: string[] = [];
    hub.feedWith("logs", (id) => {
      calls.push(`start ${id}`);
      return () => calls.push(`stop ${id}`);
    });
    const stop = hub.subscribe("logs:a/b", { subscriber: () => {} });
    const second = hub.subscribe("logs:a/b", { subscriber: () => {} });
    stop();
    assert.deepEqual(calls, ["start a/b"]);
    second();
    assert.deepEqual(calls, ["start a/b", "stop a/b"]);
  });
});
