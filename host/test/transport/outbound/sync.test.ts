import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { JsonObject, SyncReply } from "../../../src/contract/index.ts";
import { refused } from "../../identity/people.ts";
import { crooked, headerOf, setHeader, type Parcel } from "../support/crooked.ts";
import { tick } from "../../bus/make.ts";
import { Street, type House } from "../support/street.ts";

/** Another answer, signed by the neighbour itself: a node of another version, or one gone wrong. */
function says(anna: House, ben: House, body: JsonObject): (parcel: Parcel) => void {
  return (parcel) => {
    const field = (name: string): string => headerOf(parcel, `x-hearthnet-${name}`);
    const envelope = {
      request_id: field("request-id"),
      from: anna.nodeId,
      to: ben.nodeId,
      timestamp: field("timestamp"),
      status: 200,
      body,
    };
    parcel.body = JSON.stringify(body);
    setHeader(parcel, "x-hearthnet-signature", anna.signer.signResponse(envelope));
  };
}

describe("asking a neighbour for its log (04 §8)", () => {
  it("understands the reply of the first generation, and refuses what is none (E-14)", async (t) => {
    const [anna, ben] = await new Street(t).neighbours();
    const ask = async (body: JsonObject): Promise<SyncReply> => {
      const { endpoint } = await crooked(t, anna, { spoil: says(anna, ben, body) });
      const peer = { ...anna.address(), endpoints: [endpoint] };
      return ben.link.syncEvents(peer, { community_id: anna.communityId(), events: [] });
    };
    assert.deepEqual(
      { ...(await ask({ accepted: 1, new_head_lamport: 7 })) },
      { accepted: 1, new_head_lamport: 7, rejected: 0, rejected_reasons: [], new_head: 7, events: [], more: false },
    );
    const wrong: JsonObject[] = [
      { events: {} },
      { accepted: "1" },
      { more: 1 },
      { rejected_reasons: [null] },
      { rejected_reasons: {} },
      { new_head: "7" },
    ];
    for (const body of wrong) await assert.rejects(ask(body), refused("bad_request"), JSON.stringify(body));
  });

  it("refuses heads that are none", async (t) => {
    const [anna, ben] = await new Street(t).neighbours();
    for (const body of [{}, { head: 1 }, { head: 1, heads_by_author: [] }, { head: "1", heads_by_author: {} }] as JsonObject[]) {
      const { endpoint } = await crooked(t, anna, { spoil: says(anna, ben, body) });
      await assert.rejects(ben.link.syncHeads({ ...anna.address(), endpoints: [endpoint] }), refused("bad_request"));
    }
  });

  it("waits as long as a busy neighbour says, three times in all", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    await anna.restart({ rates: { softPerCapability: 1 } });
    const heads = (): Promise<unknown> => ben.link.syncHeads(anna.address());
    await heads();
    await heads();
    const third = heads();
    let isThere = false;
    void third.then(() => (isThere = true));
    while (!isThere) {
      street.clock.advance(100);
      for (let i = 0; i < 20; i++) await tick();
    }
    await anna.listener.close({ drainMs: 0 });
    await assert.rejects(heads(), refused("partition"));
  });
});
