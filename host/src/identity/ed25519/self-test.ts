import { generateKeyPairSync, sign } from "node:crypto";
import { HnError } from "../../foundation/index.ts";
import { loadNativeSodium, type NativeSodium } from "./native.ts";
import { SigningKey } from "./sign.ts";
import { backend, importPublicKey, sodiumReady, type Verifier, verifierOf, verifyWithNode, verifyWithSodium } from "./verify.ts";

/** The disputed cases on which libraries differ: key, signature, text, verdict. @source network.md §2.2 */
const CASES: readonly (readonly [string, string, string, boolean])[] = [
  [
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "7c61a1560daa2f213db96805c77499a77d575fe3f05c751389914f48bc1042c28db16b93a43d0546651f676b24b2880c2f0e868450f5c3685aec9faccb08ff00",
    "5#19",
    false,
  ],
  [
    "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
    "0100000000000000000000000000000000000000000000000000000000000000adcde339eb70360a2e1619efa036f0beb59a06bf054c48bb31ba2492db47d900",
    "6",
    false,
  ],
  [
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "6ff56e944a74caa22fc725e2c392edae40303a55511105e487b4c7cc027d06cb72ecffbdd9bded8ff844e5cae76376a3681f126e08bbf52732e4f7f260f6c208",
    "9",
    false,
  ],
  [
    "b502ff3d92e31d8190b4aa4ea0414005167fad089c4de9dac8a2fc850fed4f58",
    "3ccda227550979cf897234af5b254ea660e373fc5daf81a60bd99548186219026b52a1cbddcbd172db1c277a1eb8a65bda9afbcde92b08283e8bf0c7be7a1801",
    "10#0",
    false,
  ],
  [
    "b502ff3d92e31d8190b4aa4ea0414005167fad089c4de9dac8a2fc850fed4f58",
    "9b01f230641863050b7df4aeefec2b440c2f9f480a034e16943c4e1a92915a253230b9f1a38e4cab5f4795f68998ded03dec26e9b1781a325bbb24d3e6d6e603",
    "11#0",
    true,
  ],
  [
    "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
    "517bb77a855e59dde1233042e8fc107b9191bf0f2480d9052c5a2b9af0e20c4cde4c0ca84408a06bc0edd9575d871ae2dcde5d5c7e2ef6fee3673b09694c7c08",
    "12",
    false,
  ],
  [
    "b502ff3d92e31d8190b4aa4ea0414005167fad089c4de9dac8a2fc850fed4f58",
    "381f2b2e6998c9254584a0f5258a5f6784715c310a7784842295afc176617c1108f83c912de03bacba42e1bde4c6ab4a87623aeb1b8cdbe3f4db4d470104160e",
    "13#0",
    true,
  ],
  [
    "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
    "0000000000000000000000000000000000000000000000000000000000000080f38e1191f5552a3a609eccb24b10a6666c774578a270f6361de507733834e004",
    "14",
    false,
  ],
];

/**
 * Refuses to start on a machine whose verifier judges differently: one member with another verdict forks the log for ever. The native library
 * is taken into use only if it gives every verdict and writes the same signature; otherwise the node works without it.
 * @throws internal_error
 * @source network.md N-4 "Self-test at start"
 */
export async function selfTest(): Promise<void> {
  await sodiumReady;
  if (!judgesRight(verifyWithNode) || !judgesRight(verifyWithSodium))
    throw new HnError("internal_error", {
      message: "The signature library of this machine judges differently from the protocol; the node does not start.",
      action: "Use the Node.js version that HearthNet brings along.",
    });
  const native = await loadNativeSodium();
  if (native === null || !judgesRight(verifierOf(native)) || !signsAlike(native)) return;
  backend.native = native;
  backend.verify = verifierOf(native);
}

function judgesRight(verifier: Verifier): boolean {
  return CASES.every(([key, signature, text, expected]) => {
    const imported = importPublicKey(Buffer.from(key, "hex"));
    const message = Buffer.from(`hearthnet ed25519 vector ${text}`);
    return (imported !== null && verifier(imported, message, Buffer.from(signature, "hex"))) === expected;
  });
}

/** Both libraries write one signature under a key made for the purpose. */
function signsAlike(native: NativeSodium): boolean {
  const { privateKey } = generateKeyPairSync("ed25519");
  const message = Buffer.from("hearthnet ed25519 self-test");
  const expected = sign(null, message, privateKey);
  const key = new SigningKey(privateKey);
  try {
    backend.native = native;
    return expected.equals(key.sign(message));
  } catch {
    return false;
  } finally {
    backend.native = null;
    key.destroy();
  }
}
