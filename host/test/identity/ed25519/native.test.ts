import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { importPublicKey, selfTest } from "../../../src/identity/index.ts";
import { SigningKey } from "../../../src/identity/ed25519/sign.ts";
import { loadNativeSodium } from "../../../src/identity/ed25519/native.ts";
import { backend, verifySignature, verifyWithNode } from "../../../src/identity/ed25519/verify.ts";
import { seededRandom } from "../../support/people.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const spki = publicKey.export({ format: "der", type: "spki" });
const random = seededRandom(Number(process.env["HN_SEED"] ?? 11));

const native = await loadNativeSodium();

describe("the native library (network.md §2.3)", { skip: native === null && "needs sodium-native" }, () => {
  after(() => {
    backend.native = null;
    backend.verify = verifyWithNode;
  });

  it("is used only after the self-test of the start", async () => {
    assert.equal(backend.native, null);
    await selfTest();
    assert.equal(backend.native, native);
  });

  it("writes the same signatures and gives the same verdicts as OpenSSL, byte for byte", () => {
    const key = importPublicKey(spki.subarray(-32));
    const signer = new SigningKey(privateKey);
    assert.ok(key);
    for (let i = 0; i < 1000; i++) {
      const message = random((i * 37) % 2000);
      const signature = signer.sign(message);
      assert.ok(sign(null, message, privateKey).equals(signature), `case ${i}`);
      const forged = Uint8Array.from(signature);
      forged[i % 64] = (forged[i % 64] ?? 0) ^ (1 << (i % 8));
      for (const [candidate, expected] of [
        [signature, true],
        [forged, false],
      ] as const) {
        assert.equal(verifySignature(key, message, candidate), expected, `case ${i}`);
        assert.equal(verifyWithNode(key, message, candidate), expected, `case ${i}`);
      }
    }
  });

  it("forgets a key with it", () => {
    const signer = new SigningKey(privateKey);
    signer.sign(random(10));
    signer.destroy();
    assert.throws(() => signer.sign(random(10)), /destroyed/);
  });

  it("is left out by HN_NATIVE=0, and the node starts without it", () => {
    const url = pathToFileURL(`${import.meta.dirname}/../../../src/identity/ed25519/`).href;
    const script = `
      const { selfTest } = await import("${url}self-test.ts");
      const { backend, verifyWithNode } = await import("${url}verify.ts");
      await selfTest();
      console.log(backend.native === null && backend.verify === verifyWithNode);`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--no-warnings", "--conditions=hearthnet-source", "--input-type=module", "-e", script],
      { env: { ...process.env, HN_NATIVE: "0" }, encoding: "utf8", timeout: 20_000 },
    );
    assert.equal(stdout.trim(), "true", stderr);
  });
});
