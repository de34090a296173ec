import type { Bus, TrustRequirement } from "./contract/index.ts";

/** From what all may call to what nobody else may. */
const ORDER: readonly TrustRequirement[] = ["unknown", "member", "trusted", "anchor", "federated", "self"];

/** The least that any known provider asks for a capability in this version or a later minor one; null when there is none. @source 05 §6, 03 B-2 */
export function leastRequirement(
  bus: Pick<Bus, "entries">,
  { name, version: [major, minor] }: { name: string; version: [number, number] },
): TrustRequirement | null {
  const asked = bus
    .entries({ name })
    .filter(({ descriptor: { version } }) => version[0] === major && version[1] >= minor)
    .map(({ descriptor }) => ORDER.indexOf(descriptor.trust_required));
  return asked.length === 0 ? null : (ORDER[Math.min(...asked)] ?? null);
}
