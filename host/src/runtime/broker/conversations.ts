/** Which conversations one process has begun. @source 03 §6, plugin-platform §6.4.4 */
import { CONSTANTS, type DispatchedCall } from "../../contract/index.ts";

const MAX = 10_000;

/** Remembers what a caller's session was last used for, so that it stays with the process that holds it. */
export class Conversations {
  /** Least recently used first; monotonic milliseconds of the last call. */
  readonly #usedAt = new Map<string, number>();

  /** @param ref  `name@X.Y` as registered */
  note(ref: string, call: DispatchedCall, now: number): void {
    const key = keyOf(ref, call);
    if (key === undefined) return;
    this.#usedAt.delete(key);
    this.#usedAt.set(key, now);
    if (this.#usedAt.size > MAX) this.#usedAt.delete(this.#usedAt.keys().next().value ?? key);
  }

  holds(ref: string, call: DispatchedCall, now: number): boolean {
    const key = keyOf(ref, call);
    const usedAt = key === undefined ? undefined : this.#usedAt.get(key);
    return usedAt !== undefined && now - usedAt <= CONSTANTS.STICKY_TTL_SECONDS * 1000;
  }

  /** True while one may still go on. */
  isOpen(now: number): boolean {
    const newest = [...this.#usedAt.values()].at(-1);
    return newest !== undefined && now - newest <= CONSTANTS.STICKY_TTL_SECONDS * 1000;
  }
}

/** Bound to the caller, so that a guessed id leads nowhere. */
function keyOf(ref: string, { caller, body }: DispatchedCall): string | undefined {
  return body.session_id === undefined ? undefined : `${caller.plugin_id ?? caller.node_id} ${ref} ${body.session_id}`;
}
