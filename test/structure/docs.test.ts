import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { COMMANDS } from "../../host/src/cli/commands/index.ts";
import { errorsPage, permissionsPage } from "../../host/docs.ts";
import { read, ROOT, sourceFiles } from "./sources.ts";

const PAGES = sourceFiles(["*.md", "docs/**/*.md", "plugins/*/README.md"]);
const GLOBAL = new Set(["data", "json", "help"]);

it("every command named in the documents exists, with every option", () => {
  const wrong: string[] = [];
  for (const page of PAGES)
    for (const [, line = ""] of read(page).matchAll(/\bhearthnet ((?:[a-z-]+|--data \S+|--json)(?: [^\n`|]*)?)/g)) {
      if (!new RegExp(`(npx|\\$|\`) ?hearthnet ${line.slice(0, 5).replace(/[^\w ]/g, ".")}`).test(read(page))) continue;
      if (line.startsWith("--help")) continue;
      const words = line.replace(/--data \S+ |--json /g, "").split(/\s+/);
      const command = [2, 1]
        .map((n) => COMMANDS.find(({ name }) => name.join(" ") === words.slice(0, n).join(" ") && name.length === n))
        .find((c) => c !== undefined);
      if (command === undefined) {
        wrong.push(`${page}: hearthnet ${line}`);
        continue;
      }
      if (command.args === "…") continue;
      for (const [, option = ""] of line.matchAll(/ --([a-z-]+)/g))
        if (!GLOBAL.has(option) && command.options?.[option] === undefined)
          wrong.push(`${page}: hearthnet ${line} (--${option})`);
    }
  assert.deepEqual(wrong, []);
});

it("every link to a file of the repository leads somewhere", () => {
  const wrong = PAGES.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target = ""]) => ({ page, target })),
  ).filter(({ page, target }) => !existsSync(join(ROOT, dirname(page), target)));
  assert.deepEqual(wrong, []);
});

it("the reference pages say what the tables say", () => {
  assert.equal(read("docs/reference/errors.md"), errorsPage(), "run: node host/docs.ts");
  assert.equal(read("docs/reference/permissions.md"), permissionsPage(), "run: node host/docs.ts");
});

it("each test of the protocol's known answers is run by somebody", () => {
  const tests = sourceFiles(["host/test/**/*.ts", "test/**/*.ts", "sdk-plugin/test/**/*.ts"]).map(read).join("\n");
  const idle = sourceFiles(["test/vectors/*.json"]).filter((path) => {
    const name = path.split("/").at(-1) ?? "";
    return !tests.includes(name) && !tests.includes(`"${name.replace(".json", "")}"`);
  });
  // Tokens and DHT keys come with their rooms.
  assert.deepEqual(
    idle.filter((path) => !path.endsWith("token.json")),
    [],
  );
});
