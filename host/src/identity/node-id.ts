import type { NodeId, Signature } from "../contract/index.ts";
import { decodeBase64url, encodeBase64url, HnError, RecentMap } from "../foundation/index.ts";
import { importPublicKey, type PublicKey } from "./ed25519/verify.ts";

const PREFIX = "ed25519:";
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const keys: RecentMap<NodeId, PublicKey> = new RecentMap(16_384);

/**
 * Text to key, strictly: one text per key, no small-order point.
 * @throws bad_request bad_node_id
 * @source 01 §2, 00 G-4
 */
export function parseNodeId(text: unknown): PublicKey {
  if (typeof text !== "string" || text.length !== 51 || !text.startsWith(PREFIX))
    throw new HnError("bad_request", { reason: "bad_node_id" });
  const known = keys.get(text);
  if (known !== undefined) return known;
  let key: PublicKey | null = null;
  try {
    key = importPublicKey(decodeBase64url(text.slice(PREFIX.length), 32));
  } catch (cause) {
    throw new HnError("bad_request", { reason: "bad_node_id", cause });
  }
  if (key === null) throw new HnError("bad_request", { reason: "bad_node_id" });
  keys.set(text, key);
  return key;
}

export function isNodeId(text: unknown): text is NodeId {
  try {
    parseNodeId(text);
    return true;
  } catch {
    return false;
  }
}

export function formatNodeId(publicKey: Uint8Array): NodeId {
  return PREFIX + encodeBase64url(publicKey);
}

/** For people only: `ed25519:AOQQ-PP7T-ZYIL-4`. @source 00 §3, G-3 */
export function shortId(node: NodeId): string {
  const bytes = parseNodeId(node).bytes.subarray(0, 8);
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  bits <<= 1n;
  let text = "";
  for (let i = 12; i >= 0; i--) text += BASE32[Number((bits >> BigInt(i * 5)) & 31n)] ?? "";
  return `${PREFIX}${text.slice(0, 4)}-${text.slice(4, 8)}-${text.slice(8, 12)}-${text.slice(12)}`;
}

/** Compares the first twelve symbols, equal in all three published spellings. @source 00 G-3 */
export function sameShortId(a: string, b: string): boolean {
  const core = (text: string): string =>
    text
      .trim()
      .replace(/^ed25519:/i, "")
      .replace(/[-=\s]/g, "")
      .toUpperCase()
      .slice(0, 12);
  return core(a).length === 12 && core(a) === core(b);
}

/** @throws bad_request */
export function parseSignature(text: unknown): Uint8Array {
  if (typeof text !== "string" || !text.startsWith(PREFIX))
    throw new HnError("bad_request", { message: "A signature is `ed25519:` and 86 characters." });
  return decodeBase64url(text.slice(PREFIX.length), 64);
}

export function formatSignature(bytes: Uint8Array): Signature {
  return PREFIX + encodeBase64url(bytes);
}
