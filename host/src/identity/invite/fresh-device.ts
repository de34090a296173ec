import type { NodeId } from "../../contract/index.ts";
import { decodeBase64url, encodeBase64url, HnError, parseStrictJson } from "../../foundation/index.ts";
import { isNodeId, parseNodeId } from "../node-id.ts";

const PREFIX = "hearthnet-id://v1/";

/** What a new device shows for its neighbour to scan. Unsigned: both screens' short ids are compared by people (I-15). @source 00 §3 */
export function createFreshDeviceId(o: { nodeId: NodeId; displayName: string }): string {
  return PREFIX + encodeBase64url(Buffer.from(JSON.stringify({ node_id_full: o.nodeId, display_name: o.displayName })));
}

/**
 * Reads that text, or a plain NodeID.
 * @throws bad_request bad_node_id
 */
export function readFreshDeviceId(text: string): { node_id: NodeId; display_name: string } {
  const trimmed = text.trim();
  if (!trimmed.startsWith(PREFIX)) {
    parseNodeId(trimmed);
    return { node_id: trimmed, display_name: "" };
  }
  try {
    const value = parseStrictJson(decodeBase64url(trimmed.slice(PREFIX.length)), { maxBytes: 2048, maxDepth: 2 }) as {
      node_id_full?: unknown;
      display_name?: unknown;
    };
    if (!isNodeId(value.node_id_full)) throw new Error("node id");
    const name =
      typeof value.display_name === "string" ? [...value.display_name.replace(/[\p{Cc}\p{Cf}]/gu, "")].slice(0, 64).join("") : "";
    return { node_id: value.node_id_full, display_name: name };
  } catch (cause) {
    throw new HnError("bad_request", { reason: "bad_node_id", cause });
  }
}
