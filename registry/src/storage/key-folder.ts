import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "@hearthnet/host/command-line";
import { createKeyFile, readKeyFile, type RoleKey } from "./keys.ts";

/** Roles that the keeper of a registry signs; a publisher signs the one of its namespace. */
export const ROLES = ["root", "targets", "claimed", "index", "revocations", "snapshot", "timestamp"] as const;
export type RoleName = (typeof ROLES)[number];

/** How many keys a role gets when a registry is made, and how many of them must sign. @source marketplace §2.2 */
export function keysNeeded(role: RoleName, development: boolean): { keys: number; threshold: number } {
  const offline = role === "root" || role === "targets" || role === "claimed";
  return offline && !development ? { keys: 3, threshold: 2 } : { keys: 1, threshold: 1 };
}

/** A folder of key files: `<role>.key`, or `<role>-1.key`, `<role>-2.key` …; those that are kept elsewhere are simply not there. */
export class KeyFolder {
  readonly path: string;
  readonly #passphrase: () => string;

  /** @throws Refusal key_missing when there is no such folder */
  constructor(path: string, passphrase: () => string = noPassphrase) {
    this.path = path;
    this.#passphrase = passphrase;
    if (!existsSync(path))
      throw new Refusal(`There is no folder ${path} with the keys of the registry.`, {
        reason: "key_missing",
        action: "Name the folder with --keys.",
      });
  }

  /** Makes the keys of all roles. Those that are there stay. */
  static create(path: string, development: boolean): KeyFolder {
    for (const role of ROLES) {
      const { keys } = keysNeeded(role, development);
      for (let n = 1; n <= keys; n++) {
        const file = join(path, keys === 1 ? `${role}.key` : `${role}-${n}.key`);
        if (!existsSync(file)) createKeyFile(file);
      }
    }
    return new KeyFolder(path);
  }

  /** Keys of a role that lie here; none when they are kept elsewhere. */
  of(role: RoleName): RoleKey[] {
    return readdirSync(this.path)
      .filter((name) => new RegExp(`^${role}(-\\d+)?\\.key$`).test(name))
      .sort()
      .map((name) => readKeyFile(join(this.path, name), this.#passphrase));
  }

  /** The key of a publisher on this machine, made when it is missing: for the plugins of a checkout. */
  ownPublisher(namespace: string): RoleKey {
    const file = join(this.path, "publishers", `${namespace}.key`);
    if (!existsSync(file)) createKeyFile(file);
    return readKeyFile(file, this.#passphrase);
  }

  /** The key of a publisher, if it lies here. */
  publisher(namespace: string): RoleKey | null {
    const file = join(this.path, "publishers", `${namespace}.key`);
    return existsSync(file) ? readKeyFile(file, this.#passphrase) : null;
  }
}

function noPassphrase(): string {
  throw new Refusal("A key in this folder is locked, and nobody can be asked for its passphrase.", {
    reason: "passphrase_missing",
    action: "Set HEARTHNET_KEY_PASSPHRASE.",
  });
}
