import type { Grant } from "../../contract/index.ts";

/**
 * Rights with which a former release comes back: those it had, without what the operator has taken from the plugin since.
 * @param now  rights of the release that is left
 */
export function grantsBack(former: readonly Grant[], now: readonly Grant[]): Grant[] {
  const denied = now.filter(({ mode }) => mode === "deny");
  const taken = new Set(denied.map(({ permission }) => permission));
  return [...former.filter(({ permission }) => !taken.has(permission)), ...denied];
}
