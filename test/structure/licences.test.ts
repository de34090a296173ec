import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { read, ROOT } from "./sources.ts";

const ALLOWED =
  /^(Apache-2\.0|MIT|MIT-0|ISC|0BSD|BSD-2-Clause|BSD-3-Clause|BlueOak-1\.0\.0|CC0-1\.0|CC-BY-4\.0|Unlicense|Python-2\.0|MPL-2\.0)$/;
/** Shipped to nobody: build and test tools only. */
const WEAKER = new Set(["MPL-2.0", "CC-BY-4.0", "Python-2.0"]);

interface Lock {
  packages: Record<string, { dev?: boolean; optional?: boolean; link?: boolean; license?: string }>;
}

it("everything we depend on may be used and passed on", () => {
  const { packages } = JSON.parse(read("package-lock.json")) as Lock;
  const wrong: string[] = [];
  for (const [path, row] of Object.entries(packages)) {
    if (
      !path.includes("node_modules/") ||
      row.link === true ||
      path.includes("node_modules/@hearthnet/") ||
      path === "node_modules/hearthnet"
    )
      continue;
    const manifest = join(ROOT, path, "package.json");
    const said = existsSync(manifest) ? (JSON.parse(read(`${path}/package.json`)) as { license?: unknown }).license : row.license;
    const licence = typeof said === "string" ? said : textOf(path);
    const choices = licence.replace(/[()]/g, "").split(/ OR /);
    const fits = choices.some((choice) =>
      choice.split(/ AND /).every((part) => ALLOWED.test(part) && (row.dev === true || !WEAKER.has(part))),
    );
    // Binaries of image tools for other platforms, which only the tests draw with.
    if (!fits && row.optional !== true) wrong.push(`${path}: ${licence}`);
  }
  assert.deepEqual(wrong, []);
});

/** For a package that forgot the field but brings the text. */
function textOf(path: string): string {
  const file = existsSync(join(ROOT, path)) ? readdirSync(join(ROOT, path)).find((name) => /^licen[cs]e/i.test(name)) : undefined;
  return file === undefined ? "" : (/^\s*(?:The )?(MIT|ISC) License/i.exec(read(`${path}/${file}`))?.[1] ?? "").toUpperCase();
}
