import type { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type Clock, type NodeId, type Random } from "../../contract/index.ts";
import { chance } from "../health/breaker.ts";
import type { Provider } from "../registry/provider.ts";
import { cancelled } from "./run.ts";

const ALWAYS = new Set<string>(["partition", "capacity_exceeded", "relay_unreachable"]);
const IF_IDEMPOTENT = new Set<string>(["timeout", "internal_error", "plugin_gone"]);
const ATTEMPTS = 3;
const FIRST_WAIT_MS = 250;

/**
 * Decides whether a failed attempt may go to another node, and how long it waits before: when a neighbour falls silent its callers must not
 * all stand at the next one's door in the same moment.
 * @source 03 B-8, 02 T-11
 */
export class Failover {
  readonly #tried: Set<NodeId> = new Set();
  #first: HnError | undefined;

  get tried(): ReadonlySet<NodeId> {
    return this.#tried;
  }

  /** Why the first attempt failed: what the caller hears when nobody else can help. */
  get first(): HnError | undefined {
    return this.#first;
  }

  /** @returns whether another candidate may be tried */
  failed(provider: Provider, error: HnError): boolean {
    this.#tried.add(provider.node_id);
    this.#first ??= error;
    if (this.#tried.size >= ATTEMPTS) return false;
    return ALWAYS.has(error.code) || (provider.descriptor.idempotent && IF_IDEMPOTENT.has(error.code));
  }

  /**
   * Milliseconds before the next attempt: 250 × 2ⁿ with full jitter, and never more than half of what is left. A place that was refused on
   * this node itself cost nobody anything, so nothing is waited for.
   */
  waitMs(o: { provider: Provider; error: HnError; leftMs: number; random: Random }): number {
    if (o.provider.is_local && o.error.code === "capacity_exceeded") return 0;
    const step = Math.min(FIRST_WAIT_MS * 2 ** (this.#tried.size - 1), CONSTANTS.RECONNECT_BACKOFF_CAP_SECONDS * 1000);
    return chance(o.random) * Math.min(step, o.leftMs / 2);
  }
}

/** Resolves after a while, or rejects as soon as the caller goes away. */
export function pause(clock: Clock, o: { ms: number; signal: AbortSignal | undefined }): Promise<void> {
  return new Promise((resolve, reject) => {
    const left = (): void => {
      timer.cancel();
      reject(cancelled());
    };
    const timer = clock.setTimeout(() => {
      o.signal?.removeEventListener("abort", left);
      resolve();
    }, o.ms);
    o.signal?.addEventListener("abort", left, { once: true });
  });
}
