import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERRORS, REASONS } from "../../src/contract/index.ts";
import { HnError, isErrorCode } from "../../src/foundation/index.ts";

describe("HnError (02 §5)", () => {
  it("takes text and advice from the reason, else from the code", () => {
    assert.equal(new HnError("partition").message, ERRORS.partition.message);
    const error = new HnError("expired", { reason: "clock_skew" });
    assert.equal(error.message, REASONS.clock_skew.message);
    assert.equal(error.action, REASONS.clock_skew.action);
    assert.equal(new HnError("expired", { reason: "unheard_of" }).message, ERRORS.expired.message);
  });

  it("says of every code and reason what happened and what to do", () => {
    for (const row of [...Object.values(ERRORS), ...Object.values(REASONS)]) {
      assert.match(row.message, /^[A-Z].*[.!]$/);
      assert.match(row.action, /^[A-Z`].*[.!]$/);
    }
    for (const row of Object.values(REASONS)) assert.ok(row.code in ERRORS || !isErrorCode(row.code));
  });

  it("is known across copies of the class", () => {
    const foreign = { [Symbol.for("hearthnet.error")]: true, code: "timeout" };
    assert.ok(HnError.isHnError(foreign));
    for (const value of [null, undefined, 7, new Error("x"), { code: "timeout" }]) assert.equal(HnError.isHnError(value), false);
  });

  it("wraps what is not coded and never tells its text", () => {
    const cause = new Error("ENOENT /home/anna/.local/share/hearthnet/keys secret");
    const error = HnError.from(cause);
    assert.equal(error.code, "internal_error");
    assert.equal(error.cause, cause);
    assert.equal(HnError.from(error), error);
    for (const form of [error.toWire(), error.toLocal()]) assert.doesNotMatch(JSON.stringify(form), /anna|ENOENT|secret|at /);
  });

  it("sends wire codes only: local ones are mapped and their reason stays here", () => {
    const local = new HnError("permission_denied", { reason: "policy", message: "The plugin may not read /etc." });
    assert.deepEqual(local.toWire(), { error: "internal_error", message: ERRORS.internal_error.message });
    assert.equal(local.toLocal().error, "permission_denied");
  });

  it("carries retry time in whole milliseconds, hints and advice where they belong", () => {
    const error = new HnError("capacity_exceeded", {
      reason: "slots_full",
      retryAfterMs: 12.2,
      paths: ["/input"],
      details: { alt_capabilities: ["llm.chat@2.0"] },
    });
    assert.deepEqual(error.toWire(), {
      error: "capacity_exceeded",
      message: REASONS.slots_full.message,
      reason: "slots_full",
      retry_after_ms: 13,
      alt_capabilities: ["llm.chat@2.0"],
    });
    assert.deepEqual(error.toLocal().paths, ["/input"]);
    const back = HnError.fromLocal(error.toLocal());
    assert.deepEqual(
      [back.code, back.reason, back.retryAfterMs, back.action],
      ["capacity_exceeded", "slots_full", 13, REASONS.slots_full.action],
    );
  });

  it("reads an unknown code as internal_error (00 G-8)", () => {
    assert.equal(HnError.fromLocal({ error: "made_up" as "timeout" }).code, "internal_error");
    assert.equal(HnError.fromLocal({ error: "toString" as "timeout" }).code, "internal_error");
  });
});
