import { existsSync } from "node:fs";
import { join } from "node:path";
import { openPublisherKey } from "../3-catalog/keyring.ts";
import type { Repository } from "../3-catalog/repository.ts";
import type { RoleKey } from "../storage/keys.ts";

/** Publishers whose private key lies with the registry; others sign their role themselves. */
export function publisherSigners(repository: Repository, keysFolder: string): Map<string, RoleKey> {
  return new Map(
    repository.namespaces.flatMap(({ name }) =>
      existsSync(join(keysFolder, "publishers", `${name}.key`)) ? [[name, openPublisherKey(keysFolder, name)] as const] : [],
    ),
  );
}
