import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../../../src/foundation/index.ts";
import { importSeed, Signer } from "../../../src/identity/index.ts";
import { Ledger } from "../../../src/runtime/ledger/index.ts";

const CHILD = join(import.meta.dirname, "killed-process.ts");

test("kill -9 takes at most the last second's sums of what was allowed; what was flushed and every denial stand (§8.2)", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hn-ledger-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const seed = randomBytes(32);
  const { signal, stderr } = spawnSync(process.execPath, [...process.execArgv, CHILD, folder, seed.toString("hex")], {
    encoding: "utf8",
  });
  assert.equal(signal, "SIGKILL", stderr);
  const { nodeId, key } = importSeed(seed);
  const signer = new Signer(nodeId, key);
  const ledger = new Ledger({ folder, clock: new ManualClock(), nodeId, sign: (head) => signer.signLedgerHead(head) });
  const rows = ledger.rows({ limit: 100 });
  const sum = (verdict: string): number =>
    rows.filter((row) => row.verdict === verdict).reduce((all, { count }) => all + count, 0);
  assert.equal(sum("deny"), 25);
  assert.equal(sum("allow"), 100, "the first second was flushed, the second was not");
  assert.ok(ledger.checkNow().ok);
  ledger.close();
  const again = new Ledger({ folder, clock: new ManualClock(), nodeId, sign: (head) => signer.signLedgerHead(head) });
  assert.equal(again.rows({ limit: 100 }).length, rows.length, "nothing is written twice");
  again.close();
});
