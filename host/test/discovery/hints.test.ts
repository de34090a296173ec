import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PeerSource } from "../../src/contract/index.ts";
import { refused } from "../identity/people.ts";
import { World } from "./world.ts";

const HOUR_MS = 3_600_000;

describe("a hint (network.md §4)", () => {
  it("becomes a row only when the node at that address has proven itself", async (t) => {
    const world = new World(t, 2);
    const [anna] = world.people;
    world.hint(anna!.at!);
    assert.deepEqual(world.peers.list(), [], "a whisper is no row");
    await world.settle();
    const [row] = world.peers.list();
    assert.deepEqual([row?.node_id, row?.state, row?.sources], [anna!.nodeId, "stranger", ["mdns"]]);
    assert.equal(world.routed.size, 0, "a stranger is never routed to");
    world.hint({ host: "192.0.2.99", port: 7080 });
    await world.settle();
    assert.equal(world.peers.list().length, 1, "where nobody answers there is nobody");
  });

  it("about a member leads to its new address, and calls go there", async (t) => {
    const world = new World(t, 1);
    const [anna] = world.people;
    anna!.standing = "member";
    world.hint(anna!.at!);
    await world.settle();
    anna!.at = { host: "192.0.2.77", port: 9000 };
    world.hint(anna!.at, { source: "udp" });
    await world.settle();
    const row = world.peers.list()[0];
    assert.deepEqual([row?.state, row?.endpoints[0]?.host, row?.endpoints[0]?.port], ["verified", "192.0.2.77", 9000]);
    assert.ok(world.routed.has(anna!.nodeId));
  });

  it("never changes a verified row: not under a false id, not by a goodbye while it is there", async (t) => {
    const world = new World(t, 2);
    const [anna, ben] = world.people;
    anna!.standing = "member";
    world.hint(anna!.at!);
    await world.settle();
    const before = world.peers.explain(anna!.nodeId);
    world.hint(anna!.at!, { ttlMs: 0 });
    world.hint(ben!.at!, { nodeId: anna!.nodeId, source: "dht" });
    world.hint({ host: "192.0.2.50", port: 7080 }, { nodeId: anna!.nodeId, source: "dht" });
    await world.settle();
    assert.deepEqual(world.peers.explain(anna!.nodeId), before);
    assert.equal(world.peers.list().length, 1, "whoever is at the address of a signed word must be who was named");
  });

  it("that says goodbye ends its own evidence when nobody answers there any more", async (t) => {
    const world = new World(t, 1);
    const [anna] = world.people;
    const at = { ...anna!.at! };
    world.hint(at);
    await world.settle();
    anna!.at = null;
    world.hint(at, { ttlMs: 0 });
    await world.settle();
    assert.equal(world.dials.length, 1, "an address is asked once in 5 s, whoever says what");
    await world.advance(5000);
    assert.deepEqual(world.peers.list(), []);
    assert.throws(() => world.peers.explain(anna!.nodeId), refused("not_found"));
  });

  it("that says goodbye is looked into however soon after the last look it comes", async (t) => {
    const world = new World(t, 1);
    const [anna] = world.people;
    const at = { ...anna!.at! };
    // The address is asked in the middle between two turns of the sweep, so that it is still spared at the next.
    await world.advance(3000);
    world.hint(at);
    await world.settle();
    anna!.at = null;
    world.hint(at, { ttlMs: 0 });
    await world.settle();
    await world.advance(10_000);
    assert.deepEqual(world.peers.list(), []);
  });

  it("expires with its source: mDNS after 120 s, UDP after 15 or 90 s", async (t) => {
    for (const [source, ttlMs] of [
      ["mdns", 120_000],
      ["udp", 15_000],
      ["udp", 90_000],
    ] as const) {
      const world = new World(t, 1);
      world.hint(world.one(0).at!, { source, ttlMs });
      await world.settle();
      await world.advance(ttlMs - 1);
      assert.equal(world.peers.list().length, 1, `${source} before ${ttlMs} ms`);
      await world.advance(5000);
      assert.equal(world.peers.list().length, 0, `${source} after ${ttlMs} ms`);
    }
  });

  it("of the operator never expires", async (t) => {
    const world = new World(t, 1);
    await world.peers.add({ transport: "https", ...world.one(0).at! });
    world.one(0).at = null;
    await world.advance(HOUR_MS);
    const row = world.peers.explain(world.one(0).nodeId);
    assert.deepEqual(
      row.evidence.map(({ source, expires }) => [source, expires]),
      [["manual", null]],
    );
    assert.equal(row.online, false);
  });
});

describe("the queue of probes (network.md §4, I-17)", () => {
  it("asks one address once in 5 s, however often it is named", async (t) => {
    const world = new World(t, 1);
    for (let time = 0; time < 50; time += 1) {
      world.hint({ host: "192.0.2.99", port: 7080 }, { source: time % 2 === 0 ? "mdns" : "udp" });
      await world.settle();
    }
    assert.equal(world.dials.length, 1);
    await world.advance(5000);
    world.hint({ host: "192.0.2.99", port: 7080 });
    await world.settle();
    assert.equal(world.dials.length, 2);
  });

  it("looks at 100 hints of a source each second and at a sample of the rest; other sources are not held up", async (t) => {
    const world = new World(t, 1);
    const flood = (source: PeerSource): number => {
      const from = world.dials.length;
      for (let n = 0; n < 1000; n += 1) world.hint({ host: `192.0.2.${n % 200}`, port: 2000 + n }, { source });
      return from;
    };
    flood("udp");
    for (let turn = 0; turn < 20; turn += 1) await world.settle();
    const asked = world.dials.length;
    assert.ok(asked >= 100 && asked < 250, `${asked} of 1,000`);
    world.hint(world.one(0).at!, { source: "mdns" });
    await world.settle();
    assert.equal(world.peers.list().length, 1, "a quiet source is heard through the noise");
    await world.advance(5000);
    flood("udp");
    for (let turn = 0; turn < 20; turn += 1) await world.settle();
    assert.ok(world.dials.length > asked + 100, "a later second has its own");
  });

  it("has 64 in flight; a quiet source waits for one turn, not for the whole line of a noisy one", async (t) => {
    const world = new World(t, 1);
    const { promise, resolve } = Promise.withResolvers<void>();
    world.held = promise;
    for (let second = 0; second < 3; second += 1) {
      for (let n = 0; n < 100; n += 1) world.hint({ host: "192.0.2.99", port: 2000 + second * 100 + n }, { source: "udp" });
      world.clock.advance(1000);
    }
    await world.settle();
    assert.equal(world.flying, 64);
    world.hint(world.one(0).at!, { source: "mdns" });
    resolve();
    world.held = null;
    for (let turn = 0; turn < 20; turn += 1) await world.settle();
    const place = world.dials.findIndex((dial) => dial.place === "192.0.2.10:7080");
    assert.ok(place >= 64 && place < 64 + 4, `asked as number ${place}`);
    assert.equal(world.flyingMost, 64);
  });
});

describe("rows", () => {
  it("of members are there before anybody has seen them, and tell what they rest on", async (t) => {
    const world = new World(t, 2);
    world.one(0).standing = "member";
    await world.peers.refresh();
    const row = world.peers.explain(world.one(0).nodeId);
    assert.deepEqual([row.state, row.sources, row.endpoints, row.rtt_ms], ["probing", ["log"], [], null]);
    world.one(0).standing = "stranger";
    await world.peers.refresh();
    assert.deepEqual(world.peers.list(), [], "and leave with their membership");
  });

  it("are suspect from the first silence on, and verified again with the next answer", async (t) => {
    const world = new World(t, 1);
    const [anna] = world.people;
    anna!.standing = "member";
    world.hint(anna!.at!);
    await world.settle();
    const at = anna!.at;
    anna!.at = null;
    await world.advance(20_000);
    const row = world.peers.list()[0];
    assert.deepEqual([row?.state, row?.online], ["suspect", true]);
    assert.ok(world.routed.has(anna!.nodeId), "suspicion lowers nobody's membership");
    anna!.at = at;
    await world.advance(20_000);
    assert.equal(world.peers.list()[0]?.state, "verified");
  });

  it("are asked in every round, also while the logs of one of them are still being exchanged", async (t) => {
    const world = new World(t, 3);
    for (const one of world.people) {
      one.standing = "member";
      world.hint(one.at!);
    }
    await world.settle();
    world.endless.add(world.one(0).nodeId);
    world.say("community.member.joined");
    await world.advance(0);
    let over = false;
    void world.peers.refresh().then(() => (over = true));
    for (const seconds of [5, 20, 20, 20]) {
      world.dials.length = 0;
      await world.advance(seconds * 1000);
      await world.advance(0);
      if (seconds > 5) assert.deepEqual(world.dials.map(({ place }) => place).toSorted(), places(world));
    }
    assert.ok(over, "whoever waits for a round waits no longer for one exchange");
  });

  it("are not routed to 90 s after their manifest, 30 s in an emergency (00 §4.1)", async (t) => {
    for (const [emergency, ms] of [
      [false, 120_000],
      [true, 60_000],
    ] as const) {
      const world = new World(t, 1, { emergency: () => emergency });
      world.one(0).standing = "member";
      world.hint(world.one(0).at!);
      await world.settle();
      world.one(0).at = null;
      world.clock.advance(ms - 5000);
      await world.settle();
      assert.equal([...world.routed].length, 1, `still there, emergency ${emergency}`);
      await world.advance(10_000);
      assert.equal([...world.routed].length, 0, `gone, emergency ${emergency}`);
    }
  });

  it("of the revoked are never routed to", async (t) => {
    const world = new World(t, 1);
    await world.peers.add({ transport: "https", ...world.one(0).at! });
    world.one(0).standing = "revoked";
    await world.peers.refresh();
    assert.equal(world.peers.list()[0]?.state, "revoked");
    assert.equal(world.routed.size, 0);
  });

  it("gain the evidence of a signed request for 90 s, and no address from it", async (t) => {
    const world = new World(t, 2);
    world.one(0).standing = "member";
    await world.peers.refresh();
    world.peers.heard(world.one(0).nodeId);
    world.peers.heard(world.one(1).nodeId);
    assert.deepEqual(world.peers.list().length, 1, "somebody else's request makes no row");
    const row = world.peers.explain(world.one(0).nodeId);
    assert.deepEqual([row.sources, row.addresses], [["log", "inbound"], []]);
    await world.advance(95_000);
    assert.deepEqual(world.peers.explain(world.one(0).nodeId).sources, ["log"]);
  });

  it("of strangers are at most 256; whose evidence ends first makes room", async (t) => {
    const world = new World(t, 260);
    for (const [index, one] of world.people.entries()) {
      one.at = { host: "192.0.2.9", port: 2000 + index };
      world.hint(one.at, { ttlMs: 60_000 + index });
      if (index % 90 === 89) await world.advance(1000);
    }
    for (let turn = 0; turn < 20; turn += 1) await world.settle();
    const kept = new Set(world.peers.list().map(({ node_id }) => node_id));
    assert.equal(kept.size, 256);
    assert.equal(kept.has(world.one(0).nodeId), false);
  });
});

describe('an invitation\'s addresses (network.md §4 "Manual, invite")', () => {
  it("are tried until the inviter answers there", async (t) => {
    const world = new World(t, 1);
    const [anna] = world.people;
    anna!.standing = "member";
    const at = anna!.at!;
    anna!.at = null;
    world.hint(at, { source: "invite", nodeId: anna!.nodeId, ttlMs: Infinity });
    await world.settle();
    assert.equal(world.peers.list()[0]?.state, "probing");
    anna!.at = at;
    for (let n = 0; n < 3; n += 1) await world.advance(20_000);
    assert.equal(world.peers.list()[0]?.state, "verified");
  });
});

function places(world: World): string[] {
  return world.people.map(({ at }) => `${at?.host}:${at?.port}`).toSorted();
}
