import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shapeEvent, type ShapedEvent } from "../../host/src/community/log/shape.ts";
import { EventStore } from "../../host/src/community/log/store.ts";
import { createUlidFactory, ManualClock } from "../../host/src/foundation/index.ts";
import { importSeed } from "../../host/src/identity/index.ts";
import { type BenchResult, median } from "./measure.ts";

/** Processor time until a received event is stored, a hundred in one transaction beside one in each. @source network.md §8 L2 */
export const name = "event-insert";

const EVENTS = 2000;
const BATCH = 100;
const ROUNDS = 7;

export async function run(): Promise<BenchResult> {
  const events = made();
  const batched: number[] = [];
  const single: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    batched.push(insert(events, BATCH));
    single.push(insert(events, 1));
  }
  const [value, baseline] = [median(batched), median(single)];
  return Promise.resolve({ value, baseline, ratio: baseline / value, unit: "µs CPU per event inserted, 100 at a time (L2)" });
}

function made(): ShapedEvent[] {
  const author = importSeed(Buffer.alloc(32, 1)).nodeId;
  const newUlid = createUlidFactory(new ManualClock(), (n) => Buffer.alloc(n, 7));
  return Array.from({ length: EVENTS }, (_, n) =>
    shapeEvent({
      schema_version: 1,
      event_id: newUlid(),
      lamport: n + 1,
      wall_clock: "2026-07-01T12:00:00Z",
      community_id: author,
      author,
      event_type: "ext.bench.note",
      data: { n, text: "x".repeat(200) },
      signature: `ed25519:${"A".repeat(86)}`,
    }),
  );
}

/** @returns microseconds of processor time for each */
function insert(events: readonly ShapedEvent[], size: number): number {
  const folder = mkdtempSync(join(tmpdir(), "hn-insert-"));
  const store = new EventStore(join(folder, "log.db"));
  try {
    const before = process.cpuUsage();
    for (let from = 0; from < events.length; from += size)
      store.transaction(
        () => {
          for (const event of events.slice(from, from + size)) store.insert(event, 0);
        },
        { received: true },
      );
    const { user, system } = process.cpuUsage(before);
    return (user + system) / events.length;
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
