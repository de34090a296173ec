import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { checkLedgerLines, writeLedgerLine } from "../../../src/format/index.ts";
import { LedgerFolder, SIGNER } from "../../runtime/ledger/support.ts";

const DAY = 86_400_000;

function exported(t: TestContext): string[] {
  const place = new LedgerFolder({ limits: { segmentMs: DAY, keptMs: 3 * DAY } });
  t.after(() => place.close());
  for (let n = 0; n < 6; n += 1) {
    place.deny(`day ${n}`);
    place.clock.advance(DAY);
  }
  return [...place.ledger.lines({})].map((line) => writeLedgerLine(line).trimEnd());
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

test("an export is checked elsewhere from its first head on, whatever the node has dropped before (§8.2)", async (t) => {
  const lines = exported(t);
  const { check } = await checkLedgerLines(each(lines), { nodeId: SIGNER.nodeId });
  assert.ok(check?.ok, JSON.stringify(check));
  assert.ok((check?.first ?? 0) > 1);
  assert.equal(check?.rows, lines.filter((line) => line.startsWith('{"row"')).length);
});

test("finds in an export what was edited, left out, put elsewhere or cut off, and a head that another key has signed (§8.2)", async (t) => {
  const lines = exported(t);
  const at = lines.findIndex((line) => line.includes('"day 4"'));
  const seq = (JSON.parse(lines[at] ?? "") as { row: { seq: number } }).row.seq;
  const fault = async (change: string[]): Promise<unknown> => (await checkLedgerLines(each(change), {})).check?.fault;
  assert.deepEqual(await fault(lines.with(at, (lines[at] ?? "").replace("day 4", "day X"))), { seq, kind: "edited" });
  assert.deepEqual(await fault(lines.toSpliced(at, 1)), { seq, kind: "missing" });
  assert.deepEqual(await fault(lines.with(at, "{}")), { seq, kind: "unreadable" });
  assert.deepEqual(await fault(lines.slice(0, at + 1)), { seq: seq + 1, kind: "head_absent" });
  const boundary = lines.findLastIndex((line) => line.includes('"ends":false'));
  assert.equal(((await fault(lines.slice(0, boundary))) as { kind: string }).kind, "missing", "a whole segment at the end");
  const stranger = lines.with(0, JSON.stringify({ ledger: "hearthnet.ledger.v1", node_id: `ed25519:${"A".repeat(42)}E` }));
  assert.ok(await fault(stranger), "the file names a node that has not signed it");
});

test("refuses a file that is no export, or another node's", async (t) => {
  const lines = exported(t);
  assert.deepEqual(await checkLedgerLines(each(["hello"]), {}), { check: null, of: null });
  assert.deepEqual(await checkLedgerLines(each(lines), { nodeId: "ed25519:other" }), { check: null, of: SIGNER.nodeId });
});
