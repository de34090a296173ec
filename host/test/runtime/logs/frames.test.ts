import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { transformSync } from "esbuild";
import { seededRandom } from "../../support/people.ts";
import { Frames } from "../../../src/runtime/logs/index.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);
const SOURCE = `const a = 1;\n\nexport function read(page: number): number {\n  throw new Error("page " + page + a);\n}\n`;

function packageWith(t: TestContext, map: (good: string) => string): { frames: Frames; dir: string; at: string } {
  const dir = mkdtempSync(join(tmpdir(), "hn-frames-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "dist"));
  const built = transformSync(SOURCE, { loader: "ts", sourcemap: "external", sourcefile: "src/read.ts", minify: true });
  writeFileSync(join(dir, "dist", "main.mjs.map"), map(built.map));
  const column = built.code.indexOf("throw") + 1;
  return { frames: new Frames(dir), dir, at: `dist/main.mjs:1:${column}` };
}

test("tells where in the author's file a frame lies, in the sandbox and beside it (§8.4)", (t) => {
  const { frames, dir, at } = packageWith(t, (map) => map);
  assert.equal(frames.map(`    at read (file:///plugin/${at})`), `    at read (file:///plugin/${at} (src/read.ts:4:3))`);
  assert.equal(frames.map(`    at ${dir}/${at}`), `    at ${dir}/${at} (src/read.ts:4:3)`);
  assert.equal(frames.map("at /plugin/dist/other.mjs:1:1 and 12:30:45"), "at /plugin/dist/other.mjs:1:1 and 12:30:45");
});

test("reads no map outside the package, whatever a frame or a link says", (t) => {
  const { frames, dir, at } = packageWith(t, (map) => map);
  writeFileSync(`${dir}.mjs.map`, "{}");
  t.after(() => rmSync(`${dir}.mjs.map`));
  for (const path of ["../../etc/passwd", "dist/../../x", "./dist/main.mjs", "dist//main.mjs"])
    assert.equal(frames.map(`/plugin/${path}:1:1`), `/plugin/${path}:1:1`);
  const other = packageWith(t, (map) => map);
  symlinkSync(join(other.dir, "dist"), join(dir, "linked"));
  const linked = `/plugin/${at.replace("dist", "linked")}`;
  assert.equal(frames.map(linked), linked);
  assert.ok(frames.map(`/plugin/${at}`).includes("read.ts"));
});

const hostile: [name: string, map: (good: string) => string][] = [
  ["no JSON", () => "{"],
  ["another version", (good) => good.replace('"version":3', '"version":2').replace('"version": 3', '"version":2')],
  ["no text as mappings", () => '{"version":3,"sources":["a"],"mappings":[1]}'],
  ["broken mappings", () => '{"version":3,"sources":["a"],"mappings":"!!!,~~~;\\u0000"}'],
  ["sources that are none", () => '{"version":3,"sources":[{}],"mappings":"AAAA"}'],
  ["source numbers beyond all", () => '{"version":3,"sources":[],"mappings":"AAgggggggggggggggD"}'],
  ["sections", () => '{"version":3,"sections":[{"offset":{"line":0,"column":0},"url":"/etc/passwd"}]}'],
  ["too much of it", (good) => good.padEnd(1_048_577)],
];
for (const [name, map] of hostile)
  test(`a map with ${name} maps nothing and breaks nothing (§8.4)`, (t) => {
    const { frames, at } = packageWith(t, map);
    assert.equal(frames.map(`/plugin/${at}`), `/plugin/${at}`);
  });

test(`names of sources are made harmless, and only four maps are ever read; a map cut or changed anywhere breaks nothing (HN_SEED=${SEED})`, (t) => {
  const { frames } = packageWith(t, (good) => good.replace("src/read.ts", "\\u001b[2J\\u202e/etc/shadow"));
  assert.doesNotMatch(frames.map("/plugin/dist/main.mjs:1:30"), /[\u001b\u202e]/);
  const random = seededRandom(SEED);
  for (let run = 0; run < 100; run += 1) {
    const { frames: changed, at } = packageWith(t, (good) => {
      const bytes = Buffer.from(good);
      for (const byte of random(3)) bytes[byte % bytes.length] = random(1)[0] ?? 0;
      return bytes.toString("latin1");
    });
    assert.ok(changed.map(`/plugin/${at}`).startsWith(`/plugin/${at}`));
  }
  const many = packageWith(t, (good) => good);
  for (let n = 0; n < 4; n += 1) many.frames.map(`/plugin/dist/${n}.mjs:1:1`);
  assert.equal(many.frames.map(`/plugin/${many.at}`), `/plugin/${many.at}`);
});
