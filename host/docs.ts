/** Makes the pages of docs/reference from the tables that the code uses; run it with Node 26 after changing a table. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fd3Page } from "./docs-fd3.ts";
import { COMMANDS } from "./src/cli/commands/index.ts";
import { CONSTANTS, ERRORS, LOCAL_ERRORS, PERMISSIONS, REASONS } from "./src/contract/index.ts";

const HEAD = "<!-- Made by host/docs.ts; change the table in host/src/contract instead. -->";

export function errorsPage(): string {
  const lines = [
    HEAD,
    "",
    "# Errors",
    "",
    "Every refusal carries a code, often a reason, a message and what to do next. Codes of the first table travel between nodes (protocol 02 §5).",
    "",
    "| Code | HTTP | Try again | What it means | What to do |",
    "| --- | --- | --- | --- | --- |",
  ];
  for (const [code, row] of Object.entries(ERRORS))
    lines.push(`| \`${code}\` | ${row.status} | ${row.retry} | ${row.message} | ${row.action} |`);
  lines.push("", "## Only on this node", "", "| Code | Others see | What it means | What to do |", "| --- | --- | --- | --- |");
  for (const [code, row] of Object.entries(LOCAL_ERRORS))
    lines.push(`| \`${code}\` | \`${row.wire}\` | ${row.message} | ${row.action} |`);
  lines.push("", "## Reasons", "", "| Reason | Code | What it means | What to do |", "| --- | --- | --- | --- |");
  for (const [reason, row] of Object.entries(REASONS))
    lines.push(`| \`${reason}\` | \`${row.code}\` | ${row.message} | ${row.action} |`);
  return `${lines.join("\n")}\n`;
}

export function permissionsPage(): string {
  const groups = { see: "may see", do: "may do", reach: "may reach", use: "may use" };
  const lines = [
    HEAD,
    "",
    "# Permissions",
    "",
    "What a plugin can be allowed. Weight 0 to 5; from 4 on the operator types the plugin's name. The rating of a plugin is 1 plus its heaviest weight, at most 6.",
    "",
    "| Permission | Weight | Group | Decided by |",
    "| --- | --- | --- | --- |",
  ];
  for (const [name, row] of Object.entries(PERMISSIONS))
    lines.push(`| \`${name}\` | ${row.weight} | ${groups[row.group]} | \`${row.check}\` |`);
  return `${lines.join("\n")}\n`;
}

export function constantsPage(): string {
  const lines = [
    HEAD,
    "",
    "# Constants",
    "",
    "Values on which nodes must agree; none of them can be configured. The unit stands in the name.",
    "",
    "| Name | Value |",
    "| --- | ---: |",
  ];
  for (const [name, value] of Object.entries(CONSTANTS)) lines.push(`| \`${name}\` | ${value} |`);
  return `${lines.join("\n")}\n`;
}

export function commandsPage(): string {
  const lines = [
    HEAD.replace("the table in host/src/contract", "host/src/cli/commands"),
    "",
    "# Commands",
    "",
    "What stands behind `npx hearthnet`. Every command takes `--data DIR`, `--json` and `--help`; exit code 0 done, 1 refused or failed, 2 wrong usage.",
    "Those marked *tool* are handed on to the tools of authors and registries; their `--help` tells the options.",
  ];
  for (const { name, args, summary, example, options } of COMMANDS) {
    const tool = args === "…";
    lines.push("", `## ${name.join(" ")}`, "", `${sentence(summary)}${tool ? " *Tool.*" : ""}`);
    const usage = `hearthnet ${[...name, ...(tool || args === "" ? [] : [args])].join(" ")}`;
    lines.push("", "```sh", ...new Set([usage, example]), "```");
    if (options === undefined) continue;
    lines.push("", "| Option | |", "| --- | --- |");
    for (const [option, { value, help, multiple }] of Object.entries(options))
      lines.push(`| \`--${option}${value === undefined ? "" : ` ${value}`}\`${multiple === true ? " …" : ""} | ${cell(help)} |`);
  }
  return `${lines.join("\n")}\n`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) {
  const folder = join(import.meta.dirname, "..", "docs", "reference");
  writeFileSync(join(folder, "errors.md"), errorsPage());
  writeFileSync(join(folder, "permissions.md"), permissionsPage());
  writeFileSync(join(folder, "constants.md"), constantsPage());
  writeFileSync(join(folder, "commands.md"), commandsPage());
  writeFileSync(join(folder, "fd3.md"), fd3Page());
}
