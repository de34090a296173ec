import { createPublicKey } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError, textOf } from "@hearthnet/host/command-line";
import { FILES_FILE, fromKeyObject, readPackage, SIGNATURE_FILE, writePackage, type PackageFile } from "@hearthnet/host/format";
import type { Command } from "./command.ts";
import { KEY_OPTIONS, openKey } from "./key-file.ts";

/** @source marketplace §2.1 */
export const signCommand: Command = {
  name: ["sign"],
  args: "FILE",
  summary: "sign a packed plugin; a former signature is replaced",
  example: "hearthnet plugin sign acme-hello-1.0.0.hnp --key acme.key",
  options: { ...KEY_OPTIONS, out: { type: "string", value: "FILE", help: "where the signed package goes (the same file)" } },
  run: async (invocation) => {
    const { options, cwd, args, print } = invocation;
    if (typeof options["key"] !== "string") throw new UsageError("--key FILE is missing. Make one with: hearthnet plugin keygen");
    const source = resolve(cwd, args[0] ?? "");
    const files = new Map<string, PackageFile>();
    let parts: Buffer[] = [];
    let current = { path: "", mode: 0o644 as 0o644 | 0o755 };
    const { manifest } = await readPackage(readFileSync(source), {
      open: (entry) => {
        parts = [];
        current = entry;
      },
      write: (chunk) => void parts.push(Buffer.from(chunk)),
      close: () => void files.set(current.path, { bytes: Buffer.concat(parts), mode: current.mode }),
    });
    files.delete(FILES_FILE);
    files.delete(SIGNATURE_FILE);
    const key = await openKey(invocation, options["key"]);
    const written = writePackage(files, key);
    const target = resolve(cwd, textOf(invocation, "out", source));
    writeFileSync(target, written.bytes);
    const { keyId } = fromKeyObject(createPublicKey(key));
    print(
      { id: manifest.id, version: manifest.version, sha256: written.sha256, keyId, file: target },
      `${manifest.id} ${manifest.version} signed by ${keyId}\nsha256 ${written.sha256}`,
    );
  },
};
