import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { readPackage, readPackageTarget, readTargetCustom } from "@hearthnet/host/format";
import { TargetFile } from "@tufjs/models";
import { publish } from "../3-catalog/publish.ts";
import { RegistryError, UsageError } from "../refusal.ts";
import { openRoleKey } from "../storage/keys.ts";
import type { Command } from "./command.ts";
import { openRegistry, PLACE } from "./open.ts";
import { publisherSigners } from "./signers.ts";

const SIGNER = {
  key: { type: "string", value: "FILE", help: "the publisher's private key, which signs the list of its packages" },
} as const;

export const publishCommand: Command = {
  name: "publish",
  args: "FILE…",
  summary: "take signed packages into the catalogue",
  example: "hearthnet registry publish acme-hello-1.0.0.hnp --key acme.key",
  options: {
    ...PLACE,
    ...SIGNER,
    asset: { type: "string", value: "FILE", help: "a file of the plugin's assets to serve as well" },
  },
  run: async (invocation) => {
    const { repository, keysFolder } = openRegistry(invocation);
    const signers = publisherSigners(repository, keysFolder);
    const done: { id: string; version: string }[] = [];
    const released = `${new Date(invocation.now).toISOString().slice(0, 19)}Z`;
    const { asset } = invocation.options;
    const assets = typeof asset === "string" ? [resolve(invocation.cwd, asset)] : [];
    for (const file of invocation.args) {
      const bytes = readFileSync(resolve(invocation.cwd, file));
      const { manifest } = await readPackage(bytes);
      await publish(bytes, manifest.id, { repository, released, replace: false, assets });
      addSigner(invocation.options["key"], { namespace: manifest.id.split("/")[0] ?? "", cwd: invocation.cwd, signers });
      done.push({ id: manifest.id, version: manifest.version });
    }
    repository.commit(signers);
    invocation.print({ published: done }, done.map(({ id, version }) => `Published ${id} ${version}.`).join("\n"));
  },
};

/** @source marketplace §5.1 `yanked` */
export const yankCommand: Command = {
  name: "yank",
  args: "ID@VERSION",
  summary: "withdraw a version: nobody installs it any more, whoever has it keeps it",
  example: "hearthnet registry yank acme/hello@1.0.0 --key acme.key",
  options: { ...PLACE, ...SIGNER },
  run: async (invocation) => {
    const [id = "", version = ""] = (invocation.args[0] ?? "").split("@");
    const wanted = readPackageTarget(`${id}/${version}.hnp`);
    if (wanted === null) throw new UsageError(`"${invocation.args[0] ?? ""}" is not ID@VERSION. Example: acme/hello@1.0.0`);
    const namespace = id.split("/")[0] ?? "";
    const { repository, keysFolder } = openRegistry(invocation);
    const targets = repository.packages(namespace);
    const found = targets.find(({ path }) => path === `${id}/${version}.hnp`);
    const custom = found === undefined ? null : readTargetCustom(found.custom);
    if (found === undefined || custom === null)
      throw new RegistryError(`${id} ${version} is not in this catalogue.`, {
        reason: "not_found",
        action: "Check id and version.",
      });
    const { path, length, hashes } = found;
    const yanked = new TargetFile({
      path,
      length,
      hashes,
      unrecognizedFields: { custom: { ...custom, status: "yanked" } },
    });
    repository.setPackages(namespace, [...targets.filter((target) => target !== found), yanked]);
    const signers = publisherSigners(repository, keysFolder);
    addSigner(invocation.options["key"], { namespace, cwd: invocation.cwd, signers });
    repository.commit(signers);
    invocation.print({ yanked: `${id}@${version}` }, `Withdrawn: ${id} ${version}.`);
  },
};

/** @throws RegistryError signer_missing */
function addSigner(
  key: string | boolean | undefined,
  o: { namespace: string; cwd: string; signers: Map<string, ReturnType<typeof openRoleKey>> },
): void {
  if (typeof key === "string") {
    const path = resolve(o.cwd, key);
    const cut = path.lastIndexOf("/");
    o.signers.set(o.namespace, openRoleKey(path.slice(0, cut), path.slice(cut + 1).replace(/\.key$/, "")));
  }
  if (!o.signers.has(o.namespace))
    throw new RegistryError(`The list of ${o.namespace}'s packages must be signed by its publisher.`, {
      reason: "signer_missing",
      action: "Name the publisher's private key (NAME.key) with --key.",
    });
}
