import { createPublicKey } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Refusal, textOf } from "@hearthnet/host/command-line";
import { checkMachineCode, fromKeyObject, isMachineCode, writePackage } from "@hearthnet/host/format";
import { refusedAssets } from "./asset-code.ts";
import { findAssets } from "./assets.ts";
import type { Command } from "./command.ts";
import { KEY_OPTIONS, openKey } from "./key-file.ts";
import { packageFiles } from "./package-files.ts";
import { openProject } from "./project.ts";

/** @source plugin-platform §9, marketplace §1 */
export const packCommand: Command = {
  name: ["pack"],
  args: "[DIR]",
  summary: "build the plugin into one .hnp file, signed when a key is given",
  example: "hearthnet plugin pack --key acme.key",
  options: {
    ...KEY_OPTIONS,
    out: { type: "string", value: "FILE", help: "where the package goes (NAMESPACE-NAME-VERSION.hnp)" },
    "check-reproducible": { type: "boolean", help: "build twice and compare" },
  },
  run: async (invocation) => {
    const { options, cwd, print } = invocation;
    const project = openProject(invocation);
    const { id, version } = project.manifest;
    const key = typeof options["key"] === "string" ? await openKey(invocation, options["key"]) : undefined;
    const assets = findAssets(project);
    const [refused] = refusedAssets(project.manifest, assets);
    if (refused !== undefined) throw refused.refusal;
    const files = await packageFiles(project);
    checkMachineCode(
      project.manifest,
      [...files].flatMap(([path, { bytes }]) => (isMachineCode(path, bytes) ? path : [])),
    );
    const written = writePackage(files, key);
    if (options["check-reproducible"] === true && writePackage(await packageFiles(project), key).tarSha256 !== written.tarSha256)
      throw new Refusal("Two builds of the same sources differ.", {
        reason: "not_reproducible",
        action: "Look for times, random numbers or absolute paths in what is bundled.",
      });
    const file = resolve(cwd, textOf(invocation, "out", `${id.replace("/", "-")}-${version}.hnp`));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, written.bytes);
    const keyId = key === undefined ? null : fromKeyObject(createPublicKey(key)).keyId;
    const { sha256, tarSha256 } = written;
    const sizeBytes = written.bytes.byteLength;
    print(
      { id, version, sha256, tarSha256, sizeBytes, keyId, file, assets },
      [
        `${id} ${version}: ${file}, ${(sizeBytes / 1024).toFixed(0)} KiB`,
        `sha256 ${sha256}`,
        keyId === null ? "Not signed yet: hearthnet plugin sign FILE --key KEY" : `signed by ${keyId}`,
      ].join("\n"),
    );
  },
};
