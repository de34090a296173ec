/** What goes into the package: how large, whose, under which licence. @source plugin-platform §9 `validate` */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CONSTANTS, type JsonObject, type JsonValue } from "@hearthnet/host/contract";
import type { Bundles } from "../bundle.ts";
import type { Project } from "../project.ts";
import { error, warning, type Finding } from "./finding.ts";
import { checkCalls } from "./network.ts";

const BUNDLE_LARGE_BYTES = 8_388_608;
const README_MAX_BYTES = 65_536;
const ICON_MAX_BYTES = 65_536;
/** An SPDX expression, as far as its shape goes. */
const SPDX = /^\(?[A-Za-z0-9][A-Za-z0-9.+-]*\)?( (AND|OR|WITH) \(?[A-Za-z0-9][A-Za-z0-9.+-]*\)?)*$/;
/** They ask whoever passes a work on for its source under the same terms. */
const COPYLEFT = /^(A|L)?GPL-|^(MPL|EUPL|OSL|CDDL)-/;
/** Modules that nothing works with inside the sandbox, and what to use. */
const USELESS: Record<string, string> = {
  "node:net": "there is no network in the sandbox; use ctx.fetch and ctx.net",
  "node:http": "there is no network in the sandbox; use ctx.fetch and ctx.net",
  "node:https": "there is no network in the sandbox; use ctx.fetch and ctx.net",
  "node:dgram": "there is no network in the sandbox; use ctx.fetch and ctx.net",
  "node:child_process": "no process can be started; declare a worker",
  "node:cluster": "no process can be started; declare a worker",
};

export function checkSchemas({ manifest, dir }: Project): Finding[] {
  return (manifest.contributes.capabilities ?? []).flatMap(({ name, request, response, stream }) =>
    [request, response, stream].flatMap((path) => {
      if (path === null) return [];
      const findings = checkSchema(`${name} ${path}`, join(dir, path));
      return findings.length > 0 || path !== stream ? findings : checkFrames(`${name} ${path}`, join(dir, path));
    }),
  );
}

function checkSchema(where: string, path: string): Finding[] {
  if (!existsSync(path)) return [error(where, "the file is missing")];
  if (statSync(path).size > CONSTANTS.SCHEMA_MAX_BYTES)
    return [error(where, `is larger than ${CONSTANTS.SCHEMA_MAX_BYTES / 1024} KiB`)];
  try {
    const text = readFileSync(path, "utf8");
    const schema: unknown = JSON.parse(text);
    if (typeof schema !== "object" || schema === null) return [error(where, "is no JSON object")];
    return /"\$ref"\s*:\s*"(?!#)/.test(text) ? [error(where, "refers to another file; only #/$defs/… is allowed")] : [];
  } catch (cause) {
    return [error(where, `is not valid JSON: ${(cause as Error).message}`)];
  }
}

/** What a generator returns is the stream's last frame, `done`, and is held to the same schema. */
function checkFrames(where: string, path: string): Finding[] {
  const schema = JSON.parse(readFileSync(path, "utf8")) as JsonObject;
  const shapes = [schema, ...[schema["oneOf"], schema["anyOf"]].flatMap((list) => (Array.isArray(list) ? list : []))];
  const events = shapes.flatMap((shape) => {
    const event = member(member(shape, "properties"), "event");
    const { const: only, enum: list } = isObject(event) ? event : {};
    return only !== undefined ? [only] : Array.isArray(list) ? list : [];
  });
  return events.length === 0 || events.includes("done")
    ? []
    : [error(where, 'knows no event "done", the last frame of every stream: what the handler returns')];
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function checkBundles({ manifest }: Project, { files }: Bundles): Finding[] {
  return [...files].flatMap(([path, bytes]) => {
    const text = Buffer.from(bytes).toString("utf8");
    const found = Object.entries(USELESS)
      .filter(([module]) => new RegExp(`(from|import|require\\()\\s*["']${module}["']`).test(text))
      .map(([module, why]) => warning(path, `imports ${module}: ${why}`));
    found.push(...checkCalls(manifest, { path, text }));
    if (bytes.byteLength > BUNDLE_LARGE_BYTES)
      found.push(warning(path, `is ${(bytes.byteLength / 1_048_576).toFixed(1)} MiB; models and data belong into assets`));
    return found;
  });
}

export function checkSizes({ manifest, dir }: Project): Finding[] {
  const findings: Finding[] = [];
  const readme = join(dir, "README.md");
  if (existsSync(readme) && statSync(readme).size > README_MAX_BYTES)
    findings.push(warning("README.md", "is larger than 64 KiB; the catalogue shows none of it"));
  if (manifest.icon === undefined) return findings;
  const icon = join(dir, manifest.icon);
  if (!existsSync(icon)) findings.push(error("/icon", `${manifest.icon} does not exist`));
  else if (statSync(icon).size > ICON_MAX_BYTES) findings.push(error("/icon", "is larger than 64 KiB"));
  else if (!isPicture(readFileSync(icon))) findings.push(error("/icon", "is neither PNG nor WebP"));
  return findings;
}

function isPicture(bytes: Buffer): boolean {
  const png = bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
  return png || (bytes.toString("latin1", 0, 4) === "RIFF" && bytes.toString("latin1", 8, 12) === "WEBP");
}

export function checkLicences({ manifest }: Project, { packages }: Bundles): Finding[] {
  const findings = packages.flatMap(({ name, version, license }): Finding[] => {
    const where = `${name} ${version}`;
    if (license === "NOASSERTION" || license === "UNLICENSED")
      return [warning(where, "is bundled and names no licence; you may not be allowed to pass it on")];
    const strict = COPYLEFT.test(license) && !manifest.license.includes(license);
    return strict ? [warning(where, `is bundled under ${license}; the plugin says ${manifest.license}`)] : [];
  });
  const own = [
    ["/license", manifest.license] as const,
    ...(manifest.assets ?? []).map((a) => [`asset ${a.name}`, a.license] as const),
  ];
  for (const [where, license] of own)
    if (!SPDX.test(license))
      findings.push(error(where, `"${license}" is no SPDX expression, such as Apache-2.0 or "MIT OR Apache-2.0"`));
  for (const { name, license, nonCommercial } of manifest.assets ?? [])
    if (/(^|-)NC(-|$)/.test(license) && nonCommercial !== true)
      findings.push(error(`asset ${name}`, `${license} forbids commercial use; say "nonCommercial": true`));
  return findings;
}
