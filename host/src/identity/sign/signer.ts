import type { KeyObject } from "node:crypto";
import type {
  CoSign,
  CommunityManifest,
  Event,
  InviteBlob,
  JsonObject,
  NodeId,
  NodeManifest,
  PeerSeal,
  RequestEnvelope,
  ResponseEnvelope,
  Signature,
  Snapshot,
  StreamEnvelope,
  Time,
  TokenPayload,
} from "../../contract/index.ts";
import { checkSignable } from "../canonical/fractions.ts";
import { canonicalBytes } from "../canonical/write.ts";
import { SigningKey } from "../ed25519/sign.ts";
import { formatSignature } from "../node-id.ts";
import { checkShape, type SignedKind } from "./shapes.ts";
import { tokenText } from "./token.ts";

type Unsigned<T extends { signature: unknown }> = Omit<T, "signature">;

/**
 * Holds a private key and signs closed, typed objects with it: there is no way to sign bytes.
 * @source 00 G-1, 01 §4
 */
export class Signer {
  readonly nodeId: NodeId;
  readonly #key: SigningKey;

  constructor(nodeId: NodeId, key: KeyObject) {
    this.nodeId = nodeId;
    this.#key = new SigningKey(key);
  }

  signEvent(event: Unsigned<Event>): Event {
    return { ...event, signature: this.#sign("event", event) };
  }

  signSnapshot(snapshot: Unsigned<Snapshot>): Snapshot {
    return { ...snapshot, signature: this.#sign("snapshot", snapshot) };
  }

  signNodeManifest(manifest: Unsigned<NodeManifest>): NodeManifest {
    return { ...manifest, signature: this.#sign("node-manifest", manifest) };
  }

  signCommunityManifest(manifest: Unsigned<CommunityManifest>): CommunityManifest {
    return { ...manifest, signature: this.#sign("community-manifest", manifest) };
  }

  signInvite(invite: Unsigned<InviteBlob>): InviteBlob {
    return { ...invite, signature: this.#sign("invite", invite) };
  }

  signRequest(envelope: RequestEnvelope): Signature {
    return this.#sign("request", envelope);
  }

  signResponse(envelope: ResponseEnvelope): Signature {
    return this.#sign("response", envelope);
  }

  signStream(envelope: StreamEnvelope): Signature {
    return this.#sign("stream", envelope);
  }

  signCoSign(payload: CoSign): Signature {
    return this.#sign("cosign", payload);
  }

  /** A plugin's own words under a tag that no other verifier accepts. */
  signPlugin(plugin: string, payload: JsonObject): Signature {
    return this.#sign("plugin-sig", { type: "hearthnet.plugin-sig.v1", plugin, payload });
  }

  /** An agreement between two communities, without its `signatures`. @source 20 D1 */
  signFederationManifest(manifest: JsonObject): Signature {
    return this.#sign("federation-manifest", manifest);
  }

  /** X25519 of the converted device key and the peer's key. @throws bad_request low_order_point @source 28 EE1 */
  dh(peer: Uint8Array): Uint8Array {
    return this.#key.agree(peer);
  }

  signLedgerHead(head: { seq: number; hash: string; at: string }): Signature {
    return this.#sign("ledger", { type: "hearthnet.ledger.v1", ...head });
  }

  /** A question to, or an answer within, the DHT; members by 06 §2. */
  signDht(kind: "dht-request" | "dht-reply" | "dht-value", value: object): Signature {
    return this.#sign(kind, value);
  }

  /** One side of a peer session's handshake, or a refusal of it. @source network.md §1.3 */
  signPeerAuth(proof: {
    role: "initiator" | "responder" | "reject";
    to: NodeId;
    th: string;
    code?: string;
    server_time?: Time;
  }): Signature {
    return this.#sign("peer-auth", { type: "hearthnet.peer-auth.v1", from: this.nodeId, ...proof });
  }

  /** All that was said on a peer session since the seal before. @source network.md §1.6 */
  signPeerSeal(seal: PeerSeal): Signature {
    return this.#sign("peer-seal", seal);
  }

  /** A capability token as text: what is signed begins with `eyJ`, the canonical form of every other kind with `{`. @source 05 §1 */
  signToken(payload: TokenPayload): string {
    checkShape("token", payload, { by: this.nodeId, closed: true });
    return tokenText(payload, (bytes) => this.#key.sign(bytes));
  }

  /** Forgets the key; later use fails. */
  destroy(): void {
    this.#key.destroy();
  }

  #sign(kind: SignedKind, value: object): Signature {
    checkShape(kind, value, { by: this.nodeId, closed: true });
    const bytes = canonicalBytes(value);
    // Bodies are the caller's words and verified in the ECMAScript form only; what we author ourselves stays in the common subset (I-5).
    if (kind !== "request" && kind !== "response" && kind !== "stream") checkSignable(value);
    return formatSignature(this.#key.sign(bytes));
  }
}
