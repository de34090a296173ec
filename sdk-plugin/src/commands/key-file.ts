import type { KeyObject } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { Refusal } from "@hearthnet/host/command-line";
import { openPublisherKey } from "@hearthnet/host/format";
import type { Invocation } from "./command.ts";

/** Options of every command that signs. */
export const KEY_OPTIONS = {
  key: { type: "string", value: "FILE", help: "publisher key made by `keygen`" },
  "passphrase-stdin": {
    type: "boolean",
    help: "read the key's passphrase from standard input (or env HEARTHNET_KEY_PASSPHRASE)",
  },
} as const;

/**
 * Opens the publisher's private key.
 * @throws Refusal key_missing | key_permissions · unauthorized passphrase_wrong
 */
export async function openKey(invocation: Invocation, file: string): Promise<KeyObject> {
  const path = resolve(invocation.cwd, file);
  let pem: string;
  try {
    pem = readFileSync(path, "utf8");
    if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0)
      throw new Refusal("Other users of this machine can read the key file.", {
        reason: "key_permissions",
        action: `Run \`chmod 600 ${file}\`, and make a new key if others use this machine.`,
      });
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal(`The key file ${file} cannot be read.`, {
      reason: "key_missing",
      action: "Name the file that `hearthnet plugin keygen` wrote with --key.",
      cause,
    });
  }
  return openPublisherKey(pem, pem.includes("ENCRYPTED") ? await passphrase(invocation) : null);
}

/** From standard input or the environment; never an argument, which other users could see. */
export async function passphrase({ options, env, stdin }: Invocation): Promise<string> {
  const given =
    options["passphrase-stdin"] === true
      ? ((await stdin()).toString("utf8").split(/\r?\n/)[0] ?? "")
      : (env["HEARTHNET_KEY_PASSPHRASE"] ?? "");
  if (given === "")
    throw new Refusal("The key needs its passphrase.", {
      reason: "passphrase_missing",
      action: "Pipe it in with --passphrase-stdin, or set HEARTHNET_KEY_PASSPHRASE.",
    });
  return given;
}

/** Writes a new file and never over an old one. @throws Refusal file_exists */
export function writeNewFile(path: string, text: string, mode: number): void {
  let fd: number;
  try {
    fd = openSync(path, "wx", mode);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    throw new Refusal(`${path} exists already and is not overwritten.`, {
      reason: "file_exists",
      action: "Choose another name with --out, or move the old file away.",
      cause,
    });
  }
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
