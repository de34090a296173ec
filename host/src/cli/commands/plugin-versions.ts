import { randomUUID } from "node:crypto";
import type { KeptVersion, UpdateBody } from "../../contract/index.ts";
import type { Command, Invocation } from "../command.ts";
import { GRANT_OPTIONS, readGrants } from "../grant-option.ts";
import { finished } from "../job.ts";
import { pathOf } from "../plugin-path.ts";
import { table } from "../table.ts";

/** One version follows another, and comes back. @source architecture §5 */
export const versionCommands: readonly Command[] = [
  {
    name: ["plugin", "update"],
    args: "ID",
    summary: "put a newer version in its place while calls go on",
    example: "hearthnet plugin update hearthnet/ocr",
    options: {
      version: { type: "string", value: "VERSION", help: "this one; otherwise the newest that fits" },
      ...GRANT_OPTIONS,
    },
    run: (invocation) => {
      const { options } = invocation;
      const grants = readGrants(options);
      return follow(invocation, "update", {
        ...(typeof options["version"] === "string" ? { version: options["version"] } : {}),
        ...(grants === undefined ? {} : { grants }),
        ...(typeof options["confirm"] === "string" ? { confirm_id: options["confirm"] } : {}),
        ...(options["old-catalogue"] === true ? { use_old_catalogue: true } : {}),
      });
    },
  },
  {
    name: ["plugin", "rollback"],
    args: "ID",
    summary: "go back to a version that is kept",
    example: "hearthnet plugin rollback hearthnet/ocr --version 1.1.0",
    options: {
      version: { type: "string", value: "VERSION", help: "this one; otherwise the one before" },
      list: { type: "boolean", help: "only show which ones are kept" },
    },
    run: async (invocation) => {
      const { args, options, client, print } = invocation;
      if (options["list"] !== true)
        return follow(invocation, "rollback", typeof options["version"] === "string" ? { version: options["version"] } : {});
      const { items } = await client().get<{ items: KeptVersion[] }>(`/plugins/${pathOf(args[0])}/versions`);
      const day = (at: number): string => new Date(at).toISOString();
      const rows = items.map((kept) => [
        kept.version,
        day(kept.kept_since),
        kept.loses_since === null ? "of now" : `as of ${day(kept.loses_since)}; what was written since is lost`,
        kept.permissions.join(" "),
      ]);
      print(items, table(["version", "kept since", "data", "allowed"], rows, "No former version is kept."));
    },
  },
];

async function follow(invocation: Invocation, verb: "update" | "rollback", body: Omit<UpdateBody, "client_id">): Promise<void> {
  const { args, client, print } = invocation;
  const path = `/plugins/${pathOf(args[0])}/${verb}`;
  const { job_id } = await client().send<{ job_id: string }>("POST", path, { ...body, client_id: randomUUID() });
  const status = await finished(invocation, job_id, args[0] ?? "");
  print(status, `${status.id} ${status.version}: ${status.state}, confinement ${status.label ?? "none"}`);
}
