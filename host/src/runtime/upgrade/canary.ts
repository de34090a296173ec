/** Tries a new release with a tenth of the calls that may be done twice, before all of them are its own. @source plugin-platform §6.4.3 */
import type { Clock, Timer } from "../../contract/index.ts";
import type { Guard, Session } from "../broker/index.ts";
import type { ManagedPlugin } from "../supervise/index.ts";
import { onceMore } from "./once-more.ts";
import { isRegression, SAMPLES_MIN } from "./regression.ts";

const ONE_IN = 10;
const CALLS_MAX = 50;
const MINUTE_MS = 60_000;

export class Canary {
  /** What speaks against the new release; null when nothing does. */
  readonly verdict: Promise<string | null>;
  readonly #former: ManagedPlugin;
  readonly #newer: ManagedPlugin;
  readonly #idempotent: ReadonlySet<string>;
  readonly #timer: Timer;
  #resolve!: (fault: string | null) => void;
  #eligible = 0;

  constructor(o: { former: ManagedPlugin; newer: ManagedPlugin; clock: Clock; limitMs: number }) {
    this.#former = o.former;
    this.#newer = o.newer;
    const both = o.newer.session?.capabilities.refs ?? [];
    const declared = o.newer.release.manifest.contributes.capabilities ?? [];
    this.#idempotent = new Set(
      declared
        .filter(({ idempotent }) => idempotent)
        .map(({ name, version }) => `${name}@${version}`)
        .filter((ref) => both.includes(ref)),
    );
    this.verdict = new Promise((resolve) => (this.#resolve = resolve));
    this.#timer = o.clock.setTimeout(() => this.decide(), o.limitMs);
    o.newer.watch = {
      onOutcome: () => this.#judge(),
      onEnding: () => this.#end("It ended while it was tried with a part of the calls."),
    };
    if (o.former.session !== undefined) o.former.session.guard = this.#guard;
  }

  /** Whether anything would be seen: at the rate of the last minute, enough calls for a verdict come in the time. What comes through doors is never tried. */
  static isWorthIt(former: ManagedPlugin, limitMs: number): boolean {
    const perMinute = former.session?.busCallsPerMinute ?? 0;
    return (perMinute * limitMs) / MINUTE_MS / ONE_IN >= SAMPLES_MIN;
  }

  /** The time is over, or somebody cannot wait: what was seen so far counts. */
  decide(): void {
    this.#end(null);
  }

  /** The node is stopping. */
  giveUp(): void {
    this.#end("The node is stopping.");
  }

  readonly #guard: Guard = (ref, call, cancellation) => {
    const old = this.#former.session as Session;
    const next = this.#newer.running ? this.#newer.session : undefined;
    const eligible = !call.stream && call.body.session_id === undefined && this.#idempotent.has(ref);
    if (next === undefined || !eligible || (this.#eligible += 1) % ONE_IN !== 0) return old.dispatch(ref, call, cancellation);
    return onceMore(next, old, { ref, call, cancellation });
  };

  #judge(): void {
    const seen = this.#newer.session?.outcomes;
    const before = this.#former.session?.outcomes;
    if (seen === undefined || before === undefined) return;
    if (isRegression(before, seen)) return this.#end(`${seen.faults} of its first ${seen.calls} calls failed.`);
    if (seen.calls >= CALLS_MAX) this.decide();
  }

  #end(fault: string | null): void {
    this.#timer.cancel();
    this.#newer.watch = undefined;
    const { session } = this.#former;
    if (session?.guard === this.#guard) session.guard = undefined;
    this.#resolve(fault);
  }
}
