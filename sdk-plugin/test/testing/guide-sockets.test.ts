/** What docs/guide/write-a-plugin.md shows of WebSockets is run as it stands there. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { PluginManifest } from "@hearthnet/host/contract";
import { createTestHost, modes, runContract } from "../../src/testing/index.ts";

const GUIDE = readFileSync(join(import.meta.dirname, "..", "..", "..", "docs", "guide", "write-a-plugin.md"), "utf8");
const SECTION = GUIDE.slice(GUIDE.indexOf("### WebSockets"), GUIDE.indexOf("## A page of its own"));
const block = (language: string): string => new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(SECTION)?.[1] ?? "";

/** The guide's code and manifest, with what every manifest says. */
function project(): string {
  const dir = mkdtempSync(join(tmpdir(), "hn-guide-"));
  const manifest: PluginManifest = {
    manifestVersion: 1,
    id: "acme/chat",
    version: "1.0.0",
    kind: "service",
    tier: { min: "process" },
    displayName: { en: "Chat" },
    description: { en: "Rooms to talk in." },
    license: "MIT",
    engines: { hearthnet: "*" },
    platforms: ["any"],
    entry: { main: "dist/main.mjs" },
    ...(JSON.parse(`{${block("json")}}`) as Pick<PluginManifest, "contributes" | "permissions">),
  };
  writeFileSync(join(dir, "hearthnet.plugin.json"), JSON.stringify(manifest));
  mkdirSync(join(dir, "src"));
  writeFileSync(join(dir, "src", "index.ts"), block("ts"));
  return dir;
}

for (const { mode, skip } of modes())
  describe(`the guide's plugin with a WebSocket, ${mode}`, { skip }, () => {
    it("lets a room talk, and keeps every promise of a plugin", async (t) => {
      const dir = project();
      t.after(() => rmSync(dir, { recursive: true, force: true }));
      const host = await createTestHost({ dir, mode });
      t.after(() => host.close());
      const kitchen = "/ext/acme/chat/rooms/kitchen";
      const [anna, ben] = [host.socket(kitchen), host.socket(kitchen, { as: "anchor" })];
      anna.send("Moin");
      assert.deepEqual([await anna.next(), await ben.next()], ["Moin", "Moin"]);
      ben.send(Uint8Array.of(1));
      assert.deepEqual(await ben.closed, { code: 4000, reason: "text only" });
      assert.deepEqual(await anna.close(), { code: 1000, reason: "" });
      const rows = await runContract(host);
      assert.deepEqual(
        rows.filter(({ kept }) => !kept),
        [],
      );
      assert.equal(rows.find(({ promise }) => promise.includes("WebSocket"))?.detail, "/ext/acme/chat/rooms/:room");
    });
  });
