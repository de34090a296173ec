/** What is missing for confinement, so that page and `doctor` can say how to mend it. @source plugin-platform §1.4 */
import type { Repair } from "../../contract/index.ts";
import type { Machine } from "./machine.ts";

const SAID_MAX = 200;

export interface Obstacles {
  /** bwrap was found but the canary did not come up in it. */
  canaryFailed: boolean;
  /** What bwrap or the canary said. */
  canaryOutput: string;
  appArmorRestricted: boolean;
  userNamespacesOff: boolean;
}

export function repairsFor(machine: Machine, obstacles: Obstacles): Repair[] {
  return [
    ...machine.missing,
    ...(obstacles.canaryFailed ? [blocked(machine, obstacles)] : []),
    ...(machine.asRoot ? [{ id: "root", found: "" } as const] : []),
  ];
}

function blocked(machine: Machine, { appArmorRestricted, userNamespacesOff, canaryOutput }: Obstacles): Repair {
  const found = (canaryOutput.split("\n")[0] ?? "").slice(0, SAID_MAX);
  if (!machine.asRoot && appArmorRestricted) return { id: "apparmor", found };
  if (!machine.asRoot && userNamespacesOff) return { id: "userns", found };
  return { id: "sandbox", found };
}
