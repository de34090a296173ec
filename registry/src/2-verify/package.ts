import {
  blobCid,
  checkMachineCode,
  permissionsDigest,
  rating,
  requested,
  verifyPackage,
  type IndexRow,
  type PublisherKey,
  type TargetCustom,
} from "@hearthnet/host/format";
import type { PluginManifest } from "@hearthnet/host/contract";

/** A package that may be published, with what the catalogue says about it. */
export interface Candidate {
  manifest: PluginManifest;
  sha256: string;
  bytes: Uint8Array;
  custom: TargetCustom;
}

/**
 * The same judgement as a node's: archive rules, every file, the publisher's signature.
 * @param o.keys      keys that may sign for the package's namespace
 * @param o.released  RFC 3339
 * @throws HnError with one class of marketplace §5.1 as reason
 * @source marketplace §4.1 steps 1 and 2
 */
export async function checkCandidate(
  bytes: Uint8Array,
  o: { keys: readonly PublisherKey[]; released: string },
): Promise<Candidate> {
  const { manifest, sha256, tarSha256, machineCode } = await verifyPackage(bytes, { keys: o.keys });
  checkMachineCode(manifest, machineCode);
  return {
    manifest,
    sha256,
    bytes,
    custom: {
      tarSha256,
      cid: blobCid(bytes).cid,
      publisherKeyids: o.keys.map(({ keyId }) => keyId),
      permissionsDigest: permissionsDigest(manifest),
      rating: rating(requested(manifest.permissions), "os", manifest.contributes.capabilities ?? []),
      tier: manifest.tier.min,
      engines: manifest.engines,
      platforms: manifest.platforms,
      status: "active",
      released: o.released,
    },
  };
}

/** @source marketplace §3.1 */
export function indexRow(o: { manifest: PluginManifest; custom: TargetCustom; sizeBytes: number }): IndexRow {
  const { manifest, custom } = o;
  return {
    id: manifest.id,
    v: manifest.version,
    name: manifest.displayName,
    desc: manifest.description,
    caps: (manifest.contributes.capabilities ?? []).map(({ name, version }) => `${name}@${version}`),
    perms: manifest.permissions.map(({ name }) => name),
    rating: custom.rating,
    tier: custom.tier,
    platforms: manifest.platforms,
    icon: null,
    size: o.sizeBytes,
    released: custom.released,
    publisher: custom.publisherKeyids[0] ?? "",
    verified: true,
  };
}
