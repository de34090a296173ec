import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { ManualClock, silentLog } from "../../../src/foundation/index.ts";
import { KeptSeals } from "../../../src/transport/session/kept-seals.ts";
import { leafOf } from "../../../src/transport/session/merkle.ts";
import { verifyProof } from "../../../src/transport/session/proof.ts";
import { encodeRecord, TYPE } from "../../../src/transport/session/record.ts";
import { SealReader, SealWriter } from "../../../src/transport/session/seal.ts";
import { refused } from "../../identity/people.ts";
import { until } from "../../support/until.ts";
import { shareStreet } from "../support/shared-street.ts";
import { temporaryFolder } from "../support/street.ts";
import { Hand } from "./hand.ts";
import { A, B, NOON, R } from "./vectors.ts";

const HOUR_MS = 3_600_000;
const FACTS = { session: "s", from: A.nodeId, to: B.nodeId, community: R, th6: Buffer.alloc(32) };
const record = (id: number): Buffer => encodeRecord({ type: TYPE.call, id, body: `{"n":${id}}` });

interface Shelf {
  seals: KeptSeals;
  clock: ManualClock;
  path: string;
  /** A seal of A over these records. */
  keep(ids: readonly number[], isWith: boolean): void;
}

function shelf(t: TestContext, bytesMax?: number): Shelf {
  const path = join(temporaryFolder(t), "seals.db");
  const clock = new ManualClock();
  const seals = new KeptSeals({ path, clock, log: silentLog, ...(bytesMax === undefined ? {} : { bytesMax }) });
  t.after(() => seals.close());
  const [writer, reader] = [new SealWriter(A, FACTS), new SealReader(FACTS)];
  const keep = (ids: readonly number[], isWith: boolean): void => {
    for (const id of ids) for (const side of [writer, reader]) side.add(leafOf(record(id)));
    seals.keep({ ...reader.read(JSON.parse(writer.seal(NOON)) as never), isWith });
  };
  return { seals, clock, path, keep };
}

describe("what neighbours have signed (network.md §1.6 Kept by the receiver)", () => {
  it("is a proof of each record under it, for whoever has kept the record", (t) => {
    const { seals, keep } = shelf(t);
    keep([1, 3, 5], true);
    keep([7], true);
    for (const id of [1, 3, 5, 7]) assert.equal(verifyProof(seals.proofOf(record(id)), A.nodeId)?.session, "s");
    assert.throws(() => seals.proofOf(record(9)), refused("not_found"));
  });

  it("stays for 30 days where something was changed, for an hour else", (t) => {
    const { seals, clock, keep } = shelf(t);
    keep([1], true);
    keep([3], false);
    clock.advance(HOUR_MS - 1);
    seals.proofOf(record(3));
    clock.advance(1);
    assert.throws(() => seals.proofOf(record(3)), refused("not_found"));
    clock.advance(719 * HOUR_MS - 1);
    seals.proofOf(record(1));
    clock.advance(1);
    assert.throws(() => seals.proofOf(record(1)), refused("not_found"));
  });

  it("is on disk a quarter of a second later, or 64 seals later, and survives an end without a farewell", (t) => {
    const { clock, path, keep } = shelf(t);
    keep([1], true);
    clock.advance(250);
    for (let id = 3; id < 3 + 2 * 64; id += 2) keep([id], true);
    const next = new KeptSeals({ path, clock, log: silentLog });
    t.after(() => next.close());
    for (const id of [1, 3, 129]) assert.ok(verifyProof(next.proofOf(record(id)), A.nodeId));
  });

  it("takes no more room than it may: what would end first goes first, over restarts too", (t) => {
    const { seals, clock, path, keep } = shelf(t, 3 * 832);
    keep([1], true);
    keep([3], false);
    keep([5], true);
    clock.advance(250);
    keep([7], true);
    clock.advance(250);
    assert.throws(() => seals.proofOf(record(3)), refused("not_found"));
    const next = new KeptSeals({ path, clock, log: silentLog, bytesMax: 2 * 832 });
    t.after(() => next.close());
    const [writer, reader] = [new SealWriter(A, FACTS), new SealReader(FACTS)];
    for (const side of [writer, reader]) side.add(leafOf(record(9)));
    next.keep({ ...reader.read(JSON.parse(writer.seal(NOON)) as never), isWith: true });
    for (const id of [7, 9]) next.proofOf(record(id));
    for (const id of [1, 5]) assert.throws(() => next.proofOf(record(id)), refused("not_found"));
  });
});

describe("a node", async () => {
  const { anna, ben } = await shareStreet((street) =>
    street.neighbours({ anna: { features: ["req-to", "resp-sig", "peer-session"] } }),
  );

  it("can show others what a neighbour has asked it to do on a session", async (t) => {
    anna.offer({ name: "ext.demo.change", idempotent: false });
    const hand = await Hand.shake(anna, ben.signer);
    t.after(() => hand.webSocket.terminate());
    const said = hand.call({ cap: "ext.demo.change" });
    hand.sealed(said);
    await until("it is answered", () => hand.heard.some(({ type }) => type === TYPE.result));
    const seal = verifyProof(anna.link.sessions.proofOf(said), ben.nodeId);
    assert.deepEqual([seal?.from, seal?.to, seal?.session], [ben.nodeId, anna.nodeId, hand.established.sid]);
  });
});
