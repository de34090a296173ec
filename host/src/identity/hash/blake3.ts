import { blake3 as blake3Bytes } from "@noble/hashes/blake3.js";
import type { Cid, JsonSchema } from "../../contract/index.ts";
import { canonicalBytes } from "../canonical/write.ts";

/** @returns `blake3:` + 64 hex digits @source 00 §3 */
export function blake3(bytes: Uint8Array): Cid {
  return `blake3:${Buffer.from(blake3Bytes(bytes)).toString("hex")}`;
}

/** Running digest. */
export function createBlake3(): { update(bytes: Uint8Array): void; digest(): Cid } {
  const hash = blake3Bytes.create();
  return { update: (bytes) => void hash.update(bytes), digest: () => `blake3:${Buffer.from(hash.digest()).toString("hex")}` };
}

export function isCid(value: unknown): value is Cid {
  return typeof value === "string" && /^blake3:[0-9a-f]{64}$/.test(value);
}

/** @source 03 §3 */
export function schemaHash(o: {
  name: string;
  version: string;
  request_schema: JsonSchema;
  response_schema: JsonSchema | null;
  stream_schema: JsonSchema | null;
}): Cid {
  const { name, version, request_schema, response_schema, stream_schema } = o;
  return blake3(canonicalBytes({ name, version, request_schema, response_schema, stream_schema }));
}

/** @source 06 §1 */
export function dhtKey(text: string): Cid {
  return blake3(new TextEncoder().encode(text));
}
