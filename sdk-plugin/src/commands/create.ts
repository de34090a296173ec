import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Refusal, UsageError, textOf } from "@hearthnet/host/command-line";
import type { Command } from "./command.ts";

const ID = /^([a-z][a-z0-9-]{1,38})\/([a-z][a-z0-9-]{1,38})$/;

/** @source plugin-platform §9 `create` */
export const createCommand: Command = {
  name: ["create"],
  args: "NAMESPACE/NAME",
  summary: "start a plugin: a small service with schema, texts, test and readme",
  example: "hearthnet plugin create acme/hello",
  options: {
    out: { type: "string", value: "DIR", help: "folder to make (./NAME)" },
    kind: {
      type: "string",
      value: "service|isolate",
      help: "isolate: rules and glue without files or timers, far smaller (service)",
    },
  },
  run: async ({ args, options, cwd, print }) => {
    const [, namespace = "", name = ""] = ID.exec(args[0] ?? "") ?? [];
    if (name === "") throw new UsageError(`"${args[0] ?? ""}" is no id. Example: acme/hello (letters a-z, digits, dashes)`);
    const { kind = "service" } = options;
    if (kind !== "service" && kind !== "isolate")
      throw new UsageError(`"${String(kind)}" is no kind of plugin. Known: service, isolate`);
    const target = resolve(cwd, textOf({ options }, "out", name));
    if (existsSync(target) && readdirSync(target).length > 0)
      throw new Refusal(`The folder ${target} is not empty.`, {
        reason: "folder_taken",
        action: "Choose another with --out DIR.",
      });
    cpSync(findTemplate(), target, { recursive: true });
    // npm would take a second package.json in the SDK for a package of its own.
    renameSync(join(target, "package.template.json"), join(target, "package.json"));
    const prefix = `ext.${namespace.replaceAll("-", "_")}.${name.replaceAll("-", "_")}`;
    fill(target, {
      NAMESPACE: namespace,
      NAME: name,
      PREFIX: prefix,
      TIER: kind === "isolate" ? "isolate" : "process",
      TITLE: name[0]?.toUpperCase() + name.slice(1).replaceAll("-", " "),
    });
    print(
      { id: `${namespace}/${name}`, dir: target },
      [
        `${namespace}/${name} lies in ${target}. Next, in that folder:`,
        "  hearthnet plugin validate",
        "  hearthnet plugin test",
        "  hearthnet plugin keygen --no-passphrase && hearthnet plugin pack --key publisher.key",
      ].join("\n"),
    );
  },
};

function fill(folder: string, words: Record<string, string>): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(/__([A-Z]+)__/g, (whole, word: string) => words[word] ?? whole),
    );
  }
}

function findTemplate(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let at = start; at !== dirname(at); at = dirname(at))
    if (existsSync(join(at, "template", "hearthnet.plugin.json"))) return join(at, "template");
  throw new Refusal("The template is missing from this installation.", {
    reason: "no_template",
    action: "Install the SDK anew.",
  });
}
