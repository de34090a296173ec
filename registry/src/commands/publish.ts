import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { namespaceOf } from "@hearthnet/host/format";
import { matchAssets } from "../2-verify/assets.ts";
import { publish } from "../3-catalog/publish.ts";
import type { Command } from "./command.ts";
import { PLACE, SIGNER, signersFor, withNotes, withRegistry } from "./open.ts";

export const publishCommand: Command = {
  name: ["publish"],
  args: "FILE…",
  summary: "take signed packages into the catalogue",
  example: "hearthnet registry publish acme-hello-1.0.0.hnp --key acme.key",
  options: {
    ...PLACE,
    ...SIGNER,
    asset: {
      type: "string",
      multiple: true,
      value: "FILE",
      help: "a file that the manifest names under assets, to be served as well; once for each",
    },
  },
  run: (invocation) =>
    withRegistry(invocation, async (opened) => {
      const { repository } = opened;
      const released = `${new Date(invocation.now).toISOString().slice(0, 19)}Z`;
      const manifests = [];
      for (const file of invocation.args) {
        const bytes = readFileSync(resolve(invocation.cwd, file));
        manifests.push((await publish(bytes, { repository, released, replace: false })).manifest);
      }
      const { asset } = invocation.options;
      const given = (Array.isArray(asset) ? asset : []).map((path) => resolve(invocation.cwd, path));
      const copies = matchAssets(manifests, { given, has: (sha256) => repository.hasBlob(sha256) });
      const signers = signersFor(
        invocation,
        opened,
        manifests.map(({ id }) => namespaceOf(id)),
      );
      for (const path of copies) repository.putFile(path);
      const notes = repository.commit(signers);
      const published = manifests.map(({ id, version }) => ({ id, version }));
      const text = published.map(({ id, version }) => `Published ${id} ${version}.`).join("\n");
      invocation.print({ published, notes }, withNotes(text, notes));
    }),
};
