import type { Grant, StoredRelease } from "../../contract/index.ts";
import { GrantTable } from "../permission/index.ts";

export interface Step {
  release: StoredRelease;
  grants: readonly Grant[];
}

/**
 * Whether two releases of one plugin may run at the same time: they must fit beside each other, and no two may write one data folder unless
 * their author vouches for it.
 * @source plugin-platform §6.4.2, §6.4.7
 */
export function wayOf(former: Step, next: Step): "beside" | "stop-first" {
  if (next.release.manifest.update?.strategy === "stop-first") return "stop-first";
  const hasData = ({ grants }: Step): boolean => new GrantTable(grants).process().data;
  if (!hasData(former) && !hasData(next)) return "beside";
  const [before, after] = [former.release.manifest.data, next.release.manifest.data];
  const vouched = before?.shared === true && after?.shared === true && before.schemaVersion === after.schemaVersion;
  return vouched ? "beside" : "stop-first";
}
