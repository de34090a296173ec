import type { Clock, Random, Role, Session } from "../../contract/index.ts";
import { encodeBase64url, HnError } from "../../foundation/index.ts";
import { isPassword } from "./password.ts";
import type { AdminStore, SessionRow } from "./store.ts";

const IDLE_MS = 12 * 3_600_000;
const LONGEST_MS = 30 * 86_400_000;
const STEP_UP_MS = 5 * 60_000;
const TRIES_PER_MINUTE = 5;
const LONGEST_WAIT_MS = 15 * 60_000;

/** Sign-in state of browsers. @source admin-ui §4 "Session", "Step-up", "Ways in" */
export class Sessions {
  readonly #store: AdminStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ended: Set<(id: string) => void> = new Set();
  /** Failed tries per address; forgotten a while after the last one. */
  readonly #tries: Map<string, { failed: number; since: number; until: number }> = new Map();

  constructor(o: { store: AdminStore; clock: Clock; random: Random }) {
    this.#store = o.store;
    this.#clock = o.clock;
    this.#random = o.random;
  }

  /** @throws unauthorized password_wrong · rate_limited with the time to wait */
  async signIn(password: unknown, address: string): Promise<string> {
    await this.#prove(password, address);
    return this.open("owner");
  }

  /** A new session, already stepped up: the password was typed a moment ago. @returns cookie value */
  open(role: Role): string {
    const id = encodeBase64url(this.#random(32));
    const now = this.#clock.now();
    this.#store.addSession(id, { role, created: now, last_seen: now, step_up_until: now + STEP_UP_MS });
    return id;
  }

  /** Proof again: the old id dies, the new one is stepped up. @returns cookie value */
  async stepUp(id: string, o: { password: unknown; address: string }): Promise<string> {
    const row = this.#row(id);
    if (row === null) throw new HnError("unauthorized", { reason: "signed_out" });
    await this.#prove(o.password, o.address);
    this.#store.endSession(id);
    return this.open(row.role);
  }

  /** @throws unauthorized signed_out */
  check(id: string | undefined): Session {
    const row = id === undefined ? null : this.#row(id);
    if (id === undefined || row === null) throw new HnError("unauthorized", { reason: "signed_out" });
    const now = this.#clock.now();
    // One write a minute is enough to keep an open page alive.
    if (now - row.last_seen > 60_000) this.#store.touchSession(id, { last_seen: now, step_up_until: row.step_up_until });
    return {
      role: row.role,
      step_up_until: row.step_up_until > now ? row.step_up_until : 0,
      expires_at: Math.min(now + IDLE_MS, row.created + LONGEST_MS),
    };
  }

  end(id: string): void {
    this.#store.endSession(id);
    for (const listener of this.#ended) listener(id);
  }

  /** Closes the live sockets of all browsers after a reset. */
  endLive(): void {
    for (const listener of this.#ended) listener("*");
  }

  onEnd(listener: (id: string) => void): () => void {
    this.#ended.add(listener);
    return () => this.#ended.delete(listener);
  }

  #row(id: string): SessionRow | null {
    const row = this.#store.session(id);
    const now = this.#clock.now();
    if (row === null) return null;
    if (now - row.last_seen <= IDLE_MS && now - row.created <= LONGEST_MS) return row;
    this.end(id);
    return null;
  }

  async #prove(password: unknown, address: string): Promise<void> {
    const stored = this.#store.password();
    if (stored === null) throw new HnError("unauthorized", { reason: "not_set_up" });
    this.#admitTry(address);
    if (!(await isPassword(password, stored))) {
      this.#failed(address);
      throw new HnError("unauthorized", { reason: "password_wrong" });
    }
    this.#tries.delete(address);
  }

  #admitTry(address: string): void {
    const now = this.#clock.now();
    const entry = this.#tries.get(address);
    if (entry !== undefined && entry.until > now)
      throw new HnError("rate_limited", {
        retryAfterMs: entry.until - now,
        message: `Too many wrong passwords. Try again in ${Math.ceil((entry.until - now) / 1000)} s.`,
      });
  }

  #failed(address: string): void {
    const now = this.#clock.now();
    const entry = this.#tries.get(address) ?? { failed: 0, since: now, until: 0 };
    if (now - entry.since > 60_000 && entry.failed < TRIES_PER_MINUTE) Object.assign(entry, { failed: 0, since: now });
    entry.failed += 1;
    if (entry.failed >= TRIES_PER_MINUTE)
      entry.until = now + Math.min(LONGEST_WAIT_MS, 60_000 * 2 ** (entry.failed - TRIES_PER_MINUTE));
    if (this.#tries.size > 1000) this.#tries.clear();
    this.#tries.set(address, entry);
  }
}
