/** Places in a bundle, told as places in the author's own files. @source plugin-platform §8.4 */
import { realpathSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { join, posix, sep } from "node:path";
import { readFileBounded } from "../../foundation/index.ts";
import { printable } from "../process/index.ts";

/** The package is a stranger's: its maps are read only so far, and only so many. */
const MAP_MAX_BYTES = 1_048_576;
const MAPS_MAX = 4;
const FRAMES_PER_LINE = 4;
const SOURCE_MAX = 200;
const SPECIAL = /[\\^$.*+?()[\]{}|]/g;
const MAPPINGS = /^[A-Za-z0-9+/,;]*$/;

/** Stack frames of one release. */
export class Frames {
  readonly #packageDir: string;
  readonly #frame: RegExp;
  readonly #maps = new Map<string, SourceMap | null>();

  /** @param packageDir  where the package lies; a confined plugin sees it as `/plugin` */
  constructor(packageDir: string) {
    this.#packageDir = packageDir;
    this.#frame = new RegExp(
      `(?:file://)?(?:/plugin|${packageDir.replaceAll(SPECIAL, "\\$&")})/([\\w./-]{1,200}):(\\d{1,7}):(\\d{1,7})`,
      "g",
    );
  }

  /** Adds to each frame of a line where it lies in the source; what has no map stays as it is. */
  map(line: string): string {
    if (!line.includes(":")) return line;
    let left = FRAMES_PER_LINE;
    return line.replaceAll(this.#frame, (frame, ...[file = "", row, column]: string[]) => {
      if ((left -= 1) < 0) return frame;
      const found = this.#find(file, { row: Number(row), column: Number(column) });
      return found === null ? frame : `${frame} (${found})`;
    });
  }

  #find(file: string, at: { row: number; column: number }): string | null {
    const map = this.#mapOf(file);
    if (map === null || at.row < 1 || at.column < 1) return null;
    try {
      const entry = map.findEntry(at.row - 1, at.column - 1) as Partial<{
        originalSource: unknown;
        originalLine: unknown;
        originalColumn: unknown;
      }>;
      const { originalSource, originalLine, originalColumn } = entry;
      if (typeof originalSource !== "string" || !Number.isSafeInteger(originalLine) || !Number.isSafeInteger(originalColumn))
        return null;
      return `${printable(originalSource.slice(0, SOURCE_MAX))}:${Number(originalLine) + 1}:${Number(originalColumn) + 1}`;
    } catch {
      return null;
    }
  }

  #mapOf(file: string): SourceMap | null {
    const known = this.#maps.get(file);
    if (known !== undefined) return known;
    if (this.#maps.size >= MAPS_MAX || posix.normalize(file) !== file || file.split("/").includes("..")) return null;
    const map = readMap(join(this.#packageDir, `${file}.map`), this.#packageDir);
    this.#maps.set(file, map);
    return map;
  }
}

/** @returns null for what is no map, or too much of one */
function readMap(path: string, packageDir: string): SourceMap | null {
  try {
    // A package holds no links, and were there one, it would lead nowhere else.
    if (!realpathSync(path).startsWith(realpathSync(packageDir) + sep)) return null;
    const value = JSON.parse(Buffer.from(readFileBounded(path, MAP_MAX_BYTES)).toString("utf8")) as Partial<SourceMapPayload>;
    const { version, sources, mappings } = value;
    if (Number(version) !== 3 || typeof mappings !== "string" || !MAPPINGS.test(mappings) || !Array.isArray(sources)) return null;
    if (!sources.every((source) => typeof source === "string")) return null;
    // Of all that a map may say, only what is needed: no embedded sources, no names, no sections.
    const plain = { version: 3, file: "", sourceRoot: "", sources, sourcesContent: [], names: [], mappings };
    return new SourceMap(plain);
  } catch {
    return null;
  }
}
