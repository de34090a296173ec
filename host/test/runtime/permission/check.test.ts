import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grant, JsonObject, PermissionName } from "../../../src/contract/index.ts";
import { GrantTable, isBelow } from "../../../src/runtime/permission/index.ts";

const grant = (permission: PermissionName, scope: JsonObject = {}, mode: Grant["mode"] = "allow"): Grant => ({
  permission,
  scope,
  mode,
  grantedBy: "operator",
  at: 0,
});
const allows = (act: () => unknown): boolean => {
  try {
    act();
    return true;
  } catch (error) {
    assert.equal((error as { code: string }).code, "permission_denied");
    return false;
  }
};

const NOTHING = { data: false, dataBytes: 0, sqlite: false, threads: false, native: false, programs: false };

test("without a grant everything is denied (§3.4.1)", () => {
  const table = new GrantTable([]);
  assert.ok(!allows(() => table.provide("ocr.image")));
  assert.ok(!allows(() => table.call({ name: "a.b", major: 1, own: false })));
  assert.ok(!allows(() => table.worker("decode")));
  assert.ok(!allows(() => table.kvBytes()));
  assert.ok(!allows(() => table.require("notify")));
  assert.deepEqual(table.process(), NOTHING);
});

test("a deny row beats an allow row of the same name", () => {
  const table = new GrantTable([grant("storage.kv"), grant("storage.kv", {}, "deny")]);
  assert.ok(!allows(() => table.kvBytes()));
});

test("bus.provide covers names below its prefix and nothing that merely begins alike", () => {
  const rows: [name: string, prefix: string, covered: boolean][] = [
    ["ocr.image", "ocr.", true],
    ["ocr.image.fast", "ocr.", true],
    ["ocrx.image", "ocr.", false],
    ["ocr", "ocr.", false],
    ["ocr.image", "ocr", true],
    ["ocr", "ocr", true],
    ["ocrx", "ocr", false],
    ["ocr.image", "", false],
    ["ocr.image", ".", false],
    ["chat.send", "ocr.", false],
    ["ext.dev.echo", "ext.dev.", true],
  ];
  for (const [name, prefix, covered] of rows) {
    assert.equal(isBelow(name, prefix), covered, `${name} under ${prefix}`);
    assert.equal(
      allows(() => new GrantTable([grant("bus.provide", { prefixes: [prefix] })]).provide(name)),
      covered,
    );
  }
});

test("bus.call covers name and major; own authority needs own:true and never comes from a star (§3.1)", () => {
  const rows: [scope: JsonObject, major: number, own: boolean, covered: boolean][] = [
    [{ capabilities: ["a.b@1"] }, 1, false, true],
    [{ capabilities: ["a.b@1"] }, 2, false, false],
    [{ capabilities: ["a.b@1"] }, 1, true, false],
    [{ capabilities: ["a.b@1"], own: true }, 1, true, true],
    [{ capabilities: ["a.b@1"], own: true }, 1, false, true],
    [{ capabilities: ["*"] }, 1, false, true],
    [{ capabilities: ["*"] }, 1, true, false],
    [{ capabilities: ["*"], own: true }, 1, true, false],
    [{ capabilities: ["*"], own: true }, 1, false, true],
    [{ capabilities: ["a.b"] }, 1, false, false],
    [{ capabilities: "a.b@1" }, 1, false, false],
    [{}, 1, false, false],
  ];
  for (const [scope, major, own, covered] of rows) {
    assert.equal(
      allows(() => new GrantTable([grant("bus.call", scope)]).call({ name: "a.b", major, own })),
      covered,
      JSON.stringify([scope, major, own]),
    );
  }
});

test("native code as an addon opens nothing for programs, and the other way round", () => {
  const process = (mode: string): object => new GrantTable([grant("native", { mode: [mode] })]).process();
  assert.deepEqual(process("addon"), { ...NOTHING, native: true });
  assert.deepEqual(process("exec"), { ...NOTHING, programs: true });
});

test("workers are granted by name; quotas come from the scope", () => {
  const table = new GrantTable([
    grant("proc.worker", { workers: ["decode"], threads: true }),
    grant("storage.kv", { quotaMb: 2 }),
    grant("fs.data", { quotaMb: 5 }),
  ]);
  assert.ok(allows(() => table.worker("decode")));
  assert.ok(!allows(() => table.worker("other")));
  assert.equal(table.kvBytes(), 2 * 1_048_576);
  assert.deepEqual(table.process(), { ...NOTHING, data: true, dataBytes: 5 * 1_048_576, threads: true });
  assert.equal(new GrantTable([grant("storage.kv", { quotaMb: "many" })]).kvBytes(), 8 * 1_048_576);
});
