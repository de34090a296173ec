import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Refusal, UsageError, textOf } from "@hearthnet/host/command-line";
import type { Command, Invocation } from "./command.ts";

const ID = /^([a-z][a-z0-9-]{1,38})\/([a-z][a-z0-9-]{1,38})$/;

const KINDS = ["service", "panel", "assets"] as const;
const TIERS = ["process", "isolate"] as const;

/** @source plugin-platform §9 `create` */
export const createCommand: Command = {
  name: ["create"],
  args: "NAMESPACE/NAME",
  summary: "start a plugin that works as it is: manifest, texts, code, tests, a file for continuous integration",
  example: "hearthnet plugin create acme/hello",
  options: {
    out: { type: "string", value: "DIR", help: "folder to make (./NAME)" },
    kind: {
      type: "string",
      value: KINDS.join("|"),
      help: "service: code that offers something; panel: a page for the operator; assets: data for others (service)",
    },
    tier: {
      type: "string",
      value: TIERS.join("|"),
      help: "isolate: rules and glue without files or timers, far smaller (process)",
    },
  },
  run: async ({ args, options, cwd, print }) => {
    const [, namespace = "", name = ""] = ID.exec(args[0] ?? "") ?? [];
    if (name === "") throw new UsageError(`"${args[0] ?? ""}" is no id. Example: acme/hello (letters a-z, digits, dashes)`);
    const kind = oneOf("kind", { options, known: KINDS });
    const tier = oneOf("tier", { options, known: TIERS });
    if (kind !== "service" && tier === "isolate")
      throw new UsageError(`A plugin of kind ${kind} runs no code on the node, so it has no tier. Leave --tier out.`);
    const target = resolve(cwd, textOf({ options }, "out", name));
    if (existsSync(target) && readdirSync(target).length > 0)
      throw new Refusal(`The folder ${target} is not empty.`, {
        reason: "folder_taken",
        action: "Choose another with --out DIR.",
      });
    for (const part of ["common", kind]) cpSync(join(findTemplates(), part), target, { recursive: true });
    // npm would take a second package.json in the SDK for a package of its own.
    renameSync(join(target, "package.template.json"), join(target, "package.json"));
    const prefix = `ext.${namespace.replaceAll("-", "_")}.${name.replaceAll("-", "_")}`;
    fill(target, {
      NAMESPACE: namespace,
      NAME: name,
      PREFIX: prefix,
      TIER: tier,
      TITLE: name[0]?.toUpperCase() + name.slice(1).replaceAll("-", " "),
    });
    print(
      { id: `${namespace}/${name}`, kind, tier: kind === "service" ? tier : null, dir: target },
      [
        `${namespace}/${name} lies in ${target}. Next, in that folder:`,
        "  hearthnet plugin validate",
        "  hearthnet plugin test",
        "  hearthnet plugin keygen --no-passphrase && hearthnet plugin pack --key publisher.key",
      ].join("\n"),
    );
  },
};

/** The first is what stands for an option that was left out. @throws UsageError */
function oneOf<T extends string>(name: string, o: { options: Invocation["options"]; known: readonly T[] }): T {
  const given = textOf(o, name, o.known[0] ?? "");
  const found = o.known.find((one) => one === given);
  if (found !== undefined) return found;
  const hint = name === "kind" && given === "isolate" ? " For a rule in an isolate: --tier isolate." : "";
  throw new UsageError(`"${given}" is no ${name} of plugin. Known: ${o.known.join(", ")}.${hint}`);
}

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

function findTemplates(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let at = start; at !== dirname(at); at = dirname(at))
    if (existsSync(join(at, "template", "common"))) return join(at, "template");
  throw new Refusal("The template is missing from this installation.", {
    reason: "no_template",
    action: "Install the SDK anew.",
  });
}
