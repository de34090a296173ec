/** What docs/guide/write-a-plugin.md shows of data is run as it stands there. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { PluginManifest } from "@hearthnet/host/contract";
import { createTestHost, modes } from "../../src/testing/index.ts";

const HERE = import.meta.dirname;
const GUIDE = readFileSync(join(HERE, "..", "..", "..", "docs", "guide", "write-a-plugin.md"), "utf8");
const SECTION = GUIDE.slice(GUIDE.indexOf("## Data and their next layout"), GUIDE.indexOf("## Testing"));
const block = (language: string): string => new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(SECTION)?.[1] ?? "";

/** The guide's code and manifest in the place of a fixture's. */
function project(): { dir: string; manifest: PluginManifest } {
  const dir = mkdtempSync(join(tmpdir(), "hn-guide-"));
  const parrot = join(HERE, "..", "fixtures", "parrot");
  cpSync(join(parrot, "schemas"), join(dir, "schemas"), { recursive: true });
  const { permissions, data } = JSON.parse(`{${block("json")}}`) as Pick<PluginManifest, "permissions" | "data">;
  const found = JSON.parse(readFileSync(join(parrot, "hearthnet.plugin.json"), "utf8")) as PluginManifest;
  const [first] = found.contributes.capabilities ?? [];
  assert.ok(first !== undefined && data !== undefined);
  const { binary: _, ...plain } = first;
  const manifest: PluginManifest = {
    ...found,
    id: "acme/notes",
    contributes: { capabilities: [{ ...plain, name: "ext.acme.notes.add" }] },
    permissions: [
      { name: "bus.provide", scope: { prefixes: ["ext.acme.notes."] }, reason: { en: "Offers itself." } },
      ...permissions,
    ],
    data,
  };
  delete manifest.config;
  delete manifest.limits;
  writeFileSync(join(dir, "hearthnet.plugin.json"), JSON.stringify(manifest));
  mkdirSync(join(dir, "src"));
  writeFileSync(join(dir, "src", "index.ts"), block("ts"));
  return { dir, manifest };
}

for (const { mode, skip } of modes())
  describe(`the guide's plugin with data, ${mode}`, { skip }, () => {
    it("keeps what it was given in its database, over a restart", async (t) => {
      const { dir } = project();
      t.after(() => rmSync(dir, { recursive: true, force: true }));
      const host = await createTestHost({ dir, mode });
      t.after(() => host.close());
      const add = async (text: string): Promise<unknown> =>
        (await host.call("ext.acme.notes.add@1.0", { input: { text } })).output["count"];
      assert.equal(await add("first"), 1);
      await host.restart();
      assert.equal(await add("second"), 2);
    });
  });
