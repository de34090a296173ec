/** The time in which one release has followed another and the former is still there. @source plugin-platform §6.4.4, §6.4.5 */
import type { Clock } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Guard, Outcomes } from "../broker/index.ts";
import type { ManagedPlugin } from "../supervise/index.ts";
import { onceMore } from "./once-more.ts";
import { isRegression } from "./regression.ts";

export interface SuccessionOptions {
  former: ManagedPlugin;
  newer: ManagedPlugin;
  clock: Clock;
  /** Monotonic milliseconds: until then conversations stay with the former release. */
  drainUntil: number;
  /** How calls of the former release went; null when the newer one is not on probation. */
  before: Outcomes | null;
  /** The newer release is worse, or is ending. Called at most once. */
  onFailure: (why: string) => void;
}

/** Decides for every call which of the two answers it, and watches the newer one. */
export class Succession {
  readonly former: ManagedPlugin;
  readonly newer: ManagedPlugin;
  readonly drainUntil: number;
  readonly #options: SuccessionOptions;
  /** `name@X.Y` of the newer release that may be done twice. */
  readonly #idempotent: ReadonlySet<string>;
  #watching: boolean;

  constructor(options: SuccessionOptions) {
    this.#options = options;
    this.former = options.former;
    this.newer = options.newer;
    this.drainUntil = options.drainUntil;
    this.#watching = options.before !== null;
    const declared = this.newer.release.manifest.contributes.capabilities ?? [];
    this.#idempotent = new Set(declared.filter((one) => one.idempotent).map(({ name, version }) => `${name}@${version}`));
    const { session } = this.newer;
    if (session !== undefined) session.guard = this.#guard;
    if (this.#watching)
      this.newer.watch = { onOutcome: () => this.#judge(), onEnding: () => this.#fail("It ended unexpectedly.") };
  }

  get watching(): boolean {
    return this.#watching;
  }

  /** The newer release has proved itself, or the operator has acted: it is not sent back any more. */
  stopWatching(): void {
    this.#watching = false;
    this.newer.watch = undefined;
  }

  /** Every call goes to the newer release from now on. */
  open(): void {
    this.stopWatching();
    const { session } = this.newer;
    if (session?.guard === this.#guard) session.guard = undefined;
  }

  readonly #guard: Guard = (ref, call, cancellation) => {
    const { former, newer } = this;
    const old = former.running ? former.session : undefined;
    if (old?.holds(ref, call) === true && this.#options.clock.monotonic() < this.drainUntil)
      return old.dispatch(ref, call, cancellation);
    const { session } = newer;
    if (session === undefined) throw new HnError("plugin_gone");
    if (!this.#watching || call.stream || !this.#idempotent.has(ref)) return session.dispatch(ref, call, cancellation);
    return onceMore(session, former.running ? former.session : undefined, { ref, call, cancellation });
  };

  #judge(): void {
    const { before } = this.#options;
    const now = this.newer.session?.outcomes;
    if (before === null || now === undefined || !isRegression(before, now)) return;
    this.#fail(`${now.faults} of its first ${now.calls} calls failed; before it were ${before.faults} of ${before.calls}.`);
  }

  #fail(why: string): void {
    if (!this.#watching) return;
    this.stopWatching();
    this.#options.onFailure(why);
  }
}
