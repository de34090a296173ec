import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../support/people.ts";
import { ENTRY, LedgerFolder } from "./support.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = 60;
const DAY = 86_400_000;

type Tampering = { name: string; act: (place: LedgerFolder, seq: number) => void; found: (seq: number, last: number) => number };
const TAMPERINGS: readonly Tampering[] = [
  { name: "edit", act: (place, seq) => place.sql(`UPDATE row SET count = count + 1 WHERE seq = ${seq}`), found: (seq) => seq },
  { name: "relabel", act: (place, seq) => place.sql(`UPDATE row SET at = at + 1 WHERE seq = ${seq}`), found: (seq) => seq },
  { name: "remove", act: (place, seq) => place.sql(`DELETE FROM row WHERE seq = ${seq}`), found: (seq) => seq },
  { name: "cut off", act: (place, seq) => place.sql(`DELETE FROM row WHERE seq >= ${seq}`), found: (seq) => seq },
];

test(`whatever was written is found whole, whatever was changed is found where it was changed (§8.2, HN_SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  const upTo = (n: number): number => Buffer.from(random(4)).readUInt32BE() % n;
  for (let run = 0; run < RUNS; run += 1) {
    const place = new LedgerFolder({ limits: { segmentMs: DAY, keptMs: 40 * DAY } });
    try {
      for (let n = 2 + upTo(30); n > 0; n -= 1) {
        const verdict = (["allow", "deny", "quota", "simulate"] as const)[upTo(4)] ?? "allow";
        place.ledger.add({ ...ENTRY, plugin: `dev/p${upTo(3)}`, target: `t${upTo(5)}`, verdict, bytesIn: upTo(9) });
        place.clock.advance([0, 300, 1000, DAY][upTo(4)] ?? 0);
        if (upTo(8) === 0) place.reopen();
      }
      const { ok, last } = place.ledger.checkNow();
      assert.ok(ok, `run ${run}: an untouched ledger is whole`);
      const seq = 1 + upTo(last);
      const tampering = TAMPERINGS[upTo(TAMPERINGS.length)] as Tampering;
      const again = place.reopen(() => tampering.act(place, seq));
      const { fault } = again.checkNow();
      assert.equal(
        fault?.seq,
        tampering.found(seq, last),
        `run ${run}: ${tampering.name} at ${seq} of ${last}: ${JSON.stringify(fault)}`,
      );
    } finally {
      place.close();
    }
  }
});
