/** What a plugin can show others of its calls. @source network.md §1.6 "Export" */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, ProvenCall, SessionProof } from "../../../src/contract/index.ts";
import { leafOf } from "../../../src/transport/session/merkle.ts";
import { exportProof, readProof } from "../../../src/transport/session/proof.ts";
import { encodeRecord, TYPE } from "../../../src/transport/session/record.ts";
import { SealReader, SealWriter } from "../../../src/transport/session/seal.ts";
import { device } from "../../identity/people.ts";
import { hasBubblewrap } from "../fixtures/world.ts";
import { openNeighbourhood } from "./neighbours.ts";

const skip = hasBubblewrap() ? false : "needs bubblewrap";
const NOON = Date.UTC(2026, 6, 1, 12);
const BEN = device(2);
const BODY = { params: {}, input: { text: "I lend you the ladder." } };

/** That Ben asked Anna for it. */
function said(to: string, change: JsonObject = {}): SessionProof {
  const facts = { session: "ExrK6yXu4K-JyZWA7-B2YA", from: BEN.nodeId, to, community: to, th6: Buffer.alloc(32, 1) };
  const call = { cap: "dev.promise", ver: "1.0", rid: "01J9Z3K8V4Q2N7M5C6B1A0XWYT", dl: 30_000, body: BODY, ...change };
  const record = encodeRecord({ type: TYPE.call, id: 1, body: JSON.stringify(call) });
  const [writer, reader] = [new SealWriter(BEN, facts), new SealReader(facts)];
  for (const one of [writer, reader]) one.add(leafOf(record));
  return exportProof(reader.read(JSON.parse(writer.seal(NOON)) as JsonObject), record);
}

const KEEPS = `
  const { shown } = req.input;
  if (shown !== undefined) return { call: await ctx.identity.readProof(shown) };
  return { proof: await req.proof() };`;

for (const tier of ["process", "isolate"] as const)
  test(`a plugin in its ${tier} gets the proof of its call, and another believes it`, { skip }, async (t) => {
    const { install, ask, anna } = await openNeighbourhood(t, { readProof });
    await install({ name: "promise", does: KEEPS, tier });
    const made = said(anna.signer.nodeId);
    const { proof } = await ask("promise", {}, { proof: () => made });
    assert.deepEqual(proof, JSON.parse(JSON.stringify(made)));
    const { call } = await ask("promise", { shown: proof ?? null });
    const proven: ProvenCall = {
      from: BEN.nodeId,
      to: anna.signer.nodeId,
      community: anna.signer.nodeId,
      time: "2026-07-01T12:00:00Z",
      capability: "dev.promise",
      request_id: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
      body: BODY,
    };
    assert.deepEqual(call, proven);
  });

test("there is none of a call that nobody signed, and what was changed shows nothing", { skip }, async (t) => {
  const { install, ask, anna } = await openNeighbourhood(t, { readProof });
  await install({ name: "promise", does: KEEPS });
  assert.deepEqual(await ask("promise"), { proof: null });
  const made = said(anna.signer.nodeId);
  for (const [why, shown] of [
    ["another seal", { ...made, seal: { ...made.seal, from: anna.signer.nodeId } }],
    ["another record", { ...made, record: said(anna.signer.nodeId, { cap: "dev.other" }).record }],
    ["no call", said(anna.signer.nodeId, { cap: "no name" })],
    ["no form", { seal: 7 }],
    ["nothing", {}],
  ] as const)
    assert.deepEqual(await ask("promise", { shown: shown as unknown as JsonObject }), { call: null }, why);
});
