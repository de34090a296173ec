import { UsageError, textOf } from "@hearthnet/host/command-line";
import { namespaceOf } from "@hearthnet/host/format";
import type { Command } from "./command.ts";
import { PLACE, withNotes, withRegistry } from "./open.ts";

const SUBJECT = /^([a-z][a-z0-9-]{1,38})\/([a-z][a-z0-9-]{1,38})(?:@([0-9A-Za-z.-]{5,96}))?$/;

/** @source marketplace §2.2 `revocations.json`, §5.1 `revoked` */
export const revokeCommand: Command = {
  name: ["revoke"],
  args: "ID[@VERSION]",
  summary: "declare a plugin, or one version, dangerous: nodes stop it and lock it away; its data stays",
  example: 'hearthnet registry revoke acme/hello@1.0.0 --reason "It sends contacts to strangers."',
  options: {
    ...PLACE,
    reason: { type: "string", value: "TEXT", help: "what people are told; one sentence" },
    url: { type: "string", value: "URL", help: "where more stands" },
  },
  run: (invocation) => {
    const [text = ""] = invocation.args;
    const [, namespace, name, version] = SUBJECT.exec(text) ?? [];
    if (namespace === undefined || name === undefined)
      throw new UsageError(`"${text}" is neither ID nor ID@VERSION. Example: acme/hello@1.0.0`);
    const reason = textOf(invocation, "reason", "").trim();
    if (reason === "") throw new UsageError("--reason TEXT is missing: people want to know why their plugin was stopped.");
    return withRegistry(invocation, async ({ repository }) => {
      repository.revoke({
        ns: namespaceOf(text),
        name,
        ...(version === undefined ? {} : { versions: [version] }),
        severity: "revoked",
        reason,
        url: textOf(invocation, "url", ""),
      });
      const notes = repository.commit();
      invocation.print({ revoked: text, notes }, withNotes(`Revoked: ${text}. Nodes act on it with their next refresh.`, notes));
      return Promise.resolve();
    });
  },
};
