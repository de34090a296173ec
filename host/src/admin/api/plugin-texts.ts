import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseStrictJson } from "../../foundation/index.ts";

const LANGUAGE_FILE = /^([a-z]{2})\.json$/;
const FILE_MAX_BYTES = 262_144;
const LANGUAGES_MAX = 32;

/**
 * The texts that come with a release, by language and key. Plain text only: the page never reads it as HTML. A file that is no flat table of
 * texts counts as absent, since a plugin without a translation still works.
 * @param dir   folder of the unpacked release
 * @source admin-ui §9
 */
export function readPluginTexts(dir: string): Record<string, Record<string, string>> {
  const texts: Record<string, Record<string, string>> = {};
  for (const name of languageFiles(dir).slice(0, LANGUAGES_MAX)) {
    const table = readTable(join(dir, "locales", name));
    if (table !== null) texts[name.slice(0, 2)] = table;
  }
  return texts;
}

function languageFiles(dir: string): string[] {
  try {
    return readdirSync(join(dir, "locales"))
      .filter((name) => LANGUAGE_FILE.test(name))
      .sort();
  } catch {
    return [];
  }
}

function readTable(path: string): Record<string, string> | null {
  try {
    if (statSync(path).size > FILE_MAX_BYTES) return null;
    const value = parseStrictJson(readFileSync(path), { maxBytes: FILE_MAX_BYTES, maxDepth: 2 });
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  } catch {
    return null;
  }
}
