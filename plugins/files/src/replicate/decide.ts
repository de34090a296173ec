/** Whether this node has to do something about the copies of a blob. Pure: every node decides alike from what the log says. @source 30 §6 */

export interface Situation {
  me: string;
  sizeBytes: number;
  /** Unix milliseconds. */
  now: number;
  /** Copies wanted; 0 for what needs none. */
  desired: number;
  /** Those that say they hold it; this node among them. */
  holders: ReadonlySet<string>;
  /** Those of them that keep it for others. */
  replicas: ReadonlySet<string>;
  /** When a node was last seen, Unix milliseconds; absent: never. */
  seenAt: (node: string) => number | undefined;
  /** Members that take copies: how much they say to have left. */
  takers: readonly { node: string; anchor: boolean; freeBytes: number }[];
  /** Earlier requests for this blob, latest last. */
  scheduled: readonly { candidates: readonly string[]; at: number }[];
  /** BLAKE3(cid ‖ node), 64 hex digits. */
  rank: (node: string) => string;
  /** Since when this node has it, Unix milliseconds. */
  heldSince: number;
}

export type Decision =
  | { do: "nothing" }
  /** Others are asked to keep it. */
  | { do: "ask"; candidates: string[]; current: number }
  /** This node's copy is not needed any more. */
  | { do: "let go" };

const MINUTE_MS = 60_000;
/** A node that was not seen for so long has no copy to count on. */
export const ALIVE_MS = 24 * 60 * MINUTE_MS;
/** A holder that was not seen for so long cannot be the one that acts. */
const PRESENT_MS = 30 * MINUTE_MS;
/** After it, others are asked. */
export const PATIENCE_MS = 30 * MINUTE_MS;
/** More than so many beyond those wanted are too many. */
const SPARE = 2;
const KEEP_MS = 7 * 24 * 60 * MINUTE_MS;

export function decide(o: Situation): Decision {
  const { me, now, desired, holders, rank } = o;
  const seenWithin = (ms: number) => (node: string) => node === me || now - (o.seenAt(node) ?? Number.NEGATIVE_INFINITY) <= ms;
  const alive = [...holders].filter(seenWithin(ALIVE_MS));
  if (!holders.has(me)) return { do: "nothing" };
  if (alive.length < desired) return ask(alive.length);
  return letsGo(alive) ? { do: "let go" } : { do: "nothing" };

  /** Of all holders only the lowest acts, so that not everybody asks at once. */
  function ask(current: number): Decision {
    const [first] = alive.filter(seenWithin(PRESENT_MS)).toSorted(by(rank));
    if (first !== me) return { do: "nothing" };
    const recent = o.scheduled.filter(({ at }) => now - at < ALIVE_MS);
    const waiting = recent.flatMap(({ candidates, at }) => (now - at < PATIENCE_MS ? candidates : []));
    const open = waiting.filter((node) => !holders.has(node)).length;
    const wanted = desired - current - open;
    if (wanted <= 0) return { do: "nothing" };
    const tried = new Set(recent.flatMap(({ candidates }) => candidates));
    const takers = o.takers.filter(
      ({ node, freeBytes }) => freeBytes >= o.sizeBytes && !alive.includes(node) && !waiting.includes(node),
    );
    // Whoever was asked in vain comes last, not never: it may have been switched off.
    const candidates = takers
      .toSorted(
        (a, b) =>
          Number(tried.has(a.node)) - Number(tried.has(b.node)) ||
          Number(b.anchor) - Number(a.anchor) ||
          by(rank)(a.node, b.node),
      )
      .slice(0, wanted)
      .map(({ node }) => node);
    return candidates.length === 0 ? { do: "nothing" } : { do: "ask", candidates, current };
  }

  /** Everybody counts alike, so not more go than are too many. */
  function letsGo(alive: readonly string[]): boolean {
    const excess = alive.length - (desired + SPARE);
    if (desired === 0 || excess <= 0 || now - o.heldSince < KEEP_MS) return false;
    return alive
      .filter((node) => o.replicas.has(node))
      .toSorted(by(rank))
      .slice(-excess)
      .includes(me);
  }
}

function by(rank: (node: string) => string): (a: string, b: string) => number {
  return (a, b) => (rank(a) < rank(b) ? -1 : 1);
}
