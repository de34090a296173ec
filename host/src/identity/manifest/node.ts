import { CONSTANTS, type ManifestCapability, type NodeId, type NodeManifest } from "../../contract/index.ts";
import { formatTime, HnError, isTime, parseStrictJson, parseTime } from "../../foundation/index.ts";
import { isNodeId, parseNodeId } from "../node-id.ts";
import type { Signer } from "../sign/signer.ts";
import { verifyTyped } from "../sign/verify.ts";

const TTL_MS = CONSTANTS.MANIFEST_TTL_SECONDS * 1000;
/** Clock tolerance for devices without NTP. @source 01 I-7 */
const TOLERANCE_MS = CONSTANTS.SIGNED_REQUEST_SKEW_SECONDS * 1000;
/** Prefixes that contract 1.0 defines. @source 00 §5.1 */
const V1_PREFIXES = ["community.", "llm.", "embed.", "rag.", "file.", "market.", "chat."];
const V2_PARAMS = new Set(["modalities", "tools_supported", "max_tools_per_call", "requires_internet"]);

export type ManifestFacts = Omit<
  NodeManifest,
  "version" | "contract_version" | "issued_at" | "expires_at" | "signature" | "node_id"
>;

/** @source 01 §5 */
export function buildManifest(signer: Signer, o: { facts: ManifestFacts; now: number }): NodeManifest {
  return signer.signNodeManifest({ ...o.facts, version: 1, contract_version: "2.0", node_id: signer.nodeId, ...lifetime(o.now) });
}

/** Separately built and signed for peers of the first generation: nothing of the second shows. @source 01 §8 */
export function buildManifestV1(signer: Signer, o: { facts: ManifestFacts; now: number }): NodeManifest {
  const { features: _features, relays: _relays, ...facts } = o.facts;
  const capabilities = facts.capabilities
    .filter((c) => V1_PREFIXES.some((prefix) => c.name.startsWith(prefix)) && c.version.startsWith("1."))
    .map(withoutV2);
  return signer.signNodeManifest({
    ...facts,
    capabilities,
    version: 1,
    contract_version: "1.0",
    node_id: signer.nodeId,
    ...lifetime(o.now),
  });
}

export interface ManifestMemory {
  /** Unix ms of the last accepted `issued_at` of that node, and its contract. */
  last(node: NodeId): { issuedAt: number; contract: string } | undefined;
  accept(node: NodeId, entry: { issuedAt: number; contract: string }): void;
}

/**
 * Steps 1 to 6 of 01 §5 in their order; whose community it is (step 7) is for the caller to judge.
 * @param bytes  body of `GET /manifest`
 * @throws bad_request · schema_mismatch · invalid_signature · expired
 * @source 01 §5, I-7, I-16
 */
export function verifyManifest(bytes: Uint8Array, o: { now: number; expected?: NodeId; memory: ManifestMemory }): NodeManifest {
  const value = parseStrictJson(bytes, { maxBytes: CONSTANTS.MANIFEST_MAX_BYTES });
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad();
  const manifest = value as unknown as NodeManifest;
  if (manifest.version !== 1) throw bad();
  if (typeof manifest.contract_version !== "string" || !/^[12]\.\d+$/.test(manifest.contract_version))
    throw new HnError("schema_mismatch", { reason: "contract_version" });
  checkFields(manifest);
  parseNodeId(manifest.node_id);
  if (o.expected !== undefined && manifest.node_id !== o.expected)
    throw new HnError("invalid_signature", { reason: "tls_mismatch" });
  if (!verifyTyped("node-manifest", manifest, { by: manifest.node_id }))
    throw new HnError("invalid_signature", { reason: "bad_manifest" });
  checkFresh(manifest, o);
  return manifest;
}

function checkFresh(manifest: NodeManifest, o: { now: number; memory: ManifestMemory }): void {
  const issuedAt = parseTime(manifest.issued_at);
  if (parseTime(manifest.expires_at) - issuedAt !== TTL_MS || Math.abs(issuedAt - o.now) > TOLERANCE_MS)
    throw new HnError("expired", { reason: "clock_skew" });
  const last = o.memory.last(manifest.node_id);
  if (last !== undefined) {
    if (issuedAt < last.issuedAt)
      throw new HnError("expired", { message: "The node's self-description is older than one already seen." });
    // A 1.0 twin of a 2.0 manifest we know is a downgrade, not news.
    if (last.contract === "2.0" && manifest.contract_version === "1.0" && issuedAt - last.issuedAt < TTL_MS)
      throw new HnError("expired", { message: "A newer form of this self-description was seen already." });
  }
  o.memory.accept(manifest.node_id, { issuedAt, contract: manifest.contract_version });
}

function checkFields(m: NodeManifest): void {
  const named = typeof m.display_name === "string" && m.display_name.length >= 1 && [...m.display_name].length <= 64;
  // A node that has not joined yet names no community.
  const community = m.community_id === "" || isNodeId(m.community_id);
  const lists =
    Array.isArray(m.endpoints) &&
    m.endpoints.length <= 16 &&
    m.endpoints.every(isEndpoint) &&
    Array.isArray(m.capabilities) &&
    m.capabilities.length <= 256 &&
    m.capabilities.every(isCapability);
  const features = m.features === undefined || (Array.isArray(m.features) && m.features.every((f) => typeof f === "string"));
  if (!named || !community || !lists || !features || !isTime(m.issued_at) || !isTime(m.expires_at)) throw bad();
}

function isEndpoint(e: unknown): boolean {
  if (typeof e !== "object" || e === null) return false;
  const { transport, host, port } = e as { transport?: unknown; host?: unknown; port?: unknown };
  return (
    typeof transport === "string" &&
    typeof host === "string" &&
    host.length <= 255 &&
    Number.isInteger(port) &&
    (port as number) > 0 &&
    (port as number) < 65_536
  );
}

function isCapability(c: unknown): boolean {
  if (typeof c !== "object" || c === null) return false;
  const { name, version, schema_hash, params, max_concurrent } = c as Record<string, unknown>;
  return (
    typeof name === "string" &&
    name.length <= 64 &&
    typeof version === "string" &&
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)$/.test(version) &&
    typeof schema_hash === "string" &&
    typeof params === "object" &&
    params !== null &&
    Number.isInteger(max_concurrent)
  );
}

function lifetime(now: number): { issued_at: string; expires_at: string } {
  const issued = Math.floor(now / 1000) * 1000;
  return { issued_at: formatTime(issued), expires_at: formatTime(issued + TTL_MS) };
}

function withoutV2(capability: ManifestCapability): ManifestCapability {
  const { name, version, stability, schema_hash, params, max_concurrent } = capability;
  return {
    name,
    version,
    stability,
    schema_hash,
    max_concurrent,
    params: Object.fromEntries(Object.entries(params).filter(([key]) => !V2_PARAMS.has(key))),
  };
}

function bad(): HnError {
  return new HnError("bad_request", { reason: "bad_manifest" });
}
