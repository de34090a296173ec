/** How risky a set of rights is, 1 (harmless) to 6; computed, never declared by the author. @source plugin-platform §3.2 */
import {
  PERMISSIONS,
  SELF_CAPABILITIES,
  type ConfinementLabel,
  type JsonObject,
  type PermissionName,
  type PermissionRequest,
  type TrustRequirement,
} from "../../contract/index.ts";
import { texts } from "./scope.ts";

export interface Right {
  permission: PermissionName;
  scope: JsonObject;
}

/** What a manifest asks for, as rights. */
export function requested(requests: readonly PermissionRequest[]): Right[] {
  return requests.map(({ name, scope }) => ({ permission: name, scope: scope ?? {} }));
}

const READS = new Set<PermissionName>(["blobs.read", "events.read", "fs.mount", "secret.read"]);
const LEAVES = new Set<PermissionName>(["net.internet", "net.lan", "net.udp"]);

/** What a plugin offers and to whom, as its manifest says: how much `bus.provide` weighs depends on it. */
export interface OpenTo {
  name: string;
  trust: TrustRequirement;
}

/**
 * Weight of one right with its scope; §3.1's column W.
 * @param offers  capabilities of the plugin's manifest
 */
export function weightOf({ permission, scope }: Right, offers: readonly OpenTo[] = []): number {
  const base = PERMISSIONS[permission].weight;
  switch (permission) {
    case "bus.provide": {
      const prefixes = texts(scope, "prefixes");
      const isOpen = ({ name, trust }: OpenTo): boolean =>
        (trust === "unknown" || trust === "federated") && prefixes.some((prefix) => name.startsWith(prefix));
      return offers.some(isOpen) ? 2 : base;
    }
    case "bus.call": {
      const targets = texts(scope, "capabilities");
      if (targets.some((target) => target.startsWith("auth.token.issue@"))) return 4;
      if (targets.some((target) => SELF_CAPABILITIES.has(target.split("@")[0] ?? ""))) return 3;
      return scope["own"] === true || targets.includes("*") ? 2 : base;
    }
    case "events.read":
      return texts(scope, "types").some((type) => type === "*" || type.startsWith("chat.")) ? 3 : base;
    case "http.mount":
      return texts(scope, "auth").includes("public") ? 3 : base;
    case "blobs.read":
      return scope["visibility"] === "private" ? 3 : base;
    case "identity.sign":
      return texts(scope, "docs").some((doc) => doc !== "plugin-sig") ? 4 : base;
    case "net.internet":
      return texts(scope, "hosts").some((host) => host.startsWith("*")) ? 4 : base;
    case "fs.mount":
      return scope["mode"] === "rw" ? 4 : base;
    default:
      return base;
  }
}

/** Rating of everything granted. */
export function rating(rights: readonly Right[], label: ConfinementLabel, offers: readonly OpenTo[] = []): number {
  const heaviest = Math.max(0, ...rights.map((right) => weightOf(right, offers)));
  const reads = rights.some(
    ({ permission, scope }) => READS.has(permission) || (permission === "bus.call" && reachesContent(scope)),
  );
  const leaves = rights.some(({ permission }) => LEAVES.has(permission));
  const sum = 1 + heaviest + (reads && leaves ? 1 : 0) + (label === "seat-belt" ? 2 : 0);
  return Math.min(6, Math.max(1, sum));
}

function reachesContent(scope: JsonObject): boolean {
  return texts(scope, "capabilities").some((target) => target === "*" || target.startsWith("rag.") || target.startsWith("chat."));
}
