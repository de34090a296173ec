/** What a return to the release before costs. @source plugin-platform §6.4.5 */
import type { LocalError, StoredRelease } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { schemaOf } from "../data/index.ts";

/** The former release reads the data as the newer one has left them: in the same layout, or because the newer one's author vouches for it. */
export function canReturn(newer: StoredRelease, former: StoredRelease): boolean {
  return schemaOf(newer.manifest) === schemaOf(former.manifest) || newer.manifest.data?.downgradable === true;
}

/** Why a release was stopped although the one before does not serve: the operator decides which data count. */
export function returnWaits(o: {
  id: string;
  newer: string;
  former: string;
  why: string;
  /** Since when what is written would be lost, Unix milliseconds. */
  losesSince: number;
  now: number;
}): LocalError {
  return new HnError("plugin_gone", {
    reason: "return_waits",
    message: `${o.newer} was stopped: ${o.why} ${o.former} can come back with its data of ${ageOf(o.now - o.losesSince)} ago; what was written since would be lost.`,
    action: `Run \`hearthnet plugin rollback ${o.id}\` to go back, or \`hearthnet plugin restart ${o.id}\` to keep ${o.newer}.`,
  }).toLocal();
}

const UNITS: readonly [ms: number, name: string][] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
];

function ageOf(ms: number): string {
  const [size, name] = UNITS.find(([unit]) => ms >= unit) ?? [1000, "second"];
  const count = Math.max(0, Math.round(ms / size));
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
