import type { Command } from "./command.ts";
import { PLACE, signersFor, withNotes, withRegistry } from "./open.ts";

export const refreshCommand: Command = {
  name: ["refresh"],
  args: "",
  summary: "sign the catalogue anew before it expires, and delete what nobody names any more; once a day, by cron",
  example: "hearthnet registry refresh --out registry --keys registry-keys",
  options: PLACE,
  run: (invocation) =>
    withRegistry(invocation, async (opened) => {
      const notes = opened.repository.commit(signersFor(invocation, opened, []));
      await opened.repository.sweep();
      invocation.print({ folder: opened.folder, notes }, withNotes("Signed anew.", notes));
    }),
};
