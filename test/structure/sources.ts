/** Reads the repository's own sources for the tests of this folder. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

export const ROOT: string = join(import.meta.dirname, "..", "..");

/** Paths below the root with `/`, sorted; never what is built or installed. */
export function sourceFiles(patterns: string[]): string[] {
  return globSync(patterns, {
    cwd: ROOT,
    exclude: (name) => ["node_modules", "dist", "build", ".svelte-kit", "out"].includes(name),
  })
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export interface Import {
  from: string;
  /** As written. */
  specifier: string;
  /** Path below the root when it is relative. */
  target: string | null;
  typeOnly: boolean;
}

const STATEMENT =
  /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[\w*{][^;"']*?\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

/** Static and dynamic imports of one file, by its text; a reader of its own beside the linter's. */
export function importsOf(path: string): Import[] {
  const text = read(path)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
  return [...text.matchAll(STATEMENT)].map(([, , type, fixed, dynamic]) => {
    const specifier = fixed ?? dynamic ?? "";
    return {
      from: path,
      specifier,
      target: specifier.startsWith(".") ? normalize(join(dirname(path), specifier)).replaceAll("\\", "/") : null,
      typeOnly: type !== undefined,
    };
  });
}
