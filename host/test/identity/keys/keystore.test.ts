import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { buildManifest, openKeystore, parseNodeId, verifyTyped } from "../../../src/identity/index.ts";
import { facts, NOW, refused, temporaryFolder } from "../people.ts";

const SEED = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

/** A data folder whose key file holds `content`. */
function withKey(t: TestContext, content: string | Uint8Array, mode = 0o600): { dataDir: string; path: string } {
  const dataDir = temporaryFolder(t);
  const path = join(dataDir, "keys", "device.ed25519");
  mkdirSync(join(dataDir, "keys"), { mode: 0o700 });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return { dataDir, path };
}

describe("the device key (01 §1, I-1)", () => {
  it("is made once, for this user alone, and is the same afterwards", (t) => {
    const dataDir = temporaryFolder(t);
    const first = openKeystore(dataDir);
    parseNodeId(first.nodeId);
    const path = join(dataDir, "keys", "device.ed25519");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(dataDir, "keys")).mode & 0o777, 0o700);
    const before = readFileSync(path);
    assert.equal(openKeystore(dataDir).nodeId, first.nodeId);
    assert.deepEqual(readFileSync(path), before);
    assert.deepEqual(readdirSync(join(dataDir, "keys")).sort(), ["device.ed25519", "device.pub"], "nothing half written stays");
    assert.notEqual(openKeystore(temporaryFolder(t)).nodeId, first.nodeId);
  });

  it("signs as the node that its file names, in raw and in text form, with or without a line end", (t) => {
    const ids = [Buffer.from(SEED, "base64url"), SEED, `${SEED}\n`, `${SEED}\r\n`].map((content) => {
      const { nodeId, signer } = openKeystore(withKey(t, content).dataDir);
      const manifest = buildManifest(signer, { facts: facts(), now: NOW });
      assert.equal(verifyTyped("node-manifest", manifest, { by: nodeId }), true);
      return nodeId;
    });
    assert.equal(new Set(ids).size, 1);
  });

  it("is not made when that was not asked for", (t) => {
    const dataDir = temporaryFolder(t);
    assert.throws(() => openKeystore(dataDir, { create: false }), refused("not_found", "keys_missing"));
    assert.equal(existsSync(join(dataDir, "keys")), false);
  });

  it("is never replaced when its file is damaged: a new key would be a new identity", (t) => {
    for (const content of [
      "",
      "x",
      SEED.slice(1),
      `${SEED}A`,
      `${SEED.slice(0, -1)}F`,
      SEED.replace("A", "+"),
      "\u0000".repeat(31),
      "y".repeat(500),
    ]) {
      const { dataDir, path } = withKey(t, content);
      assert.throws(() => openKeystore(dataDir), refused("internal_error", "keys_invalid"), JSON.stringify(content));
      assert.equal(readFileSync(path, "utf8"), content);
    }
  });

  it("is not used when others can read it, or can put another in its place", (t) => {
    for (const mode of [0o640, 0o604, 0o620, 0o666]) {
      const { dataDir } = withKey(t, SEED, mode);
      assert.throws(() => openKeystore(dataDir), refused("internal_error", "keys_permissions"), mode.toString(8));
    }
    const { dataDir } = withKey(t, SEED);
    chmodSync(join(dataDir, "keys"), 0o770);
    assert.throws(() => openKeystore(dataDir), refused("internal_error", "keys_permissions"));
  });

  it("says what to do when the folder cannot be written, without naming a path", (t) => {
    const dataDir = temporaryFolder(t);
    writeFileSync(join(dataDir, "keys"), "a file where a folder should be");
    assert.throws(() => openKeystore(dataDir), refused("internal_error"));
  });

  it("survives a lost or altered device.pub, which is for reading only", (t) => {
    const { dataDir } = withKey(t, SEED);
    const { nodeId } = openKeystore(dataDir);
    const path = join(dataDir, "keys", "device.pub");
    writeFileSync(path, "ed25519:somebody else\n");
    assert.equal(openKeystore(dataDir).nodeId, nodeId);
    assert.equal(readFileSync(path, "utf8"), `${nodeId}\n`);
  });

  it("follows a link to a key on another disk", (t) => {
    const { path } = withKey(t, SEED);
    const dataDir = temporaryFolder(t);
    mkdirSync(join(dataDir, "keys"), { mode: 0o700 });
    symlinkSync(path, join(dataDir, "keys", "device.ed25519"));
    assert.equal(openKeystore(dataDir).nodeId, openKeystore(withKey(t, SEED).dataDir).nodeId);
  });

  it("is forgotten when it is destroyed", (t) => {
    const { signer } = openKeystore(withKey(t, SEED).dataDir);
    signer.destroy();
    assert.throws(() => buildManifest(signer, { facts: facts(), now: NOW }), /destroyed/);
  });
});
