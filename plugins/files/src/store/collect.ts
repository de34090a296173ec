/** Making room: what nobody has pinned and nobody has used for longest goes first. @source 30 §4.4 */
import type { Parts } from "./reading.ts";
import { sweepUnused } from "./removal.ts";
import type { BlobRecord } from "./rows.ts";
import type { Space } from "./space.ts";
import type { BlobStore } from "./store.ts";

/** What has just come may be about to be used. */
const YOUNG_MS = 3_600_000;
const AT_ONCE = 64;

export interface CollectOptions {
  store: BlobStore;
  parts: Parts;
  space: Space;
  /** Shares of the disk: above the first, until below the second. */
  threshold: number;
  target: number;
  /** Half of an upload is kept for so long after its last byte. */
  partialTtlMs: number;
}

export interface Collected {
  evicted: number;
  expired: number;
  freedBytes: number;
}

export async function collect(o: CollectOptions): Promise<Collected> {
  const expired = await dropExpired(o);
  const done: Collected = { evicted: 0, expired, freedBytes: await sweepUnused(o.parts) };
  if ((await o.space.use()) <= o.threshold) return done;
  const seen = new Set<number>();
  while ((await o.space.excess(o.target)) > 0) {
    const batch = candidates(o, seen);
    if (batch.length === 0) break;
    for (const blob of batch) {
      seen.add(blob.id);
      if (o.store.isHeldBack(blob, o.store.labelOf(blob)?.cid)) continue;
      done.freedBytes += await o.store.drop([blob], "evicted");
      done.evicted += 1;
      if ((await o.space.excess(o.target)) <= 0) break;
    }
  }
  return done;
}

/** Those that were not used for longest first, without those that were looked at already. */
function candidates({ parts: { rows, now } }: CollectOptions, seen: ReadonlySet<number>): BlobRecord[] {
  const sql = `SELECT * FROM blob WHERE pinned = 0 AND staged = 0 AND created_at <= ? ORDER BY last_access, id LIMIT ? OFFSET ?`;
  const found: BlobRecord[] = [];
  for (let offset = 0; found.length === 0; offset += AT_ONCE) {
    const page = rows.all<BlobRecord>(sql, now() - YOUNG_MS, AT_ONCE, offset);
    found.push(...page.filter(({ id }) => !seen.has(id)));
    if (page.length < AT_ONCE) break;
  }
  return found;
}

/** Uploads that nobody has gone on with. What their chunks share with others stays. @source 30 §5.4 */
async function dropExpired({ store, parts: { rows, now }, partialTtlMs }: CollectOptions): Promise<number> {
  const stale = rows
    .all<BlobRecord>(
      "SELECT * FROM blob WHERE complete = 0 AND (staged = 1 OR origin = 'put') AND last_byte_at <= ?",
      now() - partialTtlMs,
    )
    .filter((row) => !store.isHeldBack(row, undefined));
  if (stale.length > 0) await store.drop(stale, "evicted");
  return stale.length;
}
