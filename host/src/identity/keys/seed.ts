import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { formatNodeId } from "../node-id.ts";

const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** Imports a 32-byte seed. The caller wipes its copy. */
export function importSeed(seed: Uint8Array): { nodeId: string; key: KeyObject } {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return { nodeId: formatNodeId(new Uint8Array(spki.subarray(-32))), key };
}
