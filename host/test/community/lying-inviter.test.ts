import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import type { PeerLink } from "../../src/contract/index.ts";
import { buildCommunityManifest } from "../../src/identity/index.ts";
import { found, invite, type Person, refusal, Village } from "../support/people.ts";

/** Anna has founded and invited Ben; Ben's way to her node is bent by `lie`. */
async function joinThrough(
  t: TestContext,
  lie: (link: PeerLink, who: { anna: Person; ben: Person; carl: Person }) => Partial<PeerLink>,
): Promise<{ ben: Person; join: () => Promise<unknown> }> {
  const village = new Village(t);
  const [anna, ben, carl] = [village.person("Anna"), village.person("Ben"), village.person("Carl")];
  await found(anna);
  const text = await invite(anna, ben);
  const link = village.link(ben);
  return { ben, join: () => ben.community.join(text, { ...link, ...lie(link, { anna, ben, carl }) }) };
}

/** Nothing of the attempt is left, and another can begin. */
function untouched(ben: Person): void {
  assert.equal(ben.community.communityId(), null);
  assert.deepEqual(
    readdirSync(ben.dataDir).filter((name) => name.startsWith("joining")),
    [],
  );
}

describe("a node that was invited believes the log and nothing else (01 §7, I-10)", () => {
  it("no description of another community", async (t) => {
    const { ben, join } = await joinThrough(t, (link, { carl }) => ({
      communityManifest: async (peer) => {
        const { signature: _s, signed_by: _b, ...facts } = await link.communityManifest(peer);
        return buildCommunityManifest(carl.signer, { ...facts, community_id: carl.signer.nodeId });
      },
    }));
    await assert.rejects(join(), refusal("invalid_signature", "community_manifest_invalid"));
    untouched(ben);
  });

  it("no description whose signature does not fit", async (t) => {
    const { ben, join } = await joinThrough(t, (link) => ({
      communityManifest: async (peer) => ({ ...(await link.communityManifest(peer)), name: "Oberrhein" }),
    }));
    await assert.rejects(join(), refusal("invalid_signature", "community_manifest_invalid"));
    untouched(ben);
  });

  it("no genuine description by somebody whom the log does not know", async (t) => {
    const { ben, join } = await joinThrough(t, (link, { carl }) => ({
      communityManifest: async (peer) => {
        const { signature: _s, signed_by: _b, ...facts } = await link.communityManifest(peer);
        return buildCommunityManifest(carl.signer, facts);
      },
    }));
    await assert.rejects(join(), refusal("invalid_signature", "community_manifest_invalid"));
    untouched(ben);
  });

  it("no promise of more that never comes", async (t) => {
    let asked = 0;
    const { ben, join } = await joinThrough(t, (link) => ({
      syncEvents: async (peer, request) => {
        asked += 1;
        return { ...(await link.syncEvents(peer, request)), more: true };
      },
    }));
    await assert.rejects(join(), refusal("partition", "sync_failed"));
    assert.equal(asked, 2, "it stops at the first round that brings nothing");
    untouched(ben);
  });

  it("no log without the invitation", async (t) => {
    const { ben, join } = await joinThrough(t, (link) => ({
      syncEvents: async (peer, request) => {
        const reply = await link.syncEvents(peer, request);
        const events = (reply.events ?? []).filter(({ event_type }) => !event_type.startsWith("community.member.invited"));
        return { ...reply, events };
      },
    }));
    await assert.rejects(join(), refusal("bad_request", "invite_invalid"));
    untouched(ben);
  });

  it("no silence about a join that was refused", async (t) => {
    const { ben, join } = await joinThrough(t, (link) => ({
      syncEvents: async (peer, request) => {
        const reply = await link.syncEvents(peer, { ...request, events: [] });
        return { ...reply, rejected_reasons: request.events.map(({ event_id }) => ({ event_id, reason: "out_of_order" })) };
      },
    }));
    await assert.rejects(join(), (error: unknown) => {
      refusal("partition", "sync_failed")(error);
      assert.match((error as Error).message, /out_of_order/);
      return true;
    });
    untouched(ben);
  });
});

describe("before there is a community", () => {
  it("everything that needs one says so", async (t) => {
    const village = new Village(t);
    const [anna, ben] = [village.person("Anna"), village.person("Ben")];
    const none = refusal("not_found", "no_community");
    await assert.rejects(
      anna.community.invite({ invitee: ben.signer.nodeId, display_name: "Ben", level: "member", endpoints: [] }),
      none,
    );
    await assert.rejects(anna.community.append({ type: "market.post.created", data: {} }), none);
    await assert.rejects(anna.community.revoke({ target: ben.signer.nodeId, reason: "x" }), none);
    await assert.rejects(anna.community.leave(), none);
    assert.deepEqual(anna.community.members(), []);
  });
});

describe("words of people nobody knows yet (04 E-6)", () => {
  it("wait for their invitation, a thousand of them and ten minutes long", async (t) => {
    const village = new Village(t);
    const [anna, ben, sam] = [village.person("Anna"), village.person("Ben"), village.person("Sam")];
    await found(anna);
    await village.welcome(anna, ben);
    const community_id = anna.community.communityId() ?? "";
    const word = (n: number) =>
      sam.signer.signEvent({
        schema_version: 1,
        event_id: `01J9Z3K8V4Q2N7M5C6B1A0${String(n).padStart(4, "0")}`,
        lamport: 20,
        wall_clock: "2026-07-01T12:00:00Z",
        community_id,
        author: sam.signer.nodeId,
        event_type: "market.post.created",
        data: {},
      });
    const push = async (first: number, count: number): Promise<string[]> => {
      const events = Array.from({ length: count }, (_, n) => word(first + n));
      const reply = await anna.community.exchange({ community_id, events, our_heads_by_author: {} }, ben.signer.nodeId);
      return reply.rejected_reasons.map(({ reason }) => reason);
    };
    assert.deepEqual(await push(0, 1000), []);
    assert.deepEqual(await push(1000, 2), ["unknown_author", "unknown_author"]);
    village.clock.advance(600_001);
    assert.deepEqual(await push(1002, 1), [], "the old ones have gone");
    const before = anna.community.head();
    await village.welcome(anna, sam);
    assert.ok(anna.community.head() > before);
    const { events } = await anna.community.exchange({ community_id, events: [], our_heads_by_author: {} }, ben.signer.nodeId);
    const kept = (events ?? []).filter(
      ({ author, event_type }) => author === sam.signer.nodeId && event_type === "market.post.created",
    );
    assert.deepEqual(
      kept.map(({ event_id }) => event_id.slice(-4)),
      ["1002"],
      "what had waited counts once its author is known",
    );
  });
});
