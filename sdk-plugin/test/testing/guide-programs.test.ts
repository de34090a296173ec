/** What docs/guide/write-a-plugin.md shows of a program beside the package is run as it stands there. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { PluginManifest } from "@hearthnet/host/contract";
import { blobCid } from "@hearthnet/host/format";
import { elf } from "../../../host/test/runtime/fixtures/elf.ts";
import { createTestHost, modes, runContract } from "../../src/testing/index.ts";
import { run } from "../commands/author-tool.ts";

const GUIDE = readFileSync(join(import.meta.dirname, "..", "..", "..", "docs", "guide", "write-a-plugin.md"), "utf8");
const SECTION = GUIDE.slice(GUIDE.indexOf("### A program beside the package"), GUIDE.indexOf("## A route on the public port"));
const blocks = (language: string): string[] =>
  [...SECTION.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``, "g"))].map(([, text]) => text ?? "");
/** Needs the C library alone, and encodes. */
const ENCODER = "/usr/bin/base64";
const PLACES = JSON.parse(blocks("json")[1] ?? "{}") as Record<string, Record<string, string>>;
const HERE = `encode-${process.arch}`;
const absent = !existsSync(ENCODER) || !Object.hasOwn(PLACES, HERE) ? "needs coreutils on one of these machines" : false;

/** The guide's code, manifest and places; the program of the other kind of machine is a beginning of one. */
function project(t: TestContext): { dir: string; change: (edit: (manifest: PluginManifest) => void) => void } {
  const dir = mkdtempSync(join(tmpdir(), "hn-guide-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const manifest: PluginManifest = {
    manifestVersion: 1,
    id: "acme/encode",
    version: "1.0.0",
    kind: "service",
    displayName: { en: "Encode", de: "Kodieren" },
    description: { en: "Encodes text.", de: "Kodiert Text." },
    license: "MIT",
    engines: { hearthnet: "*" },
    entry: { main: "dist/main.mjs" },
    ...(JSON.parse(`{${blocks("json")[0]}}`) as Pick<
      PluginManifest,
      "tier" | "platforms" | "contributes" | "permissions" | "assets"
    >),
  };
  for (const { name, files } of manifest.assets ?? [])
    for (const file of files) {
      const place = join(dir, PLACES[name]?.[file.path] ?? "");
      mkdirSync(dirname(place), { recursive: true });
      if (name === HERE) copyFileSync(ENCODER, place);
      else writeFileSync(place, elf(name === "encode-x64" ? "linux-x64" : "linux-arm64"));
      const bytes = readFileSync(place);
      file.sizeBytes = bytes.byteLength;
      file.sha256 = createHash("sha256").update(bytes).digest("hex");
      file.cid = blobCid(bytes).cid;
    }
  const save = (): void => writeFileSync(join(dir, "hearthnet.plugin.json"), JSON.stringify(manifest));
  save();
  for (const folder of ["src", "schemas"]) mkdirSync(join(dir, folder));
  writeFileSync(join(dir, "assets.json"), JSON.stringify(PLACES));
  writeFileSync(join(dir, "schemas", "text.json"), '{"type":"object"}');
  writeFileSync(join(dir, "src", "index.ts"), blocks("ts")[0] ?? "");
  return {
    dir,
    change: (edit) => {
      edit(manifest);
      save();
    },
  };
}

for (const { mode, skip } of modes())
  describe(`the guide's plugin with a program beside its package, ${mode}`, { skip: skip || absent }, () => {
    it("encodes, and keeps every promise of a plugin", async (t) => {
      const host = await createTestHost({ dir: project(t).dir, mode });
      t.after(() => host.close());
      assert.deepEqual(structuredClone(await host.call("ext.acme.encode.text@1.0", { input: { text: "Moin" } })).output, {
        code: 0,
        text: "TW9pbg==",
      });
      assert.deepEqual(
        (await runContract(host)).filter(({ kept }) => !kept),
        [],
      );
    });
  });

describe("the author's tool and a program beside the package", { skip: absent }, () => {
  it("packs what the guide shows without the programs, and finds nothing to mend that is the program's", async (t) => {
    const { dir } = project(t);
    const packed = await run(dir, ["pack", "--out", "p.hnp", "--json"]);
    assert.equal(packed.code, 0, packed.err);
    const { assets } = packed.json as { assets: { name: string; path: string }[] };
    assert.deepEqual(
      assets.map(({ name, path }) => `${name}/${path}`),
      ["encode-x64/bin/encode", "encode-arm64/bin/encode"],
    );
    assert.ok(readFileSync(join(dir, "p.hnp")).byteLength < 30_000, "the programs lie beside it");
    const { json } = await run(dir, ["validate", "--json"]);
    const { findings } = json as { findings: { where: string; message: string }[] };
    assert.deepEqual(
      findings.filter(({ where }) => /asset|worker/.test(where)),
      [],
    );
  });

  it("tells of a program for another machine, of one that is not said, and of one without the right", async (t) => {
    const cases: [edit: (manifest: PluginManifest) => void, words: RegExp][] = [
      [
        (m) => (m.assets ?? []).forEach((asset, i) => (asset.platforms = [["linux-arm64", "linux-x64"][i] ?? ""])),
        /is built for linux-/,
      ],
      [
        (m) => {
          const [first] = m.assets ?? [];
          const [file] = first?.files ?? [];
          if (first !== undefined && file !== undefined) first.files.push({ ...file, path: "words.txt" });
        },
        /words\.txt is machine code, and the plugin's manifest does not say so/,
      ],
      [
        (m) => {
          m.tier = { min: "process" };
          m.permissions = m.permissions.filter(({ name }) => name === "bus.provide");
          m.contributes.workers = [];
        },
        /holds machine code .*does not ask for the right/,
      ],
    ];
    for (const [edit, words] of cases) {
      const { dir, change } = project(t);
      change(edit);
      const places = { ...PLACES, "encode-x64": { ...PLACES["encode-x64"], "words.txt": PLACES["encode-x64"]?.["bin/encode"] } };
      writeFileSync(join(dir, "assets.json"), JSON.stringify(places));
      const packed = await run(dir, ["pack", "--json"]);
      assert.equal(packed.code, 1, String(words));
      assert.match(JSON.stringify(packed.json), words);
      const { json } = await run(dir, ["validate", "--json"]);
      const { findings } = json as { findings: { level: string; where: string; message: string }[] };
      assert.ok(
        findings.some(({ level, where, message }) => level === "error" && where.startsWith("asset ") && words.test(message)),
        JSON.stringify(findings),
      );
    }
  });
});
