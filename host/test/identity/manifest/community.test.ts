import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buildCommunityManifest, type CommunityFacts, verifyCommunityManifest } from "../../../src/identity/index.ts";
import { communityFacts, device } from "../people.ts";

const root = device(9);
const anchor = device(1);
const stranger = device(2);
const AT = "2026-07-01T12:00:00Z";
const FACTS: CommunityFacts = communityFacts(root.nodeId, {
  members: [{ node_id: anchor.nodeId, level: "anchor", added_at: AT, added_by: root.nodeId }],
  head_lamport: 12,
});

describe("the community's description (01 §6, I-10)", () => {
  it("is genuine when the signer that it names has signed it", () => {
    for (const signer of [root, anchor]) {
      const manifest = buildCommunityManifest(signer, FACTS);
      assert.equal(manifest.signed_by, signer.nodeId);
      assert.equal(verifyCommunityManifest(manifest), true);
    }
  });

  it("counts, for a reader with a view of its own, from the root key and that view's anchors only", () => {
    const anchors = [anchor.nodeId];
    assert.equal(verifyCommunityManifest(buildCommunityManifest(root, FACTS), { anchors }), true);
    assert.equal(verifyCommunityManifest(buildCommunityManifest(anchor, FACTS), { anchors }), true);
    assert.equal(verifyCommunityManifest(buildCommunityManifest(stranger, FACTS), { anchors }), false);
    assert.equal(verifyCommunityManifest(buildCommunityManifest(anchor, FACTS), { anchors: [] }), false);
  });

  it("without a name may be the root key's or an anchor's", () => {
    const { signature: _s, signed_by: _b, ...facts } = buildCommunityManifest(anchor, FACTS);
    const nameless = anchor.signCommunityManifest(facts);
    assert.equal(verifyCommunityManifest(nameless, { anchors: [anchor.nodeId] }), true);
    assert.equal(verifyCommunityManifest(nameless), false);
  });

  it("is refused when anything of it was changed, the named signer included", () => {
    const manifest = buildCommunityManifest(root, FACTS);
    for (const change of [{ name: "x" }, { head_lamport: 13 }, { members: [] }, { signed_by: anchor.nodeId }, { later: true }])
      assert.equal(verifyCommunityManifest({ ...manifest, ...change }), false, JSON.stringify(change));
  });

  it("is refused when malformed, whoever signed it", () => {
    for (const change of [
      { name: "" },
      { created_at: "soon" },
      { head_lamport: -1 },
      { community_id: anchor.nodeId },
      { members: [{ node_id: anchor.nodeId, level: "king", added_at: AT, added_by: root.nodeId }] },
      { members: [{ node_id: "x", level: "member", added_at: AT, added_by: root.nodeId }] },
      { revoked: [{ node_id: anchor.nodeId, revoked_at: "x" }] },
    ]) {
      const { signature: _s, ...rest } = buildCommunityManifest(root, FACTS);
      assert.equal(
        verifyCommunityManifest(root.signCommunityManifest({ ...rest, ...change } as never)),
        false,
        JSON.stringify(change),
      );
    }
    assert.equal(verifyCommunityManifest(null as never), false);
  });
});
