import type { Grant, StoredRelease } from "../../contract/index.ts";
import { GrantTable } from "../permission/index.ts";

export interface Step {
  release: StoredRelease;
  grants: readonly Grant[];
}

export type Way = "beside" | "fence" | "stop-first";

/**
 * How one release may follow another. Two that do not fit beside each other, as their author says, leave a gap in which callers are told to come
 * again; two that would write one data folder, without the author vouching for it, let callers wait.
 * @source plugin-platform §6.4.2, §6.4.7
 */
export function wayOf(former: Step, next: Step): Way {
  if (next.release.manifest.update?.strategy === "stop-first") return "stop-first";
  const hasData = ({ grants }: Step): boolean => new GrantTable(grants).process().data;
  if (!hasData(former) && !hasData(next)) return "beside";
  const [before, after] = [former.release.manifest.data, next.release.manifest.data];
  const vouched = before?.shared === true && after?.shared === true && before.schemaVersion === after.schemaVersion;
  return vouched ? "beside" : "fence";
}
