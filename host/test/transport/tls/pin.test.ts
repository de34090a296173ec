import assert from "node:assert/strict";
import type { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import type { Endpoint } from "../../../src/contract/index.ts";
import { nodeIdOfCertificate } from "../../../src/identity/index.ts";
import { refused } from "../../identity/people.ts";
import { crooked } from "../support/crooked.ts";
import { plug } from "../support/letters.ts";
import { call, shareStreet } from "../support/shared-street.ts";
import type { House } from "../support/street.ts";

describe("whom a connection ends at (T-18)", async () => {
  const { anna, ben } = await shareStreet(async (street) => [await street.house("Anna"), await street.house("Ben")]);
  anna.offer({ trust_required: "unknown" });

  const ask = (endpoint: Endpoint, to: { nodeId: string } = anna): Promise<unknown> => ben.link.call(call(to, [endpoint]));

  /** The second certificate alone, as a proxy in front of the node shows it. */
  const ecOf = (house: House): { key: string[]; cert: string[] } => ({
    key: house.tls.key.slice(1),
    cert: house.tls.cert.slice(1),
  });

  it("is the node whose key is the node id, and nobody else hears a word", async (t) => {
    await ask(anna.endpoint);
    const impostor = await crooked(t, anna, { tls: ben.tls });
    await assert.rejects(ask(impostor.endpoint), refused("invalid_signature", "tls_mismatch"));
    await assert.rejects(ask(anna.endpoint, ben), refused("invalid_signature", "tls_mismatch"));
    assert.deepEqual(impostor.asked, []);
  });

  it("shows the node's own key to whoever can read it", async () => {
    const socket = await plug(anna);
    assert.equal(nodeIdOfCertificate(socket.getPeerX509Certificate() as X509Certificate), anna.nodeId);
    socket.destroy();
  });

  it("may be a key that the node's own manifest lists, and only that", async (t) => {
    const proxy = await crooked(t, anna, { tls: ecOf(anna) });
    await ask({ ...proxy.endpoint, tls_spki_sha256: anna.tls.spkiSha256 });
    const before = proxy.asked.length;
    await assert.rejects(
      ask({ ...proxy.endpoint, tls_spki_sha256: ben.tls.spkiSha256 }),
      refused("invalid_signature", "tls_mismatch"),
    );
    await assert.rejects(ask(proxy.endpoint), refused("partition"), "without that, only Ed25519 is spoken");
    assert.equal(proxy.asked.length, before);
  });

  it("is asked anew on every connection: no session is resumed, TLS 1.2 is not spoken", async (t) => {
    const server = await crooked(t, anna, { spoil: (parcel) => parcel.headers.push("connection", "close") });
    for (let i = 0; i < 4; i++) await ask(server.endpoint);
    assert.equal(server.asked.length, 4);
    assert.equal(server.resumed(), 0);
    const old = await crooked(t, anna, { maxVersion: "TLSv1.2" });
    await assert.rejects(ask(old.endpoint), refused("partition"));
  });
});
