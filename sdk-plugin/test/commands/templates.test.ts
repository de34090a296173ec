/** Every template as `create` makes it: an author's first minutes must not begin with somebody else's mistake. @source plugin-platform §9 `create` */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createTestHost } from "../../src/testing/index.ts";
import { run } from "./author-tool.ts";

const TEMPLATES: string[][] = [
  ["--kind", "service", "--tier", "process"],
  ["--kind", "service", "--tier", "isolate"],
  ["--kind", "panel"],
  ["--kind", "assets"],
];

describe("a new plugin", () => {
  for (const words of TEMPLATES)
    it(`of ${words.join(" ")} is valid, tested and packed as it is (§9 create)`, async (t) => {
      const shop = mkdtempSync(join(tmpdir(), "hearthnet-template-"));
      t.after(() => rmSync(shop, { recursive: true, force: true }));
      const made = await run(shop, ["create", "acme/first-try", ...words]);
      assert.equal(made.code, 0, made.err);
      const dir = join(shop, "first-try");
      const types = join(dir, "src", "hn-types.ts");
      const before = existsSync(types) ? readFileSync(types, "utf8") : null;
      assert.equal((await run(dir, ["types"])).code, 0);
      if (before !== null) assert.equal(readFileSync(types, "utf8"), before, "its types are those of its schemas");
      const validated = await run(dir, ["validate", "--json"]);
      assert.deepEqual([validated.code, validated.json["findings"]], [0, []]);
      const tested = await run(dir, ["test", "--json"]);
      assert.equal(tested.code, 0, tested.out + tested.err);
      const runs = tested.json["runs"] as { skipped: string | null; own_tests: string; contract: { kept: boolean }[] }[];
      for (const { skipped, own_tests, contract } of runs)
        assert.ok(skipped === "needs bubblewrap" || (own_tests === "passed" && contract.length > 0), tested.out);
      const packed = await run(shop, ["pack", "first-try", "--check-reproducible", "--json"]);
      assert.equal(packed.code, 0, packed.err);
      for (const path of filesOf(dir))
        assert.doesNotMatch(readFileSync(path, "utf8"), /__[A-Z]+__/, `${path}: a word is left open`);
      assert.match(readFileSync(join(dir, ".github", "workflows", "plugin.yml"), "utf8"), /hearthnet-plugin test/);
    });

  it("of a kind without a process is never killed, and says so (§4.7)", async (t) => {
    const shop = mkdtempSync(join(tmpdir(), "hearthnet-template-"));
    t.after(() => rmSync(shop, { recursive: true, force: true }));
    await run(shop, ["create", "acme/words", "--kind", "assets"]);
    const host = await createTestHost({ dir: join(shop, "words"), mode: "inproc" });
    t.after(() => host.close());
    await assert.rejects(host.kill9(), /kind assets has no process/);
  });
});

function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
