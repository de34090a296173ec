import assert from "node:assert/strict";
import { test } from "node:test";
import { queryObjects } from "node:v8";
import { SchemaEnv } from "ajv/dist/compile/index.js";
import { createCompiler } from "../../../src/bus/schema/compile.ts";

test("what is too long is told in bytes where bytes are sent", () => {
  const schema = {
    type: "object",
    properties: { data_b64: { type: "string", maxLength: 12 }, name: { type: "string", maxLength: 12 } },
  };
  const check = createCompiler()({ schema, what: "request_schema", binary: [["data_b64"]] });
  assert.deepEqual(check({ data_b64: new Uint8Array(10) }), { path: "/data_b64", message: "must have at most 9 bytes" });
  assert.deepEqual(check({ name: "x".repeat(13) }), { path: "/name", message: "must have at most 12 characters" });
  assert.equal(check({ data_b64: new Uint8Array(9) }), null);
});

test("what was compiled for a capability that is gone is forgotten, however many come and go", () => {
  const compile = createCompiler();
  const held = (): number => queryObjects(SchemaEnv, { format: "count" });
  const schema = (n: number): object => ({
    type: "object",
    properties: { [`field_${n}`]: { type: "string", maxLength: n + 1 } },
  });
  compile({ schema: schema(0) as never, what: "request_schema", binary: [] });
  const before = held();
  for (let n = 1; n <= 300; n += 1) {
    const check = compile({ schema: schema(n) as never, what: "request_schema", binary: [] });
    assert.equal(check({ [`field_${n}`]: "x".repeat(n + 2) })?.path, `/field_${n}`);
  }
  assert.ok(held() - before < 80, `${held() - before} more than before are held`);
});

test("a schema that comes again, as that of a plugin's next version does, is not compiled again", () => {
  const compile = createCompiler();
  const source = (maxLength: number): Parameters<typeof compile>[0] => ({
    schema: { type: "object", properties: { text: { type: "string", maxLength } } },
    what: "request_schema",
    binary: [],
  });
  const check = compile(source(3));
  assert.equal(compile(source(3)), check);
  assert.notEqual(compile(source(4)), check);
  assert.notEqual(compile({ ...source(3), binary: [["text"]] }), check, "bytes are checked in another way");
  for (let n = 10; n < 60; n += 1) compile(source(n));
  assert.notEqual(compile(source(3)), check, "what was compiled long ago is not held for ever");
});
