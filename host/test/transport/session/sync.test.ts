import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TYPE } from "../../../src/transport/session/record.ts";
import { refused } from "../../identity/people.ts";
import { until } from "../../support/until.ts";
import { PATIENT, shareStreet } from "../support/shared-street.ts";
import { Hand } from "./hand.ts";

const FEATURES = { features: ["req-to", "resp-sig", "peer-session"] };

describe("questions about the log on a peer session (network.md §1.4 Pseudo-capabilities)", async () => {
  const { street, anna, ben } = await shareStreet((one) =>
    one.neighbours({ anna: { ...PATIENT.anna, ...FEATURES }, ben: FEATURES }),
  );
  const calls = (): number => ben.link.sessions.live(anna.nodeId)?.facts.calls ?? 0;

  it("go by HTTP while no session stands, and open none", async () => {
    const heads = await ben.link.syncHeads(anna.address());
    assert.deepEqual({ ...heads.heads_by_author }, anna.community.heads().heads_by_author);
    assert.equal(ben.link.sessions.live(anna.nodeId), undefined);
  });

  it("are calls on the session that stands, answered alike and under a seal", async () => {
    anna.offer();
    const byHttp = [
      await ben.link.syncHeads(anna.address()),
      await ben.link.syncBrief(anna.address(), 0),
      await ben.link.communityManifest(anna.address()),
    ];
    await street.meet(ben, anna);
    await ben.bus.call(ben.ask({ capability: "ext.demo.echo" }));
    const session = await until("a session stands", () => ben.link.sessions.live(anna.nodeId));
    const [before, seals] = [calls(), session.sent.seals];
    const bySession = [
      await ben.link.syncHeads(anna.address()),
      await ben.link.syncBrief(anna.address(), 0),
      await ben.link.communityManifest(anna.address()),
    ];
    assert.equal(JSON.stringify(bySession), JSON.stringify(byHttp));
    assert.equal(calls() - before, 3);
    assert.ok(session.sent.seals - seals >= 3, "each question under a seal");
    const community_id = anna.communityId();
    const none = await ben.link.syncEvents(anna.address(), { community_id, from_lamport: 0, events: [] } as never);
    assert.equal(Array.isArray(none.events), true);
    const broken = ben.link.syncEvents(anna.address(), { community_id, events: "none" } as never);
    await assert.rejects(broken, refused("bad_request"));
    assert.equal(calls() - before, 5);
  });

  it("go by HTTP again when the session has ended", async () => {
    ben.link.sessions.drain();
    await until("the session is over", () => ben.link.sessions.sessions.length === 0);
    await ben.link.syncHeads(anna.address());
    assert.equal(ben.link.sessions.live(anna.nodeId), undefined);
  });

  it("are refused without their seal", async (t) => {
    const hand = await Hand.shake(anna, ben.signer);
    t.after(() => hand.webSocket.terminate());
    hand.data(hand.call({ cap: "sys.sync.heads", body: {} }, 1));
    const { value } = await hand.next(TYPE.error, 1);
    assert.deepEqual([value["error"], value["reason"]], ["invalid_signature", "seal_missing"]);
    hand.sealed(hand.call({ cap: "sys.sync.heads", body: {} }, 3));
    const { value: answer } = await hand.next(TYPE.result, 3);
    assert.ok(JSON.stringify(answer["output"]).includes("heads_by_author"));
    hand.sealed(hand.call({ cap: "sys.sync.unknown", body: { params: {}, input: {} } }, 5));
    assert.equal((await hand.next(TYPE.error, 5)).value["error"], "not_found");
  });
});
