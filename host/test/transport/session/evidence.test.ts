import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { JsonObject, SessionProof } from "../../../src/contract/index.ts";
import { leafOf, pathOf, rootFromPath, rootOf } from "../../../src/transport/session/merkle.ts";
import { exportProof, verifyProof } from "../../../src/transport/session/proof.ts";
import { SealReader, SealWriter, type SealedLeaves } from "../../../src/transport/session/seal.ts";
import { refused } from "../../identity/people.ts";
import { holds } from "../../support/property.ts";
import { A, B, NOON, R } from "./vectors.ts";

const facts = { session: "ExrK6yXu4K-JyZWA7-B2YA", from: A.nodeId, to: B.nodeId, community: R, th6: Buffer.alloc(32, 1) };
const unsealed = refused("invalid_signature", "seal_missing");
const word = (n: number): Buffer => Buffer.from(`record ${n}`);

/** RFC 9162 §2.1.1, as it is written there. */
function rootByTheBook(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] as Buffer;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return rootOf([rootByTheBook(leaves.slice(0, k)), rootByTheBook(leaves.slice(k))]);
}

/** `count` records said and sealed, and what the other side made of it. */
function sealed(count: number, o: { writer?: SealWriter; reader?: SealReader; from?: number } = {}): SealedLeaves {
  const { writer = new SealWriter(A, facts), reader = new SealReader(facts), from = 0 } = o;
  for (let n = from; n < from + count; n++) {
    writer.add(leafOf(word(n)));
    reader.add(leafOf(word(n)));
  }
  return reader.read(JSON.parse(writer.seal(NOON)) as JsonObject);
}

describe("the tree under a seal (RFC 9162)", () => {
  it("has the shape of the book, and every path leads to its root and nowhere else", () => {
    holds(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (count, seed) => {
        const leaves = Array.from({ length: count }, (_, n) => leafOf(word(n)));
        const root = rootByTheBook(leaves);
        assert.ok(rootOf(leaves).equals(root));
        const index = seed % count;
        const path = pathOf(leaves, index);
        const leaf = leaves[index] as Buffer;
        assert.ok(rootFromPath({ leaf, index, count, path })?.equals(root));
        assert.ok(rootFromPath({ leaf: leafOf(Buffer.from("other")), index, count, path })?.equals(root) !== true);
        assert.equal(rootFromPath({ leaf, index, count, path: [...path, root] }), null);
        if (count > 1) {
          assert.ok(rootFromPath({ leaf, index: (index + 1) % count, count, path })?.equals(root) !== true);
          assert.equal(rootFromPath({ leaf, index, count, path: path.slice(0, -1) }), null);
        }
      }),
    );
  });
});

describe("the chain of seals (network.md §1.6)", () => {
  it("is followed seal by seal", () => {
    const [writer, reader] = [new SealWriter(A, facts), new SealReader(facts)];
    const first = sealed(3, { writer, reader });
    const second = sealed(1, { writer, reader, from: 3 });
    assert.deepEqual([first.seal.n, first.seal.first, first.seal.count], [0, 0, 3]);
    assert.deepEqual([second.seal.n, second.seal.first, second.seal.count], [1, 3, 1]);
  });

  it("scenario 20: a missing, late, forked, foreign or empty seal is 4412", () => {
    const body = (writer: SealWriter, ...records: number[]): JsonObject => {
      for (const n of records) writer.add(leafOf(word(n)));
      return JSON.parse(writer.seal(NOON)) as JsonObject;
    };
    const reading = (...records: number[]): SealReader => {
      const reader = new SealReader(facts);
      for (const n of records) reader.add(leafOf(word(n)));
      return reader;
    };
    assert.throws(() => reading(1, 2).read(body(new SealWriter(A, facts), 1)), unsealed, "one leaf is missing");
    assert.throws(() => reading(1).read(body(new SealWriter(A, facts), 1, 2)), unsealed, "one leaf was never said");
    assert.throws(() => reading(2, 1).read(body(new SealWriter(A, facts), 1, 2)), unsealed, "another order");
    const writer = new SealWriter(A, facts);
    body(writer, 1);
    assert.throws(() => reading(2).read(body(writer, 2)), unsealed, "the seal before never came");
    assert.throws(
      () => reading(1).read(body(new SealWriter(B, { ...facts, from: B.nodeId, to: A.nodeId }), 1)),
      unsealed,
      "another's",
    );
    assert.throws(() => reading(1).read(body(new SealWriter(A, { ...facts, session: "other" }), 1)), unsealed, "another session");
    const { seal } = body(new SealWriter(A, facts), 1);
    assert.throws(
      () => reading(1).read({ seal: seal ?? null, signature: `ed25519:${"A".repeat(86)}` }),
      unsealed,
      "a wrong signature",
    );
    const twice = body(new SealWriter(A, facts), 1);
    const reader = reading(1);
    reader.read(twice);
    assert.throws(() => reader.read(twice), unsealed, "twice, with nothing to seal");
  });
});

describe("an exported proof (network.md §1.6 Export)", () => {
  it("convinces a third party that knows the signer's id alone", () => {
    holds(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), (count, seed) => {
        const record = word(seed % count);
        const proof = exportProof(sealed(count), record);
        const travelled = JSON.parse(JSON.stringify(proof)) as SessionProof;
        const seal = verifyProof(travelled, A.nodeId);
        assert.deepEqual([seal?.from, seal?.to, seal?.community], [A.nodeId, B.nodeId, R]);
      }),
    );
  });

  it("convinces nobody when anything of it was changed", () => {
    const proof = exportProof(sealed(5), word(3));
    for (const [why, change] of [
      ["another record", { record: Buffer.from("record 4").toString("base64url") }],
      ["another place", { index: 2 }],
      ["a shorter path", { path: proof.path.slice(1) }],
      ["another seal", { seal: { ...proof.seal, to: A.nodeId } }],
      ["another count", { seal: { ...proof.seal, count: 4 } }],
      ["another type", { type: "hearthnet.session-proof.v2" }],
      ["no form", { path: null }],
    ] as const)
      assert.equal(verifyProof({ ...proof, ...change } as SessionProof, A.nodeId), null, why);
    assert.equal(verifyProof(proof, B.nodeId), null, "another signer");
    assert.throws(() => exportProof(sealed(2), word(7)), refused("not_found"));
  });
});
