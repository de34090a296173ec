import type { CapabilityEntry } from "../../contract/index.ts";

/** What a score is made of. */
export type Scored = Pick<CapabilityEntry, "in_flight" | "p50_latency_ms" | "success_rate" | "is_local" | "node_id"> & {
  descriptor: { max_concurrent: number; version: readonly [number, number] };
  /** Its schema differs from ours at the same version. @source 03 B-4 */
  foreignSchema: boolean;
};

const UNKNOWN_LATENCY_MS = 500;
const FAILURE_COST_MS = 1000;
const LOCAL_BONUS_MS = 50;
const FOREIGN_SCHEMA_COST_MS = 100;

export function loadOf(entry: Pick<Scored, "in_flight" | "descriptor">): number {
  return entry.in_flight / Math.max(entry.descriptor.max_concurrent, 1);
}

/** Expected cost in milliseconds; lower wins. @source 03 §5, B-4 */
export function score(entry: Scored): number {
  const latency = entry.p50_latency_ms > 0 ? entry.p50_latency_ms : UNKNOWN_LATENCY_MS;
  return (
    latency * (1 + loadOf(entry)) +
    (1 - entry.success_rate) * FAILURE_COST_MS -
    (entry.is_local ? LOCAL_BONUS_MS : 0) +
    (entry.foreignSchema ? FOREIGN_SCHEMA_COST_MS : 0)
  );
}

/** Order of two candidates, best first; ties: success rate, then minor version, then smaller node id. No chance is involved. @source 03 B-6 */
export function compareCandidates(a: Scored, b: Scored): number {
  return (
    score(a) - score(b) ||
    b.success_rate - a.success_rate ||
    b.descriptor.version[1] - a.descriptor.version[1] ||
    (a.node_id < b.node_id ? -1 : a.node_id > b.node_id ? 1 : 0)
  );
}
