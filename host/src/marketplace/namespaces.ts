import { HnError } from "../foundation/index.ts";
import type { RegistrySource } from "./options.ts";

const FIRST_PARTY = "hearthnet";

/**
 * Which registry may speak for a namespace: the longest pattern wins, so a second registry never shadows the first one's names.
 * @throws bad_request when two claim one namespace, or somebody else claims the first-party one
 * @source marketplace §5.1
 */
export function namespaceOwners(registries: readonly RegistrySource[]): (namespace: string) => string | undefined {
  const owners = new Map<string, string>();
  for (const { id, namespaces, embedded } of registries) {
    if (!/^[a-z][a-z0-9-]{0,38}$/.test(id) || registries.filter((other) => other.id === id).length > 1)
      throw new HnError("bad_request", {
        message: `"${id.slice(0, 40)}" is no name for a registry, or there are two of that name.`,
        action: "Give each registry a short name of its own: letters a-z, digits and dashes.",
      });
    for (const pattern of namespaces) {
      const name = pattern === "*" ? "*" : pattern.replace(/\/\*$/, "");
      const other = owners.get(name);
      if (other !== undefined)
        throw new HnError("bad_request", {
          message: `The registries ${other} and ${id} both claim ${pattern}.`,
          action: "Give each namespace to one registry in the configuration.",
        });
      if (name === FIRST_PARTY && embedded !== true)
        throw new HnError("bad_request", {
          message: `The registry ${id} may not speak for ${FIRST_PARTY}/*.`,
          action: "Remove that pattern from its namespaces.",
        });
      owners.set(name, id);
    }
  }
  return (namespace) => owners.get(namespace) ?? (namespace === FIRST_PARTY ? undefined : owners.get("*"));
}
