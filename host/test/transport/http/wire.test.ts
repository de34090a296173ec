import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "../../../src/contract/index.ts";
import { toWire } from "../../../src/transport/http/wire.ts";
import { holds } from "../../support/property.ts";

describe("a value on its way out (00 §3)", () => {
  it("has bytes as base64url text wherever they stand, and everything else as it was", () => {
    holds(
      fc.property(fc.jsonValue(), fc.uint8Array({ maxLength: 20 }), (json, bytes) => {
        const value = { json, list: [json, { deep: bytes }], bytes } as unknown as JsonObject;
        const text = Buffer.from(bytes).toString("base64url");
        assert.deepEqual(toWire(value), { json, list: [json, { deep: text }], bytes: text });
        assert.equal(value["bytes"], bytes, "and the sender's own is not touched");
      }),
    );
  });

  it("shares what holds no bytes", () => {
    const plain = { a: [1, { b: 2 }] };
    assert.equal(toWire(plain), plain);
  });
});
