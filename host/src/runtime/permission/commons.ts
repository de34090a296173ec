/** What scopes say of what a plugin shares with the community: events, topics, blobs, signatures. The checks themselves are the table's. @source plugin-platform §3.1 */
import type { JsonObject, Visibility } from "../../contract/index.ts";
import { amount, coversType, isHostType, texts } from "../../format/index.ts";
import type { GrantTable } from "./check.ts";

/** Written by the host itself; no plugin speaks in its name. */
const HOST_TOPICS = ["community.", "auth.", "node.", "capability."];
/** From what few see to what all see. */
const REACH: readonly Visibility[] = ["private", "community", "public"];
const BLOBS_DEFAULT_MB = 64;

export type TopicRight = "pubsub.publish" | "pubsub.subscribe";

export function isHostTopic(topic: string): boolean {
  return HOST_TOPICS.some((prefix) => topic.startsWith(prefix));
}

/** Exactly this type is listed, and it is not the host's own. */
export function mayAppend(grants: Pick<GrantTable, "scopes">, type: string): boolean {
  return !isHostType(type) && grants.scopes("events.append").some((scope) => texts(scope, "types").includes(type));
}

export function mayRead(grants: Pick<GrantTable, "scopes">, type: string): boolean {
  return grants.scopes("events.read").some((scope) => texts(scope, "types").some((one) => coversType(one, type)));
}

export function mayUseTopic(grants: Pick<GrantTable, "scopes">, right: TopicRight, topic: string): boolean {
  return grants.scopes(right).some((scope) => texts(scope, "topics").some((pattern) => fitsTopic(pattern, topic)));
}

/** `chat.message.<recipient>` fits every topic with one segment in its place; without a final `<name>` only the topic itself does. */
export function fitsTopic(pattern: string, topic: string): boolean {
  const open = /^(.*\.)<[a-z_]+>$/.exec(pattern)?.[1];
  if (open === undefined) return pattern === topic;
  return topic.startsWith(open) && /^[A-Za-z0-9_:-]{1,64}$/.test(topic.slice(open.length));
}

/** What is seen by that many may be read; under the plugin's own authority only with `own:true`. */
export function mayOpen(grants: Pick<GrantTable, "scopes">, o: { visibility: Visibility; own: boolean }): boolean {
  return grants
    .scopes("blobs.read")
    .some((scope) => (!o.own || scope["own"] === true) && isBetween(reachOf(scope), REACH.indexOf(o.visibility)));
}

/** Nothing may be shown to more than the grant says. @returns the quota, bytes; undefined when it may not be stored like this */
export function storable(grants: Pick<GrantTable, "scopes">, visibility: Visibility): number | undefined {
  const fitting = grants
    .scopes("blobs.write")
    .filter((scope) => isBetween(REACH.indexOf(visibility), reachOf(scope)))
    .map((scope) => amount(scope, "quotaMb") || BLOBS_DEFAULT_MB);
  return fitting.length === 0 ? undefined : Math.max(...fitting) * 1_048_576;
}

export function isVisibility(value: unknown): value is Visibility {
  return REACH.some((one) => one === value);
}

/** -1 for a scope that names none that we know: it gives nothing. */
function reachOf(scope: JsonObject): number {
  return REACH.findIndex((one) => one === scope["visibility"]);
}

function isBetween(low: number, high: number): boolean {
  return low >= 0 && low <= high;
}
