/** A plugin for neighbours speaks every language it speaks at all in full, and German at least. @source plugin-platform §9 `validate` */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { I18nText, JsonObject, PluginManifest } from "@hearthnet/host/contract";
import type { Project } from "../project.ts";
import { error, warning, type Finding } from "./finding.ts";

/** Every node shows these. */
const EXPECTED = ["en", "de"];
const FOLDER = join("src", "locales");
const FILE = /^([a-z]{2})\.json$/;

type Table = Record<string, string>;

export function checkTexts({ manifest, dir }: Project): Finding[] {
  const { tables, findings } = readTables(dir);
  const texts = manifestTexts(manifest);
  const spoken = new Set([...EXPECTED, ...texts.flatMap(([, text]) => Object.keys(text)), ...tables.keys()]);
  for (const [where, text] of texts) {
    const missing = [...spoken].filter((language) => text[language] === undefined);
    if (missing.length > 0) findings.push(warning(where, `has no text in ${missing.join(", ")}`));
  }
  findings.push(...sameKeys(tables), ...settingsTexts(manifest, tables));
  if (!existsSync(join(dir, "README.md"))) findings.push(warning("README.md", "is missing; the catalogue shows it"));
  return findings;
}

function manifestTexts({
  displayName,
  description,
  permissions,
  optionalPermissions = [],
  contributes,
}: PluginManifest): [where: string, text: I18nText][] {
  return [
    ["/displayName", displayName],
    ["/description", description],
    ...[...permissions, ...optionalPermissions].map(({ name, reason }): [string, I18nText] => [`reason of ${name}`, reason]),
    ...(contributes.panels ?? []).map(({ id, title }): [string, I18nText] => [`title of panel ${id}`, title]),
  ];
}

function readTables(dir: string): { tables: Map<string, Table>; findings: Finding[] } {
  const tables = new Map<string, Table>();
  const findings: Finding[] = [];
  const folder = join(dir, FOLDER);
  for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
    const language = FILE.exec(name)?.[1];
    const where = `${FOLDER}/${name}`;
    if (language === undefined) {
      findings.push(warning(where, "is not called LANGUAGE.json, so nobody reads it"));
      continue;
    }
    try {
      const table: unknown = JSON.parse(readFileSync(join(folder, name), "utf8"));
      if (!isTable(table)) throw new Error("it is no flat table of texts");
      tables.set(language, table);
    } catch (cause) {
      findings.push(error(where, `cannot be read: ${(cause as Error).message}`));
    }
  }
  return { tables, findings };
}

/** What one language says, each says. Titles of settings are asked for below, where they may stand in the schema instead. */
function sameKeys(tables: ReadonlyMap<string, Table>): Finding[] {
  const all = new Set([...tables.values()].flatMap((table) => Object.keys(table)));
  return [...tables].flatMap(([language, table]) => {
    const missing = [...all].filter((key) => table[key] === undefined && !/^config\..*\.title$/.test(key));
    return missing.length === 0 ? [] : [warning(`${FOLDER}/${language}.json`, `has no ${shown(missing)}`)];
  });
}

/**
 * Labels of the settings form: `config.FIELD.title`, `config.FIELD.description`, `config.FIELD.enum.VALUE`; fields of an object or of the entries of
 * a list follow after a dot. English may stand in the schema itself.
 */
function settingsTexts({ config }: PluginManifest, tables: ReadonlyMap<string, Table>): Finding[] {
  if (config === undefined) return [...strayKeys(new Set(), tables)];
  const fields = fieldsOf(config.schema, ["config"]);
  const languages = new Set([...EXPECTED, ...tables.keys()]);
  const findings = fields.flatMap(({ key, title }) =>
    [...languages]
      .filter((language) => tables.get(language)?.[`${key}.title`] === undefined && !(language === "en" && title))
      .map((language) => {
        const instead = language === "en" ? "the field's own name" : "English";
        return warning(`${FOLDER}/${language}.json`, `has no ${key}.title; the settings form shows ${instead}`);
      }),
  );
  const known = new Set(
    fields.flatMap(({ key, choices }) => [
      `${key}.title`,
      `${key}.description`,
      ...choices.map((value) => `${key}.enum.${value}`),
    ]),
  );
  return [...findings, ...strayKeys(known, tables)];
}

function strayKeys(known: ReadonlySet<string>, tables: ReadonlyMap<string, Table>): Finding[] {
  return [...tables].flatMap(([language, table]) => {
    const stray = Object.keys(table).filter((key) => key.startsWith("config.") && !known.has(key));
    return stray.length === 0 ? [] : [warning(`${FOLDER}/${language}.json`, `labels no setting: ${shown(stray)}`)];
  });
}

interface Field {
  key: string;
  /** English stands in the schema. */
  title: boolean;
  choices: string[];
}

/** Every field of the form, those of objects and of lists of objects included. */
function fieldsOf(schema: JsonObject, at: readonly string[]): Field[] {
  const { properties, items } = schema;
  const below = Object.entries(isObject(properties) ? properties : {}).flatMap(([name, member]) => {
    if (!isObject(member)) return [];
    const key = [...at, name];
    const list = member["enum"] ?? (isObject(member["items"]) ? member["items"]["enum"] : undefined);
    const field: Field = {
      key: key.join("."),
      title: typeof member["title"] === "string",
      choices: Array.isArray(list) ? list.map((value) => (typeof value === "string" ? value : JSON.stringify(value))) : [],
    };
    return [field, ...fieldsOf(member, key)];
  });
  return [
    ...below,
    ...(isObject(items) ? fieldsOf(items, at) : []),
    ...[schema["oneOf"], schema["anyOf"]].flatMap((choice) =>
      Array.isArray(choice) ? choice.filter(isObject).flatMap((one) => fieldsOf(one, at)) : [],
    ),
  ].filter(({ key }, place, all) => all.findIndex((one) => one.key === key) === place);
}

function shown(keys: readonly string[]): string {
  return keys.length > 4 ? `${keys.slice(0, 4).join(", ")} and ${keys.length - 4} more` : keys.join(", ");
}

function isTable(value: unknown): value is Table {
  return isObject(value) && Object.values(value).every((text) => typeof text === "string");
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
