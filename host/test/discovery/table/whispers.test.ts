import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { PeerHint, PeerSource } from "../../../src/contract/index.ts";
import { World } from "../world.ts";

type Step =
  | { kind: "hint"; who: number; source: PeerSource; ttlMs: number; claims: number | null }
  | { kind: "lie"; host: number; port: number; source: PeerSource; ttlMs: number; claims: number | null }
  | { kind: "standing"; who: number; standing: "member" | "revoked" | "stranger" }
  | { kind: "move"; who: number; host: number | null }
  | { kind: "heard"; who: number }
  | { kind: "remove"; who: number }
  | { kind: "add"; who: number }
  | { kind: "wait"; ms: number };

/** `HN_SEED` repeats a failed run; its failure prints seed, path and the smallest case. */
const SEED = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env["HN_PROPERTY_RUNS"] ?? 60);
const PEOPLE = 5;
const who = fc.nat({ max: PEOPLE - 1 });
const source = fc.constantFrom<PeerSource[]>("mdns", "udp", "dht", "relay", "federation");
const ttlMs = fc.constantFrom(0, 15_000, 90_000, 120_000);
const claims = fc.option(who, { nil: null, freq: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("hint" as const), who, source, ttlMs, claims }),
  fc.record({ kind: fc.constant("lie" as const), host: fc.nat({ max: 20 }), port: fc.nat({ max: 3 }), source, ttlMs, claims }),
  fc.record({
    kind: fc.constant("standing" as const),
    who,
    standing: fc.constantFrom<("member" | "revoked" | "stranger")[]>("member", "revoked", "stranger"),
  }),
  fc.record({ kind: fc.constant("move" as const), who, host: fc.option(fc.nat({ max: 20 }), { nil: null }) }),
  fc.record({ kind: fc.constant("heard" as const), who }),
  fc.record({ kind: fc.constant("remove" as const), who }),
  fc.record({ kind: fc.constant("add" as const), who }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, 1000, 5000, 20_000, 130_000) }),
);

/** What a row may not lose or gain by a whisper alone. */
function facts(world: World): Map<string, unknown> {
  return new Map(
    world.peers
      .list()
      .filter(({ state }) => state === "verified")
      .map((row) => {
        const { node_id, display_name, endpoints, capabilities, last_seen, sources } = row;
        return [node_id, { display_name, endpoints, capabilities, last_seen, sources }];
      }),
  );
}

function said(
  world: World,
  { source: from, ttlMs: holdsMs, claims: whom }: { source: PeerSource; ttlMs: number; claims: number | null },
): Partial<PeerHint> {
  return { source: from, ttlMs: holdsMs, ...(whom === null ? {} : { nodeId: world.one(whom).nodeId }) };
}

function act(world: World, now: Step): void | Promise<unknown> {
  switch (now.kind) {
    case "hint": {
      const at = world.one(now.who).at ?? { host: "192.0.2.250", port: 7080 };
      return world.hint(at, said(world, now));
    }
    case "lie": {
      const at = { host: `192.0.2.${100 + now.host}`, port: 7080 + now.port };
      return world.hint(at, said(world, now));
    }
    case "standing":
      world.one(now.who).standing = now.standing;
      world.say("community.member.revoked");
      return world.clock.advance(0);
    case "move":
      world.one(now.who).at = now.host === null ? null : { host: `192.0.2.${100 + now.host}`, port: 7080 };
      return;
    case "heard":
      return world.peers.heard(world.one(now.who).nodeId);
    case "remove":
      return world.peers.list().some(({ node_id }) => node_id === world.one(now.who).nodeId)
        ? world.peers.remove(world.one(now.who).nodeId)
        : undefined;
    case "add": {
      const { at } = world.one(now.who);
      return at === null ? undefined : world.peers.add({ transport: "https", ...at }).catch(() => undefined);
    }
    case "wait":
      return world.clock.advance(now.ms);
  }
}

it("whatever is whispered, only proof, the log and the operator move the table (network.md §4)", async () => {
  const closing: (() => unknown)[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = new World({ after: (close) => void closing.push(close) }, PEOPLE);
      for (const one of world.people.slice(0, 3)) {
        one.standing = "member";
        world.hint(one.at ?? { host: "", port: 0 });
      }
      await world.settle();
      assert.equal(facts(world).size, 3);
      for (const now of steps) {
        const before = facts(world);
        const isWhisper = now.kind === "hint" || now.kind === "lie";
        const done = act(world, now);
        // At once, before anybody has been asked: a whisper has moved nothing.
        if (isWhisper) assert.deepEqual(facts(world), before);
        await done;
        await world.settle();
        check(world);
      }
      // When every whisper has run out, only members and what was typed are left.
      world.clock.advance(600_000);
      await world.settle();
      await world.peers.refresh();
      world.clock.advance(130_000);
      await world.settle();
      for (const row of world.peers.list()) {
        const standing = world.people.find(({ nodeId }) => nodeId === row.node_id)?.standing;
        assert.ok(standing === "member" || row.sources.includes("manual"), `${row.state} stays by ${row.sources.join()}`);
      }
      for (const close of closing.splice(0)) close();
    }),
    { seed: SEED, numRuns: RUNS },
  );
});

function check(world: World): void {
  assert.ok(world.flyingMost <= 64 + PEOPLE, "no more are asked at a time than allowed");
  for (const row of world.peers.list()) {
    const person = world.people.find(({ nodeId }) => nodeId === row.node_id);
    assert.ok(person !== undefined, "nobody is invented");
    assert.ok(row.sources.length > 0, "every row rests on something");
    assert.ok(row.endpoints.length <= 8);
    if (person.standing === "revoked") assert.equal(row.state, "revoked");
    if (row.state === "verified") assert.equal(person.standing, "member");
    if (row.state === "stranger") assert.equal(world.routed.has(row.node_id), false);
  }
}
