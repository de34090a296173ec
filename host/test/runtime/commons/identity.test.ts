/** What the device key does for plugins. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../../src/contract/index.ts";
import { verifyTyped } from "../../../src/identity/index.ts";
import { allow, hasBubblewrap } from "../fixtures/world.ts";
import { openNeighbourhood } from "./neighbours.ts";

const skip = hasBubblewrap() ? false : "needs bubblewrap";
const SIGNS = `
  const { payload, type, doc, peer } = req.input;
  if (payload) return { signature: await ctx.identity.signPlugin(payload) };
  if (type) return { signature: await ctx.identity.signDoc(type, doc) };
  const shared = await ctx.identity.dh(peer);
  return { shared: [...shared].map((byte) => byte.toString(16).padStart(2, "0")).join("") };`;
const signing = (...docs: string[]): ReturnType<typeof allow> => allow("identity.sign", { docs });
const DENIED = { code: "permission_denied", reason: null };
/** Encodings of the u coordinates of small order, and those that mean the same. @source RFC 7748 §6.1 */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000080",
];
const textOf = (hex: string): string => `x25519:${Buffer.from(hex, "hex").toString("base64url")}`;

test("signs a plugin's words under the plugin's own name and a tag of their own (00 G-1)", { skip }, async (t) => {
  const { install, ask, anna } = await openNeighbourhood(t);
  const { nodeId } = anna.signer;
  await install({ name: "signer", does: SIGNS, grants: [signing("plugin-sig")] });
  const payload = { kind: "spk", plugin: "hearthnet/e2e", type: "hearthnet.cosign.v1" };
  const { signature } = (await ask("signer", { payload })) as { signature: string };
  const signed = { type: "hearthnet.plugin-sig.v1", plugin: "dev/signer", payload };
  assert.ok(verifyTyped("plugin-sig", signed, { by: nodeId, signature }));
  assert.ok(!verifyTyped("plugin-sig", { ...signed, plugin: "hearthnet/e2e" }, { by: nodeId, signature }), "not another's name");
  assert.equal((await ask("signer", { payload: { text: "x".repeat(70_000) } }))["reason"], "too_large");
});

test("signs no document that is not granted, and none in the name of the community's owner (A21)", { skip }, async (t) => {
  const { install, ask, world, anna } = await openNeighbourhood(t);
  const { nodeId } = anna.signer;
  await install({ name: "plain", does: SIGNS, grants: [signing("plugin-sig")] });
  await install({ name: "federator", does: SIGNS, grants: [signing("cosign", "federation-manifest")] });
  const cosign = (action: string, more: JsonObject = {}): JsonObject => ({
    type: "cosign",
    doc: { action, data: { client_id: "01J9Z3K8V4Q2N7M5C6B1A0WXYT", federation_id: "x" }, ...more },
  });
  assert.deepEqual(await ask("plain", cosign("federation.peer.removed")), DENIED);
  assert.deepEqual(await ask("federator", { payload: {} }), DENIED);
  assert.deepEqual(await ask("federator", { type: "event", doc: {} }), DENIED, "a raw request for anything else");
  assert.deepEqual(await ask("federator", cosign("community.member.revoked")), DENIED, "the owner's business");
  assert.equal((await ask("federator", cosign("federation.peer.removed", { community_id: "other" })))["code"], "bad_request");
  const { doc } = cosign("federation.peer.removed") as { doc: JsonObject };
  const { signature } = (await ask("federator", { type: "cosign", doc })) as { signature: string };
  const signed = { type: "hearthnet.cosign.v1", community_id: anna.community.communityId(), ...doc };
  assert.ok(verifyTyped("cosign", signed, { by: nodeId, signature }));
  const denied = world.runtime
    .ledger(100)
    .rows.filter(({ verdict, permission }) => verdict === "deny" && permission === "identity.sign");
  assert.deepEqual(denied.map(({ target }) => target).toSorted(), ["cosign", "cosign", "event", "plugin-sig"]);
});

test("an agreement of two communities is signed only after the owner has seen it (20 D1)", { skip }, async (t) => {
  const shown: string[] = [];
  let answer = false;
  const { install, ask, anna } = await openNeighbourhood(t, {
    showDocument: async ({ plugin, document }) => {
      shown.push(`${plugin} ${document["federation_id"] as string}`);
      return answer;
    },
  });
  const grants = [signing("federation-manifest")];
  await install({ name: "federator", does: SIGNS, grants });
  const own = anna.community.communityId() ?? "";
  const doc = {
    type: "hearthnet.federation.manifest",
    schema_version: 1,
    federation_id: "a:b",
    community_a: own,
    community_b: `ed25519:${"C".repeat(43)}`,
    established_at: "2026-07-01T12:00:00Z",
    expires_at: "2027-07-01T12:00:00Z",
    scope: { a_grants_b: { capabilities: [] }, b_grants_a: { capabilities: [] } },
    bootstrap_endpoints_a: [],
    bootstrap_endpoints_b: [],
  };
  const sign = (document: JsonObject): Promise<JsonObject> => ask("federator", { type: "federation-manifest", doc: document });
  assert.deepEqual(await sign(doc), DENIED, "the owner says no");
  answer = true;
  const { signature } = (await sign(doc)) as { signature: string };
  assert.ok(verifyTyped("federation-manifest", doc, { by: anna.signer.nodeId, signature }));
  assert.deepEqual(shown, ["dev/federator a:b", "dev/federator a:b"]);
  assert.equal((await sign({ ...doc, community_a: doc.community_b }))["code"], "bad_request", "not about this community");
  assert.equal((await sign({ ...doc, note: "more" }))["code"], "bad_request", "a closed shape");
});

test("a node that cannot show a document signs none of that kind (20 D1)", { skip }, async (t) => {
  const { install, ask, anna } = await openNeighbourhood(t);
  await install({ name: "federator", does: SIGNS, grants: [signing("federation-manifest")] });
  const doc = { community_a: anna.community.communityId() };
  assert.deepEqual(await ask("federator", { type: "federation-manifest", doc }), {
    code: "not_implemented",
    reason: "not_shown",
  });
});

test(
  "agrees on a secret for the holder of the role e2e alone, and with no point of small order (28 EE1, A21)",
  { skip },
  async (t) => {
    const { install, ask, world, village, anna } = await openNeighbourhood(t);
    const dh = [allow("identity.dh")];
    await install({ name: "pretender", does: SIGNS, grants: dh });
    const { id } = await install({ name: "e2e", does: SIGNS, grants: dh, manifest: { roles: ["e2e"] } });
    const ben = village.person("Ben");
    // Ben's converted public key, as anybody derives it from his node id: u = (1 + y) / (1 - y).
    const peer = textOf(montgomery(Buffer.from(ben.signer.nodeId.slice(8), "base64url")));
    const mine = Buffer.from(montgomery(Buffer.from(anna.signer.nodeId.slice(8), "base64url")), "hex");
    const { shared } = (await ask("e2e", { peer })) as { shared: string };
    assert.equal(shared, Buffer.from(ben.signer.dh(mine)).toString("hex"), "both sides have the same");
    assert.deepEqual(await ask("pretender", { peer }), DENIED);
    for (const point of LOW_ORDER)
      assert.deepEqual(await ask("e2e", { peer: textOf(point) }), { code: "bad_request", reason: "low_order_point" }, point);
    assert.equal((await ask("e2e", { peer: "ed25519:x" }))["code"], "bad_request");
    await world.runtime.setGrants(id, []);
    const rows = world.runtime.ledger(100).rows.filter(({ op, verdict }) => op === "identity.dh" && verdict === "deny");
    assert.deepEqual(
      rows.map(({ plugin }) => plugin),
      ["dev/pretender"],
    );
  },
);

/** u coordinate, hex, of the point with this Ed25519 encoding. @source RFC 7748 §4.1 */
function montgomery(encoded: Uint8Array): string {
  const p = (1n << 255n) - 19n;
  const mod = (n: bigint): bigint => ((n % p) + p) % p;
  const power = (base: bigint, exponent: bigint): bigint => {
    let result = 1n;
    for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b);
    return result;
  };
  const y = BigInt(`0x${Buffer.from(encoded).reverse().toString("hex")}`) & ((1n << 255n) - 1n);
  const u = mod((1n + y) * power(1n - y, p - 2n));
  return Buffer.from(u.toString(16).padStart(64, "0"), "hex").reverse().toString("hex");
}
