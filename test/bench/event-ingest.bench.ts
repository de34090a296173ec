import type { Event, VerifyMany } from "../../host/src/contract/index.ts";
import { createUlidFactory, formatTime, systemClock } from "../../host/src/foundation/index.ts";
import { openSignaturePool, selfTest, verifyTyped } from "../../host/src/identity/index.ts";
import { PATHS } from "../../host/src/paths.ts";
import { seededRandom } from "../../host/test/support/people.ts";
import { Endings, Street, type House } from "../../host/test/transport/support/street.ts";
import { compare, type BenchResult } from "./measure.ts";

/**
 * A neighbour's events taken into the log, verified and stored in batches, beside verifying alone; once with signatures verified on the loop and
 * once in workers, whose processor time counts as well. @source architecture §7, network.md §8 L1
 */
export const name = "event-ingest";

const BATCH = 256;
const BATCHES = 4;
const ROUNDS = 7;

export async function run(): Promise<Record<string, BenchResult>> {
  await selfTest();
  const pool = openSignaturePool({ script: PATHS.signatureWorker, clock: systemClock });
  const results = { "event-ingest": await measure(), "event-ingest-workers": await measure(pool.verify) };
  await pool.close();
  return results;
}

async function measure(verify?: VerifyMany): Promise<BenchResult> {
  const endings = new Endings();
  const street = new Street(endings);
  const [anna, ben] = await street.neighbours({ ben: verify === undefined ? {} : { verify } });
  // What an author delivers of its own is rationed (E-15), so another member brings it.
  const carl = await street.house("Carl");
  await street.welcome(anna, carl);
  await ben.community.syncWith({ node_id: anna.nodeId, endpoints: [anna.endpoint] }, ben.link);
  const next = batchesBy(anna, street.clock.now());
  // She has everything herself, so nothing is sent back.
  const heads: Record<string, number> = { ...ben.community.heads().heads_by_author, [anna.nodeId]: Number.MAX_SAFE_INTEGER };
  // Every batch is met once: what was verified a moment ago would be remembered (01 I-3).
  const make = (): Event[][] => Array.from({ length: (ROUNDS + 1) * BATCHES }, next);
  // In the order in which she wrote them, as a log arrives.
  const [stored, verified] = [make().reverse(), make().reverse()];
  const result = await compare({
    ours: async () => {
      const events = stored.pop() ?? [];
      const { accepted } = await ben.community.exchange(
        { community_id: anna.communityId(), events, our_heads_by_author: heads },
        carl.nodeId,
      );
      if (accepted !== BATCH) throw new Error(`${accepted} of ${BATCH} events were taken`);
    },
    theirs: () => {
      const events = verified.pop() ?? [];
      const genuine = events.filter((event) => verifyTyped("event", event, { by: event.author }));
      return genuine.length === BATCH ? Promise.resolve() : Promise.reject(new Error("a genuine event was refused"));
    },
    round: BATCHES,
    rounds: ROUNDS,
  });
  await endings.run();
  const each = (perBatch: number): number => perBatch / BATCH;
  return { value: each(result.value), baseline: each(result.baseline), ratio: result.ratio, unit: "µs CPU per event" };
}

/** Signs the next events of a member, as its own log would. */
function batchesBy(author: House, now: number): () => Event[] {
  const newId = createUlidFactory({ now: () => now }, seededRandom(99));
  let lamport = author.community.head();
  return () =>
    Array.from({ length: BATCH }, () =>
      author.signer.signEvent({
        schema_version: 1,
        event_id: newId(),
        lamport: ++lamport,
        wall_clock: formatTime(now),
        community_id: author.communityId(),
        author: author.nodeId,
        event_type: "market.post.created",
        data: { title: "Ladder to lend", text: "Three metres, aluminium. Ring the bell on the left.", tags: ["tool", "lend"] },
      }),
    );
}
