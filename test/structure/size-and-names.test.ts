import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import { it } from "node:test";
import { read, sourceFiles } from "./sources.ts";

const SOURCES = sourceFiles([
  "{host,sdk-plugin,registry,admin-ui}/src/**/*.{ts,svelte}",
  "plugins/*/src/**/*.{ts,svelte}",
  "host/*.{ts,mjs}",
]);
const TESTS = sourceFiles(["{host,sdk-plugin,registry,admin-ui}/test/**/*.ts", "plugins/*/test/**/*.ts", "test/**/*.ts"]);
const LONGEST = 600;
/** Half of the files are shorter than this; codebase §10. */
const MEDIAN = 90;

function linesOf(path: string): number {
  return read(path).split("\n").length - 1;
}

it("no file is longer than 600 lines, and half of the sources fit on a screen and a half", () => {
  const bySize = (paths: string[]): { path: string; lines: number }[] =>
    paths.map((path) => ({ path, lines: linesOf(path) })).sort((a, b) => b.lines - a.lines);
  const sources = bySize(SOURCES);
  const all = bySize([...SOURCES, ...TESTS]);
  for (const { path, lines } of all.slice(0, 10)) process.stdout.write(`figure: ${String(lines).padStart(4)} lines ${path}\n`);
  assert.deepEqual(
    all.filter(({ lines }) => lines > LONGEST),
    [],
  );
  const median = sources[Math.floor(sources.length / 2)]?.lines ?? 0;
  assert.ok(median <= MEDIAN, `the median is ${median} lines`);
});

it("files and folders are named in kebab-case, after what they contain", () => {
  const wrong = [...SOURCES, ...TESTS].filter((path) => {
    // SvelteKit's own names, and components, which are named as they are used.
    if (path.startsWith("admin-ui/src/") && (/(^|\/)\+|\[/.test(path) || path.endsWith(".svelte"))) return false;
    const words = [
      ...dirname(path).split("/"),
      // Texts of the page lie by language and subject.
      basename(path)
        .replace(/^(en|de)\.([a-z-]+)\.ts$/, "$2.ts")
        .replace(/(\.(svelte|test|bench|d))*\.(ts|mjs|svelte)$/, ""),
    ];
    return words.some((word) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(word));
  });
  assert.deepEqual(
    wrong.filter((path) => !/\/A\d\d-/.test(path)),
    [],
  );
});

it("there is no drawer for odds and ends", () => {
  const wrong = [...SOURCES, ...TESTS].filter((path) =>
    /(^|\/)(utils?|helpers?|misc|common|shared|lib)(\.ts|\/)/.test(path.replace("admin-ui/src/lib/", "")),
  );
  assert.deepEqual(wrong, []);
});

it("nothing unfinished is left in the sources", () => {
  const words = new RegExp(
    `\\b(${["TO", "FIX"].map((start) => `${start}${start === "TO" ? "DO" : "ME"}`).join("|")}|XXX)\\b|@ts-ignore|@ts-nocheck|as any(?=[;,)}\\]]| as |$)|\\b(it|test|describe)\\.(skip|only|todo)\\(`,
  );
  const wrong = [...SOURCES, ...TESTS].filter((path) => words.test(read(path)) && !path.endsWith("size-and-names.test.ts"));
  assert.deepEqual(wrong, []);
});
