import type { Event } from "../../host/src/contract/index.ts";
import { createUlidFactory, formatTime } from "../../host/src/foundation/index.ts";
import { selfTest, verifyTyped } from "../../host/src/identity/index.ts";
import { seededRandom } from "../../host/test/support/people.ts";
import { Endings, Street, type House } from "../../host/test/transport/support/street.ts";
import { compare, type BenchResult } from "./measure.ts";

/** A neighbour's events taken into the log, verified and stored in batches, beside verifying alone. @source architecture §7, network.md §8 L1 */
export const name = "event-ingest";

const BATCH = 256;
const BATCHES = 4;
const ROUNDS = 7;

export async function run(): Promise<BenchResult> {
  await selfTest();
  const endings = new Endings();
  const street = new Street(endings);
  const [anna, ben] = await street.neighbours();
  const next = batchesBy(anna, street.clock.now());
  // She has everything herself, so nothing is sent back.
  const heads = { ...ben.community.heads().heads_by_author, [anna.nodeId]: Number.MAX_SAFE_INTEGER };
  // Every batch is met once: what was verified a moment ago would be remembered (01 I-3).
  const make = (): Event[][] => Array.from({ length: (ROUNDS + 1) * BATCHES }, next);
  const [stored, verified] = [make(), make()];
  const result = await compare({
    ours: async () => {
      const events = stored.pop() ?? [];
      const { accepted } = await ben.community.exchange(
        { community_id: anna.communityId(), events, our_heads_by_author: heads },
        anna.nodeId,
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
