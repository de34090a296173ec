import { generateKeyPairSync } from "node:crypto";
import { resolve } from "node:path";
import { textOf } from "@hearthnet/host/command-line";
import { createPublisherKey, readPublisherKey } from "@hearthnet/host/format";
import type { Command } from "./command.ts";
import { passphrase, writeNewFile } from "./key-file.ts";

/** @source marketplace §2.1 */
export const keygenCommand: Command = {
  name: ["keygen"],
  args: "",
  summary: "make a publisher key; whoever has it can publish in your name",
  example: "echo 'a long passphrase' | hearthnet plugin keygen --out acme.key --passphrase-stdin",
  options: {
    out: {
      type: "string",
      value: "FILE",
      help: "where the private key goes (publisher.key); the public one beside it as FILE.pub",
    },
    "passphrase-stdin": { type: "boolean", help: "read the passphrase from standard input (or env HEARTHNET_KEY_PASSPHRASE)" },
    "no-passphrase": { type: "boolean", help: "leave the key unlocked; for development and automation" },
  },
  run: async (invocation) => {
    const { options, cwd, print } = invocation;
    const path = resolve(cwd, textOf(invocation, "out", "publisher.key"));
    const pair = options["no-passphrase"] === true ? unlocked() : createPublisherKey(await passphrase(invocation));
    writeNewFile(path, pair.privatePem, 0o600);
    writeNewFile(`${path}.pub`, pair.publicPem, 0o644);
    const { keyId } = readPublisherKey(pair.publicPem);
    print(
      { file: path, public_file: `${path}.pub`, keyId },
      `Private key: ${path}\nPublic key:  ${path}.pub\nKey id:      ${keyId}\nKeep the private key offline; a lost key cannot be replaced by anyone.`,
    );
  },
};

function unlocked(): { privatePem: string; publicPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }),
    publicPem: publicKey.export({ type: "spki", format: "pem" }),
  };
}
