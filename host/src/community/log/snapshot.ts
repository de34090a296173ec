import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Snapshot, SnapshotFacts } from "../../contract/index.ts";
import { formatTime, HnError, parseStrictJson, privateFolder, readFileBounded, writeFileAtomic } from "../../foundation/index.ts";
import { canonicalBytes, type Signer, verifyTyped } from "../../identity/index.ts";
import type { EventLog } from "./event-log.ts";

/** @source 04 §7, 00 §4.2 */
const LAG = 1000;
const KEPT = 7;
const FILE_MAX_BYTES = 16_777_216;
const NAME = /^(\d{1,15})\.bin$/;

/**
 * Writes what this node has counted up to 1000 below its head, signed. A local record: membership is always replayed from the first event, and each
 * plugin keeps its own views.
 * @throws capacity_exceeded log_being_read
 * @source 04 §7, E-11
 */
export function writeSnapshot(log: EventLog, o: { folder: string; signer: Signer; clock: Clock }): SnapshotFacts {
  if (!log.set.ready) throw new HnError("capacity_exceeded", { reason: "log_being_read", retryAfterMs: 1000 });
  const community_id = log.communityId();
  const { head } = log.store.heads(community_id);
  const covered = Math.max(0, head - LAG);
  const { count, sum } = log.set.tree.before([covered + 1, ""]);
  const snapshot = o.signer.signSnapshot({
    schema_version: 1,
    community_id,
    lamport: head,
    wall_clock: formatTime(o.clock.now()),
    state: { log: { count, sum: sum.toString(16).padStart(64, "0") } },
    covers_events_up_to: covered,
    author: o.signer.nodeId,
  });
  const path = join(privateFolder(o.folder), `${head}.bin`);
  writeFileAtomic(path, canonicalBytes(snapshot));
  for (const old of lamportsIn(o.folder).slice(KEPT)) rmSync(join(o.folder, `${old}.bin`), { force: true });
  return { path, lamport: head, covers_events_up_to: covered, wall_clock: snapshot.wall_clock };
}

/** The newest snapshot of this community that this node itself has signed; null without one. A damaged or foreign file is passed over. */
export function newestSnapshot(log: EventLog, o: { folder: string; signer: Signer }): Snapshot | null {
  for (const lamport of lamportsIn(o.folder)) {
    try {
      const bytes = readFileBounded(join(o.folder, `${lamport}.bin`), FILE_MAX_BYTES);
      const snapshot = parseStrictJson(bytes) as unknown as Snapshot;
      const genuine =
        snapshot.community_id === log.communityId() &&
        snapshot.author === o.signer.nodeId &&
        verifyTyped("snapshot", snapshot, { by: o.signer.nodeId });
      if (genuine) return snapshot;
    } catch {
      // The one before it serves as well.
    }
  }
  return null;
}

/** Newest first. */
function lamportsIn(folder: string): number[] {
  return readdirSync(privateFolder(folder))
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => b - a);
}
