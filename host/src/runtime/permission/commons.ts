/** Rights to what a plugin shares with the community: events, topics, blobs, signatures. @source plugin-platform §3.1 */
import type { JsonObject, PermissionName, Visibility } from "../../contract/index.ts";
import { amount, texts } from "../../format/index.ts";
import { denied, type GrantTable } from "./check.ts";

/** Written and read by the host itself; no plugin speaks in its name. @source 04 §2 */
const HOST_TYPES = ["community.", "auth."];
const HOST_TOPICS = ["community.", "auth.", "node.", "capability."];
/** From what few see to what all see. */
const REACH: readonly Visibility[] = ["private", "community", "public"];
const BLOBS_DEFAULT_MB = 64;

/** `events.append`: exactly this type is listed, and it is not the host's own. @throws permission_denied */
export function checkAppend(grants: GrantTable, type: string): void {
  const listed = grants.require("events.append", type).some((scope) => texts(scope, "types").includes(type));
  if (!listed || isHostType(type)) throw denied("events.append", type);
}

export function isHostType(type: string): boolean {
  return HOST_TYPES.some((prefix) => type.startsWith(prefix));
}

export function isHostTopic(topic: string): boolean {
  return HOST_TOPICS.some((prefix) => topic.startsWith(prefix));
}

/** `events.feed`: those of the asked types that may be read; without a wish all that are granted. @throws permission_denied for the first that may not */
export function readableTypes(grants: GrantTable, asked: readonly string[] | undefined): string[] {
  const granted = grants.require("events.read").flatMap((scope) => texts(scope, "types"));
  if (asked === undefined) return granted;
  const refused = asked.find((type) => !granted.some((one) => covers(one, type)));
  if (refused !== undefined) throw denied("events.read", refused);
  return [...asked];
}

export function mayRead(grants: GrantTable, type: string): boolean {
  return grants.scopes("events.read").some((scope) => texts(scope, "types").some((one) => covers(one, type)));
}

/** `chat.*` covers all below `chat.`, itself included as a wish. */
function covers(granted: string, type: string): boolean {
  return granted.endsWith("*") ? type.startsWith(granted.slice(0, -1)) : granted === type;
}

/** `pubsub`: one of the granted patterns fits. @throws permission_denied */
export function checkTopic(grants: GrantTable, right: "pubsub.publish" | "pubsub.subscribe", topic: string): void {
  if (!mayUseTopic(grants, right, topic)) throw denied(right, topic);
}

export function mayUseTopic(grants: GrantTable, right: "pubsub.publish" | "pubsub.subscribe", topic: string): boolean {
  return grants.scopes(right).some((scope) => texts(scope, "topics").some((pattern) => fitsTopic(pattern, topic)));
}

/** `chat.message.<recipient>` fits every topic with one segment in its place; without a final `<name>` only the topic itself does. */
export function fitsTopic(pattern: string, topic: string): boolean {
  const open = /^(.*\.)<[a-z_]+>$/.exec(pattern)?.[1];
  if (open === undefined) return pattern === topic;
  return topic.startsWith(open) && /^[A-Za-z0-9_:-]{1,64}$/.test(topic.slice(open.length));
}

/** `blobs.open`: what is seen by that many may be read; under the plugin's own authority only with `own:true`. */
export function mayOpen(grants: GrantTable, o: { visibility: Visibility; own: boolean }): boolean {
  return grants
    .scopes("blobs.read")
    .some((scope) => (!o.own || scope["own"] === true) && isBetween(reachOf(scope), REACH.indexOf(o.visibility)));
}

/** `blobs.put`: nothing may be shown to more than the grant says. @returns the quota, bytes @throws permission_denied */
export function checkPut(grants: GrantTable, visibility: Visibility): number {
  const fitting = grants
    .require("blobs.write", visibility)
    .filter((scope) => isBetween(REACH.indexOf(visibility), reachOf(scope)));
  if (fitting.length === 0) throw denied("blobs.write", visibility);
  return Math.max(...fitting.map((scope) => amount(scope, "quotaMb") || BLOBS_DEFAULT_MB)) * 1_048_576;
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

/** `identity.signDoc`: the kind of document is listed. @throws permission_denied */
export function checkSign(grants: GrantTable, doc: string): void {
  const right: PermissionName = "identity.sign";
  if (!grants.require(right, doc).some((scope) => texts(scope, "docs").includes(doc))) throw denied(right, doc);
}
