import assert from "node:assert/strict";
import { it } from "node:test";
import { wordsIn } from "../src/words.ts";

it("greets in the language of the page around it", () => {
  assert.equal(wordsIn("de").greeting(1), "Hallo von __TITLE__.");
  assert.equal(wordsIn("en").greeting(1), "Hello from __TITLE__.");
});

it("says how often", () => {
  assert.equal(wordsIn("de").greeting(3), "Hallo von __TITLE__, 3 Mal.");
});

it("falls back to English", () => {
  assert.equal(wordsIn("fr"), wordsIn("en"));
  assert.equal(wordsIn(), wordsIn("en"));
});
