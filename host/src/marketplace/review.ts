import type { PermissionReview, PluginManifest, ReviewRow } from "../contract/index.ts";
import { rating, requested, sha256Hex } from "../format/index.ts";
import { canonicalBytes } from "../identity/index.ts";
import { isWithin, weightOf } from "../runtime/index.ts";
import type { Offer, Opened } from "./offers.ts";
import type { MarketplaceOptions } from "./options.ts";
import type { AssetStore } from "./store/asset-store.ts";

/** From this weight on the operator types the plugin's id. @source plugin-platform §3.4.4 */
export const HEAVY = 4;

/**
 * What is shown before an installation, bound to the package by a digest over both.
 * @source admin-ui §5
 */
export function buildReview(
  { manifest, keyId }: Pick<Opened, "manifest" | "keyId">,
  { id, sha256 }: Pick<Offer, "id" | "sha256">,
  o: { runtime: MarketplaceOptions["runtime"]; assets: AssetStore },
): PermissionReview {
  const { label } = o.runtime.report();
  const granted = o.runtime.get(id) === undefined ? [] : o.runtime.grants(id);
  const held = granted.filter(({ mode }) => mode === "allow").map(({ permission, scope }) => ({ permission, scope }));
  const rows = (requests: PluginManifest["permissions"]): ReviewRow[] =>
    requests.map((request) => {
      const [right] = requested([request]);
      return {
        ...request,
        weight: right === undefined ? 0 : weightOf(right),
        granted: right !== undefined && isWithin([right], held),
      };
    });
  const required = rows(manifest.permissions);
  const optional = rows(manifest.optionalPermissions ?? []);
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
    reviewDigest: sha256Hex(
      canonicalBytes({ sha256, label, required, optional, assets: assets.map(({ name, license }) => ({ name, license })) }),
    ),
    rating: rating(requested(manifest.permissions), label),
    label,
    required,
    optional,
    assets,
    totalBytes: assets.filter(({ present }) => !present).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    licenses: [...new Set([manifest.license, ...assets.map(({ license }) => license)])],
    confirmId: [...required, ...optional].some(({ weight }) => weight >= HEAVY),
  };
}
