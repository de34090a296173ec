import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { openKeys } from "../3-catalog/keyring.ts";
import { Repository, ROOT_FILE, type RegistryKeys } from "../3-catalog/repository.ts";
import { RegistryError } from "../refusal.ts";
import type { Invocation } from "./command.ts";

/** Options of every command that changes a registry. */
export const PLACE = {
  out: { type: "string", value: "DIR", help: "folder of the registry (./registry)" },
  keys: { type: "string", value: "DIR", help: "folder of its keys (./registry-keys)" },
} as const;

export interface Opened {
  repository: Repository;
  keys: RegistryKeys;
  keysFolder: string;
  folder: string;
}

/** @throws RegistryError no_registry */
export function openRegistry({ options, cwd, now }: Invocation, o: { create?: boolean; development?: boolean } = {}): Opened {
  const folder = resolve(cwd, typeof options["out"] === "string" ? options["out"] : "registry");
  const keysFolder = resolve(cwd, typeof options["keys"] === "string" ? options["keys"] : "registry-keys");
  if (o.create !== true && !existsSync(join(folder, ROOT_FILE)))
    throw new RegistryError(`There is no registry in ${folder}.`, {
      reason: "no_registry",
      action: "Name its folder with --out, or make one with `hearthnet registry init --out DIR`.",
    });
  const keys = openKeys(keysFolder);
  return { repository: new Repository({ folder, keys, now, development: o.development ?? false }), keys, keysFolder, folder };
}
