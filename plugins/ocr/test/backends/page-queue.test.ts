import assert from "node:assert/strict";
import test from "node:test";
import { PageQueue, workersFor } from "../../src/backends/page-queue.ts";

const never = new AbortController().signal;

test("reads as many pages at once as the cores bear (ai-runtimes B3)", () => {
  assert.deepEqual([1, 2, 3, 4, 8, 16, 64].map(workersFor), [1, 1, 1, 2, 4, 6, 6]);
});

test("runs no more than its limit and keeps the order", async () => {
  const queue = new PageQueue(2);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const started: number[] = [];
  const work = gates.map((gate, index) =>
    queue.run(never, async () => {
      started.push(index);
      await gate.promise;
    }),
  );
  await Promise.resolve();
  assert.deepEqual(started, [0, 1]);
  gates[1]?.resolve();
  await work[1];
  assert.deepEqual(started, [0, 1, 2]);
  for (const gate of gates) gate.resolve();
  await Promise.all(work);
  assert.deepEqual(started, [0, 1, 2, 3, 4]);
});

test("a page given up while waiting leaves at once and takes nobody's turn (22 rule 8)", async () => {
  const queue = new PageQueue(1);
  const gate = Promise.withResolvers<void>();
  const first = queue.run(never, () => gate.promise);
  const caller = new AbortController();
  const second = queue.run(caller.signal, () => Promise.reject(new Error("must not run")));
  const third = queue.run(never, () => Promise.resolve("third"));
  caller.abort();
  await assert.rejects(second, { name: "AbortError" });
  gate.resolve();
  await first;
  assert.equal(await third, "third");
  await assert.rejects(
    queue.run(AbortSignal.abort(), () => Promise.resolve()),
    { name: "AbortError" },
  );
});

test("a page that fails frees its place", async () => {
  const queue = new PageQueue(1);
  await assert.rejects(queue.run(never, () => Promise.reject(new Error("broken"))));
  assert.equal(await queue.run(never, () => Promise.resolve(1)), 1);
});
