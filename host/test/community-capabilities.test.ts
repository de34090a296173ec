import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { offerCommunity } from "../src/community-capabilities.ts";
import { openBus } from "../src/bus/index.ts";
import type { JsonObject, Principal } from "../src/contract/index.ts";
import { ManualClock, silentLog } from "../src/foundation/index.ts";
import { five } from "./community/sync/support.ts";
import { type Person, refusal, Village } from "./support/people.ts";

/** Anna's node with its bus. */
function offered(t: { after(fn: () => void): void }, anna: Person) {
  const bus = openBus({
    nodeId: anna.signer.nodeId,
    communityId: () => anna.community.communityId(),
    clock: new ManualClock(),
    log: silentLog,
    link: () => undefined,
  });
  t.after(() => bus.close());
  offerCommunity({ bus, community: anna.community, endpoints: () => [anna.endpoint] });
  const community_id = anna.community.communityId();
  const self: Principal = { kind: "self", node_id: anna.signer.nodeId, community_id, level: "anchor" };
  const call = (capability: string, input: JsonObject, caller: Principal = self) =>
    bus.call({ capability, version: [1, 0], body: { params: {}, input }, caller });
  return { bus, call, community_id };
}

describe("community.* on the bus (00 G-6, E-7)", () => {
  it("invites, idempotent by the device, as far as this node may", async (t) => {
    const village = new Village(t);
    const [anna] = await five(village);
    assert.ok(anna);
    const { call } = offered(t, anna);
    const frida = village.person("Frida");
    const input = { invitee_node_id: frida.signer.nodeId, display_name: "Frida", initial_level: "member" };
    const { output } = await call("community.invite", input);
    assert.equal((await call("community.invite", input)).output["event_id"], output["event_id"]);
    await frida.community.join(output["invite_blob"] as string, village.link(frida));
    assert.equal(anna.community.levelOf(frida.signer.nodeId), "member");
    await assert.rejects(call("community.invite", { ...input, extra: 1 }), refusal("schema_mismatch"));
  });

  it("carries out what others have signed exactly as they signed it, once", async (t) => {
    const [anna, ben, carl, dora] = await five(new Village(t));
    assert.ok(anna && ben && carl && dora);
    const { call } = offered(t, anna);
    const two = carl.community.cosign(
      ben.community.propose({ action: "community.member.revoked", target: dora.signer.nodeId, reason: "lost" }).text,
    );
    const { data } = JSON.parse(Buffer.from(two.text.slice(14), "base64url").toString("utf8")) as { data: JsonObject };
    await assert.rejects(
      call("community.revoke", { ...data, reason: "another" }),
      refusal("unauthorized", "co_signer_insufficient"),
    );
    const { output } = await call("community.revoke", data);
    assert.equal(anna.community.standing(dora.signer.nodeId).kind, "revoked");
    assert.deepEqual((await call("community.revoke", data)).output, output, "asked again it says the same");
  });

  it("promotes, demotes and leaves, for the operator alone", async (t) => {
    const [anna, , , dora] = await five(new Village(t));
    assert.ok(anna && dora);
    const { call, community_id } = offered(t, anna);
    await call("community.promote", { target_node_id: dora.signer.nodeId, new_level: "trusted" });
    assert.equal(anna.community.levelOf(dora.signer.nodeId), "trusted");
    await assert.rejects(
      call("community.demote", { target_node_id: dora.signer.nodeId, new_level: "member" }),
      refusal("unauthorized", "co_signer_insufficient"),
    );
    const plugin: Principal = {
      kind: "plugin",
      plugin_id: "acme/notes",
      node_id: anna.signer.nodeId,
      community_id,
      level: "anchor",
    };
    await assert.rejects(call("community.leave", {}, plugin), refusal("unauthorized"));
    const again = { target_node_id: dora.signer.nodeId, new_level: "anchor" };
    await assert.rejects(call("community.promote", again, plugin), refusal("unauthorized"), "no plugin acts in the owner's name");
    assert.deepEqual((await call("community.leave", {})).output, {});
    assert.equal(anna.community.communityId(), null);
  });

  it("is out of neighbours' reach: they would act in this node's name", async (t) => {
    const [anna, ben, , dora] = await five(new Village(t));
    assert.ok(anna && ben && dora);
    const { bus, community_id } = offered(t, anna);
    const caller: Principal = { kind: "member", node_id: ben.signer.nodeId, community_id, level: "trusted" };
    await assert.rejects(
      bus.serve({
        capability: "community.promote",
        version: [1, 0],
        body: { params: {}, input: { target_node_id: dora.signer.nodeId, new_level: "trusted" } },
        caller,
        requestId: "01J9Z3K8V4Q2N7M5C6B1A0WXYT",
        traceId: "01J9Z3K8V4Q2N7M5C6B1A0WXYT",
        stream: false,
        signal: new AbortController().signal,
      }),
      refusal("not_found"),
    );
  });
});
