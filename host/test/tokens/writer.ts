import { createPrivateKey, sign } from "node:crypto";

const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const HEADER = { alg: "EdDSA", typ: "hntoken", v: 1 };
const seeds: Map<string, Uint8Array> = new Map();

/** Makes the key of these 32 bytes known to the writer, under the id that it has. */
export function lend(nodeId: string, seed: Uint8Array): void {
  seeds.set(nodeId, seed);
}

/** A token with whatever claims and header, genuinely signed; written without any of the host's own code. */
export function writeToken(by: string, payload: object, header: object | string = HEADER): string {
  const seed = seeds.get(by);
  if (seed === undefined) throw new Error(`nobody has lent the key of ${by}`);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const part = (value: object | string): string =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const signed = `${part(header)}.${part(payload)}`;
  return `hntoken://v1/${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
}
