import type { ConfinementReport, Grant, PermissionReview, PluginManifest, ReviewRow } from "../contract/index.ts";
import { rating, requested, sha256Hex } from "../format/index.ts";
import { canonicalBytes } from "../identity/index.ts";
import { isWithin, weightOf } from "../runtime/index.ts";
import type { AssetStore } from "./store/asset-store.ts";

/** From this weight on the operator types the plugin's id. @source plugin-platform §3.4.4 */
export const HEAVY = 4;

/**
 * What is shown before an installation, bound to the package by a digest over both.
 * @param o.granted  what this plugin holds already
 * @source admin-ui §5
 */
export function buildReview(o: {
  manifest: PluginManifest;
  sha256: string;
  keyId: string;
  label: ConfinementReport["label"];
  granted: readonly Grant[];
  assets: AssetStore;
}): PermissionReview {
  const { manifest, sha256, label } = o;
  const held = o.granted.filter(({ mode }) => mode === "allow").map(({ permission, scope }) => ({ permission, scope }));
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
    publisherKeyId: o.keyId,
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
