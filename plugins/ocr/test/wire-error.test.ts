import assert from "node:assert/strict";
import { test } from "node:test";
import { HnError } from "@hearthnet/sdk-plugin";
import { Failure } from "../src/failure.ts";
import { asHnError } from "../src/wire-error.ts";

test("who finds no room is told when to come again; other failures keep their code and reason (22 §1)", () => {
  const full = asHnError(new Failure("capacity_exceeded", { reason: "memory", message: "The page needs more memory." }));
  assert.ok(HnError.isHnError(full));
  assert.deepEqual([full.code, full.reason, full.retryAfterMs], ["capacity_exceeded", "memory", 3000]);
  const wrong = asHnError(new Failure("bad_request", { reason: "decode_failed", message: "This is not a PDF." }));
  assert.ok(HnError.isHnError(wrong));
  assert.deepEqual([wrong.code, wrong.reason, wrong.retryAfterMs], ["bad_request", "decode_failed", undefined]);
  const crash = new Error("a crash");
  assert.equal(asHnError(crash), crash);
});
