import type { NodeId } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { EventLog } from "../log/event-log.ts";

const KEY = "own_state";
/** Neighbours that must have told what they hold of this node. */
const PEERS = 2;

/**
 * A node whose log is younger than its key may have written more than it knows of. Until two neighbours (or all there are) were asked, it writes
 * nothing: a second event with a lamport that it used already would be equivocation.
 * @source network.md §5 "An author that lost its disk"
 */
export class OwnState {
  readonly #log: EventLog;
  readonly #me: NodeId;

  constructor(log: EventLog, me: NodeId) {
    this.#log = log;
    this.#me = me;
  }

  /** Events of this node were found in a log that was fetched from others. */
  doubt(): void {
    if (this.#heard() === null) this.#write([]);
  }

  /** A whole exchange with this neighbour has succeeded, so what it held of this node is here. */
  heardFrom(peer: NodeId): void {
    const heard = this.#heard();
    if (heard === null || heard.includes(peer)) return;
    this.#write([...heard, peer]);
  }

  get isConfirmed(): boolean {
    const heard = this.#heard();
    return heard === null || heard.length >= this.#needed();
  }

  /** @throws partition own_state_unconfirmed */
  check(): void {
    if (!this.isConfirmed) throw new HnError("partition", { reason: "own_state_unconfirmed" });
    if (this.#heard() !== null) this.#log.store.setMeta(KEY, "");
  }

  #needed(): number {
    const others = [...this.#log.view().members.keys()].filter((node) => node !== this.#me);
    return Math.min(PEERS, others.length);
  }

  /** Whom it has heard of since it doubts; null when it does not. */
  #heard(): NodeId[] | null {
    const text = this.#log.store.meta(KEY) ?? "";
    return text === "" ? null : (JSON.parse(text) as NodeId[]);
  }

  #write(heard: NodeId[]): void {
    this.#log.store.setMeta(KEY, JSON.stringify(heard));
  }
}
