/** May the plugin go there? Puts what it wants to the table of its rights, address by address. @source plugin-platform §3.1 `net.open` */
import { isIP } from "node:net";
import type { PermissionName } from "../../contract/index.ts";
import { classOf, type AddressClass, HnError } from "../../foundation/index.ts";
import {
  ADDRESS_CLASSES,
  GrantDenied,
  nameOf,
  Undecided,
  type Destination,
  type GrantTable,
  type Target,
} from "../permission/index.ts";
import { typedAt, type Settings } from "./endpoints.ts";

export interface Rights {
  grants: GrantTable;
  settings: Settings;
}

export function destination(target: Target, settings: Settings): Destination {
  return { host: target.host, port: target.port, typed: typedAt(target, settings) };
}

/**
 * Asked before a name is resolved.
 * @throws permission_denied · Undecided
 */
export function checkName(target: Target, rights: Rights & { own: ReadonlySet<string> }): void {
  if (isIP(target.host) !== 0) return void checkAddresses(target, [target.host], rights);
  const to = destination(target, rights.settings);
  try {
    rights.grants.name(to);
  } catch (error) {
    if (!(error instanceof Undecided)) throw error;
    // Nobody knows yet which kind of address it is: each kind that the rows in question cover is one that may be needed.
    const open = ADDRESS_CLASSES.map((kind) => outcome(() => rights.grants.reach(kind, to)));
    if (open.includes(undefined)) return;
    throw open.find((one) => one instanceof Undecided) ?? error;
  }
}

/**
 * Decides over every address that a name leads to; one that is not granted refuses them all, for a name with two faces is not trusted with either.
 * @param own  addresses of this machine, which are not the internet to it
 * @throws permission_denied · Undecided
 */
export function checkAddresses(
  target: Target,
  addresses: readonly string[],
  { own, ...rights }: Rights & { own: ReadonlySet<string> },
): { kind: AddressClass; permission: PermissionName } {
  const to = destination(target, rights.settings);
  let first: AddressClass | undefined;
  for (const address of addresses) {
    const found = classOf(address);
    if (found === null) throw unreachableByAny(target);
    const kind = found === "internet" && own.has(address) ? "loopback" : found;
    rights.grants.reach(kind, to);
    first ??= kind;
  }
  if (first === undefined) throw new HnError("partition", { reason: "host_unreachable" });
  return { kind: first, permission: `net.${first}` };
}

/** What a connection that stands no longer stands on; undefined while it may go on. */
export function lostReach(kind: AddressClass, target: Target, rights: Rights): HnError | undefined {
  const error = outcome(() => rights.grants.reach(kind, destination(target, rights.settings)));
  return error instanceof Undecided ? error.denial : error;
}

export function unreachableByAny(target: Target): HnError {
  return new HnError("permission_denied", {
    message: `${nameOf(target)} is at an address that no plugin may reach: link-local, reserved, or a cloud's own.`,
  });
}

function outcome(check: () => void): GrantDenied | Undecided | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof GrantDenied || error instanceof Undecided) return error;
    throw error;
  }
}
