import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { StoredRelease } from "../../../src/contract/index.ts";
import { startTicks } from "../../../src/runtime/confine/index.ts";
import { Journal, sweepOrphans } from "../../../src/runtime/journal/index.ts";
import { allow } from "../fixtures/world.ts";

const release = (version: string): StoredRelease =>
  ({ id: "dev/a", version, sha256: version.repeat(8), publisherKeyId: "k" }) as unknown as StoredRelease;

async function withJournal(act: (journal: Journal, reopen: () => Journal) => unknown): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "hn-journal-"));
  let now = 1_000_000;
  const open = (): Journal =>
    new Journal(join(folder, "journal.db"), { now: () => (now += 1), random: (n) => new Uint8Array(n) });
  let journal = open();
  try {
    await act(journal, () => {
      journal.close();
      return (journal = open());
    });
  } finally {
    journal.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

test("exactly one release is active, before and after a restart (§6.2)", () =>
  withJournal((journal, reopen) => {
    journal.activate(release("1.0.0"), { desired: "enabled", grants: [allow("notify")], data: "data" });
    journal.activate(release("2.0.0"), { desired: "enabled", grants: [allow("storage.kv", { quotaMb: 1 })], data: "data" });
    const again = reopen();
    const [row] = again.plugins();
    assert.equal(again.plugins().length, 1);
    assert.equal(again.release("dev/a", row?.activeRelease ?? "")?.version, "2.0.0");
    assert.equal(again.release("dev/a", "1.0.0".repeat(8))?.version, "1.0.0", "the former one is kept");
    assert.deepEqual(again.grants("dev/a"), [{ ...allow("storage.kv", { quotaMb: 1 }), publisherKey: "k" }]);
  }));

test("crashes outlive updates and removals; the operator's reset stops them from counting", () =>
  withJournal((journal) => {
    journal.activate(release("1.0.0"), { desired: "enabled", grants: [], data: "data" });
    journal.recordCrash("dev/a", { release: "x", failedStart: true, why: "one" });
    journal.activate(release("2.0.0"), { desired: "enabled", grants: [], data: "data" });
    assert.equal(journal.crashes("dev/a").crashes.length, 1);
    journal.resetCrashes("dev/a");
    assert.equal(journal.crashes("dev/a").crashes.length, 0);
    journal.recordCrash("dev/a", { release: "x", failedStart: false, why: "two" });
    assert.deepEqual(
      journal.crashes("dev/a").crashes.map(({ why }) => why),
      ["two"],
    );
  }));

test("an intent without done is found after a restart, one with done is not", () =>
  withJournal((journal, reopen) => {
    journal.done(journal.intent({ pluginId: "dev/a", kind: "install", step: "flip" }));
    journal.intent({ pluginId: "dev/b", kind: "remove", step: "delete", payload: { keepData: false } });
    assert.deepEqual(
      reopen()
        .unfinished()
        .map(({ pluginId, kind, payload }) => [pluginId, kind, payload]),
      [["dev/b", "remove", { keepData: false }]],
    );
  }));

test("the last ten configurations are kept; the newest can be taken back", () =>
  withJournal((journal) => {
    for (let n = 0; n < 15; n += 1) journal.setConfig("dev/a", { n }, new Uint8Array([n]));
    assert.deepEqual(journal.config("dev/a")?.value, { n: 14 });
    journal.dropNewestConfig("dev/a");
    assert.deepEqual(journal.config("dev/a")?.value, { n: 13 });
    assert.deepEqual([...(journal.config("dev/a")?.secrets ?? [])], [13]);
  }));

test("orphans of a killed daemon are ended, but not a stranger that got the same pid (A25)", async (t) => {
  if (process.platform !== "linux") return t.skip("needs Linux");
  await withJournal(async (journal) => {
    const children = [0, 1].map(() => spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" }));
    const [orphan, stranger] = children.map((child) => child.pid ?? 0) as [number, number];
    journal.processStarted({ pid: orphan, startTicks: startTicks(orphan) ?? 0, pluginId: "dev/a" });
    journal.processStarted({ pid: stranger, startTicks: (startTicks(stranger) ?? 0) + 1, pluginId: "dev/b" });
    const ended = once(children[0]!, "exit");
    assert.equal(sweepOrphans(journal), 1);
    assert.deepEqual((await ended)[1], "SIGKILL");
    assert.notEqual(startTicks(stranger), null);
    children[1]!.kill("SIGKILL");
    assert.deepEqual(journal.processes(), []);
  });
});

test("a process that several plugins share is known until the last of them has ended, and swept as one (A25)", () =>
  withJournal((journal) => {
    const shared = { pid: 4711, startTicks: 1 };
    for (const pluginId of ["dev/a", "dev/b", "dev/b"]) journal.processStarted({ ...shared, pluginId });
    journal.processEnded(4711);
    journal.processEnded(4711);
    assert.deepEqual(journal.processes(), [shared]);
    journal.processEnded(4711);
    assert.deepEqual(journal.processes(), []);
    for (const pluginId of ["dev/a", "dev/b"]) journal.processStarted({ ...shared, pluginId });
    journal.processStarted({ pid: 4711, startTicks: 2, pluginId: "dev/c" });
    journal.processEnded(4711);
    assert.deepEqual(journal.processes(), [], "another process with the same number");
    for (const pluginId of ["dev/a", "dev/b"]) journal.processStarted({ ...shared, pluginId });
    sweepOrphans(journal);
    assert.deepEqual(journal.processes(), []);
  }));

test("a right counts for the publisher whom it was given to, and for no other (§3.4.1)", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hn-journal-"));
  const path = join(folder, "journal.db");
  const journal = new Journal(path, { now: () => 1, random: (n) => new Uint8Array(n) });
  t.after(() => {
    journal.close();
    rmSync(folder, { recursive: true, force: true });
  });
  journal.activate(release("1.0.0"), { desired: "enabled", grants: [allow("notify")], data: "data" });
  assert.equal(journal.grants("dev/a").length, 1);
  const other = new DatabaseSync(path);
  other.exec("UPDATE plugin SET publisher_key = 'another'");
  other.close();
  assert.deepEqual(journal.grants("dev/a"), []);
});
