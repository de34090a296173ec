import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { it } from "node:test";
import type { LedgerCheck, LedgerRow, LocalError } from "@hearthnet/host/contract";
import { startNode } from "../support/live-node.ts";

const ID = "hearthnet/ocr";

it("shows, checks and exports what plugins asked for and operators did; the export is checked without a node (§8)", async (t) => {
  const node = await startNode(t);
  await node.ask(["plugin", "install", ID, "--grant", "all"]);
  await node.ask(["plugin", "revoke", ID, "proc.worker"]);
  const rows = await node.ask<LedgerRow[]>(["audit", "list", "--plugin", ID, "--since", "1h", "--limit", "100"]);
  const has = (op: string, permission = ""): boolean => rows.some((row) => row.op === op && row.permission === permission);
  assert.ok(has("operator.plugin.install"), "who installed it");
  assert.ok(has("grant", "bus.provide"), "what was consented to");
  assert.ok(has("ungrant", "proc.worker"), "what was taken away");
  assert.ok(rows.every(({ plugin }) => plugin === ID));
  const tail = await node.ask<LedgerRow[]>(["audit", "tail", "--op", "operator.plugin.grants"]);
  assert.deepEqual(
    tail.map(({ target }) => target),
    ["by terminal"],
  );
  assert.ok((await node.ask<LedgerCheck>(["audit", "verify"])).ok);

  const file = join(node.dataDir, "..", "audit.ndjson");
  const { rows: written } = await node.ask<{ rows: number }>(["audit", "export", file]);
  assert.ok(written >= rows.length);
  assert.equal((await node.cli(["audit", "export", file])).code, 1, "no file is written over");
  await node.kill9();
  const of = ["audit", "verify", "--file", file];
  const check = await node.ask<LedgerCheck>([...of, "--node", node.ready.node_id]);
  assert.equal(check.rows, written);
  const stranger = await node.cli([...of, "--node", `ed25519:${"A".repeat(43)}`]);
  assert.equal((stranger.json as LocalError).reason, "not_this_ledger");
  writeFileSync(file, readFileSync(file, "utf8").replace("by terminal", "by nobody"));
  const edited = await node.cli(of);
  assert.equal(edited.code, 1);
  assert.equal((edited.json as LedgerCheck).fault?.kind, "edited");
});

it("after kill -9 the ledger is whole, and whoever edits its files is found out (§8.2)", async (t) => {
  const first = await startNode(t);
  await first.ask(["plugin", "install", ID, "--grant", "all"]);
  await first.kill9();
  const second = await startNode(t, { dataDir: first.dataDir });
  const { ok, rows } = await second.ask<LedgerCheck>(["audit", "verify"]);
  assert.ok(ok && rows > 0);
  await second.stop();
  const folder = join(first.dataDir, "runtime", "ledger");
  const [name = ""] = readdirSync(folder).filter((entry) => entry.endsWith(".db"));
  const db = new DatabaseSync(join(folder, name));
  db.exec("UPDATE row SET permission = 'notify' WHERE op = 'grant' AND permission = 'bus.provide'");
  db.close();
  const third = await startNode(t, { dataDir: first.dataDir });
  const { code, json } = await third.cli(["audit", "verify"]);
  assert.equal(code, 1);
  assert.equal((json as LedgerCheck).fault?.kind, "edited");
});
