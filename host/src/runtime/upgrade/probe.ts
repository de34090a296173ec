import type { PluginManifest } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

/**
 * Looks at a release that runs beside the one that serves.
 * @param o.ailment  what its health reports say is wrong
 * @param o.serving  `name@X.Y` that the former release serves now
 * @param o.registered  `name@X.Y` that the new one has registered
 * @throws plugin_gone reason probe_failed
 * @source plugin-platform §6.1 probing
 */
export function probe(o: {
  manifest: PluginManifest;
  ailment: string | null;
  serving: readonly string[];
  registered: readonly string[];
}): void {
  if (o.ailment !== null) throw failed(`It reports a problem: ${o.ailment}.`);
  const declared = new Set(o.manifest.contributes.capabilities?.map(({ name, version }) => majorOf(`${name}@${version}`)));
  const registered = new Set(o.registered.map(majorOf));
  // What a release does not declare any more was dropped on purpose, and the review shows it.
  const missing = o.serving.filter((ref) => declared.has(majorOf(ref)) && !registered.has(majorOf(ref)));
  if (missing.length > 0) throw failed(`It did not register ${missing.join(", ")}, which is served now.`);
}

const majorOf = (ref: string): string => ref.replace(/\.\d+$/, "");

function failed(message: string): HnError {
  return new HnError("plugin_gone", { reason: "probe_failed", message });
}
