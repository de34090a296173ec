import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";

it("lists each word once, one a line", () => {
  const words = readFileSync(join(import.meta.dirname, "..", "files", "words.txt"), "utf8")
    .trimEnd()
    .split("\n");
  assert.equal(new Set(words).size, words.length);
  for (const word of words) assert.match(word, /^[a-z]+$/);
});
