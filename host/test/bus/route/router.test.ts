import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CapabilityEntry, NodeManifest } from "../../../src/contract/index.ts";
import { HnError } from "../../../src/foundation/index.ts";
import { ask, B, body, C, D, fakeLink, makeBus, manifest, ME, offer } from "../make.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() & 0x7fffffff);
const NODES = [B, C, D];

interface World {
  /** Offers of each neighbour. */
  theirs: Offered[][];
  mine: Offered[];
  /** Seconds since each neighbour was heard of. */
  ages: number[];
  /** Calls that run at each entry already, as far as it has places. */
  busy: number[];
  minor: number;
  model: string | null;
  preferLocal: boolean;
}
interface Offered {
  minor: number;
  model: string;
  places: number;
}

const offered = fc.record({ minor: fc.nat(2), model: fc.constantFrom("a", "b"), places: fc.integer({ min: 1, max: 5 }) });
const world: fc.Arbitrary<World> = fc.record({
  theirs: fc.array(fc.uniqueArray(offered, { maxLength: 3, selector: (o) => `${o.minor}${o.model}` }), {
    minLength: 3,
    maxLength: 3,
  }),
  mine: fc.uniqueArray(offered, { maxLength: 3, selector: (o) => `${o.minor}${o.model}` }),
  ages: fc.array(fc.constantFrom(0, 30, 60, 61), { minLength: 3, maxLength: 3 }),
  busy: fc.array(fc.nat(5), { minLength: 12, maxLength: 12 }),
  minor: fc.nat(2),
  model: fc.constantFrom("a", "b", null),
  preferLocal: fc.boolean(),
});

const versionOf = (o: Offered): [number, number] => [1, o.minor];
const paramsOf = (o: Offered): { model: string } => ({ model: o.model });

/** The rules of 03 §5 word by word, without any of the shortcuts. */
function naive(entries: readonly CapabilityEntry[], w: World, now: number): CapabilityEntry | string {
  const matching = entries.filter(
    ({ descriptor }) => descriptor.version[1] >= w.minor && (w.model === null || descriptor.params["model"] === w.model),
  );
  if (matching.length === 0) return "not_found";
  const newest = matching.filter(
    (one) => !matching.some((other) => other.node_id === one.node_id && other.descriptor.version[1] > one.descriptor.version[1]),
  );
  const fresh = newest.filter((one) => one.is_local || now - one.last_seen <= 60_000);
  if (fresh.length === 0) return "partition";
  const free = fresh.filter((one) => one.in_flight < one.descriptor.max_concurrent);
  if (free.length === 0) return "capacity_exceeded";
  const load = (e: CapabilityEntry): number => e.in_flight / e.descriptor.max_concurrent;
  /** B-4: every offer of a neighbour here has another schema than ours. */
  const foreign = (e: CapabilityEntry): number =>
    !e.is_local && entries.some((own) => own.is_local && own.descriptor.version[1] === e.descriptor.version[1]) ? 100 : 0;
  const score = (e: CapabilityEntry): number =>
    (e.p50_latency_ms > 0 ? e.p50_latency_ms : 500) * (1 + load(e)) +
    (1 - e.success_rate) * 1000 -
    (e.is_local ? 50 : 0) +
    foreign(e);
  const best = (list: CapabilityEntry[]): CapabilityEntry | undefined =>
    list.reduce<CapabilityEntry | undefined>((a, b) => {
      if (a === undefined || score(b) < score(a)) return b;
      if (score(b) > score(a)) return a;
      if (b.success_rate !== a.success_rate) return b.success_rate > a.success_rate ? b : a;
      if (b.descriptor.version[1] !== a.descriptor.version[1]) return b.descriptor.version[1] > a.descriptor.version[1] ? b : a;
      return b.node_id < a.node_id ? b : a;
    }, undefined);
  const local = best(free.filter((one) => one.is_local));
  if (w.preferLocal && local !== undefined && load(local) < 0.8) return local;
  return best(free) ?? "not_found";
}

test("the router chooses as the rules say, whatever is offered, fresh or full (03 §5, B-3, B-4, B-6; property)", async () => {
  await fc.assert(
    fc.asyncProperty(world, async (w) => {
      const handed: string[] = [];
      const mark = (node: string, minor: unknown, model: unknown): string => `${node} ${String(minor)} ${String(model)}`;
      let filling = true;
      const { bus, clock } = makeBus({
        preferLocal: w.preferLocal,
        // Work that has begun to answer: who is silent is another matter.
        link: () =>
          fakeLink({
            call: ({ onAnswer }) => {
              onAnswer?.();
              return new Promise(() => {});
            },
          }),
      });
      for (const one of w.mine)
        bus.offer(
          offer({ version: versionOf(one), params: paramsOf(one), max_concurrent: one.places, timeout_seconds: 3600 }, () => {
            if (!filling) handed.push(mark(ME, one.minor, one.model));
            return new Promise(() => {});
          }),
        );
      const manifests = w.theirs.map((list, i): [number, NodeManifest] => [
        w.ages[i] ?? 0,
        manifest(
          NODES[i] ?? B,
          list.map((one) => ({ version: `1.${one.minor}`, params: paramsOf(one), max_concurrent: one.places })),
        ),
      ]);
      // Fill places while all are fresh, each entry by callers of its own so that no share is in the way.
      for (const [, one] of manifests) bus.peerSeen(one);
      for (const [i, entry] of bus.entries().entries())
        for (let n = 0; n < Math.min(w.busy[i] ?? 0, entry.descriptor.max_concurrent); n++)
          void bus
            .call(
              ask({
                version: [1, entry.descriptor.version[1]],
                body: body({}, entry.descriptor.params),
                node: entry.node_id,
                caller: { kind: "member", level: "anchor", community_id: null, node_id: `caller ${i} ${n}` },
              }),
            )
            .catch(() => undefined);
      // The oldest news first, then time until the next.
      for (const [age, one] of manifests.toSorted(([a], [b]) => b - a)) {
        const next = Math.max(0, ...manifests.map(([other]) => other).filter((other) => other < age));
        bus.peerSeen(one);
        clock.advance((age - next) * 1000);
      }
      filling = false;
      const expected = naive(bus.entries(), w, clock.monotonic());
      const before = new Map(bus.entries().map((e) => [`${e.node_id} ${JSON.stringify(e.descriptor)}`, e.in_flight]));
      let code: string | undefined;
      const call = bus.call(ask({ version: [1, w.minor], body: body({}, w.model === null ? {} : { model: w.model }) }));
      void call.catch((error: unknown) => (code = HnError.from(error).code));
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      const grown = bus.entries().filter((e) => e.in_flight > (before.get(`${e.node_id} ${JSON.stringify(e.descriptor)}`) ?? 0));
      if (typeof expected === "string") {
        assert.equal(code, expected);
        assert.equal(grown.length, 0);
        return;
      }
      assert.equal(grown.length, 1);
      assert.equal(
        mark(grown[0]?.node_id ?? "", grown[0]?.descriptor.version[1], grown[0]?.descriptor.params["model"]),
        mark(expected.node_id, expected.descriptor.version[1], expected.descriptor.params["model"]),
      );
      if (expected.is_local) assert.equal(handed.length, 1);
    }),
    { seed: SEED, numRuns: 100 },
  );
});
