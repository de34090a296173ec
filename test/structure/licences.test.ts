import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { read, ROOT } from "./sources.ts";

/** What may be part of what we ship. Blue Oak asks for no more than MIT does; see docs/adr/0010. @source architecture §6 */
const SHIPPED = new Set(["Apache-2.0", "MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "BlueOak-1.0.0"]);
/** Tools that build or test and of which nothing is shipped, by name: a new one is a decision. */
const TOOLS: readonly { name: RegExp; licences: readonly string[]; why: string }[] = [
  { name: /^(axe-core|@axe-core\/playwright)$/, licences: ["MPL-2.0"], why: "looks for barriers in the page, in tests" },
  { name: /^lightningcss(-[a-z0-9-]+)?$/, licences: ["MPL-2.0"], why: "writes the page's style sheets" },
  { name: /^@img\/sharp-/, licences: ["LGPL-3.0-or-later"], why: "draws pages for the tests of text recognition" },
  { name: /^tweetnacl$/, licences: ["Unlicense"], why: "part of the client of nats-server, beside which a bench measures" },
];

interface Row {
  dev?: boolean;
  link?: boolean;
  license?: string;
}

const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, Row> };
const FOREIGN = Object.entries(packages).filter(([path, row]) => path.includes("node_modules/") && row.link !== true);

/** As the installed package says; of packages for other platforms, as the registry said when the lockfile was made. */
function licenceOf(path: string, row: Row): string {
  const manifest = `${path}/package.json`;
  if (!existsSync(join(ROOT, manifest))) return row.license ?? "";
  const { license } = JSON.parse(read(manifest)) as { license?: unknown };
  return typeof license === "string" ? license : licenceText(path);
}

/** For a package that forgot the field but brings the text. */
function licenceText(path: string): string {
  const file = readdirSync(join(ROOT, path)).find((name) => /^licen[cs]e/i.test(name));
  const title = file === undefined ? undefined : /^\s*(?:The )?(MIT|ISC) License/i.exec(read(`${path}/${file}`))?.[1];
  return title?.toUpperCase() ?? "";
}

/** `(A OR B)` is fine when one of them is, `A AND B` when both are. */
function fits(expression: string, allowed: ReadonlySet<string>): boolean {
  return expression
    .replace(/[()]/g, "")
    .split(" OR ")
    .some((choice) => choice.split(" AND ").every((licence) => allowed.has(licence)));
}

it("every package is Apache, MIT, BSD or ISC, but for named tools of which nothing is shipped", () => {
  assert.ok(FOREIGN.length > 100, "the lockfile is read at all");
  const wrong: string[] = [];
  for (const [path, row] of FOREIGN) {
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const tool = row.dev === true ? TOOLS.find((candidate) => candidate.name.test(name)) : undefined;
    const licence = licenceOf(path, row);
    if (!fits(licence, new Set([...SHIPPED, ...(tool?.licences ?? [])]))) wrong.push(`${path}: ${licence || "none stated"}`);
  }
  assert.deepEqual(wrong, []);
});
