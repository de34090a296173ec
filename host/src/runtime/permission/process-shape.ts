import { PERMISSIONS, type Grant, type PermissionName } from "../../contract/index.ts";
import { GrantTable } from "./check.ts";

/** True of rights that stand on a process's command line: decided when it starts, never asked, never simulated. @source plugin-platform §3.4.3 */
export function isDecidedAtStart(permission: PermissionName): boolean {
  return PERMISSIONS[permission].check === "argv";
}

const AT_START = (Object.keys(PERMISSIONS) as PermissionName[]).filter(isDecidedAtStart);

/** Rights that stand on the command line; equal texts mean that no restart is needed. */
export function shapesProcess(grants: readonly Grant[], now: () => number): string {
  const table = new GrantTable(grants, { now });
  return JSON.stringify([table.process(), ...AT_START.map((permission) => table.scopes(permission))]);
}
