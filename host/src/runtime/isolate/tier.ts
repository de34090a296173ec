/** Which tier a plugin runs in. @source plugin-platform §1.2.4 */
import type { PluginManifest, PluginStatus } from "../../contract/index.ts";

export type Tier = PluginStatus["tier"];

/**
 * The manifest names the least that the plugin needs to be kept apart; the operator may raise it, never lower it.
 * @param raised  the operator wants a process of its own for this plugin
 */
export function tierOf({ min, native }: PluginManifest["tier"], raised: boolean): Tier {
  // An addon of its own cannot be loaded into an isolate.
  return min === "isolate" && native !== true && !raised ? "isolate" : "process";
}
