import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { COMMANDS } from "../../host/src/cli/commands/index.ts";
import { COMMANDS as REGISTRY_COMMANDS } from "../../registry/src/commands/index.ts";
import { COMMANDS as AUTHOR_COMMANDS } from "../../sdk-plugin/src/commands/index.ts";
import { fd3Page } from "../../host/docs-fd3.ts";
import { commandsPage, constantsPage, errorsPage, permissionsPage } from "../../host/docs.ts";
import { read, ROOT, sourceFiles } from "./sources.ts";

const PAGES = sourceFiles(["*.md", "docs/**/*.md", "plugins/*/README.md", "sdk-plugin/**/*.md", "registry/**/*.md"]);
/** Of every command; before its name or after it. */
const GLOBAL = new Set(["data", "json", "help"]);

/** Who does what the host's command line only hands on. */
const BINARIES: Record<string, readonly { name: readonly string[]; options?: Record<string, unknown> }[]> = {
  plugin: [...AUTHOR_COMMANDS, ...REGISTRY_COMMANDS.filter(({ name }) => ["publish", "yank"].includes(name[0] ?? ""))],
  registry: REGISTRY_COMMANDS,
};

/** What stands in fenced blocks and between back quotes, line by line, without comments. */
function codeOf(page: string): string[] {
  const text = read(page);
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) => block.split("\n"));
  const spans = [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  return [...blocks, ...spans].map((line) => line.replace(/\s#.*$/, ""));
}

/** Uses of the command line in one line of code, as words; text in quotes is one word. */
function commandsIn(line: string): string[][] {
  return [...line.matchAll(/(?:^|[\s|(])(?:npx )?hearthnet ((?:[^|&;)]|'[^']*'|"[^"]*")+)/g)].map(([, rest = ""]) =>
    [...rest.matchAll(/'[^']*'|"[^"]*"|\S+/g)].map(([word]) => word),
  );
}

/** Why the command line would not take these words; null when it would. */
function faultOf(words: readonly string[]): string | null {
  const named = words.filter((word, n) => !word.startsWith("--") && words[n - 1] !== "--data");
  // Only options: `hearthnet --help`.
  if (named.length === 0) return null;
  const command = COMMANDS.filter(({ name }) => name.every((word, n) => named[n] === word)).sort(
    (a, b) => b.name.length - a.name.length,
  )[0];
  // `hearthnet plugin …` in running text names a family of commands.
  if (command === undefined) {
    const family = COMMANDS.some(({ name }) => name[0] === named[0] && name.length > 1);
    return family && (named[1] === undefined || named[1] === "…") ? null : "there is no such command";
  }
  const [family, verb] = command.name;
  const handedOn = command.args === "…" ? BINARIES[family ?? ""]?.find(({ name }) => name[0] === verb) : undefined;
  const options = handedOn?.options ?? command.options ?? {};
  const unknown = words
    .filter((word) => word.startsWith("--"))
    .map((word) => word.slice(2).replace(/=.*$/, ""))
    .filter((option) => !GLOBAL.has(option) && options[option] === undefined);
  return unknown.length === 0 ? null : `it has no option --${unknown.join(", --")}`;
}

it("reads commands at all, and knows a wrong one", () => {
  assert.deepEqual(commandsIn("npx hearthnet call ocr.image --params '{\"a\": 1}' | jq"), [
    ["call", "ocr.image", "--params", `'{"a": 1}'`],
  ]);
  assert.equal(faultOf(["--data", "D", "plugin", "install", "hearthnet/ocr", "--grant", "all"]), null);
  assert.equal(faultOf(["community", "make", "x"]), "there is no such command");
  assert.equal(faultOf(["status", "--colour"]), "it has no option --colour");
  assert.equal(faultOf(["plugin", "pack", "--colour"]), "it has no option --colour");
});

it("every command named in the documents exists, with every option", () => {
  const seen = PAGES.flatMap((page) => codeOf(page).flatMap((line) => commandsIn(line).map((words) => ({ page, words }))));
  assert.ok(seen.length > 10, "the documents show commands");
  const wrong = seen.flatMap(({ page, words }) => {
    const fault = faultOf(words);
    return fault === null ? [] : [`${page}: hearthnet ${words.join(" ")}: ${fault}`];
  });
  assert.deepEqual(wrong, []);
});

it("the command line hands on exactly what the tools of authors and registries do", () => {
  for (const [family, commands] of Object.entries(BINARIES)) {
    const handedOn = COMMANDS.filter(({ name, args }) => name[0] === family && args === "…").map(({ name }) => name[1] ?? "");
    assert.deepEqual(handedOn.sort(), commands.map(({ name }) => name[0] ?? "").sort(), family);
  }
});

it("every command that an error, a check or a repair names exists", () => {
  const wrong = sourceFiles(["host/src/**/*.ts", "admin-ui/src/lib/i18n/*.ts"]).flatMap((path) =>
    [...read(path).matchAll(/\\?`(?:npx )?(hearthnet [a-z-][^`\\$]*)\\?`/g)]
      .flatMap(([, line = ""]) => commandsIn(line))
      .flatMap((words) => {
        const fault = faultOf(words);
        return fault === null ? [] : [`${path}: hearthnet ${words.join(" ")}: ${fault}`];
      }),
  );
  assert.deepEqual(wrong, []);
});

it("every npm script named in the documents exists", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const wrong = PAGES.flatMap((page) =>
    codeOf(page)
      .flatMap((line) => [...line.matchAll(/\bnpm (?:run )?([a-z][a-z0-9:-]*)/g)].map(([, name = ""]) => name))
      .filter((name) => !["ci", "install", "rebuild", "npm"].includes(name) && scripts[name] === undefined)
      .map((name) => `${page}: npm run ${name}`),
  );
  assert.deepEqual(wrong, []);
});

it("every package that the host depends on has its line in the record (codebase §10)", () => {
  const { dependencies } = JSON.parse(read("host/package.json")) as { dependencies: Record<string, string> };
  const record = read("docs/adr/0010-what-the-host-depends-on.md");
  assert.deepEqual(
    Object.keys(dependencies).filter((name) => !record.includes(`\`${name}\``)),
    [],
  );
});

it("every link to a file of the repository leads somewhere", () => {
  const wrong = PAGES.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target = ""]) => ({ page, target })),
  ).filter(({ page, target }) => !existsSync(join(ROOT, dirname(page), target)));
  assert.deepEqual(wrong, []);
});

it("every path of the repository named in the records and in ARCHITECTURE.md exists", () => {
  const wrong = ["ARCHITECTURE.md", "CONTRIBUTING.md", ...sourceFiles(["docs/adr/*.md"])].flatMap((page) =>
    codeOf(page)
      .filter(
        (span) => /^(host|sdk-plugin|registry|admin-ui|plugins|test|docs)\/[\w./-]+$/.test(span) && !span.startsWith("test/out/"),
      )
      .filter((span) => !existsSync(join(ROOT, span)))
      .map((span) => `${page}: ${span}`),
  );
  assert.deepEqual(wrong, []);
});

it("the reference pages say what the tables say", () => {
  for (const [name, page] of Object.entries({
    commands: commandsPage(),
    constants: constantsPage(),
    errors: errorsPage(),
    fd3: fd3Page(),
    permissions: permissionsPage(),
  }))
    assert.equal(read(`docs/reference/${name}.md`), page, "run: npx node host/docs.ts");
});

it("each of the protocol's known answers is tried by some test", () => {
  const tests = sourceFiles(["host/test/**/*.ts", "test/**/*.ts", "sdk-plugin/test/**/*.ts"])
    .map(read)
    .filter((text) => /vectors/.test(text))
    .join("\n");
  const idle = sourceFiles(["test/vectors/*.json"]).filter((path) => {
    const name = /([^/]+)\.json$/.exec(path)?.[1] ?? "";
    return !new RegExp(`["'\`/]${name}(\\.json)?["'\`]`).test(tests);
  });
  assert.deepEqual(idle, []);
});
