import type { Clock, Random, Role, Session, SessionEnd, SignedInBrowser } from "../../contract/index.ts";
import { encodeBase64url, HnError } from "../../foundation/index.ts";
import { nameBrowser } from "./browser-name.ts";
import { isPassword } from "./password.ts";
import { type AdminStore, hashId, type SessionRow } from "./store.ts";
import { Tries } from "./tries.ts";

const IDLE_MS = 12 * 3_600_000;
const LONGEST_MS = 30 * 86_400_000;
const STEP_UP_MS = 5 * 60_000;
/** Of a session's hash, enough to name it; whoever knows it has no key. */
const HANDLE_LENGTH = 16;

/** What happened to a session, named by its hash: it ended, or it goes on under another. */
export type SessionChange = { id: string; ended: SessionEnd } | { id: string; next: string };

/** Sign-in state of browsers. @source admin-ui §4 "Session", "Step-up", "Ways in" */
export class Sessions {
  readonly #store: AdminStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #tries: Tries;
  readonly #listeners: Set<(change: SessionChange) => void> = new Set();

  constructor(o: { store: AdminStore; clock: Clock; random: Random }) {
    this.#store = o.store;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#tries = new Tries(o.clock);
  }

  /**
   * @param o.userAgent   what the browser says it is
   * @throws unauthorized password_wrong · rate_limited with the time to wait
   */
  async signIn(password: unknown, o: { address: string; userAgent: string | undefined }): Promise<string> {
    await this.#prove(password, o.address);
    return this.open("owner", o.userAgent);
  }

  /** A new session, already stepped up: the password was typed a moment ago. @returns cookie value */
  open(role: Role, userAgent: string | undefined): string {
    return this.#add({ role, created: this.#clock.now(), ...nameBrowser(userAgent) });
  }

  /** Proof again: the old id dies, the new one is stepped up. @returns cookie value */
  async stepUp(id: string, o: { password: unknown; address: string }): Promise<string> {
    const row = this.#row(hashId(id));
    if (row === null) throw new HnError("unauthorized", { reason: "signed_out" });
    await this.#prove(o.password, o.address);
    this.#store.endSession(row.id_sha256);
    const next = this.#add(row);
    this.#tell({ id: row.id_sha256, next: hashId(next) });
    return next;
  }

  /** @throws unauthorized signed_out */
  check(id: string | undefined): Session {
    return this.checkHash(id === undefined ? "" : hashId(id));
  }

  /** As `check`; null where nobody is signed in. */
  find(id: string | undefined): Session | null {
    const hash = id === undefined ? "" : hashId(id);
    return this.#row(hash) === null ? null : this.checkHash(hash);
  }

  /** As `check`, for who has kept no more than the hash. */
  checkHash(hash: string): Session {
    const row = this.#row(hash);
    if (row === null) throw new HnError("unauthorized", { reason: "signed_out" });
    const now = this.#clock.now();
    // One write a minute is enough to keep an open page alive.
    if (now - row.last_seen > 60_000) this.#store.touchSession(hash, now);
    return {
      role: row.role,
      step_up_until: row.step_up_until > now ? row.step_up_until : 0,
      expires_at: Math.min(now + IDLE_MS, row.created + LONGEST_MS),
    };
  }

  /** Signed-in browsers, the latest seen first. @param own   cookie value of who asks */
  list(own: string | undefined): SignedInBrowser[] {
    const mine = own === undefined ? "" : hashId(own);
    return this.#rows().map(({ id_sha256, browser, system, created, last_seen }) => ({
      id: handleOf(id_sha256),
      browser,
      system,
      created,
      last_seen,
      current: id_sha256 === mine,
    }));
  }

  /** @throws not_found */
  endOne(handle: string): void {
    const row = this.#rows().find(({ id_sha256 }) => handleOf(id_sha256) === handle);
    if (row === undefined) throw new HnError("not_found", { message: "This browser is not signed in any more." });
    this.#end(row.id_sha256, "signed_out");
  }

  /** Ends every session but that of who asks. @returns how many */
  endOthers(own: string | undefined): number {
    const mine = own === undefined ? "" : hashId(own);
    const others = this.#rows().filter(({ id_sha256 }) => id_sha256 !== mine);
    for (const { id_sha256 } of others) this.#end(id_sha256, "signed_out");
    return others.length;
  }

  end(id: string): void {
    this.#end(hashId(id), "signed_out");
  }

  /** After a reset of the sign-in nobody stays. */
  endAll(): void {
    for (const { id_sha256 } of this.#store.sessions()) this.#end(id_sha256, "reset");
  }

  onChange(listener: (change: SessionChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #add(row: Pick<SessionRow, "role" | "created" | "browser" | "system">): string {
    const id = encodeBase64url(this.#random(32));
    const now = this.#clock.now();
    const { role, created, browser, system } = row;
    this.#store.addSession({
      id_sha256: hashId(id),
      role,
      created,
      last_seen: now,
      step_up_until: now + STEP_UP_MS,
      browser,
      system,
    });
    return id;
  }

  #end(hash: string, ended: SessionEnd): void {
    this.#store.endSession(hash);
    this.#tell({ id: hash, ended });
  }

  #tell(change: SessionChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #rows(): SessionRow[] {
    return this.#store.sessions().filter((row) => this.#row(row.id_sha256) !== null);
  }

  #row(hash: string): SessionRow | null {
    const row = this.#store.session(hash);
    const now = this.#clock.now();
    if (row === null) return null;
    if (now - row.last_seen <= IDLE_MS && now - row.created <= LONGEST_MS) return row;
    this.#end(hash, "expired");
    return null;
  }

  async #prove(password: unknown, address: string): Promise<void> {
    const stored = this.#store.password();
    if (stored === null) throw new HnError("unauthorized", { reason: "not_set_up" });
    this.#tries.admit(address);
    if (!(await isPassword(password, stored))) {
      this.#tries.failed(address);
      throw new HnError("unauthorized", { reason: "password_wrong" });
    }
    this.#tries.forget(address);
  }
}

function handleOf(hash: string): string {
  return hash.slice(0, HANDLE_LENGTH);
}
