import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import type { LedgerRow } from "../../../src/contract/index.ts";
import { ENTRY, LedgerFolder, SIGNER, sqlIn } from "./support.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function open(t: TestContext, ...args: ConstructorParameters<typeof LedgerFolder>): LedgerFolder {
  const place = new LedgerFolder(...args);
  t.after(() => place.close());
  return place;
}

test("allowed operations are summed by second, denials stand alone up to ten a second (§8.2)", (t) => {
  const { ledger, clock } = open(t);
  for (let n = 0; n < 1000; n += 1) ledger.add({ ...ENTRY, bytesIn: 2 });
  for (let n = 0; n < 50; n += 1) ledger.add({ ...ENTRY, verdict: "deny" });
  for (let n = 0; n < 3; n += 1) ledger.add({ ...ENTRY, plugin: "dev/b", verdict: "deny" });
  clock.advance(1000);
  const rows = ledger.rows({ limit: 100 });
  const of = (plugin: string, verdict: string): number[] =>
    rows.filter((row) => row.plugin === plugin && row.verdict === verdict).map(({ count }) => count);
  assert.deepEqual(of("dev/a", "allow"), [1000]);
  assert.equal(rows.find(({ verdict }) => verdict === "allow")?.bytes_in, 2000);
  assert.deepEqual(
    of("dev/a", "deny").toSorted((a, b) => a - b),
    [...Array.from({ length: 10 }, () => 1), 40],
  );
  assert.deepEqual(of("dev/b", "deny"), [1, 1, 1], "another plugin's flood costs nobody else its rows");
  assert.ok(ledger.checkNow().ok);
});

test("a plugin that names ever other targets fills no disk: beyond 64 a second they are counted together (§8.2)", (t) => {
  const { ledger, clock } = open(t);
  for (let n = 0; n < 5000; n += 1) ledger.add({ ...ENTRY, target: `host-${n}:443` });
  clock.advance(1000);
  const rows = ledger.rows({ limit: 500 });
  assert.equal(rows.length, 65);
  assert.equal(rows.find(({ target }) => target === "…")?.count, 5000 - 64);
});

test("a row is exactly what §8.1 lists, chained to the one before", (t) => {
  const place = open(t);
  place.deny("ocr.image@1", { trace: "t1" });
  place.deny("x:443");
  const [second, first] = place.ledger.rows({ limit: 2 }) as [LedgerRow, LedgerRow];
  assert.equal(
    Object.keys(first).join(),
    "seq,at,plugin,release,op,permission,target,bytes_in,bytes_out,count,verdict,trace,via,prev",
  );
  assert.equal(first.prev, "0".repeat(64));
  assert.match(second.prev, /^[0-9a-f]{64}$/);
  assert.deepEqual(place.ledger.checkNow(), { ok: true, node_id: SIGNER.nodeId, rows: 2, first: 1, last: 2 });
});

test("a plugin's words in a row move no terminal's cursor and break no chain (§8.1)", (t) => {
  const place = open(t);
  place.deny("\u001b[2J\u202ex\ud800", { op: "\u0007bell" });
  const [row] = place.ledger.rows({ limit: 1 });
  assert.equal(row?.target, "\\u001b[2J\\u202ex\ufffd");
  assert.equal(row?.op, "\\u0007bell");
  assert.ok(place.reopen().checkNow().ok);
});

test("what an operator has decided is on disk before they hear of it: no kill takes it along (§8.3)", (t) => {
  const place = open(t);
  place.ledger.addGrants(
    { plugin: "dev/a", release: "1.0.0" },
    [],
    [{ permission: "notify", scope: {}, mode: "allow", grantedBy: "operator", at: 1, publisherKey: "k" }],
  );
  const [path = ""] = place.segments();
  const db = new DatabaseSync(path);
  t.after(() => db.close());
  assert.deepEqual(
    db
      .prepare("SELECT op, verdict FROM row")
      .all()
      .map(({ op, verdict }) => [op, verdict]),
    [["grant", "allow"]],
  );
});

test("rows are found by plugin, op, verdict and time, over all segments", (t) => {
  const place = open(t, { limits: { segmentMs: HOUR } });
  place.deny("one");
  place.clock.advance(HOUR);
  place.deny("two", { plugin: "dev/b" });
  const later = place.clock.now();
  place.clock.advance(HOUR);
  place.deny("three", { plugin: "dev/b", op: "bus.call", verdict: "quota" });
  const targets = (filter: object): string[] =>
    place.ledger
      .rows({ limit: 10, ...filter })
      .filter(({ plugin }) => plugin !== "")
      .map(({ target }) => target);
  assert.ok(place.segments().length >= 2);
  assert.deepEqual(targets({}), ["three", "two", "one"]);
  assert.deepEqual(targets({ plugin: "dev/b" }), ["three", "two"]);
  assert.deepEqual(targets({ op: "bus.call" }), ["three"]);
  assert.deepEqual(targets({ verdict: "deny" }), ["two", "one"]);
  assert.deepEqual(targets({ since: later }), ["three", "two"]);
  assert.deepEqual(targets({ before: 2 }), ["one"]);
});

test("segments begin anew by size and by age, and the oldest are dropped whole; the chain holds from the first kept head (§8.2)", (t) => {
  const place = open(t, { limits: { segmentMs: DAY, keptMs: 3 * DAY } });
  for (let n = 0; n < 8; n += 1) {
    place.deny(`day ${n}`);
    place.clock.advance(DAY);
  }
  const check = place.ledger.checkNow();
  assert.ok(check.ok, JSON.stringify(check));
  assert.ok(check.first > 1, "the first days are gone");
  assert.ok(place.segments().length <= 5);
  assert.ok(place.ledger.rows({ limit: 100, op: "ledger.drop" }).length > 0, "that they went is a row as well");
  const small = open(t, { limits: { segmentBytes: 60_000, keptSegments: 3 } });
  for (let n = 0; n < 1000; n += 1) small.deny(`row ${n}`);
  assert.ok(small.segments().length <= 3, "a flood of rows fills no disk");
  assert.ok(small.ledger.checkNow().ok);
  assert.ok(small.reopen().checkNow().ok);
});

const tamperings: [name: string, kind: string, seq: number, act: (place: LedgerFolder) => void][] = [
  ["an edited row", "edited", 3, (place) => place.sql("UPDATE row SET target = 'other' WHERE seq = 3")],
  ["an edited row with a hash that fits", "moved", 4, (place) => place.rewrite(3, { target: "other" })],
  ["an edited last row with a hash that fits", "edited", 6, (place) => place.rewrite(6, { target: "other" })],
  ["a missing row", "missing", 3, (place) => place.sql("DELETE FROM row WHERE seq = 3")],
  ["a missing last row", "missing", 6, (place) => place.sql("DELETE FROM row WHERE seq = 6")],
  [
    "rows in another order",
    "moved",
    2,
    (place) =>
      place.sql(
        "UPDATE row SET seq = 99 WHERE seq = 2; UPDATE row SET seq = 2 WHERE seq = 3; UPDATE row SET seq = 3 WHERE seq = 99",
      ),
  ],
  ["an absent head", "head_absent", 7, (place) => place.sql("DELETE FROM head WHERE ends = 1")],
  [
    "an unsigned head",
    "head_absent",
    7,
    (place) => place.sql("UPDATE head SET value = json_remove(value, '$.signature') WHERE ends = 1"),
  ],
  [
    "a forged head",
    "head_forged",
    7,
    (place) => place.sql("UPDATE head SET value = json_set(value, '$.at', '2026-01-01T00:00:00Z') WHERE ends = 1"),
  ],
];
for (const [name, kind, seq, act] of tamperings) {
  test(`finds ${name}, and says where; going on conceals nothing (§8.2)`, (t) => {
    const place = open(t);
    for (let n = 1; n <= 6; n += 1) place.deny(`t${n}`);
    assert.ok(place.ledger.checkNow().ok);
    const again = place.reopen(() => act(place));
    assert.deepEqual(again.checkNow().fault, { seq, kind });
    place.deny("after");
    assert.deepEqual(again.checkNow().fault, { seq, kind });
    assert.deepEqual(place.reopen().checkNow().fault, { seq, kind });
  });
}

test("finds a removed segment, be it the first, one in the middle or the last (§8.2)", (t) => {
  for (const [index, expected] of [
    [0, 1],
    [1, 4],
    [3, 8],
  ] as const) {
    const place = open(t, { limits: { segmentMs: DAY } });
    for (let n = 0; n < 4; n += 1) {
      place.deny(`day ${n}`);
      if (n < 3) place.clock.advance(DAY);
    }
    assert.ok(place.ledger.checkNow().ok);
    const again = place.reopen(() => rmSync(place.segments()[index] ?? ""));
    assert.deepEqual(again.checkNow().fault, { seq: expected, kind: "missing" });
    place.deny("after");
    assert.equal(again.checkNow().fault?.kind, "missing");
  }
});

test("a next segment that was made but not announced is no fault: a kill came between the two (§8.2)", (t) => {
  const place = open(t, { limits: { segmentMs: DAY } });
  place.deny("one");
  place.clock.advance(DAY);
  place.deny("two");
  const [first = ""] = place.segments();
  assert.equal(place.segments().length, 2);
  const { prev } = place.ledger.rows({ limit: 1, op: "ledger.segment" })[0] as LedgerRow;
  const head = { seq: 2, hash: prev, at: "2026-07-02T12:00:00Z" };
  const signed = { type: "hearthnet.ledger.v1", ...head, signature: SIGNER.signLedgerHead(head) };
  const again = place.reopen(() =>
    sqlIn(first, `DELETE FROM row WHERE seq = 3; UPDATE head SET value = '${JSON.stringify(signed)}' WHERE ends = 1`),
  );
  place.deny("three");
  assert.ok(again.checkNow().ok, JSON.stringify(again.checkNow()));
  assert.deepEqual(
    again.rows({ limit: 9, plugin: "dev/a" }).map(({ target }) => target),
    ["three", "two", "one"],
  );
});

test("what cannot be written is tried again, and ends nobody's call (§8.2)", (t) => {
  const troubles: unknown[] = [];
  const place = open(t, { onTrouble: (error) => troubles.push(error) });
  const [path = ""] = place.segments();
  sqlIn(path, "CREATE TRIGGER full BEFORE INSERT ON row BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  place.deny("kept");
  assert.equal(place.ledger.rows({ limit: 9 }).length, 0);
  assert.ok(troubles.length > 0);
  sqlIn(path, "DROP TRIGGER full");
  place.clock.advance(1000);
  assert.deepEqual(
    place.ledger.rows({ limit: 9 }).map(({ target, count }) => [target, count]),
    [["kept", 1]],
  );
});
