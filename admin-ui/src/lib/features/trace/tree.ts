import type { CallTrace } from "@hearthnet/host/contract";

/** A call in its place: below the one it was made for, and when it ran. */
export interface Branch {
  call: CallTrace;
  depth: number;
  /** Milliseconds after the trace began. */
  beganMs: number;
  /** Shares of the whole time, 0 to 1. */
  from: number;
  length: number;
}

/** Parents before their children, each in the order of their beginnings; whose parent is not here stands at the root. */
export function treeOf(calls: readonly CallTrace[]): { branches: Branch[]; tookMs: number } {
  const beganAt = (call: CallTrace): number => Date.parse(call.ts) - call.ms;
  const first = Math.min(...calls.map(beganAt));
  const tookMs = Math.max(0, ...calls.map((call) => beganAt(call) + call.ms - first));
  const here = new Set(calls.map(({ span_id }) => span_id));
  const below = new Map<string, CallTrace[]>();
  for (const call of calls.toSorted((a, b) => beganAt(a) - beganAt(b) || a.seq - b.seq)) {
    const { parent_id: parent } = call;
    const place = parent !== undefined && parent !== call.span_id && here.has(parent) ? parent : "";
    below.set(place, [...(below.get(place) ?? []), call]);
  }
  const depths = new Map<CallTrace, number>();
  const walk = (parent: string, depth: number): void => {
    for (const call of below.get(parent) ?? []) {
      // Ids of others may lead in a circle.
      if (depths.has(call)) continue;
      depths.set(call, depth);
      walk(call.span_id, depth + 1);
    }
  };
  walk("", 0);
  for (const call of calls) if (!depths.has(call)) depths.set(call, 0);
  const branches = [...depths].map(([call, depth]) => {
    const beganMs = beganAt(call) - first;
    return {
      call,
      depth,
      beganMs,
      from: tookMs === 0 ? 0 : beganMs / tookMs,
      length: tookMs === 0 ? 1 : call.ms / tookMs,
    };
  });
  return { branches, tookMs };
}
