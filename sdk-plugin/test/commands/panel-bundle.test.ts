/** What `pack` makes of a panel, and what `validate` says of one that no frame would run. @source admin-ui §17 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { packageFiles } from "../../src/commands/package-files.ts";
import { openProject } from "../../src/commands/project.ts";
import type { Finding } from "../../src/commands/validate/finding.ts";
import { validateCommand } from "../../src/commands/validate/validate.ts";

const DOORS = join(import.meta.dirname, "..", "..", "..", "test", "fixtures", "plugins", "doors");

function copy(t: TestContext, change: (html: string) => string = (html) => html): string {
  const dir = mkdtempSync(join(tmpdir(), "hn-panel-bundle-"));
  t.after(() => rmSync(dir, { recursive: true }));
  cpSync(DOORS, dir, { recursive: true });
  const page = join(dir, "panel", "index.html");
  writeFileSync(page, change(readFileSync(page, "utf8")));
  return dir;
}

async function errorsOf(dir: string): Promise<string[]> {
  let found: Finding[] = [];
  const print = (value: unknown): void => void (found = (value as { findings: Finding[] }).findings);
  await validateCommand.run({ args: [dir], cwd: dir, options: {}, print } as never);
  return found.filter(({ level }) => level === "error").map(({ where, message }) => `${where}: ${message}`);
}

test("a panel's script becomes one classic script with everything in it", async (t) => {
  const dir = copy(t);
  const files = await packageFiles(openProject({ args: [dir], cwd: dir }));
  assert.deepEqual([...files.keys()].filter((path) => path.startsWith("panel/")).toSorted(), [
    "panel/board.css",
    "panel/board.js",
    "panel/index.html",
  ]);
  const script = Buffer.from(files.get("panel/board.js")?.bytes ?? []).toString();
  assert.doesNotMatch(script, /^\s*(import|export)\b/m);
  assert.match(script, /hn\.panel\.v1/);
});

test("validate takes the example, and names what a frame would not run (§9)", async (t) => {
  assert.deepEqual(await errorsOf(copy(t)), []);
  const wrong: [string, RegExp][] = [
    ["<script>alert(1)</script>", /script inline/],
    ['<script type="module" src="board.js"></script>', /loads a module/],
    ["<style>p { color: red }</style>", /style or a handler inline/],
    ['<button onclick="go()">Go</button>', /style or a handler inline/],
    ["<form><button>Go</button></form>", /holds a form/],
    ['<img src="https://example.org/a.png" alt="" />', /from the network/],
    ['<script src="gone.js"></script>', /loads panel\/gone\.js, which is not there/],
  ];
  for (const [line, message] of wrong) {
    const [error = "", ...more] = await errorsOf(copy(t, (html) => html.replace("</main>", `${line}</main>`)));
    assert.match(error, message);
    assert.deepEqual(more, []);
  }
  const dir = copy(t);
  rmSync(join(dir, "panel", "index.html"));
  assert.match((await errorsOf(dir)).join(), /the file is missing/);
});

test("validate knows the browser in a panel's script, and finds what does not fit its types there (§9)", async (t) => {
  const dir = copy(t);
  const script = join(dir, "src", "panel", "more.ts");
  writeFileSync(
    script,
    'import { panel } from "@hearthnet/sdk-plugin/panel";\npanel.onTheme(({ language }) => void (document.title = language));\n',
  );
  assert.deepEqual(await errorsOf(dir), []);
  writeFileSync(script, "document.title = 7;\n");
  assert.match((await errorsOf(dir)).join(), /src\/panel\/more\.ts:1:1: .*TS2322/);
});
