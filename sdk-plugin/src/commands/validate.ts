import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./bundle.ts";
import type { Command } from "./command.ts";
import { findAssets } from "./assets.ts";
import { openProject, type Project } from "./project.ts";

export interface Finding {
  level: "error" | "warning";
  where: string;
  message: string;
}

const BUNDLE_LARGE_BYTES = 8_388_608;
/** Modules that nothing works with inside the sandbox, and what to use. */
const USELESS: Record<string, string> = {
  "node:net": "there is no network in the sandbox",
  "node:http": "there is no network in the sandbox",
  "node:https": "there is no network in the sandbox",
  "node:dgram": "there is no network in the sandbox",
  "node:child_process": "no process can be started; declare a worker",
  "node:cluster": "no process can be started; declare a worker",
};

/** @source plugin-platform §9 `validate` */
export const validateCommand: Command = {
  name: ["validate"],
  args: "[DIR]",
  summary: "check manifest, schemas, texts, assets and what the code imports",
  example: "hearthnet plugin validate",
  run: async (invocation) => {
    const project = openProject(invocation);
    const findings = [...checkSchemas(project), ...checkTexts(project), ...checkRights(project), ...checkPanels(project)];
    findAssets(project);
    findings.push(...(await checkBundle(project)));
    const errors = findings.filter(({ level }) => level === "error");
    invocation.print(
      { ok: errors.length === 0, id: project.manifest.id, version: project.manifest.version, findings },
      findings.length === 0
        ? `${project.manifest.id} ${project.manifest.version}: nothing to mend.`
        : findings.map(({ level, where, message }) => `${level.padEnd(7)}  ${where}  ${message}`).join("\n"),
    );
    return errors.length === 0 ? 0 : 1;
  },
};

function checkSchemas({ manifest, dir }: Project): Finding[] {
  return (manifest.contributes.capabilities ?? []).flatMap(({ name, request, response, stream }) =>
    [request, response, stream].flatMap((path): Finding[] => {
      if (path === null) return [];
      const where = `${name} ${path}`;
      if (!existsSync(join(dir, path))) return [{ level: "error", where, message: "the file is missing" }];
      try {
        const text = readFileSync(join(dir, path), "utf8");
        const schema: unknown = JSON.parse(text);
        if (typeof schema !== "object" || schema === null) return [{ level: "error", where, message: "is no JSON object" }];
        return /"\$ref"\s*:\s*"(?!#)/.test(text)
          ? [{ level: "error", where, message: "refers to another file; only #/$defs/… is allowed" }]
          : [];
      } catch (error) {
        return [{ level: "error", where, message: `is not valid JSON: ${(error as Error).message}` }];
      }
    }),
  );
}

/** A plugin for neighbours speaks German too. */
function checkTexts({ manifest, dir }: Project): Finding[] {
  const texts: [string, Record<string, string>][] = [
    ["/displayName", manifest.displayName],
    ["/description", manifest.description],
    ...[...manifest.permissions, ...(manifest.optionalPermissions ?? [])].map(
      ({ name, reason }): [string, Record<string, string>] => [`reason of ${name}`, reason],
    ),
  ];
  const findings = texts
    .filter(([, text]) => text["de"] === undefined)
    .map(([where]): Finding => ({ level: "warning", where, message: "has no German text (de)" }));
  if (!existsSync(join(dir, "README.md")))
    findings.push({ level: "warning", where: "README.md", message: "is missing; the catalogue shows it" });
  return findings;
}

/** Rights without a use make people distrust; uses without a right fail when it is too late. */
function checkRights({ manifest }: Project): Finding[] {
  const asked = new Set([...manifest.permissions, ...(manifest.optionalPermissions ?? [])].map(({ name }) => name));
  const { capabilities, workers, schedules, http, panels } = manifest.contributes;
  const uses: [boolean, "bus.provide" | "proc.worker" | "schedule" | "http.mount" | "ui.panel", string][] = [
    [(capabilities ?? []).length > 0, "bus.provide", "capabilities are declared"],
    [(workers ?? []).length > 0, "proc.worker", "workers are declared"],
    [(schedules ?? []).length > 0, "schedule", "schedules are declared"],
    [(http ?? []).length > 0, "http.mount", "routes are declared"],
    [(panels ?? []).length > 0, "ui.panel", "panels are declared"],
  ];
  return uses.flatMap(([used, permission, why]): Finding[] => {
    if (used && !asked.has(permission))
      return [{ level: "error", where: "/permissions", message: `${permission} is missing: ${why}` }];
    if (!used && asked.has(permission))
      return [{ level: "warning", where: "/permissions", message: `${permission} is asked for and not used` }];
    return [];
  });
}

/** What a panel's page names must be in the package, and what it holds must be able to run in its frame. @source admin-ui §17 */
function checkPanels({ manifest, dir }: Project): Finding[] {
  return (manifest.contributes.panels ?? []).flatMap(({ id, entry }): Finding[] => {
    const where = `panel ${id} ${entry}`;
    if (!existsSync(join(dir, entry))) return [{ level: "error", where, message: "the file is missing" }];
    const html = readFileSync(join(dir, entry), "utf8");
    const findings: Finding[] = [];
    const wrong = (message: string): void => void findings.push({ level: "error", where, message });
    if (/<script(?![^>]*\ssrc=)[^>]*>\s*\S/i.test(html)) wrong("holds a script inline; write it to src/panel/NAME.ts");
    if (/<script[^>]*\stype=["']?module/i.test(html)) wrong("loads a module; a frame runs classic scripts, as they are bundled");
    if (/<style|\son[a-z]+\s*=/i.test(html)) wrong("holds a style or a handler inline; write them to files");
    if (/\s(?:src|href)=["']?(?:https?:)?\/\//i.test(html)) wrong("loads something from the network; there is none in a frame");
    return findings;
  });
}

async function checkBundle(project: Project): Promise<Finding[]> {
  const { files } = await bundle(project);
  return [...files].flatMap(([path, bytes]) => {
    const text = Buffer.from(bytes).toString("utf8");
    const found: Finding[] = Object.entries(USELESS)
      .filter(([module]) => new RegExp(`(from|import|require\\()\\s*["']${module}["']`).test(text))
      .map(([module, why]) => ({ level: "warning", where: path, message: `imports ${module}: ${why}` }));
    if (bytes.byteLength > BUNDLE_LARGE_BYTES)
      found.push({
        level: "warning",
        where: path,
        message: `is ${(bytes.byteLength / 1_048_576).toFixed(1)} MiB; models and data belong into assets`,
      });
    return found;
  });
}
