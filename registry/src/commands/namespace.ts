import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Refusal, UsageError } from "@hearthnet/host/command-line";
import { readPublisherKey } from "@hearthnet/host/format";
import { tufKey } from "../storage/keys.ts";
import type { Command } from "./command.ts";
import { PLACE, signersFor, withNotes, withRegistry } from "./open.ts";

const NAME = /^[a-z][a-z0-9-]{1,38}$/;
/** @source marketplace §4.2 */
const RESERVED = new Set(["hearthnet", "hn", "dev", "local", "admin", "system"]);

export const addNamespaceCommand: Command = {
  name: ["add-namespace"],
  args: "NAME",
  summary: "let a publisher's key sign the packages of a namespace",
  example: "hearthnet registry add-namespace acme --key acme.key.pub",
  options: { ...PLACE, key: { type: "string", value: "FILE", help: "the publisher's public key" } },
  run: (invocation) => {
    const [name = ""] = invocation.args;
    const { key } = invocation.options;
    if (!NAME.test(name)) throw new UsageError(`"${name}" is no namespace: 2 to 39 letters a-z, digits and dashes.`);
    if (typeof key !== "string") throw new UsageError("--key FILE is missing: the publisher's public key.");
    return withRegistry(invocation, async (opened) => {
      const { repository } = opened;
      if (RESERVED.has(name) || repository.namespaces.some((known) => known.name === name))
        throw new Refusal(`The namespace ${name} is taken.`, { reason: "namespace_taken", action: "Choose another name." });
      const { keyId, publicKey } = readPublisherKey(readFileSync(resolve(invocation.cwd, key), "utf8"));
      repository.claim(name, [tufKey(publicKey, keyId)]);
      const notes = repository.commit(
        signersFor({ ...invocation, options: { ...invocation.options, key: undefined } }, opened, []),
      );
      invocation.print({ namespace: name, keyId, notes }, withNotes(`${name} belongs to the key ${keyId}.`, notes));
      return Promise.resolve();
    });
  },
};
