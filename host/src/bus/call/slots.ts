import { HnError } from "../../foundation/index.ts";
import type { Principal } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";

const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 5000;
/** Counters of callers that hold nothing are kept up to this number, so that a busy caller does not cost a map entry per call. */
const IDLE_CALLERS_MAX = 256;

/** One caller's places at one provider. */
export interface Share {
  held: number;
}

/** Whose places a call takes: a plugin counts by itself, not as its node. */
export function slotOwner(caller: Principal): string {
  return caller.plugin_id ?? caller.node_id;
}

/**
 * Takes one place; nothing queues. Give it back with {@link releaseSlot}.
 * @throws capacity_exceeded reason slots_full, with retry_after_ms
 * @source 03 §9, B-12
 */
export function takeSlot(provider: Provider, owner: string): Share {
  const { load } = provider;
  if (load.inFlight >= provider.descriptor.max_concurrent) throw full(provider);
  const share = shareOf(provider, owner);
  // A neighbour shares out its own places; here they only must not be exceeded.
  if (provider.is_local && share.held >= provider.slotsPerCaller) {
    throw full(provider, "You already hold your share of the places for this capability. Wait for one of your calls to end.");
  }
  load.inFlight += 1;
  share.held += 1;
  return share;
}

export function releaseSlot(provider: Provider, share: Share): void {
  provider.load.inFlight -= 1;
  share.held -= 1;
}

export function retryAfterMs(provider: Provider): number {
  return Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, provider.p50_latency_ms));
}

function shareOf(provider: Provider, owner: string): Share {
  const { callers } = provider.load;
  const known = callers.get(owner);
  if (known) return known;
  if (callers.size >= IDLE_CALLERS_MAX) for (const [key, share] of callers) if (share.held === 0) callers.delete(key);
  const share = { held: 0 };
  callers.set(owner, share);
  return share;
}

function full(provider: Provider, message?: string): HnError {
  return new HnError("capacity_exceeded", {
    reason: "slots_full",
    retryAfterMs: retryAfterMs(provider),
    ...(message === undefined ? {} : { message }),
  });
}
