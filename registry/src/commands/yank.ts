import { UsageError } from "@hearthnet/host/command-line";
import { namespaceOf, readPackageTarget } from "@hearthnet/host/format";
import { yank } from "../3-catalog/publish.ts";
import type { Command } from "./command.ts";
import { PLACE, SIGNER, signersFor, withNotes, withRegistry } from "./open.ts";

/** @source marketplace §5.1 `yanked` */
export const yankCommand: Command = {
  name: ["yank"],
  args: "ID@VERSION",
  summary: "withdraw a version: nobody installs it any more, whoever has it keeps it",
  example: "hearthnet registry yank acme/hello@1.0.0 --key acme.key",
  options: { ...PLACE, ...SIGNER },
  run: (invocation) => {
    const [text = ""] = invocation.args;
    const [id = "", version = ""] = text.split("@");
    if (readPackageTarget(`${id}/${version}.hnp`) === null)
      throw new UsageError(`"${text}" is not ID@VERSION. Example: acme/hello@1.0.0`);
    return withRegistry(invocation, async (opened) => {
      await yank(opened.repository, id, version);
      const notes = opened.repository.commit(signersFor(invocation, opened, [namespaceOf(id)]));
      invocation.print({ yanked: text, notes }, withNotes(`Withdrawn: ${id} ${version}.`, notes));
    });
  },
};
