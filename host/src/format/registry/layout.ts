/** Names in a registry's folder, the same for any file server, neighbour or stick. @source marketplace §2.2, §3 */
import { sha256Hex } from "../package/write.ts";

/** Delegated roles below `targets`. */
export const REGISTRY_ROLES = { revocations: "revocations", index: "index", claimed: "claimed" } as const;
export const REVOCATIONS_TARGET = "_registry/revocations.json";
export const INDEX_PATTERN = "_registry/index/*";
/** Members of the signed metadata that TUF does not know: when a timestamp was signed, and whether a root is for development only. */
export const ISSUED_FIELD = "x-hearthnet-issued";
export const PROFILE_FIELD = "x-hearthnet-profile";

const TARGET = /^([a-z][a-z0-9-]{1,38})\/([a-z][a-z0-9-]{1,38})\/([0-9A-Za-z.-]{5,96})\.hnp$/;

/** `acme/demo` → `acme`. */
export function namespaceOf(id: string): string {
  return id.split("/")[0] ?? "";
}

/** Role that signs a namespace's packages; its keys are the publisher's. */
export function namespaceRole(namespace: string): string {
  return `ns-${namespace}`;
}

export function packageTarget(id: string, version: string): string {
  return `${id}/${version}.hnp`;
}

/** @returns null for a path that names no package */
export function readPackageTarget(path: string): { id: string; version: string } | null {
  const [, namespace, name, version] = TARGET.exec(path) ?? [];
  return version === undefined ? null : { id: `${namespace}/${name}`, version };
}

/** Where the part of the search index lies that holds this plugin. */
export function indexTarget(id: string): string {
  return `_registry/index/${sha256Hex(Buffer.from(id)).slice(0, 2)}.json`;
}

/** Where packages, assets and parts of the index lie: by their own hash. */
export function blobKey(sha256: string): string {
  return `blobs/sha256/${sha256.slice(0, 2)}/${sha256}`;
}

/** @param version  null for the one file that is replaced in place: `timestamp` */
export function metadataKey(role: string, version: number | null): string {
  return `tuf/${version === null ? "" : `${version}.`}${encodeURIComponent(role)}.json`;
}
