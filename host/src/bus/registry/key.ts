import { canonicalText } from "../../identity/index.ts";
import type { CapabilityDescriptor, JsonObject, NodeId } from "../../contract/index.ts";
import { formatVersion } from "../route/version.ts";

/** Identity of an entry: one per backend, model or corpus. @source 03 §1 */
export function entryKey(node: NodeId, descriptor: Pick<CapabilityDescriptor, "name" | "version">, params: JsonObject): string {
  return `${node} ${descriptor.name}@${formatVersion(descriptor.version)} ${canonicalText(params)}`;
}
