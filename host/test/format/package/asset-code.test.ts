/** What of an asset may be machine code: what its manifest says, and nothing else. @source plugin-platform §1.4, §4.4 */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { PluginManifest } from "../../../src/contract/index.ts";
import { HnError } from "../../../src/foundation/index.ts";
import { checkAssetCode, declaredCode } from "../../../src/format/index.ts";
import { elf } from "../../runtime/fixtures/elf.ts";

const file = (path: string): object => ({ path, sha256: "0".repeat(64), cid: "", sizeBytes: 1, sources: [] });
const MANIFEST = {
  tier: { min: "process", native: true },
  contributes: {
    workers: [
      { name: "a", exec: { asset: ["x64", "arm64"], path: "bin/tool" } },
      { name: "b", exec: { path: "bin/own" } },
      { name: "c", entry: "dist/c.mjs" },
    ],
  },
  assets: [
    { name: "x64", platforms: ["linux-x64"], files: [file("bin/tool"), file("lib/liba.so.1"), file("words")] },
    { name: "arm64", platforms: ["linux-arm64"], files: [file("bin/tool")] },
  ],
} as unknown as PluginManifest;

const HEADS = { x64: elf("linux-x64"), arm64: elf("linux-arm64"), text: Buffer.from("just words, quite a few") };
const ROWS: [what: string, manifest: PluginManifest, file: string, head: keyof typeof HEADS, verdict: string][] = [
  ["a program for this machine", MANIFEST, "bin/tool", "x64", "taken"],
  ["a program for another machine", MANIFEST, "bin/tool", "arm64", "program_platform"],
  ["a text where a program should be", MANIFEST, "bin/tool", "text", "program_platform"],
  ["a library beside it, called as one", MANIFEST, "lib/liba.so.1", "x64", "taken"],
  ["machine code in what is called data", MANIFEST, "words", "x64", "program_undeclared"],
  ["data", MANIFEST, "words", "text", "taken"],
  ["machine code without the right to it", without(), "words", "x64", "native_undeclared"],
  ["a library without the right to it", without(), "lib/liba.so.1", "x64", "native_undeclared"],
];

function without(): PluginManifest {
  return { ...MANIFEST, tier: { min: "process" }, contributes: {} };
}

for (const [what, manifest, path, head, verdict] of ROWS)
  it(`of an asset, ${what}: ${verdict}`, () => {
    let found = "taken";
    try {
      checkAssetCode(manifest, { asset: "x64", path, head: HEADS[head] }, "linux-x64");
    } catch (error) {
      found = HnError.from(error).reason ?? "";
    }
    assert.equal(found, verdict);
  });

it("consent lists what may run on this machine, and on this one alone", () => {
  const listed = (platform: string): string[] =>
    declaredCode(MANIFEST, platform).map(({ asset, file: { path } }) => `${asset}/${path}`);
  assert.deepEqual(listed("linux-x64"), ["x64/bin/tool", "x64/lib/liba.so.1"]);
  assert.deepEqual(listed("linux-arm64"), ["arm64/bin/tool"]);
  assert.deepEqual(listed("darwin-arm64"), []);
});
