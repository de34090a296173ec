import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { it, type TestContext } from "node:test";
import { mayImport, ROOMS } from "./floors.ts";
import { ROOT } from "./sources.ts";

const OXLINT = join(ROOT, "node_modules", "oxlint", "bin", "oxlint");

interface Report {
  diagnostics: { message: string; code: string; filename: string }[];
}

/** What the linter refuses, by file, of files that only import. */
async function refused(t: TestContext, files: Record<string, readonly string[]>): Promise<Record<string, string[]>> {
  const root = mkdtempSync(join(tmpdir(), "hn-lint-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  copyFileSync(join(ROOT, ".oxlintrc.json"), join(root, ".oxlintrc.json"));
  for (const [path, specifiers] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), specifiers.map((specifier, n) => `export * as name${n} from "${specifier}";\n`).join(""));
  }
  const output = await new Promise<string>((resolve) =>
    execFile(process.execPath, [OXLINT, "--format", "json", "."], { cwd: root, maxBuffer: 1 << 26 }, (_error, stdout) =>
      resolve(stdout),
    ),
  );
  const found: Record<string, string[]> = Object.fromEntries(Object.keys(files).map((path) => [path, []]));
  for (const { code, message, filename } of (JSON.parse(output) as Report).diagnostics) {
    if (code !== "eslint(no-restricted-imports)") continue;
    const specifier = /^'([^']+)'/.exec(message)?.[1] ?? "";
    if (found[filename]?.includes(specifier) === false) found[filename].push(specifier);
  }
  for (const list of Object.values(found)) list.sort();
  return found;
}

it("the linter refuses, room by room, what the table of floors refuses, and nothing else", async (t) => {
  const names = Object.keys(ROOMS);
  const packages = [...new Set(names.flatMap((name) => ROOMS[name]?.packages ?? []))];
  const files: Record<string, string[]> = {};
  const expected: Record<string, string[]> = {};
  for (const room of names) {
    const others = names.filter((name) => name !== room);
    const faces = others.map((other) => `../${other}/index.ts`);
    const insides = others.flatMap((other) => [`../${other}/inner/part.ts`, `../${other}/errors.ts`, `../../${other}/ids.ts`]);
    const foreign = [...packages, "isolated-vm", "@hearthnet/host/contract", "@hearthnet/sdk-plugin"];
    const path = `host/src/${room}/probe.ts`;
    files[path] = [...faces, ...insides, ...foreign, "../node.ts", "./own.ts", "./inner/part.ts", "node:fs", "node:fs/promises"];
    expected[path] = [
      ...others.filter((other) => !mayImport(room, other)).map((other) => `../${other}/index.ts`),
      ...insides,
      ...foreign.filter((name) => !(ROOMS[room]?.packages ?? []).includes(name)),
      "../node.ts",
    ].sort();
  }
  const found = await refused(t, files);
  const differs = (one: Record<string, string[]>, other: Record<string, string[]>): string[] =>
    Object.entries(one).flatMap(([path, list]) =>
      list.filter((name) => other[path]?.includes(name) !== true).map((name) => `${path}: ${name}`),
    );
  assert.deepEqual(
    { missed: differs(expected, found), refusedInVain: differs(found, expected) },
    { missed: [], refusedInVain: [] },
  );
});

it("the linter keeps plugins to the SDK, the page to the contract, SDK and registry to the public doors", async (t) => {
  const doors = [
    "@hearthnet/host",
    "@hearthnet/host/command-line",
    "@hearthnet/host/contract",
    "@hearthnet/host/format",
    "@hearthnet/host/plugin-host",
    "@hearthnet/sdk-plugin",
  ];
  const paths = ["../../../host/src/bus/index.ts", "../../../test/support/wait.ts"];
  const all = [...doors, ...paths, "../own.ts", "node:fs", "some-package"];
  const found = await refused(t, {
    "plugins/ocr/src/probe.ts": all,
    "admin-ui/src/probe.ts": all,
    "sdk-plugin/src/probe.ts": all,
    "sdk-plugin/src/testing/probe.ts": all,
    "registry/src/probe.ts": all,
  });
  const without = (...allowed: string[]): string[] => [...doors, ...paths].filter((name) => !allowed.includes(name)).sort();
  const open = ["@hearthnet/host/command-line", "@hearthnet/host/contract", "@hearthnet/host/format"];
  assert.deepEqual(found, {
    "plugins/ocr/src/probe.ts": without("@hearthnet/sdk-plugin"),
    "admin-ui/src/probe.ts": without("@hearthnet/host/contract"),
    "sdk-plugin/src/probe.ts": without(...open),
    "sdk-plugin/src/testing/probe.ts": without(...open, "@hearthnet/host/plugin-host"),
    "registry/src/probe.ts": without(...open),
  });
});
