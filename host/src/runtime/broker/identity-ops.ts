/** What the device key does for a plugin: closed, typed objects that the host builds, and one key agreement. @source plugin-platform §3.1 identity.*; 00 G-1 */
import type { JsonObject, PluginSigner } from "../../contract/index.ts";
import { decodeBase64url, HnError } from "../../foundation/index.ts";
import { communityOf } from "../commons/index.ts";
import { isHostType } from "../../format/index.ts";
import { denied } from "../permission/index.ts";
import { object, text } from "./arguments.ts";
import type { OpFamily } from "./op-family.ts";
import type { OpCall } from "./scope.ts";

const DOCUMENT_MAX_BYTES = 65_536;

export const IDENTITY_OPS: OpFamily<"identity"> = {
  "identity.signPlugin": (op) => {
    op.note({ target: "plugin-sig" });
    op.scope.grants().sign("plugin-sig");
    return { signature: signerOf(op).signPlugin(op.scope.pluginId, document(op.args, "payload")) };
  },
  "identity.signDoc": async (op) => {
    const type = text(op.args, "type", 64);
    op.note({ target: type });
    op.scope.grants().sign(type);
    const doc = document(op.args, "doc");
    if (type === "cosign") return { signature: coSign(op, doc) };
    if (type === "federation-manifest") return { signature: await federationManifest(op, doc) };
    throw denied("identity.sign", type);
  },
  "identity.dh": (op) => {
    const { scope, args } = op;
    scope.grants().require("identity.dh");
    // The role is a condition of its own: one plugin at most speaks for this key.
    if (scope.commons.holder("e2e")?.pluginId !== scope.pluginId) throw denied("identity.dh", "the role e2e");
    const wait = scope.agreements.take(scope.clock.monotonic());
    if (wait > 0) throw new HnError("rate_limited", { retryAfterMs: wait });
    return { shared: signerOf(op).dh(x25519(text(args, "peer", 64))) };
  },
  "identity.proof": ({ parent }) => ({ proof: parent?.call.proof?.() ?? null }),
  "identity.readProof": ({ scope, args }) => {
    const proof = object(args, "proof");
    return { call: scope.commons.readProof?.(proof) ?? null };
  },
};

/** Per minute: an initiator needs two or three for a session. */
export const AGREEMENTS_PER_MINUTE = 60;

function signerOf({ scope }: OpCall): PluginSigner {
  const { signer } = scope.commons;
  if (signer === null) throw new HnError("not_implemented", { message: "This node has no key to sign with." });
  return signer;
}

/** An act that names a plugin's own kind of event; members, levels and tokens are the owner's business. @source 04 E-7 */
function coSign(op: OpCall, doc: JsonObject): string {
  const action = text(doc, "action", 64);
  if (isHostType(action)) throw denied("identity.sign", action);
  const extra = Object.keys(doc).find((key) => key !== "action" && key !== "data");
  if (extra !== undefined) throw new HnError("bad_request", { message: `A co-signature has action and data, not ${extra}.` });
  const community_id = communityOf(op.scope.commons).communityId() ?? "";
  return signerOf(op).signCoSign({ type: "hearthnet.cosign.v1", action, community_id, data: object(doc, "data") });
}

/** Signed only after the owner has seen whom it binds, to what and until when. @source 20 D1 */
async function federationManifest(op: OpCall, doc: JsonObject): Promise<string> {
  const { commons, pluginId } = op.scope;
  const own = communityOf(commons).communityId();
  if (doc["community_a"] !== own && doc["community_b"] !== own)
    throw new HnError("bad_request", { message: "Neither side of the agreement is this node's community." });
  if (commons.show === null) throw new HnError("not_implemented", { reason: "not_shown" });
  if (!(await commons.show({ plugin: pluginId, document: doc }))) throw denied("identity.sign", "federation-manifest");
  return signerOf(op).signFederationManifest(doc);
}

function document(args: JsonObject, field: string): JsonObject {
  const value = object(args, field);
  if (JSON.stringify(value).length > DOCUMENT_MAX_BYTES)
    throw new HnError("bad_request", { reason: "too_large", message: "A document to be signed may have 64 KiB at most." });
  return value;
}

function x25519(value: string): Uint8Array {
  if (!value.startsWith("x25519:")) throw new HnError("bad_request", { message: "A key for agreement begins with x25519:." });
  return decodeBase64url(value.slice(7), 32);
}
