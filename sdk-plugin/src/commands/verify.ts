import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Refusal } from "@hearthnet/host/command-line";
import { checkMachineCode, claimedKeyIds, readPackage, readPublisherKey, verifyPackage } from "@hearthnet/host/format";
import type { Command } from "./command.ts";

/** The same judgement as a node's, without a node. @source marketplace §5.1 */
export const verifyCommand: Command = {
  name: ["verify"],
  args: "FILE",
  summary: "check a package: archive, every file, signature; the reason is one of the catalogue's error classes",
  example: "hearthnet plugin verify acme-hello-1.0.0.hnp --key acme.key.pub",
  options: {
    key: { type: "string", value: "FILE", help: "public key that must have signed; without it the signer is named only" },
  },
  run: async ({ options, cwd, args, print }) => {
    const bytes = readFileSync(resolve(cwd, args[0] ?? ""));
    const read = await readPackage(bytes);
    checkMachineCode(read.manifest, read.machineCode);
    if (read.signature === null)
      throw new Refusal("The package carries no publisher signature.", {
        reason: "unsigned",
        action: "Sign it: hearthnet plugin sign FILE --key KEY",
      });
    const { id, version } = read.manifest;
    const claimed = claimedKeyIds(read.signature);
    if (typeof options["key"] === "string") {
      const { keyId } = await verifyPackage(bytes, {
        keys: [readPublisherKey(readFileSync(resolve(cwd, options["key"]), "utf8"))],
      });
      print({ ok: true, id, version, sha256: read.sha256, keyId }, `${id} ${version}: genuine, signed by ${keyId}`);
      return;
    }
    print(
      { ok: true, id, version, sha256: read.sha256, claimed_keys: claimed, verified: false },
      `${id} ${version}: whole; says it is signed by ${claimed.join(", ")}. Give --key to check that.`,
    );
  },
};
