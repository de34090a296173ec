import type { KeptRelease } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

/**
 * The kept release that is meant: by its version, or the newest.
 * @param kept  newest first
 * @throws not_found reason not_kept, naming those that are
 */
export function choose(
  kept: readonly KeptRelease[],
  wanted: { id: string; version: string | undefined; current: string },
): KeptRelease {
  const found = kept.find(({ release }) => wanted.version === undefined || release.version === wanted.version);
  if (found !== undefined) return found;
  const what = wanted.version ?? `before ${wanted.current}`;
  const others = kept.map(({ release }) => release.version).join(", ");
  throw new HnError("not_found", {
    reason: "not_kept",
    message: `${wanted.id} ${what} is not kept here. ${others === "" ? "No former version is." : `Kept: ${others}.`}`,
  });
}
