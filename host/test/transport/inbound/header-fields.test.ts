import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HnError } from "../../../src/foundation/index.ts";
import { readFields } from "../../../src/transport/inbound/header-fields.ts";
import type { Claim } from "../../../src/transport/inbound/passage.ts";
import { device, refused } from "../../identity/people.ts";
import { holds } from "../../support/property.ts";

const NAMES = ["host", "accept", "cookie", "x-other", "content-type", "x-hearthnet-from", "x-hearthnet-to", "x-hearthnet-new"];
const CARRIES_MEANING = (name: string): boolean => !["cookie", "x-other"].includes(name);
const mixedCase = fc.constantFrom(...NAMES, ...NAMES.map((name) => name.toUpperCase()), "X-HearthNet-From", "Content-Type");

describe("header fields (02 T-5)", () => {
  it("each that carries meaning stands there once, in whatever case, or the request is refused", () => {
    holds(
      fc.property(fc.array(fc.tuple(mixedCase, fc.string()), { maxLength: 8 }), (pairs) => {
        const names = pairs.map(([name]) => name.toLowerCase()).filter(CARRIES_MEANING);
        const isDoubled = new Set(names).size < names.length;
        try {
          const fields = readFields(pairs.flat());
          assert.ok(!isDoubled);
          for (const [name, value] of pairs)
            if (CARRIES_MEANING(name.toLowerCase())) assert.equal(fields.get(name.toLowerCase()), value);
        } catch (error) {
          if (!HnError.isHnError(error)) throw error;
          assert.ok(isDoubled && error.code === "bad_request" && error.reason === "header_missing");
        }
      }),
    );
  });

  it("says who claims to call even when it refuses, and only what has the right form", () => {
    const heard: Claim[] = [];
    const read = (...raw: string[]): unknown => readFields(raw, (claim) => heard.push(claim));
    const { nodeId } = device(1);
    assert.throws(
      () => read("X-HearthNet-From", nodeId, "X-HearthNet-Request-Id", "ABCDEFGH", "Host", "a", "host", "a"),
      refused("bad_request", "header_missing"),
    );
    read("x-hearthnet-from", `${nodeId}\u0000`, "x-hearthnet-request-id", "short");
    assert.deepEqual(heard, [
      { from: nodeId, requestId: "ABCDEFGH" },
      { from: "", requestId: "" },
    ]);
  });
});
