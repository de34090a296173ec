/** Who holds what, as the community's log says. @source 30 §6, §9; 04 §5 */
import type { JsonObject, JsonValue, NodeId, View } from "@hearthnet/sdk-plugin";
import { isCid } from "../cid/blake3.ts";

type Event = Parameters<View["apply"]>[0];

/** A holder asks others to keep a copy. */
export interface Scheduled {
  author: NodeId;
  candidates: NodeId[];
  desired: number;
  /** Unix milliseconds, by its author's clock. */
  at: number;
}

/** What is known of one blob. */
export interface Known {
  /** Those that say they hold it, and when they said so; Unix milliseconds by their clocks. */
  holders: Map<NodeId, number>;
  /** Those of them that keep it for others. */
  replicas: Set<NodeId>;
  /** Latest last. */
  scheduled: Scheduled[];
}

/** Blobs that are remembered; of more, those go that nobody has mentioned for longest. */
const BLOBS_MAX = 50_000;
const HOLDERS_MAX = 64;
const SCHEDULED_MAX = 8;
const CANDIDATES_MAX = 16;

/** Only who holds it says so, and takes it back: nobody speaks for another. */
export class Copies {
  #known = new Map<string, Known>();
  #onWish: () => void = () => {};
  /** What the runtime drives. */
  readonly view: View = {
    reset: () => void (this.#known = new Map()),
    apply: (event) => this.#apply(event),
    snapshotState: () => this.#state(),
    restoreState: (state) => this.#restore(state),
  };

  /** Whoever asked for it last hears of every wish for copies that the log brings. */
  onWish(listener: () => void): void {
    this.#onWish = listener;
  }

  holders(cid: string): ReadonlySet<NodeId> {
    return new Set(this.#known.get(cid)?.holders.keys());
  }

  of(cid: string): Known {
    return this.#known.get(cid) ?? { holders: new Map(), replicas: new Set(), scheduled: [] };
  }

  /** Blobs that somebody has asked this node to keep. */
  *asked(node: NodeId): Generator<{ cid: string; scheduled: Scheduled }, void, void> {
    for (const [cid, { scheduled }] of this.#known) {
      const mine = scheduled.findLast(({ candidates }) => candidates.includes(node));
      if (mine !== undefined) yield { cid, scheduled: mine };
    }
  }

  #apply({ event_type, author, data, wall_clock }: Event): void {
    const { cid } = data;
    if (!isCid(cid)) return;
    const at = Date.parse(wall_clock);
    if (event_type === "file.cid.unpinned") {
      const known = this.#known.get(cid);
      known?.holders.delete(author);
      known?.replicas.delete(author);
      return;
    }
    const known = this.#touch(cid);
    if (event_type === "file.replication.scheduled") {
      const { candidate_holders: candidates, desired_copies: desired } = data;
      // Whoever does not hold it has nothing to ask for.
      if (!Array.isArray(candidates) || !known.holders.has(author)) return;
      const nodes = candidates.filter((node) => typeof node === "string").slice(0, CANDIDATES_MAX);
      known.scheduled.push({ author, candidates: nodes, desired: typeof desired === "number" ? desired : 0, at });
      if (known.scheduled.length > SCHEDULED_MAX) known.scheduled.shift();
      this.#onWish();
      return;
    }
    if (!known.holders.has(author) && known.holders.size >= HOLDERS_MAX) return;
    if (event_type === "file.replication.completed") {
      const { holders } = data;
      if (!Array.isArray(holders) || !holders.includes(author)) return;
      known.replicas.add(author);
    }
    known.holders.set(author, at);
  }

  #touch(cid: string): Known {
    const known = this.of(cid);
    this.#known.delete(cid);
    this.#known.set(cid, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > BLOBS_MAX && oldest !== undefined) this.#known.delete(oldest);
    return known;
  }

  #state(): object {
    return {
      blobs: [...this.#known].map(([cid, { holders, replicas, scheduled }]) => ({
        cid,
        holders: [...holders],
        replicas: [...replicas],
        scheduled,
      })),
    };
  }

  #restore(state: JsonValue): void {
    const { blobs = [] } = state as unknown as {
      blobs?: { cid: string; holders: [NodeId, number][]; replicas: NodeId[]; scheduled: Scheduled[] }[];
    } & JsonObject;
    this.#known = new Map(
      blobs.map(({ cid, holders, replicas, scheduled }) => [
        cid,
        { holders: new Map(holders), replicas: new Set(replicas), scheduled: [...scheduled] },
      ]),
    );
  }
}
