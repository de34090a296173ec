/** May the plugin go there? The one place that says so. @source plugin-platform §3.1 `net.open` */
import { isIP } from "node:net";
import type { JsonObject, PermissionName } from "../../contract/index.ts";
import { texts } from "../../format/index.ts";
import type { GrantTable } from "../permission/index.ts";
import { classOf, type AddressClass, HnError } from "../../foundation/index.ts";
import { endpointsAt, type Settings } from "./endpoints.ts";
import { refused } from "./refusal.ts";
import { covers, nameOf, parsePattern, type Target } from "./target.ts";

const CLASSES = ["internet", "lan", "loopback"] as const;

export interface Rights {
  grants: GrantTable;
  settings: Settings;
}

/**
 * Asked before a name is resolved, for a question to a name server leaves the node as well.
 * @throws permission_denied
 */
export function checkName(target: Target, rights: Rights): void {
  if (isIP(target.host) !== 0) return void checkAddresses(target, [target.host], rights);
  if (!CLASSES.some((kind) => allows(kind, target, rights))) throw refused("net.internet", target);
}

/**
 * Decides over every address that a name leads to; one that is not granted refuses them all, for a name with two faces is not trusted with either.
 * @param own  addresses of this machine, which are not the internet to it
 * @throws permission_denied
 */
export function checkAddresses(
  target: Target,
  addresses: readonly string[],
  { own = new Set(), ...rights }: Rights & { own?: ReadonlySet<string> },
): { kind: AddressClass; permission: PermissionName } {
  let first: AddressClass | undefined;
  for (const address of addresses) {
    const found = classOf(address);
    if (found === null) {
      throw new HnError("permission_denied", {
        message: `${nameOf(target)} is at an address that no plugin may reach: link-local, reserved, or a cloud's own.`,
      });
    }
    const kind = found === "internet" && own.has(address) ? "loopback" : found;
    if (!allows(kind, target, rights)) throw refused(`net.${kind}`, target);
    first ??= kind;
  }
  if (first === undefined) throw new HnError("partition", { reason: "host_unreachable" });
  return { kind: first, permission: `net.${first}` };
}

/** Is the target within a scope for this class? */
export function allows(kind: AddressClass, target: Target, rights: Rights): boolean {
  return rights.grants.scopes(`net.${kind}`).some((scope) => {
    if (typeof scope["fromConfig"] === "string") {
      return endpointsAt(scope["fromConfig"], rights.settings).some(
        ({ host, port }) => host === target.host && port === target.port,
      );
    }
    return kind === "loopback" ? isLocal(target.host) && ports(scope).includes(target.port) : lists(scope, target);
  });
}

/** Entries of `hosts` that name this target. */
export function lists(scope: JsonObject, target: Target): boolean {
  return texts(scope, "hosts").some((entry) => {
    const pattern = parsePattern(entry);
    return pattern !== null && covers(pattern, target);
  });
}

/** A port of this machine is no right to ask name servers for whatever name. */
function isLocal(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || classOf(host) === "loopback";
}

function ports(scope: JsonObject): unknown[] {
  return Array.isArray(scope["ports"]) ? scope["ports"] : [];
}
