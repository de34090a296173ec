import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";
import { readConfig } from "../src/config.ts";
import de from "../src/locales/de.json" with { type: "json" };
import en from "../src/locales/en.json" with { type: "json" };
import assets from "../assets.json" with { type: "json" };
import manifest from "../hearthnet.plugin.json" with { type: "json" };
import { shippedData } from "./support/engine.ts";

const ALLOWED = new Set(
  "type properties required additionalProperties items enum const minimum maximum minLength maxLength minItems maxItems pattern oneOf anyOf $defs $ref".split(
    " ",
  ),
);

test("the manifest names the very bytes that the build takes along", () => {
  const files = manifest.assets[0]?.files ?? [];
  assert.deepEqual(
    files.map((file) => file.path),
    Object.keys(assets.tessdata),
  );
  for (const file of files) {
    const data = shippedData(file.path.slice(0, 3));
    assert.equal(data.length, file.sizeBytes);
    assert.equal(createHash("sha256").update(data).digest("hex"), file.sha256);
    assert.match(file.cid, /^blake3:[0-9a-f]{64}$/);
  }
});

test("defaults in the form and in the code are the same (22 §6)", () => {
  const shown = Object.fromEntries(Object.entries(manifest.config.schema.properties).map(([key, field]) => [key, field.default]));
  assert.deepEqual(readConfig(shown), readConfig({}));
});

test("every setting and hint has a text in both languages", () => {
  assert.deepEqual(Object.keys(de).toSorted(), Object.keys(en).toSorted());
  for (const key of Object.keys(manifest.config.schema.properties)) assert.ok(`config.${key}.title` in en, key);
  for (const permission of manifest.permissions) assert.ok(permission.reason.en !== "" && permission.reason.de !== "");
});

test("schemas keep to the allowed subset (03 B-1)", () => {
  for (const name of ["image.req", "image.res"]) {
    const schema: unknown = JSON.parse(readFileSync(new URL(`../schemas/${name}.json`, import.meta.url), "utf8"));
    checkKeywords(schema, name);
  }
});

function checkKeywords(schema: unknown, at: string): void {
  assert.ok(typeof schema === "object" && schema !== null && !Array.isArray(schema), at);
  for (const [key, value] of Object.entries(schema)) {
    assert.ok(ALLOWED.has(key), `${at}: ${key}`);
    if (key === "properties" || key === "$defs")
      for (const [name, inner] of Object.entries(value as object)) checkKeywords(inner, `${at}.${name}`);
    if (key === "items") checkKeywords(value, `${at}[]`);
  }
}
