import assert from "node:assert/strict";
import { it } from "node:test";
import { watchCatalogue } from "../src/catalogue-watch.ts";
import type { CapabilityEntry, Event, Standing } from "../src/contract/index.ts";
import { ManualClock, silentLog } from "../src/foundation/index.ts";
import { portError } from "../src/listen-address.ts";
import { followMembership } from "../src/membership-watch.ts";

/** Lets what is already settled run on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

it("reads the catalogue at once and every six hours, keeps what a silent registry said, and stops", async () => {
  const clock = new ManualClock();
  const unreachable = { error: "partition", reason: "unreachable" } as const;
  const answers = [
    { ageSeconds: 5, registries: [{ id: "hearthnet", error: null }] },
    { ageSeconds: 99, registries: [{ id: "hearthnet", error: unreachable }] },
  ];
  let rounds = 0;
  const watch = watchCatalogue({
    marketplace: { refresh: async () => answers[rounds++] ?? Promise.reject(new Error("disk full")) },
    clock,
    log: silentLog,
  });
  assert.equal(watch.last(), null);
  await settle();
  assert.deepEqual(watch.last(), { ageSeconds: 5, silent: [] });
  clock.advance(6 * 3_600_000);
  await settle();
  assert.deepEqual(watch.last(), { ageSeconds: 99, silent: [{ id: "hearthnet", error: unreachable }] });
  clock.advance(6 * 3_600_000);
  await settle();
  assert.equal(rounds, 3, "a round that fails is followed by another");
  assert.deepEqual(watch.last()?.ageSeconds, 99);
  watch.stop();
  clock.advance(24 * 3_600_000);
  await settle();
  assert.equal(rounds, 3);
});

it("reads the catalogue again when a neighbour comes into reach while a registry is silent, once a minute at most", async () => {
  const clock = new ManualClock();
  const silent = {
    ageSeconds: 0,
    registries: [{ id: "village", error: { error: "partition", reason: "unreachable" } as const }],
  };
  let answer: Awaited<ReturnType<Parameters<typeof watchCatalogue>[0]["marketplace"]["refresh"]>> = silent;
  let rounds = 0;
  let look = (): void => {};
  const near: { node_id: string }[] = [];
  const watch = watchCatalogue({
    marketplace: { refresh: async () => ((rounds += 1), answer) },
    neighbours: { near: () => near, newer: () => [], onChange: (listener) => ((look = listener), () => (look = () => {})) },
    clock,
    log: silentLog,
  });
  await settle();
  clock.advance(300_000);
  await settle();
  assert.equal(rounds, 1, "nobody has come");
  near.push({ node_id: "ann" });
  look();
  clock.advance(0);
  await settle();
  assert.equal(rounds, 2, "the first is asked at once");
  look();
  clock.advance(100_000);
  await settle();
  assert.equal(rounds, 2, "who was asked is not asked again for being there");
  near.push({ node_id: "bob" });
  look();
  clock.advance(0);
  await settle();
  assert.equal(rounds, 3);
  near.push({ node_id: "cem" });
  look();
  clock.advance(59_000);
  await settle();
  assert.equal(rounds, 3, "not each one is a reason of its own");
  answer = { ageSeconds: 0, registries: [{ id: "village", error: null }] };
  clock.advance(1000);
  await settle();
  assert.equal(rounds, 4);
  near.push({ node_id: "dea" });
  look();
  clock.advance(100_000);
  await settle();
  assert.equal(rounds, 4, "nothing is missing");
  watch.stop();
});

it("reads the catalogue within a minute when a neighbour has newer lists, and does not believe it again when it has none (marketplace §5.6)", async () => {
  const clock = new ManualClock();
  let [rounds, here] = [0, 12];
  let look = (): void => {};
  const claims: Record<string, number> = {};
  /** What the neighbours really have. */
  const there = { ann: 13 };
  const watch = watchCatalogue({
    marketplace: {
      refresh: async () => {
        rounds += 1;
        if (claims["ann"] !== undefined) here = there.ann;
        return { ageSeconds: 0, registries: [{ id: "village", error: null }] };
      },
    },
    neighbours: {
      near: () => Object.keys(claims).map((node_id) => ({ node_id })),
      newer: () => Object.keys(claims).filter((node) => (claims[node] ?? 0) > here),
      onChange: (listener) => ((look = listener), () => (look = () => {})),
    },
    clock,
    log: silentLog,
  });
  const pass = async (ms: number): Promise<void> => {
    look();
    clock.advance(ms);
    await settle();
  };
  await settle();
  await pass(10_000);
  assert.equal(rounds, 1, "nobody has anything newer");
  claims["ann"] = 13;
  await pass(49_000);
  assert.equal(rounds, 1);
  await pass(1000);
  assert.deepEqual([rounds, here], [2, 13], "a minute after the round before");
  await pass(100_000);
  assert.equal(rounds, 2, "all that was claimed is here");
  claims["liar"] = 99;
  await pass(0);
  assert.equal(rounds, 3);
  claims["liar"] = 100;
  for (let minute = 0; minute < 60; minute += 1) await pass(60_000);
  assert.equal(rounds, 3, "it had nothing, whatever it says now");
  [claims["ann"], there.ann] = [14, 14];
  await pass(0);
  assert.deepEqual([rounds, here], [4, 14], "others are believed all the same");
  watch.stop();
});

it("forgets the offers of whoever is no longer a member, and looks for whoever is new (04 E-10)", async () => {
  let announce: (event: Event) => void = () => {};
  const standing: Record<string, Standing["kind"]> = { ann: "member", bob: "revoked" };
  const gone: string[] = [];
  let shut = 0;
  let refreshed = 0;
  let changed = 0;
  followMembership({
    community: {
      onEvent: (listener) => ((announce = listener), () => {}),
      standing: (id) => ({ kind: standing[id] ?? "stranger" }) as Standing,
    },
    bus: {
      entries: () =>
        [
          { node_id: "me", is_local: true },
          { node_id: "ann", is_local: false },
          { node_id: "bob", is_local: false },
        ] as CapabilityEntry[],
      peerGone: (id) => void gone.push(id),
    },
    peers: { refresh: async () => void refreshed++ },
    doors: () => [{ shutRevoked: () => void shut++ }, undefined],
    log: silentLog,
    onChange: () => void changed++,
  });
  announce({ event_type: "market.post.created" } as Event);
  assert.deepEqual([gone, shut, refreshed, changed], [[], 0, 0, 0]);
  announce({ event_type: "community.member.revoked" } as Event);
  assert.deepEqual([gone, shut, refreshed, changed], [["bob"], 1, 0, 1]);
  announce({ event_type: "community.member.joined" } as Event);
  assert.equal(refreshed, 1);
});

it("says of each fault of a port what it means and what to do", () => {
  const words = (code: string): string => {
    const error = portError(Object.assign(new Error(code), { code }), 80) as { message: string; action?: string };
    return `${error.message} ${error.action ?? ""}`;
  };
  assert.match(words("EADDRINUSE"), /Port 80 is already in use.*--port/);
  assert.match(words("EACCES"), /may not listen on port 80.*above 1023/);
  assert.match(words("EADDRNOTAVAIL"), /--listen/);
  const other = new Error("?");
  assert.equal(portError(other, 80), other);
});
