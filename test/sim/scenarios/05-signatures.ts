import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { importPublicKey, sodiumReady, verifyWithNode, verifyWithSodium } from "../../../host/src/identity/index.ts";
import { loadNativeSodium } from "../../../host/src/identity/ed25519/native.ts";
import { verifierOf, verifySignature, type Verifier } from "../../../host/src/identity/ed25519/verify.ts";
import type { Scenario } from "../scenario.ts";

interface EdgeCase {
  name: string;
  public_key_hex: string;
  signature_hex: string;
  message_utf8: string;
  valid: boolean;
}

const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, "..", "..", "vectors", "ed25519-edge.json"), "utf8")) as {
  cases: EdgeCase[];
};

/** How many nodes of one log judge each signature; each has one of the libraries. */
export const signatures: Scenario = {
  row: 5,
  name: "the signatures on which libraries differ, judged by each library that a node may have, whole and with any bit turned",
  pass: "one verdict everywhere, and that of the rule",
  run: async (world, tell) => {
    await sodiumReady;
    const native = await loadNativeSodium();
    const backends: [string, Verifier][] = [
      ["OpenSSL", verifyWithNode],
      ["libsodium in WebAssembly", verifyWithSodium],
      ["the one in use", verifySignature],
    ];
    if (native !== null) backends.push(["libsodium compiled", verifierOf(native)]);
    const random = world.random.fork("bits");
    let verdicts = 0;
    for (const { name, valid, ...one } of cases) {
      const [key, signature] = [Buffer.from(one.public_key_hex, "hex"), Buffer.from(one.signature_hex, "hex")];
      const message = Buffer.from(one.message_utf8);
      const judged = (verifier: Verifier): boolean => {
        const imported = importPublicKey(key);
        return imported !== null && verifier(imported, message, signature);
      };
      for (const [library, verifier] of backends) assert.equal(judged(verifier), valid, `${name} by ${library}`);
      for (let turn = 0; turn < 8; turn += 1) {
        const part = random.pick([key, signature, message]) as Buffer;
        const at = random.below(part.length);
        part[at] = (part[at] ?? 0) ^ (1 << random.below(8));
        assert.equal(new Set(backends.map(([, verifier]) => judged(verifier))).size, 1, `${name}, a bit turned: verdicts differ`);
        verdicts += backends.length;
      }
    }
    world.scheduler.note(`${verdicts} verdicts`);
    tell(`${cases.length} cases, ${verdicts} verdicts more, by ${backends.length - 1} libraries`);
  },
};
