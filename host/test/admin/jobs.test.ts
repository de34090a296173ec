import assert from "node:assert/strict";
import { test } from "node:test";
import { Jobs } from "../../src/admin/jobs.ts";
import { createUlidFactory, ManualClock } from "../../src/foundation/index.ts";

test("a hundred jobs are kept with what names them; older ones are let go of, running ones are not", async () => {
  const jobs = new Jobs(
    createUlidFactory(new ManualClock(), (n) => new Uint8Array(n)),
    () => {},
  );
  const running = Promise.withResolvers<void>();
  const start = (clientId: string, work: () => Promise<unknown>) =>
    jobs.start({ kind: "install", subject: "dev/x", clientId }, work).id;
  const long = start("long", () => running.promise);
  const first = start("first", async () => {});
  assert.equal(
    start("first", async () => assert.fail("it is known")),
    first,
  );
  for (let n = 0; n < 250; n += 1) {
    start(`client ${n}`, async () => {});
    await new Promise(setImmediate);
  }
  assert.equal(jobs.list().length, 100);
  assert.equal(
    start("long", async () => assert.fail("it runs still")),
    long,
  );
  assert.throws(() => jobs.get(first), { code: "not_found" });
  assert.notEqual(
    start("first", async () => {}),
    first,
    "its client's id means nothing any more",
  );
  assert.notEqual(
    start("client 0", async () => {}),
    first,
  );
  running.resolve();
});

test("whose node gives the bytes is told as long as it gives any, and not when all is over", async () => {
  const seen: (string | undefined)[] = [];
  const jobs = new Jobs(
    createUlidFactory(new ManualClock(), (n) => new Uint8Array(n)),
    (job) => seen.push(job.from),
  );
  jobs.start({ kind: "install", subject: "dev/x", clientId: "x" }, async (report) => {
    report({ step: "fetch", percent: 5, from: "Anna" });
    report({ step: "verify", percent: 40 });
    report({ step: "assets", percent: 60, from: "Ben" });
  });
  await new Promise(setImmediate);
  assert.deepEqual(seen, ["Anna", undefined, "Ben", undefined]);
});
