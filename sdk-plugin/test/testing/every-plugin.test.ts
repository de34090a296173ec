/** What every host relies on holds for every plugin of this repository that has a folder of its own, in both modes. @source plugin-platform §4.7, §9 `test` */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import type { PluginManifest } from "@hearthnet/host/contract";
import { createTestHost, modes, runContract } from "../../src/testing/index.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const FOLDERS = ["test/fixtures/plugins/**/hearthnet.plugin.json", "sdk-plugin/test/fixtures/*/hearthnet.plugin.json"]
  .flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
  .map((path) => dirname(path))
  .toSorted();

it("there are such plugins: of every kind of tier, with data, doors and pages", () => {
  assert.ok(FOLDERS.length >= 8, FOLDERS.join(" "));
});

for (const { mode, skip } of modes())
  describe(`every plugin keeps its promises, ${mode}`, { skip }, () => {
    for (const folder of FOLDERS)
      it(folder, async (t) => {
        const dir = join(ROOT, folder);
        const { kind } = JSON.parse(readFileSync(join(dir, "hearthnet.plugin.json"), "utf8")) as PluginManifest;
        const host = await createTestHost({ dir, mode });
        t.after(() => host.close());
        const rows = await runContract(host);
        assert.ok(rows.length >= (kind === "service" ? 8 : 1));
        assert.deepEqual(
          rows.filter(({ kept }) => !kept),
          [],
        );
      });
  });
