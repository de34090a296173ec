import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  formatNodeId,
  formatSignature,
  importSeed,
  isNodeId,
  parseNodeId,
  parseSignature,
  sameShortId,
  shortId,
} from "../../src/identity/index.ts";
import { holds } from "../support/property.ts";
import { device, refused } from "./people.ts";

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("node ids (01 §2, 00 G-4)", () => {
  it("text and key name each other, for any key", () => {
    holds(
      fc.property(seeds, (seed) => {
        const { nodeId } = importSeed(seed);
        assert.equal(formatNodeId(parseNodeId(nodeId).bytes), nodeId);
        assert.equal(nodeId.length, 51);
      }),
    );
  });

  it("have one spelling only", () => {
    const { nodeId } = device(1);
    const last = nodeId.slice(-1);
    // The last character carries two bits that no byte uses.
    const twin = String.fromCharCode(last.charCodeAt(0) + 1);
    for (const other of [
      nodeId.toUpperCase(),
      ` ${nodeId}`,
      `${nodeId}\n`,
      `${nodeId}=`,
      nodeId.slice(0, -1),
      nodeId.slice(0, -1) + twin,
      nodeId.replace("ed25519:", "ED25519:"),
      nodeId.slice("ed25519:".length),
      "",
      null,
      7,
      [nodeId],
    ]) {
      assert.equal(isNodeId(other), false, String(other));
      assert.throws(() => parseNodeId(other), refused("bad_request", "bad_node_id"));
    }
  });

  it("are no points of small order and no second spelling of a number", () => {
    const P = (1n << 255n) - 19n;
    const little = (n: bigint): Buffer => Buffer.from(n.toString(16).padStart(64, "0"), "hex").reverse();
    for (const y of [0n, 1n, P - 1n, P, P + 1n, (1n << 255n) - 1n])
      assert.equal(isNodeId(formatNodeId(little(y))), false, y.toString(16));
  });
});

describe("short ids, for people (00 §3, G-3)", () => {
  it("are thirteen symbols of the first eight bytes", () => {
    assert.match(shortId(device(1).nodeId), /^ed25519:[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]$/);
  });

  it("are equal however they are read out, and differ when one of twelve symbols does", () => {
    const short = shortId(device(1).nodeId);
    const core = short.replace(/ed25519:|-/g, "");
    for (const spelled of [
      short,
      short.toLowerCase(),
      core,
      core.slice(0, 12),
      ` ${short.slice(8).replaceAll("-", " ")} `,
      `${core}===`,
    ])
      assert.ok(sameShortId(short, spelled), spelled);
    for (let at = 0; at < 12; at += 1) {
      const other = core.slice(0, at) + (core[at] === "A" ? "B" : "A") + core.slice(at + 1);
      assert.equal(sameShortId(short, other), false, other);
    }
    assert.equal(sameShortId("", ""), false);
    assert.equal(sameShortId("ed25519:ABCD", "ed25519:ABCD"), false, "too short to compare");
  });
});

describe("signatures as text", () => {
  it("come back as they were, and have one length", () => {
    const bytes = randomBytes(64);
    assert.deepEqual(Buffer.from(parseSignature(formatSignature(bytes))), bytes);
    for (const other of [
      "",
      "ed25519:",
      formatSignature(bytes.subarray(1)),
      formatSignature(Buffer.concat([bytes, bytes])),
      5,
      null,
    ])
      assert.throws(() => parseSignature(other), refused("bad_request"), String(other));
  });
});
