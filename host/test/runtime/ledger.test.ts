import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { ManualClock } from "../../src/foundation/index.ts";
import { Ledger, type LedgerEntry } from "../../src/runtime/ledger.ts";

const ENTRY: LedgerEntry = {
  plugin: "dev/a",
  release: "1.0.0",
  op: "kv.get",
  permission: "storage.kv",
  target: "",
  verdict: "allow",
};

function withLedger(act: (o: { ledger: Ledger; clock: ManualClock; path: string; reopen: () => Ledger }) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "hn-ledger-"));
  const path = join(folder, "ledger.db");
  const clock = new ManualClock();
  let ledger = new Ledger(path, clock);
  const reopen = (): Ledger => {
    ledger.close();
    return (ledger = new Ledger(path, clock));
  };
  try {
    act({ ledger, clock, path, reopen });
  } finally {
    ledger.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

test("allowed operations are summed by second, denials stand alone up to ten a second (§8.2)", () =>
  withLedger(({ ledger, clock }) => {
    for (let n = 0; n < 1000; n += 1) ledger.add(ENTRY);
    for (let n = 0; n < 50; n += 1) ledger.add({ ...ENTRY, verdict: "deny" });
    clock.advance(1000);
    const rows = ledger.rows(100);
    assert.equal(rows.filter(({ verdict }) => verdict === "allow").length, 1);
    assert.equal(rows.find(({ verdict }) => verdict === "allow")?.count, 1000);
    assert.equal(rows.filter(({ verdict, count }) => verdict === "deny" && count === 1).length, 10);
    assert.equal(rows.find(({ verdict, count }) => verdict === "deny" && count > 1)?.count, 40);
  }));

for (const [name, sql] of [
  ["an edited row", "UPDATE ledger SET target = 'other' WHERE seq = 3"],
  ["a missing row", "DELETE FROM ledger WHERE seq = 3"],
  [
    "rows in another order",
    "UPDATE ledger SET seq = 99 WHERE seq = 2; UPDATE ledger SET seq = 2 WHERE seq = 3; UPDATE ledger SET seq = 3 WHERE seq = 99",
  ],
] as const) {
  test(`finds ${name} (§8.2)`, () =>
    withLedger(({ ledger, path, reopen }) => {
      for (let n = 0; n < 5; n += 1) ledger.add({ ...ENTRY, verdict: "deny", target: `t${n}` });
      assert.ok(ledger.verify());
      const again = reopen();
      again.add({ ...ENTRY, verdict: "deny", target: "after the restart" });
      assert.ok(again.verify(), "the chain goes on after a restart");
      const db = new DatabaseSync(path);
      db.exec(sql);
      db.close();
      assert.ok(!again.verify());
    }));
}
