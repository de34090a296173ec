import { HnError } from "../../foundation/index.ts";
import type { Principal } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";

const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 5000;

/** Whose places a call takes: a plugin counts by itself, not as its node. */
export function slotOwner(caller: Principal): string {
  return caller.plugin_id ?? caller.node_id;
}

/**
 * Takes one place; nothing queues. Give it back with {@link releaseSlot}.
 * @throws capacity_exceeded reason slots_full, with retry_after_ms
 * @source 03 §9, B-12
 */
export function takeSlot(provider: Provider, owner: string): void {
  const { load } = provider;
  if (load.inFlight >= provider.descriptor.max_concurrent) throw full(provider);
  const held = load.callers.get(owner) ?? 0;
  // A neighbour shares out its own places; here they only must not be exceeded.
  if (provider.is_local && held >= provider.slotsPerCaller) {
    throw full(provider, "You already hold your share of the places for this capability. Wait for one of your calls to end.");
  }
  load.inFlight += 1;
  load.callers.set(owner, held + 1);
}

export function releaseSlot(provider: Provider, owner: string): void {
  const { load } = provider;
  load.inFlight -= 1;
  const held = load.callers.get(owner) ?? 0;
  if (held > 1) load.callers.set(owner, held - 1);
  else load.callers.delete(owner);
}

export function retryAfterMs(provider: Provider): number {
  return Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, provider.p50_latency_ms));
}

function full(provider: Provider, message?: string): HnError {
  return new HnError("capacity_exceeded", {
    reason: "slots_full",
    retryAfterMs: retryAfterMs(provider),
    ...(message === undefined ? {} : { message }),
  });
}
