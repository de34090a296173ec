import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { DhtPayload, DhtValue, JsonObject } from "../../../host/src/contract/index.ts";
import { checkValue } from "../../../host/src/dht/check-value.ts";
import { compareDistance, idOf, keyBytes } from "../../../host/src/dht/distance.ts";
import { dhtKey, importSeed, verifyTyped } from "../../../host/src/identity/index.ts";
import { SimDhtVillage, type Citizen } from "../dht-village.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";
import type { World } from "../world.ts";

/** `HN_SIM_CITIZENS=1000` for a larger one. */
const CITIZENS = Number(process.env["HN_SIM_CITIZENS"] ?? sizeOf(14, 30));
/** Of 100, beside those that sit at the key. */
const LIARS = 20;
const SIBYLS = sizeOf(3, 6);
const SEEDS_TRIED = sizeOf(60, 300);
const FILES = sizeOf(3, 4);
/** More than a node may say to another in a minute. */
const FLOOD = sizeOf(130, 200);

const cidOf = (text: string): string => `blake3:${createHash("sha256").update(text).digest("hex")}`;

/** Each way to answer falsely; `genuine` was found once. */
function lies(
  world: World,
  liar: Citizen,
  o: { genuine: () => DhtValue | undefined; others: readonly Citizen[] },
): NonNullable<Citizen["lies"]>[] {
  const random = world.random.fork(`lies of ${liar.place.name}`);
  const seconds = (): number => Math.floor(liar.place.clock.now() / 1000);
  const own = (change: JsonObject): DhtValue | undefined => {
    const value = o.genuine();
    if (value === undefined || value.payload.kind !== "cid") return undefined;
    const { signature: _, ...rest } = { ...value.payload, node_id: liar.nodeId, ...change } as Record<string, unknown>;
    const payload = { ...rest, signature: liar.signer.signDht("dht-value", rest) } as unknown as DhtPayload;
    return { key: value.key, payload, expires_at: payload.expires_at };
  };
  const values =
    (make: () => unknown) =>
    (rpc: string): JsonObject | undefined =>
      rpc === "find_value" ? ({ values: Array.from({ length: 8 }, make) } as JsonObject) : undefined;
  return [
    // Another node's words, altered.
    values(() => ({ ...o.genuine(), payload: { ...o.genuine()?.payload, node_id: liar.nodeId } })),
    values(() => ({ ...o.genuine(), payload: { ...o.genuine()?.payload, last_seen: random.below(2 ** 31) } })),
    // Its own words: old, from the future, for ever, too long, about something else.
    values(() => own({ issued_at: seconds() - 9000, expires_at: seconds() - 1000 })),
    values(() => own({ issued_at: seconds() + 4000, expires_at: seconds() + 7000 })),
    values(() => own({ issued_at: seconds(), expires_at: seconds() + 1_000_000 })),
    values(() => {
      const value = own({ issued_at: seconds(), expires_at: seconds() + 600 });
      return { ...value, payload: { ...value?.payload, note: "x".repeat(5000) } };
    }),
    values(() => own({ issued_at: seconds(), expires_at: seconds() + 600, cid: cidOf("something else") })),
    // No such value, and nobody nearer than its friends, who do not exist.
    (rpc): JsonObject | undefined =>
      rpc === "ping" || rpc === "store"
        ? undefined
        : {
            values: [],
            closer: Array.from({ length: 20 }, () => ({
              node_id_full: importSeed(random.bytes(32)).nodeId,
              endpoint: { host: `200.${random.below(250)}.${random.below(250)}.1`, port: 7080 },
            })),
          },
    (rpc): JsonObject | undefined =>
      rpc === "ping" ? undefined : { values: [null, 7, { key: [] }], closer: "everywhere", stored: 3 },
    (rpc) => (rpc === "ping" ? undefined : null),
  ];
}

export const poison: Scenario = {
  row: 6,
  name: `a fifth of ${CITIZENS} nodes lies, more sit at the key itself, one says nothing, one floods`,
  pass: "what is published is found, and nothing else; a mute node costs half a second at most; nobody keeps more than is allowed",
  run: async (world, tell) => {
    const village = new SimDhtVillage(world);
    try {
      for (let number = 0; number < CITIZENS; number += 1) await village.enter(village.add());
      const liars = village.citizens.filter((_, number) => number > 2 && number % Math.round(100 / LIARS) === 0);
      const honest = village.citizens.filter((one) => !liars.includes(one));
      const genuine = new Map<string, DhtValue>();
      const cids = Array.from({ length: FILES }, (_, number) => cidOf(`file ${number} of ${world.random.u32()}`));
      // Whoever can choose its key sits where the values will lie.
      const target = keyBytes(dhtKey(cids[0] as string));
      const seeds = Array.from({ length: SEEDS_TRIED }, () => world.random.bytes(32))
        .map((seed) => ({ seed, id: idOf(importSeed(seed).nodeId) }))
        .toSorted((a, b) => compareDistance(target, a.id, b.id));
      for (const { seed } of seeds.slice(0, SIBYLS)) {
        const sibyl = village.add(seed);
        await village.enter(sibyl);
        liars.push(sibyl);
      }
      const holders = new Map<string, Citizen>();
      for (const [number, cid] of cids.entries()) {
        const holder = honest[number * 2] as Citizen;
        holders.set(cid, holder);
        const stored = await world.settled(
          holder.dht.publish("cid", () => ({ cid, last_seen: Math.floor(holder.place.clock.now() / 1000) })),
        );
        assert.ok(stored >= 8, `only ${stored} keep it`);
      }
      const find = async (seeker: Citizen, cid: string): Promise<{ values: DhtValue[]; ms: number }> => {
        const at = world.scheduler.now;
        const values = await world.settled(seeker.dht.findValues("cid", cid));
        return { values, ms: world.scheduler.now - at };
      };
      for (const cid of cids) genuine.set(cid, (await find(honest.at(-1) as Citizen, cid)).values[0] as DhtValue);
      for (const [number, liar] of liars.entries()) {
        const all = lies(world, liar, { genuine: () => genuine.get(cids[number % FILES] as string), others: honest });
        liar.lies = all[number % all.length];
      }
      await world.pass(61_000);
      let [found, slowest, sought] = [0, 0, 0];
      for (const seeker of honest.slice(4, sizeOf(7, 10)))
        for (const cid of cids) {
          if (holders.get(cid) === seeker) continue;
          const { values, ms } = await find(seeker, cid);
          sought += 1;
          slowest = Math.max(slowest, ms);
          for (const value of values) {
            const now = Math.floor(seeker.place.clock.now() / 1000);
            assert.equal(checkValue(value, { now, first: false, verify: verifyTyped }), null, "a false value was served");
            assert.equal(value.key, dhtKey(cid));
          }
          if (values.some(({ payload }) => payload.node_id === holders.get(cid)?.nodeId)) found += 1;
        }
      assert.equal(found, sought, `${found} of ${sought} lookups found what was published`);

      // One that says nothing, among honest ones.
      for (const liar of liars) liar.lies = undefined;
      const cid = cids[1] as string;
      const seeker = honest.at(-2) as Citizen;
      await world.pass(61_000);
      const quiet = await find(seeker, cid);
      const near = village.citizens
        .filter((one) => one !== seeker && one !== holders.get(cid))
        .toSorted((a, b) => compareDistance(keyBytes(dhtKey(cid)), idOf(a.nodeId), idOf(b.nodeId)));
      (near[0] as Citizen).lies = () => null;
      await world.pass(61_000);
      const mute = await find(seeker, cid);
      assert.ok(mute.values.length > 0 && mute.ms <= quiet.ms + 520, `${mute.ms} ms beside a mute node, ${quiet.ms} ms without`);

      // One that floods with sound values of its own.
      const victim = honest[1] as Citizen;
      const flooder = liars[0] as Citizen;
      const before = victim.dht.status.values;
      let refused = 0;
      for (let n = 0; n < FLOOD; n += 1) {
        const now = Math.floor(flooder.place.clock.now() / 1000);
        const unsigned = {
          v: 1,
          kind: "cid",
          node_id: flooder.nodeId,
          issued_at: now,
          expires_at: now + 600,
          cid: cidOf(`flood ${n}`),
          last_seen: now,
        };
        const payload = { ...unsigned, signature: flooder.signer.signDht("dht-value", unsigned) } as unknown as DhtPayload;
        const value = { key: dhtKey(cidOf(`flood ${n}`)), payload, expires_at: now + 600 };
        refused += (await village.tell(flooder, victim, { rpc: "store", body: { value: value as unknown as JsonObject } }))
          ? 0
          : 1;
        await world.pass(10);
      }
      assert.ok(refused >= FLOOD - 110, `${refused} of ${FLOOD} were refused`);
      assert.ok(victim.dht.status.values - before <= 64, `${victim.dht.status.values - before} values of one signer are kept`);
      tell(
        `${found} of ${sought} found among ${liars.length} liars of ${village.citizens.length}, the slowest in ${Math.round(slowest)} ms; a mute node costs ${Math.round(mute.ms - quiet.ms)} ms; ${refused} of ${FLOOD} flooded values refused`,
      );
    } finally {
      village.close();
    }
  },
};
