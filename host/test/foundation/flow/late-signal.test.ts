import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LateSignal } from "../../../src/foundation/index.ts";

describe("LateSignal", () => {
  it("tells every listener once, before and after, and keeps the first reason", () => {
    const heard: string[] = [];
    const late = new LateSignal();
    late.onAbort(() => heard.push("one"));
    late.onAbort(() => heard.push("two"));
    late.signal.addEventListener("abort", () => heard.push("platform"));
    assert.equal(late.aborted, false);
    late.abort("first");
    late.abort("second");
    late.onAbort(() => heard.push("late"));
    assert.deepEqual(heard.toSorted(), ["late", "one", "platform", "two"]);
    assert.deepEqual([late.aborted, late.reason, late.signal.reason], [true, "first", "first"]);
  });

  it("gives a signal that has fired already to whoever asks afterwards", () => {
    const late = new LateSignal();
    late.abort(new Error("too late"));
    assert.equal(late.signal.aborted, true);
    assert.equal(late.signal.reason, late.reason);
    assert.equal(late.signal, late.signal);
  });
});
