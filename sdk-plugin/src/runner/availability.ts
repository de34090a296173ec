/** What the node can count on, as the plugin sees it. @source plugin-platform §4.3 availability */
import type { Availability } from "../context.ts";
import type { HostLink } from "./host-link.ts";

export interface LiveAvailability extends Availability {
  replace(flags: Readonly<Record<string, boolean>>): void;
}

export function openAvailability(
  link: HostLink,
  o: { first: Readonly<Record<string, boolean>>; onFault: (error: unknown) => void },
): LiveAvailability {
  let present = o.first;
  const listeners = new Set<() => void>();
  return {
    get: (flag) => !Object.hasOwn(present, flag) || present[flag] !== false,
    set: async (flag, value, ttlSeconds) => void (await link.op("availability.set", { flag, value, ttlSeconds })),
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    replace(flags) {
      present = flags;
      for (const listener of listeners) {
        try {
          listener();
        } catch (error) {
          o.onFault(error);
        }
      }
    },
  };
}
