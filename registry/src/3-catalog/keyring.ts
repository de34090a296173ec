import { join } from "node:path";
import { openRoleKey, type RoleKey } from "../storage/keys.ts";
import type { RegistryKeys } from "./repository.ts";

const ROLES = ["root", "targets", "snapshot", "timestamp", "revocations", "index", "claimed"] as const;

/** Keys of all roles from one folder; missing ones are made. A large registry keeps root, targets and claimed on other machines. */
export function openKeys(folder: string): RegistryKeys {
  return Object.fromEntries(ROLES.map((role) => [role, openRoleKey(folder, role)])) as RegistryKeys;
}

/** A publisher's key for development, beside the registry's own. */
export function openPublisherKey(folder: string, namespace: string): RoleKey {
  return openRoleKey(join(folder, "publishers"), namespace);
}
