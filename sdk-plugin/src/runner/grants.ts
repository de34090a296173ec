/** What the operator granted, as the plugin sees it. @source plugin-platform §3.4 */
import type { Grant } from "@hearthnet/host/contract";
import type { GrantView } from "../context.ts";

export interface LiveGrants extends GrantView {
  replace(grants: readonly Grant[]): void;
}

export function openGrants(first: readonly Grant[], onFault: (error: unknown) => void): LiveGrants {
  let present = first;
  const listeners = new Set<() => void>();
  // What the operator is asked about, or tries out, is worth trying; a denial beats every other row.
  const find = (permission: string): Grant | undefined => {
    const rows = present.filter((grant) => grant.permission === permission);
    return rows.some(({ mode }) => mode === "deny") ? undefined : rows[0];
  };
  return {
    has: (permission) => find(permission) !== undefined,
    scope: (permission) => find(permission)?.scope,
    list: () => structuredClone([...present]),
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    replace(grants) {
      present = grants;
      for (const listener of listeners) {
        try {
          listener();
        } catch (error) {
          onFault(error);
        }
      }
    },
  };
}
