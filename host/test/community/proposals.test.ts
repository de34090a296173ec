import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { refusal, Village } from "../support/people.ts";
import { five, sync } from "./sync/support.ts";

describe("acts that several members sign (04 E-7)", () => {
  it("go from member to member as text, until enough have signed", async (t) => {
    const [anna, ben, carl, dora, emil] = await five(new Village(t));
    assert.ok(anna && ben && carl && dora && emil);
    const first = anna.community.propose({
      action: "community.member.revoked",
      target: emil.signer.nodeId,
      reason: "lost laptop",
    });
    assert.match(first.text, /^hncosign:\/\/v1\//);
    assert.deepEqual([first.signers, first.enough, first.reason], [[anna.signer.nodeId], false, "lost laptop"]);
    await assert.rejects(anna.community.submit(first.text), refusal("unauthorized", "co_signer_insufficient"));
    assert.throws(() => dora.community.cosign(first.text), refusal("unauthorized"));
    const second = ben.community.cosign(first.text);
    assert.deepEqual(ben.community.cosign(second.text), second, "signing twice changes nothing");
    // Whoever submits signs as well: the event's author is one of them.
    const event = await carl.community.submit(second.text);
    assert.equal(carl.community.standing(emil.signer.nodeId).kind, "revoked");
    assert.equal((event.data["target_head"] as { count: number }).count > 0, true, "a revocation carries its cut (E-9)");
  });

  it("promote and demote the same way", async (t) => {
    const village = new Village(t);
    const [anna, ben, , dora] = await five(village);
    assert.ok(anna && ben && dora);
    const up = anna.community.propose({ action: "community.member.promoted", target: dora.signer.nodeId, level: "trusted" });
    assert.equal(up.enough, true);
    await sync(village, ben, anna);
    await ben.community.submit(up.text);
    assert.equal(ben.community.levelOf(dora.signer.nodeId), "trusted");
    const down = anna.community.propose({ action: "community.member.demoted", target: ben.signer.nodeId, level: "member" });
    assert.deepEqual([down.enough, down.new_level], [false, "member"]);
  });

  it("are refused when altered, foreign, too old or no proposal at all (proposal_invalid, proposal_expired)", async (t) => {
    const village = new Village(t);
    const [anna, ben, carl] = await five(village);
    assert.ok(anna && ben && carl);
    const { text } = anna.community.propose({ action: "community.member.revoked", target: carl.signer.nodeId, reason: "x" });
    const read = (value: string) => () => ben.community.readProposal(value);
    const body = JSON.parse(Buffer.from(text.slice(14), "base64url").toString("utf8")) as {
      action: string;
      community_id: string;
      data: Record<string, unknown>;
    };
    const again = (change: object): string =>
      `hncosign://v1/${Buffer.from(JSON.stringify({ ...body, ...change })).toString("base64url")}`;
    const bad = [
      "hello",
      "hncosign://v1/AAAA",
      again({ community_id: anna.signer.nodeId }),
      again({ action: "community.policy.updated" }),
      again({ data: { ...body.data, reason: "another one" } }),
      again({ data: { ...body.data, not_after: "soon" } }),
      again({ data: { ...body.data, not_after: "2027-07-01T12:00:00Z" } }),
      again({ data: { ...body.data, co_signers: [1] } }),
      again({ data: [] }),
      `hncosign://v1/${Buffer.from("[]").toString("base64url")}`,
    ];
    for (const value of bad) assert.throws(read(value), refusal("bad_request", "proposal_invalid"), value);
    assert.equal(read(text)().reason, "x");
    assert.throws(
      () => anna.community.propose({ action: "community.member.revoked", target: village.person("Sam").signer.nodeId }),
      refusal("not_found"),
    );
    village.clock.advance(86_400_001);
    assert.throws(read(text), refusal("expired", "proposal_expired"));
  });
});
