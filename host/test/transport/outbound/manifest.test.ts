import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NodeManifest } from "../../../src/contract/index.ts";
import { buildManifest, buildManifestV1 } from "../../../src/identity/index.ts";
import { facts, refused } from "../../identity/people.ts";
import { Cable } from "../support/cable.ts";
import { crooked, type Parcel } from "../support/crooked.ts";
import { shareStreet } from "../support/shared-street.ts";
import type { House, Scope } from "../support/street.ts";

describe("another node's description of itself (01 §5)", async () => {
  const { street, anna, ben } = await shareStreet(async (street) => [await street.house("Anna"), await street.house("Ben")]);

  async function fetch(t: Scope, spoil: (parcel: Parcel) => void, reader: House = ben): Promise<NodeManifest> {
    const { endpoint } = await crooked(t, anna, { spoil });
    return reader.link.fetchManifest(endpoint);
  }

  const says = (manifest: NodeManifest) => (parcel: Parcel) => void (parcel.body = JSON.stringify(manifest));
  const signedAt = (seconds: number): NodeManifest =>
    buildManifest(anna.signer, { facts: facts(), now: street.clock.now() + seconds * 1000 });

  it("is taken when node, signature and certificate fit together", async () => {
    const manifest = await ben.link.fetchManifest(anna.endpoint);
    assert.equal(manifest.node_id, anna.nodeId);
    assert.deepEqual(ben.link.featuresOf(anna.nodeId), ["req-to", "resp-sig"]);
    await ben.link.fetchManifest(anna.endpoint, anna.nodeId);
  });

  it("is refused when another node was expected, or another's certificate stands before it", async (t) => {
    await assert.rejects(ben.link.fetchManifest(anna.endpoint, ben.nodeId), refused("invalid_signature", "tls_mismatch"));
    const impostor = await crooked(t, anna, { tls: ben.tls });
    await assert.rejects(ben.link.fetchManifest(impostor.endpoint), refused("invalid_signature", "tls_mismatch"));
    const proxy = await crooked(t, anna, { tls: { key: anna.tls.key.slice(1), cert: anna.tls.cert.slice(1) } });
    assert.equal((await ben.link.fetchManifest(proxy.endpoint)).node_id, anna.nodeId, "a key that it lists itself is its own");
  });

  it("is refused when altered, malformed, too large or not there", async (t) => {
    const altered = (parcel: Parcel): void => void (parcel.body = parcel.body.replace("Anna", "Anne"));
    await assert.rejects(fetch(t, altered), refused("invalid_signature", "bad_manifest"));
    await assert.rejects(
      fetch(t, (parcel) => (parcel.body = "{}")),
      refused("bad_request", "bad_manifest"),
    );
    await assert.rejects(
      fetch(t, (parcel) => (parcel.body = " ".repeat(65_537))),
      refused("internal_error", "too_large"),
    );
    await assert.rejects(
      fetch(t, (parcel) => (parcel.status = 404)),
      refused("partition", "provider_unreachable"),
    );
    await assert.rejects(
      fetch(t, (parcel) => (parcel.status = 302)),
      refused("partition", "provider_unreachable"),
    );
  });

  it("is refused when its time is off, older than one already seen, or a step back in contract (01 I-7, I-16)", async (t) => {
    const reader = await street.house("Reader");
    for (const seconds of [-121, 121]) await assert.rejects(fetch(t, says(signedAt(seconds)), reader), refused("expired"));
    await fetch(t, says(signedAt(10)), reader);
    await assert.rejects(fetch(t, says(signedAt(9)), reader), refused("expired"));
    const first = buildManifestV1(anna.signer, { facts: facts(), now: street.clock.now() + 10_000 });
    await assert.rejects(fetch(t, says(first), reader), refused("expired"));
    await fetch(t, says(signedAt(10)), reader);
  });

  it("of a node that answers nothing is given up after some seconds", async (t) => {
    const cable = await Cable.between(t, () => anna.endpoint);
    cable.swallow();
    const outcome = assert.rejects(ben.link.fetchManifest(cable.endpoint), refused("timeout"));
    while (cable.connections === 0) await new Promise((resolve) => setImmediate(resolve));
    street.clock.advance(8000);
    await outcome;
  });

  it("is asked for once and not followed elsewhere", async (t) => {
    const server = await crooked(t, anna, { spoil: (parcel) => void parcel.headers.push("location", "https://127.0.0.1:1/") });
    await ben.link.fetchManifest(server.endpoint);
    assert.deepEqual(server.asked, ["GET /manifest"]);
  });

  it("is not asked for at an address that a stranger may not choose, by number or by name (06 H-11)", async (t) => {
    const cable = await Cable.between(t, () => anna.endpoint);
    const asked: string[] = [];
    const admits = (address: string): boolean => {
      asked.push(address);
      return false;
    };
    for (const host of ["127.0.0.1", "localhost"])
      await assert.rejects(ben.link.fetchManifest({ ...cable.endpoint, host }, undefined, { admits }), refused("partition"));
    assert.equal(cable.connections, 0);
    assert.ok(asked.includes("127.0.0.1"));
    await ben.link.fetchManifest({ ...cable.endpoint, host: "localhost" }, anna.nodeId, {
      admits: (address) => address === "127.0.0.1",
    });
    assert.equal(cable.connections, 1);
  });

  it("is not waited for when another address was faster", async (t) => {
    const cable = await Cable.between(t, () => anna.endpoint);
    cable.swallow();
    const stop = new AbortController();
    const outcome = assert.rejects(
      ben.link.fetchManifest(cable.endpoint, undefined, { signal: stop.signal }),
      refused("timeout"),
    );
    while (cable.connections === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await outcome;
  });
});
