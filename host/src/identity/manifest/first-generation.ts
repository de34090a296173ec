import type { JsonObject, ManifestCapability, NodeManifest } from "../../contract/index.ts";

/** What contract 1.0 defines, all of it at version 1.0; a prefix would let `chat.thread.create` through. @source 00 §5.2 */
const CAPABILITIES: ReadonlySet<string> = new Set([
  "chat.history",
  "chat.send",
  "community.invite",
  "community.revoke",
  "embed.text",
  "file.advertise",
  "file.list",
  "file.put",
  "file.read",
  "llm.chat",
  "llm.complete",
  "market.expire",
  "market.list",
  "market.post",
  "market.search",
  "rag.ingest",
  "rag.list_corpora",
  "rag.query",
]);
/** `params` that the second generation added. @source 01 §5 */
const LATER_PARAMS: ReadonlySet<string> = new Set([
  "modalities",
  "tools_supported",
  "max_tools_per_call",
  "requires_internet",
  "models",
]);

/** The facts as a peer of the first generation may see them. @source 01 §8 */
export function asFirstGeneration<T extends Pick<NodeManifest, "capabilities"> & { features?: string[]; relays?: string[] }>(
  facts: T,
): Omit<T, "features" | "relays"> {
  const { features: _features, relays: _relays, ...kept } = facts;
  const capabilities = facts.capabilities.filter((c) => c.version === "1.0" && CAPABILITIES.has(c.name)).map(plain);
  return { ...kept, capabilities };
}

function plain(capability: ManifestCapability): ManifestCapability {
  const { name, version, stability, schema_hash, max_concurrent } = capability;
  const params: JsonObject = Object.fromEntries(Object.entries(capability.params).filter(([key]) => !LATER_PARAMS.has(key)));
  return { name, version, stability, schema_hash, params, max_concurrent };
}
