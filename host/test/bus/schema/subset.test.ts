import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HnError } from "../../../src/foundation/index.ts";
import { createCompiler } from "../../../src/bus/schema/compile.ts";
import { parsePointer } from "../../../src/bus/schema/pointer.ts";
import type { JsonSchema, JsonValue } from "../../../src/contract/index.ts";

const compile = createCompiler();
const make = (schema: JsonSchema, binary: string[] = []): ReturnType<typeof compile> =>
  compile({ schema, what: "request_schema", binary: binary.map(parsePointer) });

function nested(levels: number): JsonSchema {
  let schema: JsonSchema = { type: "object" };
  for (let i = 0; i < levels; i++) schema = { items: schema };
  return schema;
}
/** Each level asks twice for the one below. */
function doubling(levels: number): JsonSchema {
  const defs: Record<string, JsonValue> = { d0: { type: "object" } };
  for (let i = 1; i <= levels; i++) defs[`d${i}`] = { anyOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }] };
  return { $defs: defs, $ref: `#/$defs/d${levels}` };
}

describe("schemas outside the subset are refused at registration (03 B-1)", () => {
  const bad: [string, JsonSchema][] = [
    ["an unknown keyword", { type: "object", uniqueItems: true }],
    ["a custom keyword", { "x-secret": true }],
    ["a format", { type: "string", format: "email" }],
    ["a remote $ref", { $ref: "https://example.org/schema" }],
    ["a $ref to nothing", { $ref: "#/$defs/missing" }],
    ["a $ref into the middle", { properties: { a: { type: "string" } }, $ref: "#/properties/a" }],
    ["a $ref to itself", { $defs: { a: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" }],
    ["a $ref circle", { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" }],
    ["recursion through a choice", { anyOf: [{ type: "null" }, { properties: { next: { $ref: "#" } } }], $defs: {} }],
    ["$defs below the top", { properties: { a: { $defs: { b: {} } } } }],
    ["choices that multiply", doubling(20)],
    ["more than 32 levels", nested(33)],
    ["more than 64 KiB", { enum: ["x".repeat(65_536)] }],
    ["a look-ahead", { type: "string", pattern: "^(?=a)b" }],
    ["a back-reference", { type: "string", pattern: "(a)\\1" }],
    ["a broken pattern", { type: "string", pattern: "(" }],
    ["a wrong type of keyword", { type: "object", required: "name" }],
    ["a schema that is no schema", { properties: { a: 5 } }],
    ["an empty choice", { oneOf: [] }],
  ];
  for (const [name, schema] of bad) {
    test(name, () => {
      assert.throws(
        () => make(schema),
        (error) =>
          HnError.isHnError(error) &&
          error.code === "bad_request" &&
          error.reason === "schema_invalid" &&
          error.message.includes("request_schema"),
      );
    });
  }
});

describe("schemas in the subset judge", () => {
  const table: [string, JsonSchema, unknown, boolean][] = [
    [
      "required and closed objects",
      { type: "object", required: ["a"], properties: { a: {} }, additionalProperties: false },
      { a: 1 },
      true,
    ],
    ["surplus fields", { type: "object", properties: { a: {} }, additionalProperties: false }, { b: 1 }, false],
    ["definitions", { $defs: { t: { type: "string" } }, items: { $ref: "#/$defs/t" } }, ["a", 1], false],
    [
      "trees without a choice",
      { $defs: { n: { properties: { kids: { items: { $ref: "#/$defs/n" } }, v: { type: "number" } } } }, $ref: "#/$defs/n" },
      { kids: [{ v: "x" }] },
      false,
    ],
    ["lengths in characters, not units", { type: "string", maxLength: 2 }, "😀😀", true],
    ["lengths that are too long", { type: "string", maxLength: 2 }, "😀😀a", false],
    ["minimum lengths in characters", { type: "string", minLength: 3 }, "😀😀", false],
    ["simple patterns", { type: "string", pattern: "^[a-z]{2,3}$" }, "deu", true],
    ["alternatives in patterns", { type: "string", pattern: "^(deu|eng)$" }, "fra", false],
    ["annotations are no rules", { title: "t", description: "d", default: 5, type: "number" }, 5, true],
    [
      "parsed objects without a prototype",
      { type: "object", required: ["a"] },
      Object.assign(Object.create(null) as object, { a: 1 }),
      true,
    ],
  ];
  for (const [name, schema, value, ok] of table) test(name, () => assert.equal(make(schema)(value) === null, ok));
});

test("a pattern that explodes elsewhere stays linear here (03 B-1)", () => {
  const check = make({ type: "string", pattern: "^(a+)+$" });
  const started = process.cpuUsage();
  assert.notEqual(check(`${"a".repeat(50_000)}!`), null);
  assert.ok(process.cpuUsage(started).user < 2_000_000);
});

describe("bytes in a body (plugin-platform §4, binary path)", () => {
  const schema: JsonSchema = {
    type: "object",
    properties: { input: { type: "object", properties: { image_b64: { type: "string", maxLength: 8, pattern: "^nothing$" } } } },
  };
  test("count as text of their would-be length, and their pattern is ignored", () => {
    const check = make(schema, ["/input/image_b64"]);
    assert.equal(check({ input: { image_b64: new Uint8Array(6) } }), null);
    assert.notEqual(check({ input: { image_b64: new Uint8Array(7) } }), null);
    assert.equal(check({ input: { image_b64: "AAAA" } }), null);
  });
  test("are refused where none are announced", () => {
    assert.notEqual(make(schema)({ input: { image_b64: new Uint8Array(6) } }), null);
  });
  test("lose their pattern behind a $ref and in a choice too", () => {
    const hidden: JsonSchema = {
      $defs: { pic: { type: "string", pattern: "^nothing$" } },
      properties: { input: { oneOf: [{ properties: { pic: { $ref: "#/$defs/pic" } }, required: ["pic"] }] } },
    };
    assert.notEqual(make(hidden)({ input: { pic: "AAAA" } }), null);
    assert.equal(make(hidden, ["/input/pic"])({ input: { pic: new Uint8Array(3) } }), null);
  });
});
