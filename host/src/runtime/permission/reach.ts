/** What scopes say of the network. The checks themselves are the table's. @source plugin-platform §3.1 Network */
import type { JsonObject } from "../../contract/index.ts";
import { classOf, type AddressClass } from "../../foundation/index.ts";
import { pointerCovers, texts } from "../../format/index.ts";
import type { GrantTable } from "./check.ts";
import { covers, isExact, parsePattern, type HostPattern, type Target } from "./hosts.ts";

export const ADDRESS_CLASSES: readonly AddressClass[] = ["internet", "lan", "loopback"];

export interface Destination extends Target {
  /** Where in the plugin's settings the operator has typed exactly this endpoint, as JSON pointers. */
  typed: readonly string[];
}

type Scopes = Pick<GrantTable, "scopes">;

/** Within a scope for addresses of this class, under the name that was given? */
export function mayReach(grants: Scopes, kind: AddressClass, to: Destination): boolean {
  return grants.scopes(`net.${kind}`).some((scope) => {
    const { fromConfig } = scope;
    if (typeof fromConfig === "string") return to.typed.some((pointer) => pointerCovers(fromConfig, pointer));
    return kind === "loopback" ? isLocal(to.host) && ports(scope).includes(to.port) : lists(scope, to);
  });
}

/** A datagram goes to a host that is listed, or to the one group that the scope names. */
export function mayCast(grants: Scopes, to: Target): boolean {
  const scopes = grants.scopes("net.udp");
  if (!isMulticast(to.host)) return scopes.some((scope) => lists(scope, to));
  return scopes.some(({ multicast }) => {
    const group = typeof multicast === "string" ? parsePattern(multicast) : null;
    return group !== null && isExact(group) && covers(group, to);
  });
}

/** Is the host named in full, so that whoever granted it has read it? An address of this machine is, by its port. */
export function isNamed(grants: Scopes, to: Destination): boolean {
  const listed = (["net.internet", "net.lan"] as const).some((permission) =>
    grants.scopes(permission).some((scope) => patternsOf(scope).some((pattern) => isExact(pattern) && covers(pattern, to))),
  );
  return listed || mayReach(grants, "loopback", to);
}

/** Groups that do not leave the site: 239.0.0.0/8 and 224.0.0.0/24, ff02::/16 and ff05::/16. */
export function isMulticast(address: string): boolean {
  return /^(239\.|224\.0\.0\.)/.test(address) || /^ff0[25]:/i.test(address);
}

function lists(scope: JsonObject, target: Target): boolean {
  return patternsOf(scope).some((pattern) => covers(pattern, target));
}

/** A scope is asked often and never changes. */
const read = new WeakMap<JsonObject, HostPattern[]>();

function patternsOf(scope: JsonObject): HostPattern[] {
  const known = read.get(scope);
  if (known !== undefined) return known;
  const patterns = texts(scope, "hosts").flatMap((entry) => parsePattern(entry) ?? []);
  read.set(scope, patterns);
  return patterns;
}

/** A port of this machine is no right to ask name servers for whatever name. */
function isLocal(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || classOf(host) === "loopback";
}

function ports(scope: JsonObject): unknown[] {
  return Array.isArray(scope["ports"]) ? scope["ports"] : [];
}
