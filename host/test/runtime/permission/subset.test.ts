import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Grant, JsonObject, PermissionName } from "../../../src/contract/index.ts";
import { GrantTable, isScopeWithin, isWithin, rating, requested, type Right } from "../../../src/runtime/permission/index.ts";

const seed = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = 200;

const target = fc.constantFrom("a.b@1", "a.b@2", "c.d@1", "*");
const prefix = fc.constantFrom("a.", "a.b", "c.", "ocr.");
const scopes: Record<"bus.call" | "bus.provide" | "proc.worker" | "storage.kv", fc.Arbitrary<JsonObject>> = {
  "bus.call": fc.record(
    { capabilities: fc.array(target, { maxLength: 3 }), own: fc.boolean() },
    { requiredKeys: ["capabilities"] },
  ),
  "bus.provide": fc.record({ prefixes: fc.array(prefix, { maxLength: 3 }) }),
  "proc.worker": fc.record(
    { workers: fc.array(fc.constantFrom("w", "x"), { maxLength: 2 }), threads: fc.boolean() },
    { requiredKeys: ["workers"] },
  ),
  "storage.kv": fc.record({ quotaMb: fc.integer({ min: 1, max: 9 }) }, { requiredKeys: [] }),
};
const aRight: fc.Arbitrary<Right> = fc
  .constantFrom("bus.call", "bus.provide", "proc.worker", "storage.kv")
  .chain((permission) => scopes[permission].map((scope) => ({ permission, scope })));
const rights = fc.array(aRight, { maxLength: 4 });

const table = (list: readonly Right[]): GrantTable =>
  new GrantTable(
    list.map(({ permission, scope }): Grant => ({ permission, scope, mode: "allow", grantedBy: "operator", at: 0 })),
  );
const allows = (act: () => unknown): boolean => {
  try {
    act();
    return true;
  } catch {
    return false;
  }
};
/** Every question that the checks of these rights can be asked. */
const QUESTIONS: ((t: GrantTable) => unknown)[] = [
  ...["a.b", "c.d", "z.z"].flatMap((name) =>
    [1, 2].flatMap((major) => [true, false].map((own) => (t: GrantTable) => t.call({ name, major, own }))),
  ),
  ...["a.b", "a.c", "c.d", "ocr.image", "zzz.z"].map((name) => (t: GrantTable) => t.provide(name)),
  ...["w", "x", "y"].map((name) => (t: GrantTable) => t.worker(name)),
  (t) => t.kvBytes(),
];

test("whatever lies within a set of rights is allowed nothing that the set is not (§3.4.2)", () => {
  fc.assert(
    fc.property(rights, rights, (inner, outer) => {
      if (!isWithin(inner, outer)) return;
      for (const question of QUESTIONS) {
        if (allows(() => question(table(inner))))
          assert.ok(
            allows(() => question(table(outer))),
            question.toString(),
          );
      }
      if (allows(() => table(inner).kvBytes())) assert.ok(table(inner).kvBytes() <= table(outer).kvBytes());
    }),
    { seed, numRuns: RUNS * 10 },
  );
});

test("every set lies within itself and within itself and more; taking a part away stays within", () => {
  fc.assert(
    fc.property(rights, rights, (some, more) => {
      assert.ok(isWithin(some, some));
      assert.ok(isWithin(some, [...more, ...some]));
      assert.ok(isWithin(some.slice(1), some));
    }),
    { seed, numRuns: RUNS },
  );
});

test("narrowing never raises the rating", () => {
  fc.assert(
    fc.property(rights, rights, (inner, outer) => {
      if (isWithin(inner, outer)) assert.ok(rating(inner, "os") <= rating(outer, "os"));
    }),
    { seed, numRuns: RUNS * 10 },
  );
});

/** Old scope → new scope: does the update need the operator? */
const GROWTH: [permission: PermissionName, before: JsonObject, after: JsonObject, grows: boolean][] = [
  ["bus.call", { capabilities: ["a@1"] }, { capabilities: ["a@1"] }, false],
  ["bus.call", { capabilities: ["a@1", "b@1"] }, { capabilities: ["b@1"] }, false],
  ["bus.call", { capabilities: ["a@1"] }, { capabilities: ["a@1", "b@1"] }, true],
  ["bus.call", { capabilities: ["a@1"] }, { capabilities: ["a@1"], own: true }, true],
  ["bus.call", { capabilities: ["a@1"], own: true }, { capabilities: ["a@1"] }, false],
  ["storage.kv", { quotaMb: 8 }, { quotaMb: 4 }, false],
  ["storage.kv", { quotaMb: 8 }, { quotaMb: 9 }, true],
  ["storage.kv", { quotaMb: 8 }, {}, true],
  ["fs.mount", { name: "a", mode: "rw" }, { name: "a", mode: "ro" }, false],
  ["fs.mount", { name: "a", mode: "ro" }, { name: "a", mode: "rw" }, true],
  ["fs.mount", { name: "a", mode: "ro" }, { name: "b", mode: "ro" }, true],
  ["net.internet", { hosts: ["a:1"] }, { hosts: ["a:1"], fromConfig: "/url" }, true],
  ["blobs.write", { visibility: "private" }, { visibility: "public" }, true],
  ["blobs.read", { visibility: "public" }, { visibility: "private" }, true],
];

test("tells growth from narrowing, row by row (consent growth table)", () => {
  for (const [permission, before, after, grows] of GROWTH) {
    assert.equal(!isScopeWithin(after, before), grows, JSON.stringify([permission, before, after]));
  }
  assert.deepEqual(requested([{ name: "notify", reason: { en: "x" } }]), [{ permission: "notify", scope: {} }]);
});
