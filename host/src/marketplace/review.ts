import type { PermissionReview, PluginManifest, ReviewRow } from "../contract/index.ts";
import { declaredCode, rating, requested, sha256Hex } from "../format/index.ts";
import { PLATFORM } from "../foundation/index.ts";
import { canonicalBytes } from "../identity/index.ts";
import { isWithin, weightOf } from "../runtime/index.ts";
import { HEAVY } from "./consent.ts";
import { changeOf, growthOf } from "./growth.ts";
import type { Offer, Opened } from "./offers.ts";
import type { MarketplaceOptions } from "./options.ts";
import type { AssetStore } from "./store/asset-store.ts";

/**
 * What is shown before an installation, bound to the package by a digest over both.
 * @source admin-ui §5
 */
export function buildReview(
  { manifest, keyId, binaries }: Pick<Opened, "manifest" | "keyId" | "binaries">,
  { id, sha256 }: Pick<Offer, "id" | "sha256">,
  o: { runtime: MarketplaceOptions["runtime"]; assets: AssetStore; nativeAllowed: boolean },
): Omit<PermissionReview, "oldCatalogueSeconds"> {
  const { label } = o.runtime.report();
  const granted = o.runtime.get(id) === undefined ? [] : o.runtime.grants(id);
  const held = granted.filter(({ mode }) => mode === "allow").map(({ permission, scope }) => ({ permission, scope }));
  const former = o.runtime.release(id);
  const offers = manifest.contributes.capabilities ?? [];
  const rows = (requests: PluginManifest["permissions"], isRequired: boolean): ReviewRow[] =>
    requests.map((request) => {
      const [right] = requested([request]);
      return {
        ...request,
        weight: right === undefined ? 0 : weightOf(right, offers),
        granted: right !== undefined && isWithin([right], held),
        held: granted.find(({ permission }) => permission === request.name) ?? null,
        change: former === undefined ? null : changeOf(former.manifest, request, isRequired),
      };
    });
  const required = rows(manifest.permissions, true);
  const optional = rows(manifest.optionalPermissions ?? [], false);
  const assets = (manifest.assets ?? []).map(({ name, license, files }) => ({
    name,
    license,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    present: files.every((file) => o.assets.has(file)),
  }));
  return {
    id: manifest.id,
    version: manifest.version,
    displayName: manifest.displayName,
    packageSha256: sha256,
    publisherKeyId: keyId,
    before: former?.version ?? null,
    growth: former === undefined ? [] : growthOf(former.manifest, manifest, granted),
    reviewDigest: sha256Hex(
      canonicalBytes({
        sha256,
        label,
        required,
        optional,
        before: former?.sha256 ?? null,
        assets: assets.map(({ name, license }) => ({ name, license })),
      }),
    ),
    rating: rating(requested(manifest.permissions), label, offers),
    ratingWithOptional: rating(requested([...manifest.permissions, ...(manifest.optionalPermissions ?? [])]), label, offers),
    label,
    required,
    optional,
    assets,
    totalBytes: assets.filter(({ present }) => !present).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    binaries: [
      ...binaries,
      ...declaredCode(manifest, PLATFORM).map(({ asset, file: { path, sha256: hash, sizeBytes } }) => ({
        path,
        asset,
        sha256: hash,
        sizeBytes,
      })),
    ],
    nativeAllowed: o.nativeAllowed,
    licenses: [...new Set([manifest.license, ...assets.map(({ license }) => license)])],
    confirmId: [...required, ...optional].some(({ weight }) => weight >= HEAVY),
  };
}
