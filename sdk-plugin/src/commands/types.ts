import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject, JsonValue } from "@hearthnet/host/contract";
import type { Command } from "./command.ts";
import { openProject, type Project } from "./project.ts";

const FILE = join("src", "hn-types.ts");

/** @source plugin-platform §9 `types` */
export const typesCommand: Command = {
  name: ["types"],
  args: "[DIR]",
  summary: "write src/hn-types.ts from the manifest and its schemas",
  example: "hearthnet plugin types",
  run: async (invocation) => {
    const project = openProject(invocation);
    const { kind } = project.manifest;
    if (kind !== "service") {
      invocation.print({ file: null }, `A plugin of kind ${kind} has no code on a node; there is nothing to type.`);
      return;
    }
    const path = join(project.dir, FILE);
    writeFileSync(path, writeTypes(project));
    invocation.print({ file: path }, `Written: ${path}`);
  },
};

/** Source of the module that gives `definePlugin` its types. */
export function writeTypes(project: Project): string {
  const { manifest, dir } = project;
  const schemaAt = (path: string | null): JsonObject | null =>
    path === null ? null : (JSON.parse(readFileSync(join(dir, path), "utf8")) as JsonObject);
  const capabilities = (manifest.contributes.capabilities ?? []).map(({ name, version, request, response }) => {
    const asked = schemaAt(request);
    const given = schemaAt(response);
    return [
      `    "${name}@${version}": {`,
      `      params: ${memberType(asked, "params")};`,
      `      input: ${memberType(asked, "input")};`,
      `      output: ${given === null ? "object" : memberType(given, "output")};`,
      "    };",
    ].join("\n");
  });
  const config = manifest.config === undefined ? "{}" : typeOf(manifest.config.schema, manifest.config.schema, "  ");
  return [
    "// Made by `hearthnet plugin types` from hearthnet.plugin.json and its schemas.",
    "",
    "export interface Manifest {",
    `  config: ${config};`,
    "  capabilities: {",
    ...capabilities,
    "  };",
    "}",
    "",
  ].join("\n");
}

function memberType(schema: JsonObject | null, name: string): string {
  const properties = schema?.["properties"] as JsonObject | undefined;
  const member = properties?.[name];
  return isObject(member) ? typeOf(member, schema ?? {}, "      ") : "Record<string, never>";
}

/** JSON Schema subset of 03 B-1 → TypeScript. */
function typeOf(schema: JsonObject, root: JsonObject, indent: string): string {
  const ref = schema["$ref"];
  if (typeof ref === "string") return typeOf(resolve(ref, root), root, indent);
  if (schema["const"] !== undefined) return JSON.stringify(schema["const"]);
  if (Array.isArray(schema["enum"])) return schema["enum"].map((value) => JSON.stringify(value)).join(" | ");
  for (const choice of ["oneOf", "anyOf"]) {
    const list = schema[choice];
    if (Array.isArray(list))
      return list
        .filter(isObject)
        .map((one) => typeOf(one, root, indent))
        .join(" | ");
  }
  const { type } = schema as { type?: JsonValue };
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one }, root, indent)).join(" | ");
  switch (type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array":
      return `${wrap(isObject(schema["items"]) ? typeOf(schema["items"], root, indent) : "unknown")}[]`;
    case "object":
      return objectType(schema, root, indent);
    default:
      return "unknown";
  }
}

function objectType(schema: JsonObject, root: JsonObject, indent: string): string {
  const properties = schema["properties"];
  if (!isObject(properties)) return "Record<string, unknown>";
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : []);
  const rows = Object.entries(properties).map(([name, member]) => {
    const text = isObject(member) ? (member["title"] ?? member["description"]) : undefined;
    const comment = typeof text === "string" ? `${indent}  /** ${text.replaceAll("*/", "* /")} */\n` : "";
    const optional = required.has(name) || (isObject(member) && member["default"] !== undefined) ? "" : "?";
    return `${comment}${indent}  ${/^\w+$/.test(name) ? name : JSON.stringify(name)}${optional}: ${isObject(member) ? typeOf(member, root, `${indent}  `) : "unknown"};`;
  });
  return rows.length === 0 ? "Record<string, never>" : `{\n${rows.join("\n")}\n${indent}}`;
}

function resolve(ref: string, root: JsonObject): JsonObject {
  let at: JsonValue | undefined = root;
  for (const part of ref.replace(/^#\//, "").split("/")) at = isObject(at) ? at[part] : undefined;
  return isObject(at) ? at : {};
}

/** Only where the type itself is a choice, not where a member of it is: what this writes is as a formatter would leave it. */
function wrap(type: string): string {
  let outer = type;
  for (let flat = ""; flat !== outer;) [flat, outer] = [outer, outer.replace(/\{[^{}]*\}|"(?:[^"\\]|\\.)*"/g, "")];
  return outer.includes(" | ") ? `(${type})` : type;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
