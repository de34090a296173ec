/**
 * What an isolate lacks and the SDK or its plugins rely on. No timers, no fetch: whatever waits would have to be watched. Imported first,
 * so that everything else finds it in place.
 */
import { GuestController, GuestException, GuestSignal } from "./abort.ts";
import { GuestDecoder, GuestEncoder } from "./text.ts";

const started = Date.now();

const platform: Record<string, unknown> = {
  AbortController: GuestController,
  AbortSignal: GuestSignal,
  DOMException: GuestException,
  TextDecoder: GuestDecoder,
  TextEncoder: GuestEncoder,
  performance: Object.freeze({ now: () => Date.now() - started }),
  queueMicrotask: (task: () => void): void => void Promise.resolve().then(task),
  /** Grants, settings and the like are JSON. */
  structuredClone: (value: unknown): unknown => JSON.parse(JSON.stringify(value)),
};
for (const [name, value] of Object.entries(platform))
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
