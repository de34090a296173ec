import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readPluginTexts } from "../../../src/admin/api/plugin-texts.ts";

describe("texts of a plugin (admin-ui §9)", () => {
  it("are read by language, texts only, and a broken table counts as absent", (t) => {
    const dir = mkdtempSync(join(tmpdir(), "hn-texts-"));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    assert.deepEqual(readPluginTexts(dir), {});
    mkdirSync(join(dir, "locales"));
    const write = (name: string, text: string): void => writeFileSync(join(dir, "locales", name), text);
    write("de.json", '{"config.enabled.title":"Bilder lesen","odd":5}');
    write("fr.json", "{broken");
    write("it.json", '["no table"]');
    write("es.json", `{"a":"${"x".repeat(300_000)}"}`);
    write("../secret.json", "{}");
    assert.deepEqual(readPluginTexts(dir), { de: { "config.enabled.title": "Bilder lesen" } });
  });
});
