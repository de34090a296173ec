import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  blobCid,
  compareVersions,
  createBlobCid,
  findRevocation,
  indexTarget,
  isInRange,
  metadataKey,
  packageTarget,
  readIndexShard,
  readPackageTarget,
  readRevocations,
  readTargetCustom,
  SHARD_MAX_BYTES,
  writeIndexShard,
  writeRevocations,
  type IndexRow,
  type RevocationEntry,
  type TargetCustom,
} from "../../../src/format/index.ts";
import { holds } from "../../support/property.ts";
import { refusal } from "../../support/people.ts";

/** The strict parser makes objects without a prototype. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const row = (id: string, name: string): IndexRow => ({
  id,
  v: "1.0.0",
  name: { en: name },
  desc: { en: name },
  caps: ["a.b@1.0"],
  perms: [],
  rating: 2,
  tier: "process",
  platforms: ["any"],
  icon: null,
  size: 10,
  released: "2026-07-01T12:00:00Z",
  publisher: "k",
  verified: true,
});
const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{1,8}$/), { maxLength: 8 });
const text = fc.string({ unit: "grapheme", maxLength: 40 });

describe("a part of the search index (marketplace §3.1)", () => {
  it("comes back as it was written, whatever the order and the words", () => {
    holds(
      fc.property(names, text, (ids, words) => {
        const rows = ids.map((name) => row(`acme/${name}`, words));
        const bytes = writeIndexShard(rows);
        assert.deepEqual(writeIndexShard(rows.toReversed()), bytes);
        assert.deepEqual(
          plain(readIndexShard(bytes)),
          rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        );
      }),
    );
  });

  it("is refused when it is damaged, incomplete or too large", () => {
    const good = JSON.stringify(row("acme/demo", "Demo"));
    const bad = [
      "{",
      good.slice(0, -1),
      good.replace('"v":"1.0.0",', ""),
      good.replace("acme/demo", "../up"),
      good.replace('"rating":2', '"rating":"2"'),
      good.replace('{"en":"Demo"}', '{"de":"Demo"}'),
      `${good}\n${good.replace("2026-07-01T12:00:00Z", "yesterday")}`,
      " ".repeat(SHARD_MAX_BYTES + 1),
    ];
    for (const line of bad)
      assert.throws(() => readIndexShard(Buffer.from(line)), refusal("bad_request", "damaged"), line.slice(0, 60));
  });
});

describe("a list of revocations (marketplace §2.2)", () => {
  const subject = { id: "acme/demo", version: "1.2.0", sha256: "a".repeat(64), keyId: "k1", released: "2026-05-01T00:00:00Z" };
  const entry = (change: Partial<RevocationEntry>): RevocationEntry => ({
    ns: "acme",
    severity: "revoked",
    reason: "It steals.",
    url: "",
    ...change,
  });
  const ROWS: [Partial<RevocationEntry>, boolean][] = [
    [{}, true],
    [{ ns: "other" }, false],
    [{ name: "demo" }, true],
    [{ name: "dem" }, false],
    [{ versions: ["1.2.0"] }, true],
    [{ versions: ["1.2.1", "1.0.0"] }, false],
    [{ sha256: "a".repeat(64) }, true],
    [{ sha256: "b".repeat(64) }, false],
    [{ name: "demo", versions: ["1.0.0"], sha256: "a".repeat(64) }, false],
    [{ keyid: "k1" }, true],
    [{ keyid: "k2" }, false],
    [{ keyid: "k1", after: "2026-06-01T00:00:00Z" }, false],
    [{ keyid: "k1", after: "2026-05-01T00:00:00Z" }, true],
  ];
  it("hits what every named field fits, and nothing else", () => {
    for (const [change, hit] of ROWS)
      assert.equal(findRevocation([entry(change)], subject) !== undefined, hit, JSON.stringify(change));
    const { released: _, ...fromFile } = subject;
    const late = entry({ keyid: "k1", after: "2026-06-01T00:00:00Z" });
    assert.ok(findRevocation([late], fromFile), "whose age nobody vouches for counts as late");
  });

  it("says the worse of two", () => {
    const list = [entry({ severity: "yanked", reason: "old" }), entry({ reason: "bad" })];
    assert.equal(findRevocation(list, subject)?.reason, "bad");
  });

  it("comes back as it was written, and is refused when a field is not of its kind", () => {
    const list = { seq: 3, entries: [entry({ name: "demo", versions: ["1.0.0"] })] };
    assert.deepEqual(plain(readRevocations(writeRevocations(list))), list);
    for (const wrong of [
      { seq: -1, entries: [] },
      { seq: 1 },
      { seq: 1, entries: [{}] },
      { seq: 1, entries: [entry({ severity: "other" as never })] },
      { seq: 1, entries: [entry({ after: "soon" })] },
      { seq: 1, entries: [entry({ versions: "1.0.0" as never })] },
    ])
      assert.throws(() => readRevocations(Buffer.from(JSON.stringify(wrong))), refusal("bad_request", "damaged"));
  });
});

describe("names in a registry's folder (marketplace §3)", () => {
  it("of packages are read back, and nothing else is one", () => {
    assert.deepEqual(readPackageTarget(packageTarget("acme/demo", "1.0.0-rc.1")), { id: "acme/demo", version: "1.0.0-rc.1" });
    for (const path of [
      "acme/demo",
      "acme/demo/1.0.0.zip",
      "../demo/1.0.0.hnp",
      "acme/demo/1.0.0.hnp/x",
      "Acme/demo/1.0.0.hnp",
      "acme/demo/1/0.hnp",
    ])
      assert.equal(readPackageTarget(path), null, path);
  });

  it("of roles cannot leave their folder, and an id has one part of the index", () => {
    assert.equal(metadataKey("a/../b", 3), "tuf/3.a%2F..%2Fb.json");
    assert.equal(metadataKey("timestamp", null), "tuf/timestamp.json");
    assert.match(indexTarget("acme/demo"), /^_registry\/index\/[0-9a-f]{2}\.json$/);
  });
});

it("a target without one of its facts is no package (marketplace §2.2)", () => {
  const custom: TargetCustom = {
    tarSha256: "a".repeat(64),
    cid: "blake3:0",
    publisherKeyids: ["k"],
    permissionsDigest: "b".repeat(64),
    rating: 2,
    tier: "process",
    engines: { hearthnet: "*" },
    platforms: ["any"],
    status: "active",
    released: "2026-07-01T12:00:00Z",
  };
  assert.deepEqual(readTargetCustom(custom), custom);
  for (const field of Object.keys(custom)) {
    const { [field as keyof TargetCustom]: _, ...rest } = custom;
    assert.equal(readTargetCustom(rest), null, field);
  }
  for (const wrong of [null, undefined, 3, "x", { ...custom, status: "gone" }, { ...custom, minSafeVersion: 2 }])
    assert.equal(readTargetCustom(wrong), null);
});

it("versions are compared as semver does, and an unreadable range holds nothing", () => {
  const order = ["0.9.0", "1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0", "1.2.0", "1.10.0"];
  assert.deepEqual(order.toReversed().sort(compareVersions), order);
  assert.ok(isInRange("0.1.0", ">=0.1.0 <2") && isInRange("1.0.0-rc.1", ">=0.1.0 <2") && isInRange("1.4.0", "^1.2"));
  assert.ok(!isInRange("2.0.0", ">=0.1.0 <2") && !isInRange("1.0.0", "what ever"));
});

it("a blob's id does not depend on the pieces in which it comes (30 §1)", () => {
  holds(
    fc.property(fc.uint8Array({ maxLength: 3 }), fc.array(fc.nat(400_000), { maxLength: 4 }), (seed, cuts) => {
      const bytes = Buffer.alloc(600_000 * (seed.length > 0 ? 1 : 0) + seed.length, Buffer.from([...seed, 7]));
      const running = createBlobCid();
      let at = 0;
      for (const cut of [...cuts, bytes.byteLength]) {
        running.update(bytes.subarray(at, at + cut));
        at = Math.min(bytes.byteLength, at + cut);
      }
      running.update(bytes.subarray(at));
      assert.deepEqual(running.digest(), blobCid(bytes));
      assert.equal(blobCid(bytes).chunks.length, Math.max(1, Math.ceil(bytes.byteLength / 262_144)));
    }),
  );
});
