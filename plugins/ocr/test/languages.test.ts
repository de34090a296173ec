import assert from "node:assert/strict";
import test from "node:test";
import { Failure } from "../src/failure.ts";
import { chooseLanguages, displayLanguage } from "../src/languages.ts";

const offered = ["deu", "eng"];
const fallback = ["deu", "eng", "fra"];

test("auto, none and an empty list mean the installed fallback languages (22 rule 3)", () => {
  for (const asked of [["auto"], [], undefined]) assert.deepEqual(chooseLanguages({ asked, offered, fallback }), ["deu", "eng"]);
});

test("a named language is that one or an error, never another (22 O3)", () => {
  assert.deepEqual(chooseLanguages({ asked: ["eng", "eng"], offered, fallback }), ["eng"]);
  for (const asked of [["fra"], ["de"], ["deu", "auto"], ["deu", "fra"]]) {
    assert.throws(
      () => chooseLanguages({ asked, offered, fallback }),
      (error) =>
        error instanceof Failure &&
        error.code === "bad_request" &&
        error.reason === "language_unsupported" &&
        error.message.includes("deu, eng"),
    );
  }
});

test("without any data the engine is missing its part", () => {
  assert.throws(
    () => chooseLanguages({ asked: undefined, offered: [], fallback }),
    (error) => error instanceof Failure && error.code === "not_implemented",
  );
});

test("shows languages in two letters", () => {
  assert.deepEqual(["deu", "eng", "xyz"].map(displayLanguage), ["de", "en", "xyz"]);
});
