/** What docs/guide/write-a-plugin.md shows of data is run as it stands there. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { PluginManifest } from "@hearthnet/host/contract";
import { createTestHost, modes } from "../../src/testing/index.ts";
import { makeProject } from "./project.ts";

const HERE = import.meta.dirname;
const GUIDE = readFileSync(join(HERE, "..", "..", "..", "docs", "guide", "write-a-plugin.md"), "utf8");
const SECTION = GUIDE.slice(GUIDE.indexOf("## Data and their next layout"), GUIDE.indexOf("## Testing"));
const block = (language: string): string => new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(SECTION)?.[1] ?? "";

/** The guide's code and manifest in the place of a fixture's. */
function project(): { dir: string; manifest: PluginManifest } {
  const { permissions, data } = JSON.parse(`{${block("json")}}`) as Pick<PluginManifest, "permissions" | "data">;
  assert.ok(data !== undefined);
  return makeProject({
    id: "acme/notes",
    capability: "ext.acme.notes.add",
    permissions: [
      { name: "bus.provide", scope: { prefixes: ["ext.acme.notes."] }, reason: { en: "Offers itself." } },
      ...permissions,
    ],
    data,
    code: block("ts"),
  });
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
