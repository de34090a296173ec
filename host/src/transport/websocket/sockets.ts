import { HnError } from "../../foundation/index.ts";
import { CONSTANTS } from "../../contract/index.ts";

const RETRY_MS = 1000;

/** WebSockets that are open: how many of an address have not said yet who they are, and whom to tell that the node stops. */
export class Sockets {
  readonly #unknown: Map<string, number> = new Map();
  readonly #leaving: Set<() => void> = new Set();

  /**
   * Counts a socket that has proven nothing yet.
   * @returns ends the count; asking again changes nothing
   * @throws capacity_exceeded reason sockets_full beyond 8 of one address
   * @source 02 T-15
   */
  enter(address: string): () => void {
    const held = this.#unknown.get(address) ?? 0;
    if (held >= CONSTANTS.WS_UNAUTHENTICATED_PER_IP)
      throw new HnError("capacity_exceeded", { reason: "sockets_full", retryAfterMs: RETRY_MS });
    this.#unknown.set(address, held + 1);
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      const left = (this.#unknown.get(address) ?? 1) - 1;
      if (left === 0) this.#unknown.delete(address);
      else this.#unknown.set(address, left);
    };
  }

  /** @returns a function that forgets it */
  onLeaving(leave: () => void): () => void {
    this.#leaving.add(leave);
    return () => void this.#leaving.delete(leave);
  }

  /** The node stops: what only waits for news ends now, calls that run may end by themselves. */
  leave(): void {
    for (const leave of this.#leaving) leave();
  }
}
