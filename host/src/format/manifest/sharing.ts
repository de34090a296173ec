import type { PermissionName, PluginManifest } from "../../contract/index.ts";
import { texts } from "../rights/scope.ts";

type Wrong = (path: string, message: string) => void;

/** A dotted name, its last segment at most an open `<name>`. @source plugin-platform §2.1 contributes.topics */
const TOPIC = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.([a-z][a-z0-9_]*|<[a-z_]+>)$/;
/** Kinds of events that only the host writes; no plugin speaks in its name. @source 04 §2 */
const HOST_TYPES = ["community.", "auth."];

/** What a plugin says it shares must be what it asks for. @source plugin-platform §2.1 */
export function checkSharing(m: PluginManifest, wrong: Wrong): void {
  const asked = [...m.permissions, ...(m.optionalPermissions ?? [])];
  const listed = (name: PermissionName, field: string): string[] =>
    asked.filter((permission) => permission.name === name).flatMap(({ scope }) => texts(scope ?? {}, field));
  for (const [i, permission] of m.permissions.entries())
    if (permission.name === "events.append" && texts(permission.scope ?? {}, "types").some(isHostType))
      wrong(`/permissions/${i}/scope/types`, "names an event that only the host writes");
  const views = m.contributes.views ?? [];
  const readable = listed("events.read", "types");
  for (const [i, { name, types }] of views.entries()) {
    if (views.findIndex((other) => other.name === name) !== i) wrong(`/contributes/views/${i}/name`, "is named twice");
    const missing = types.find((type) => !readable.some((one) => coversType(one, type)));
    if (missing !== undefined) wrong(`/contributes/views/${i}/types`, `needs the permission events.read for ${missing}`);
  }
  for (const side of ["publish", "subscribe"] as const) {
    const allowed = listed(`pubsub.${side}`, "topics");
    for (const [i, topic] of (m.contributes.topics?.[side] ?? []).entries()) {
      const at = `/contributes/topics/${side}/${i}`;
      if (!TOPIC.test(topic)) wrong(at, "must be a dotted name, at most its last segment open as <id>");
      else if (!allowed.includes(topic)) wrong(at, `is not covered by the permission pubsub.${side}`);
    }
  }
}

export function isHostType(type: string): boolean {
  return HOST_TYPES.some((prefix) => type.startsWith(prefix));
}

/** `chat.*` covers all below `chat.`, itself included as a wish. */
export function coversType(granted: string, type: string): boolean {
  return granted.endsWith("*") ? type.startsWith(granted.slice(0, -1)) : granted === type;
}
