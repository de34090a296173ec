import { CONSTANTS } from "../../contract/index.ts";

const SESSIONS_PER_CALLER = 100;
/** Anybody can make up a key, so their number ends here: who has talked least recently goes first. */
const CALLERS_MAX = 4096;

interface Binding {
  /** Key of the entry. */
  entry: string;
  usedAt: number;
}

/**
 * Which entry holds whose conversation. Bound to (caller, capability, session_id), so that a guessed id leads to a fresh session.
 * @source 03 §6, B-9
 */
export class Sessions {
  /** Per caller, least recently used first; callers in the order of their last binding. */
  readonly #callers: Map<string, Map<string, Binding>> = new Map();

  /** Key of the bound entry; refreshes its idle time. */
  find(o: { caller: string; capability: string; session: string; now: number }): string | undefined {
    const bindings = this.#callers.get(o.caller);
    const key = `${o.capability} ${o.session}`;
    const binding = bindings?.get(key);
    if (!bindings || !binding) return undefined;
    bindings.delete(key);
    if (o.now - binding.usedAt > CONSTANTS.STICKY_TTL_SECONDS * 1000) return undefined;
    binding.usedAt = o.now;
    bindings.set(key, binding);
    return binding.entry;
  }

  bind(o: { caller: string; capability: string; session: string; entry: string; now: number }): void {
    const bindings = this.#callers.get(o.caller) ?? new Map<string, Binding>();
    this.#callers.delete(o.caller);
    this.#callers.set(o.caller, bindings);
    const key = `${o.capability} ${o.session}`;
    bindings.delete(key);
    bindings.set(key, { entry: o.entry, usedAt: o.now });
    if (bindings.size > SESSIONS_PER_CALLER) bindings.delete(bindings.keys().next().value ?? key);
    this.#forgetIdle(o.now);
    if (this.#callers.size > CALLERS_MAX) this.#callers.delete(this.#callers.keys().next().value ?? o.caller);
  }

  /** The entry is gone: its conversations start anew. */
  unbind(entry: string): void {
    for (const [caller, bindings] of this.#callers) {
      for (const [key, binding] of bindings) if (binding.entry === entry) bindings.delete(key);
      if (bindings.size === 0) this.#callers.delete(caller);
    }
  }

  /** Who has bound nothing new for long stands first, and has most likely nothing that lives: a look at two keeps up with one that comes. */
  #forgetIdle(now: number): void {
    let looks = 2;
    for (const [caller, bindings] of this.#callers) {
      if (looks-- === 0) return;
      for (const [key, binding] of bindings) {
        if (now - binding.usedAt <= CONSTANTS.STICKY_TTL_SECONDS * 1000) break;
        bindings.delete(key);
      }
      if (bindings.size === 0) this.#callers.delete(caller);
    }
  }
}
