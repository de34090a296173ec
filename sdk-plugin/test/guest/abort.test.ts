import assert from "node:assert/strict";
import { test } from "node:test";
import { GuestController, GuestException, GuestSignal } from "../../src/guest/abort.ts";

test("a signal fires once, tells everybody who listens, and keeps its reason", () => {
  const controller = new GuestController();
  const { signal } = controller;
  const heard: string[] = [];
  const gone = (): void => void heard.push("gone");
  signal.addEventListener("abort", () => heard.push("one"));
  signal.addEventListener("abort", gone);
  signal.removeEventListener("abort", gone);
  signal.addEventListener("other", gone);
  signal.onabort = ({ type, target }) => heard.push(`${type} ${target === signal}`);
  signal.throwIfAborted();
  controller.abort("why");
  controller.abort("again");
  assert.deepEqual(heard, ["abort true", "one"]);
  assert.deepEqual([signal.aborted, signal.reason], [true, "why"]);
  assert.throws(
    () => signal.throwIfAborted(),
    (reason) => reason === "why",
  );
});

test("without a reason it is an AbortError, as on the platform", () => {
  const controller = new GuestController();
  controller.abort();
  assert.ok(controller.signal.reason instanceof GuestException);
  assert.equal(controller.signal.reason.name, "AbortError");
  assert.equal(new GuestException("x", "AbortError").message, "x");
});

test("a joined signal fires with the first of its parts, also with one that had fired before", () => {
  const [one, two] = [new GuestController(), new GuestController()];
  const joined = GuestSignal.any([one.signal, two.signal]);
  assert.equal(joined.aborted, false);
  two.abort("two");
  one.abort("one");
  assert.equal(joined.reason, "two");
  assert.equal(GuestSignal.any([new GuestController().signal, GuestSignal.abort("early")]).reason, "early");
});
