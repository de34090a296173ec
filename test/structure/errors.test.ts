import assert from "node:assert/strict";
import { it } from "node:test";
import { ERRORS, LOCAL_ERRORS, REASONS } from "../../host/src/contract/index.ts";
import { read, sourceFiles } from "./sources.ts";

/** Whether one of these texts names it as a word of its own. */
const named = (name: string, text: string): boolean => new RegExp(`\\b${name}\\b`).test(text);
const TESTS = sourceFiles(["{host,sdk-plugin,registry}/test/**/*.ts", "plugins/*/test/**/*.ts", "test/**/*.ts"])
  .filter((path) => !path.startsWith("test/structure/"))
  .map(read)
  .join("\n");
const SOURCES = sourceFiles(["{host,sdk-plugin,registry}/src/**/*.ts", "plugins/*/src/**/*.ts"])
  .filter((path) => !/contract\/(errors|reasons)\.ts$/.test(path))
  .map(read)
  .join("\n");
/** Codes of the protocol whose rooms come with later issues; a node must know them all the same, because others send them (02 §5). */
const OF_OTHERS = new Set([
  "relay_unreachable",
  "dht_lookup_failed",
  "e2e_session_missing",
  "e2e_decrypt_failed",
  "ratchet_out_of_order",
]);

it("a code or reason says what happened and what to do, in sentences", () => {
  for (const [name, row] of [...Object.entries(ERRORS), ...Object.entries(LOCAL_ERRORS), ...Object.entries(REASONS)]) {
    assert.match(row.message, /^\S.{8,}[.!?]$/s, name);
    assert.match(row.action, /^\S.{5,}[.!?]$/s, name);
  }
});

it("a reason belongs to a code of the table", () => {
  for (const [name, { code }] of Object.entries(REASONS))
    assert.ok(Object.hasOwn(ERRORS, code) || Object.hasOwn(LOCAL_ERRORS, code), name);
});

it("each code and each reason is raised somewhere", () => {
  const quiet = [...Object.keys(ERRORS), ...Object.keys(LOCAL_ERRORS), ...Object.keys(REASONS)].filter(
    (name) => !OF_OTHERS.has(name) && !new RegExp(`["'\`]${name}["'\`]`).test(SOURCES),
  );
  assert.deepEqual(quiet, []);
});

it("each code and each reason is met by some test (codebase §7)", () => {
  const untried = [...Object.keys(ERRORS), ...Object.keys(LOCAL_ERRORS), ...Object.keys(REASONS)].filter(
    (name) => !OF_OTHERS.has(name) && !named(name, TESTS),
  );
  assert.deepEqual(untried, []);
});

it("each code of later issues is still unknown to the code, so that this list shrinks", () => {
  const raised = [...OF_OTHERS].filter((name) => new RegExp(`HnError\\(\\s*["']${name}["']`).test(SOURCES));
  assert.deepEqual(raised, []);
});
