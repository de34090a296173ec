import { hash } from "node:crypto";
import type { NodeId } from "../../contract/index.ts";
import { encodeBase64url } from "../../foundation/index.ts";
import { canonicalBytes } from "../../identity/index.ts";

/** Names the protocol in prologue and key schedule, and is the WebSocket's subprotocol. */
export const PROTOCOL = "hearthnet-peer.v1";

/** What one side sees of the connection; it never travels, and both must see the same. @source network.md §1.2 `cb`, `via` */
export interface Prologue {
  /** 32 bytes of the TLS exporter (RFC 9266); null where a browser or a proxy has none. */
  binding: Uint8Array | null;
  /** The relay whose channel it is; `""` on a direct socket. */
  via: NodeId | "";
}

/** `SHA-256(h ‖ u8 len(tag) ‖ tag ‖ u32be len(d) ‖ d)`: no two series of messages have one hash. @source network.md §1.3 */
export function mix(state: Uint8Array, tag: string, data: Uint8Array): Buffer {
  const name = Buffer.from(tag, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.byteLength);
  return hash("sha256", Buffer.concat([state, Buffer.of(name.byteLength), name, length, data]), "buffer");
}

/** th0 */
export function beginTranscript({ binding, via }: Prologue): Buffer {
  const prologue = {
    cb: binding === null ? "none" : "tls-exporter",
    cb_value: binding === null ? "" : encodeBase64url(binding),
    proto: PROTOCOL,
    via,
  };
  return mix(Buffer.alloc(32), "prologue", canonicalBytes(prologue));
}

/** th1: over the whole value as it was received, unknown keys included. */
export function mixHello(th0: Uint8Array, hello: object): Buffer {
  return mix(th0, "hello", canonicalBytes(hello));
}

/** th2: the answer without the proofs that are made from this very hash. */
export function mixAccept(th1: Uint8Array, accept: object): Buffer {
  const { sig: _sig, mac: _mac, ...rest } = accept as Record<string, unknown>;
  return mix(th1, "accept", canonicalBytes(rest));
}
