const NODE_ID = /^ed25519:([A-Za-z0-9_-]{43})$/;
const FRESH = "hearthnet-id://v1/";
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** What a new device shows for its neighbour. Unsigned, so both screens' short ids are compared by people (01 I-15). */
export interface FreshDevice {
  nodeId: string;
  name: string;
}

/**
 * For people only: `ed25519:AOQQ-PP7T-ZYIL-4`, the first 64 bits of the key in Base32. The whole id where the text is none.
 * @source 00 §3, G-3
 */
export function shortId(nodeId: string): string {
  const match = NODE_ID.exec(nodeId);
  if (match?.[1] === undefined) return nodeId;
  const bytes = decode(match[1]);
  let bits = 0n;
  for (const byte of bytes.subarray(0, 8)) bits = (bits << 8n) | BigInt(byte);
  bits <<= 1n;
  let text = "";
  for (let i = 12n; i >= 0n; i--) text += BASE32[Number((bits >> (i * 5n)) & 31n)] ?? "";
  return `ed25519:${text.slice(0, 4)}-${text.slice(4, 8)}-${text.slice(8, 12)}-${text.slice(12)}`;
}

/** Reads `hearthnet-id://v1/…` or a plain node id; null when it is neither. The node reads it again and decides. */
export function readFreshDevice(text: string): FreshDevice | null {
  const trimmed = text.trim();
  if (NODE_ID.test(trimmed)) return { nodeId: trimmed, name: "" };
  if (!trimmed.startsWith(FRESH)) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(decode(trimmed.slice(FRESH.length))));
    if (typeof value !== "object" || value === null) return null;
    const { node_id_full: nodeId, display_name: name } = value as { node_id_full?: unknown; display_name?: unknown };
    if (typeof nodeId !== "string" || !NODE_ID.test(nodeId)) return null;
    return { nodeId, name: typeof name === "string" ? name : "" };
  } catch {
    return null;
  }
}

/** The text that `readFreshDevice` reads. */
export function writeFreshDevice(device: FreshDevice): string {
  const bytes = new TextEncoder().encode(JSON.stringify({ node_id_full: device.nodeId, display_name: device.name }));
  return FRESH + encode(bytes);
}

function decode(base64url: string): Uint8Array {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}
