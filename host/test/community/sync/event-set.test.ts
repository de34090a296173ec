import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { EventLog } from "../../../src/community/log/event-log.ts";
import { EventStore } from "../../../src/community/log/store.ts";
import { serveRanges } from "../../../src/community/sync/exchange.ts";
import { SaltedAnswers } from "../../../src/community/sync/salted.ts";
import { createUlidFactory, ManualClock } from "../../../src/foundation/index.ts";
import { found, refusal, seededRandom, Village } from "../../support/people.ts";
import { hand, signed } from "./support.ts";

/** Every look takes 3 ms. */
class HeavyClock extends ManualClock {
  #looks = 0;
  override monotonic(): number {
    return super.monotonic() + 3 * this.#looks++;
  }
}

describe("the set of events that count (network.md §5)", () => {
  it("is read from the table in slices of 5 ms, with what arrives meanwhile; until then ranges are refused (log_being_read)", async (t) => {
    const village = new Village(t);
    const [anna, ben] = [village.person("Anna"), village.person("Ben")];
    await found(anna);
    await village.welcome(anna, ben);
    for (const start of [100, 1000, 2000])
      await hand(
        anna,
        ben,
        Array.from({ length: 900 }, (_, i) => signed(ben, { lamport: start + i })),
      );
    const truth = anna.community.brief(0).set;
    anna.community.close();
    const clock = new HeavyClock();
    const store = new EventStore(join(anna.dataDir, "community.db"));
    const log = new EventLog({ store, signer: anna.signer, clock, newUlid: createUlidFactory(clock, seededRandom(3)) });
    const { set } = log;
    assert.equal(set.ready, false);
    assert.equal(set.sumAbove(0), undefined);
    const salted = new SaltedAnswers({ clock, secret: new Uint8Array(32) });
    const asker = { node: ben.signer.nodeId, standing: { kind: "member", level: "member" }, salted } as const;
    const message = { community_id: log.communityId(), floor: 0, ranges: [{ to: [5, ""], mode: 0 }] };
    assert.throws(() => serveRanges(log, message, asker), refusal("capacity_exceeded", "log_being_read"));
    // One in the part that was read, one in the part that was not.
    for (const lamport of [101, 2899]) await log.receive([signed(ben, { lamport, data: { late: lamport } })]);
    await set.built;
    assert.equal(set.sumAbove(0)?.count, (truth?.count ?? 0) + 2);
    assert.equal(serveRanges(log, message, asker).ranges.length, 1);
    assert.equal((await log.check()).sums_fit, true);
    log.close();
    anna.reopen();
    assert.notDeepEqual(anna.community.brief(0).set, truth);
  });

  it("is for members: whoever is invited pulls the log by heads alone (02 T-6)", async (t) => {
    const village = new Village(t);
    const anna = village.person("Anna");
    await found(anna);
    const message = {
      community_id: anna.community.communityId() ?? "",
      floor: 0,
      ranges: [{ to: [5, ""] as [number, string], mode: 0 as const }],
    };
    await assert.rejects(anna.community.reconcile(message, village.person("Sam").signer.nodeId), refusal("unauthorized"));
  });

  it("gives events by their hash, at most 1000 at a time", async (t) => {
    const village = new Village(t);
    const [anna, ben] = [village.person("Anna"), village.person("Ben")];
    await found(anna);
    await village.welcome(anna, ben);
    const ask = (want: string[]) =>
      anna.community.exchange({ community_id: anna.community.communityId() ?? "", events: [], want }, ben.signer.nodeId);
    assert.deepEqual((await ask([Buffer.alloc(16).toString("base64url")])).events, []);
    await assert.rejects(ask(["short"]), refusal("bad_request"));
    await assert.rejects(
      ask(Array.from({ length: 1001 }, () => Buffer.alloc(16).toString("base64url"))),
      refusal("bad_request", "too_large"),
    );
  });

  it("sends a peer without a vector what lies above the head it names (E-13)", async (t) => {
    const village = new Village(t);
    const [anna, ben] = [village.person("Anna"), village.person("Ben")];
    await found(anna);
    await village.welcome(anna, ben);
    await hand(anna, ben, [signed(ben, { lamport: 2000 })]);
    const reply = await anna.community.exchange(
      { community_id: anna.community.communityId() ?? "", events: [], our_head: 1000 },
      ben.signer.nodeId,
    );
    assert.deepEqual(
      reply.events?.map(({ lamport }) => lamport),
      [2000],
    );
  });
});
