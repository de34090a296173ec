import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Refusal, textOf } from "@hearthnet/host/command-line";
import { ROOT_FILE } from "../3-catalog/published.ts";
import { Repository } from "../3-catalog/repository.ts";
import { KeyFolder } from "../storage/key-folder.ts";
import { readKeyFile, type RoleKey } from "../storage/keys.ts";
import { lockRegistry } from "../storage/lock.ts";
import type { Invocation } from "./command.ts";

/** Options of every command that changes a registry. */
export const PLACE = {
  out: { type: "string", value: "DIR", help: "folder of the registry (./registry)" },
  keys: { type: "string", value: "DIR", help: "folder of its keys (./registry-keys)" },
  "passphrase-stdin": {
    type: "boolean",
    help: "read the passphrase of a locked key from standard input (or env HEARTHNET_KEY_PASSPHRASE)",
  },
} as const;

/** Of commands that change what a publisher lists. */
export const SIGNER = {
  key: { type: "string", value: "FILE", help: "the publisher's private key, which signs the list of its packages" },
} as const;

export interface Opened {
  repository: Repository;
  keys: KeyFolder;
  folder: string;
}

/**
 * Opens a registry for one command and lets nobody else change it meanwhile.
 * @throws Refusal no_registry | key_missing | key_foreign | busy
 */
export async function withRegistry<T>(invocation: Invocation, work: (opened: Opened) => Promise<T>): Promise<T> {
  const folder = registryFolder(invocation);
  requireRegistry(folder);
  const keys = new KeyFolder(resolve(invocation.cwd, textOf(invocation, "keys", "registry-keys")), passphraseOf(invocation));
  return locked(folder, () => {
    const { now } = invocation;
    return work({ repository: Repository.open({ folder, keys, now, development: false }), keys, folder });
  });
}

/** As `withRegistry`; makes registry and keys that are missing. */
export async function withNewRegistry<T>(
  invocation: Invocation,
  o: { keys: string; development: boolean },
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const folder = registryFolder(invocation);
  const keysFolder = resolve(invocation.cwd, textOf(invocation, "keys", o.keys));
  const { now } = invocation;
  return locked(folder, () => {
    const isNew = !existsSync(join(folder, ROOT_FILE));
    const keys =
      isNew || o.development ? KeyFolder.create(keysFolder, o.development) : new KeyFolder(keysFolder, passphraseOf(invocation));
    return work({ repository: Repository.create({ folder, keys, now, development: o.development }), keys, folder });
  });
}

export function registryFolder(invocation: Invocation): string {
  return resolve(invocation.cwd, textOf(invocation, "out", "registry"));
}

/** @throws Refusal no_registry */
export function requireRegistry(folder: string): void {
  if (!existsSync(join(folder, ROOT_FILE)))
    throw new Refusal(`There is no registry in ${folder}.`, {
      reason: "no_registry",
      action: "Name its folder with --out, or make one with `hearthnet registry init --out DIR`.",
    });
}

/** Namespace → the key that signs its list: the one named by `--key`, and those that lie with the registry. */
export function signersFor(
  invocation: Invocation,
  { repository, keys }: Opened,
  namespaces: readonly string[],
): Map<string, RoleKey> {
  const here = repository.namespaces.flatMap(({ name }): [string, RoleKey][] => {
    const key = keys.publisher(name);
    return key === null ? [] : [[name, key]];
  });
  const signers = new Map(here);
  const file = invocation.options["key"];
  if (typeof file === "string") {
    const key = readKeyFile(resolve(invocation.cwd, file), passphraseOf(invocation));
    for (const namespace of namespaces) signers.set(namespace, key);
  }
  return signers;
}

export function withNotes(text: string, notes: readonly string[]): string {
  return [text, ...notes].join("\n");
}

/** From standard input or the environment; never an argument, which other users could see. */
function passphraseOf({ options, env, stdin }: Invocation): () => string {
  let read: string | undefined;
  return () => {
    read ??= options["passphrase-stdin"] === true ? (stdin().split(/\r?\n/)[0] ?? "") : (env["HEARTHNET_KEY_PASSPHRASE"] ?? "");
    if (read === "")
      throw new Refusal("The key needs its passphrase.", {
        reason: "passphrase_missing",
        action: "Pipe it in with --passphrase-stdin, or set HEARTHNET_KEY_PASSPHRASE.",
      });
    return read;
  };
}

async function locked<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const unlock = lockRegistry(folder);
  try {
    return await work();
  } finally {
    unlock();
  }
}
