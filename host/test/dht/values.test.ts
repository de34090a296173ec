import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { DhtValue } from "../../src/contract/index.ts";
import { openValueShelf } from "../../src/dht/index.ts";
import { bucketOf, keyBytes } from "../../src/dht/distance.ts";
import { Values } from "../../src/dht/values.ts";
import { dhtKey } from "../../src/identity/index.ts";

const SELF = new Uint8Array(32);
const FAR = { proven: false, near: false };
const value = (o: { subject?: string; by?: string; at?: number; key?: string; lives?: number } = {}): DhtValue => {
  const { subject = "s", by = "node", at = 100, lives = 50 } = o;
  const payload = {
    v: 1,
    kind: "cid",
    node_id: by,
    issued_at: at,
    expires_at: at + lives,
    cid: subject,
    last_seen: at,
    signature: "",
  };
  return { key: o.key ?? dhtKey(subject), payload, expires_at: at + lives } as DhtValue;
};
const signers = (values: readonly DhtValue[]): string[] => values.map(({ payload }) => payload.node_id);

describe("what is kept for others", () => {
  it("is replaced by a newer one of the same signer alone; of two with one time the smaller text stays (H-9)", () => {
    const values = new Values({ self: SELF });
    assert.equal(values.put(value({ at: 100 }), FAR), "stored");
    assert.equal(values.put(value({ at: 99 }), FAR), "older");
    assert.equal(values.put(value({ at: 100, lives: 60 }), FAR), "older");
    assert.equal(values.put(value({ at: 100, lives: 40 }), FAR), "stored");
    assert.equal(values.put(value({ at: 101 }), FAR), "stored");
    assert.equal(values.size, 1);
    assert.deepEqual(
      values.find(dhtKey("s")).map(({ payload }) => payload.issued_at),
      [101],
    );
  });

  it("is at most eight for one key and kind: first come, except that a proven one takes an unproven one's place (H-7, H-9)", () => {
    const values = new Values({ self: SELF });
    for (let n = 0; n < 8; n += 1) assert.equal(values.put(value({ by: `n${n}` }), FAR), "stored");
    assert.equal(values.put(value({ by: "late", at: 120 }), FAR), "crowded");
    assert.equal(values.put(value({ by: "anchor" }), { proven: true, near: false }), "stored");
    const found = signers(values.find(dhtKey("s"), "cid"));
    assert.equal(found.length, 8);
    assert.equal(found[0], "anchor");
    assert.deepEqual(values.find(dhtKey("s"), "presence"), []);
  });

  it("is at most 64 of one signer", () => {
    const values = new Values({ self: SELF });
    for (let n = 0; n < 64; n += 1) assert.equal(values.put(value({ subject: `s${n}` }), FAR), "stored");
    assert.equal(values.put(value({ subject: "one more" }), FAR), "crowded");
    assert.equal(values.put(value({ subject: "one more", by: "another" }), FAR), "stored");
  });

  it("goes from the far end first when there is too much, our own community's last (H-9)", () => {
    const key = (firstByte: number): string => `blake3:${firstByte.toString(16).padStart(2, "0")}${"00".repeat(31)}`;
    const values = new Values({ self: SELF, limits: { values: 3 } });
    const put = (byte: number, near = false): string =>
      values.put(value({ subject: `${byte}`, by: `n${byte}`, key: key(byte) }), { proven: false, near });
    assert.deepEqual([put(0x80, true), put(0x20), put(0x08), put(0x01)], ["stored", "stored", "stored", "stored"]);
    assert.deepEqual(signers([...values.all()]).toSorted(), ["n1", "n128", "n8"]);
    assert.equal(put(0x40), "crowded", "farther than all that may go");
    assert.ok(bucketOf(SELF, keyBytes(key(0x80))) > bucketOf(SELF, keyBytes(key(0x40))));
  });

  it("ends with its time, and outlives the process until then (06 §4)", (t) => {
    const folder = mkdtempSync(join(tmpdir(), "hn-dht-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "store.sqlite");
    const shelf = openValueShelf(path);
    const values = new Values({ self: SELF, shelf });
    values.put(value({ subject: "short", lives: 10 }), FAR);
    values.put(value({ subject: "long", lives: 90 }), FAR);
    values.expire(110);
    shelf.close();
    const again = openValueShelf(path);
    assert.deepEqual(
      [...again.all()].map(({ payload }) => payload.kind === "cid" && payload.cid),
      ["long"],
    );
    again.close();
  });
});
