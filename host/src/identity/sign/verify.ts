import type { NodeId, Signature, SignatureCheck } from "../../contract/index.ts";
import { canonicalBytes } from "../canonical/write.ts";
import { verifyCached, verifySignature } from "../ed25519/verify.ts";
import { parseNodeId, parseSignature } from "../node-id.ts";
import { checkShape, type SignedKind } from "./shapes.ts";

/**
 * Verifies bytes under a node's key. @returns false for anything malformed; never throws
 * @source 01 §4
 */
export function verifyBytes(message: Uint8Array, o: { by: NodeId; signature: Signature }): boolean {
  try {
    return verifyCached(parseNodeId(o.by), message, parseSignature(o.signature));
  } catch {
    return false;
  }
}

/** The same for what is met once: nothing is remembered. @returns false for anything malformed; never throws */
export function verifyOnce({ by, message, signature }: SignatureCheck): boolean {
  try {
    return verifySignature(parseNodeId(by), message, parseSignature(signature));
  } catch {
    return false;
  }
}

/** Each is verified once in its life (02 T-2, T-10, network.md §2.3): remembering the result would only cost. */
const ONCE: ReadonlySet<SignedKind> = new Set(["request", "response", "stream", "peer-auth", "peer-seal"]);

/**
 * Verifies a signed object over all received keys, unknown ones included. The signature stands in the object, or beside it in `o.signature`.
 * The object's shape must be that of `kind` and name `by` as its signer, so that a signature given for one purpose never counts for another.
 * @source 01 §4, 00 G-1
 */
export function verifyTyped(kind: SignedKind, value: object, o: { by: NodeId; signature?: Signature }): boolean {
  try {
    const { signature: inside, ...rest } = value as { signature?: unknown };
    const payload = o.signature === undefined ? rest : value;
    const signature = o.signature ?? inside;
    if (typeof signature !== "string") return false;
    checkShape(kind, payload, { by: o.by });
    const verify = ONCE.has(kind) ? verifySignature : verifyCached;
    return verify(parseNodeId(o.by), canonicalBytes(payload), parseSignature(signature));
  } catch {
    return false;
  }
}
