import { timingSafeEqual } from "node:crypto";
import type { Clock, Random } from "../../contract/index.ts";
import { encodeBase64url, HnError } from "../../foundation/index.ts";
import { type AdminStore, hashId } from "./store.ts";

const LIFETIME_MS = 15 * 60_000;
const CLAIM_LIFETIME_MS = 60 * 60_000;
const TRIES = 5;

/**
 * The first-run link: one token, printed once in the terminal, stored as hash, 15 minutes, 5 tries, single use.
 * @source admin-ui §4 "First run"
 */
export class Setup {
  readonly #store: AdminStore;
  readonly #clock: Clock;
  readonly #random: Random;
  #pending: { hash: string; until: number; tries: number } | null = null;
  #claim: { hash: string; until: number } | null = null;
  /** Hash of the claim that a newer link has ended. */
  #replaced: string | null = null;

  constructor(o: { store: AdminStore; clock: Clock; random: Random }) {
    this.#store = o.store;
    this.#clock = o.clock;
    this.#random = o.random;
  }

  done(): boolean {
    return this.#store.password() !== null;
  }

  /** A new link's token; the former one is dead. */
  newToken(): string {
    const token = encodeBase64url(this.#random(16));
    this.#pending = { hash: hashId(token), until: this.#clock.now() + LIFETIME_MS, tries: TRIES };
    if (this.#claim !== null) this.#replaced = this.#claim.hash;
    this.#claim = null;
    return token;
  }

  /** Burns the token. @returns id for the set-up cookie @throws expired setup_token */
  claim(token: unknown): string {
    const pending = this.#pending;
    if (this.done()) throw new HnError("bad_request", { reason: "already_set_up" });
    if (pending === null || pending.until < this.#clock.now() || pending.tries-- <= 0)
      throw new HnError("expired", { reason: "setup_token" });
    if (typeof token !== "string" || !timingSafeEqual(Buffer.from(hashId(token)), Buffer.from(pending.hash)))
      throw new HnError("expired", { reason: "setup_token" });
    this.#pending = null;
    const id = encodeBase64url(this.#random(32));
    this.#claim = { hash: hashId(id), until: this.#clock.now() + CLAIM_LIFETIME_MS };
    return id;
  }

  holdsClaim(id: string | undefined): boolean {
    return id !== undefined && this.#claim !== null && this.#claim.until >= this.#clock.now() && hashId(id) === this.#claim.hash;
  }

  /** True for a browser that had begun when the terminal made a newer link. */
  isReplaced(id: string | undefined): boolean {
    return id !== undefined && hashId(id) === this.#replaced;
  }

  /** Set-up is over, here or in the terminal: nobody's claim counts any more. */
  finish(): void {
    this.#claim = null;
    this.#pending = null;
    this.#replaced = null;
  }
}
