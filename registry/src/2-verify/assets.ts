import { closeSync, openSync, readSync } from "node:fs";
import { createHash } from "node:crypto";
import { Refusal } from "@hearthnet/host/command-line";
import { checkAssetCodeEverywhere, createBlobCid, PROGRAM_HEAD_BYTES } from "@hearthnet/host/format";
import type { AssetFile, PluginManifest } from "@hearthnet/host/contract";

const PIECE_BYTES = 1_048_576;

/** What a file is, by the three things a manifest says of it, and how it begins. */
export function measure(path: string): Pick<AssetFile, "sha256" | "cid" | "sizeBytes"> & { head: Uint8Array } {
  const hash = createHash("sha256");
  const cid = createBlobCid();
  const piece = Buffer.alloc(PIECE_BYTES);
  let sizeBytes = 0;
  let head: Uint8Array = new Uint8Array(0);
  const fd = openSync(path, "r");
  try {
    for (let n = readSync(fd, piece); n > 0; n = readSync(fd, piece)) {
      if (sizeBytes === 0) head = Uint8Array.from(piece.subarray(0, Math.min(n, PROGRAM_HEAD_BYTES)));
      hash.update(piece.subarray(0, n));
      cid.update(piece.subarray(0, n));
      sizeBytes += n;
    }
  } finally {
    closeSync(fd);
  }
  return { sha256: hash.digest("hex"), cid: cid.digest().cid, sizeBytes, head };
}

/**
 * Finds for each file that a plugin cannot do without where it comes from: the registry, or the files handed over.
 * @param given  paths on this machine
 * @returns the paths to copy in
 * @throws Refusal asset_unknown for a file that no manifest names · asset_missing for one that nobody has · HnError as `checkAssetCode`
 * @source plugin-platform §2.4
 */
export function matchAssets(
  manifests: readonly PluginManifest[],
  o: { given: readonly string[]; has: (sha256: string) => boolean },
): string[] {
  const wanted = manifests.flatMap(({ id, assets }) =>
    (assets ?? []).flatMap((asset) => asset.files.map((file) => ({ id, asset, file }))),
  );
  const found = new Map<string, string>();
  for (const path of o.given) {
    const is = measure(path);
    const match = wanted.find(({ file }) => file.sha256 === is.sha256);
    if (match === undefined || match.file.cid !== is.cid || match.file.sizeBytes !== is.sizeBytes)
      throw new Refusal(`No package names the asset ${path}: its SHA-256 is ${is.sha256}.`, {
        reason: "asset_unknown",
        action: "Hand over the very file whose hashes stand in the manifest.",
      });
    for (const manifest of manifests)
      for (const { name, files } of manifest.assets ?? [])
        for (const file of files)
          if (file.sha256 === is.sha256) checkAssetCodeEverywhere(manifest, { asset: name, path: file.path, head: is.head });
    found.set(is.sha256, path);
  }
  const missing = wanted.find(
    ({ asset, file }) => asset.optional !== true && file.sources.length === 0 && !found.has(file.sha256) && !o.has(file.sha256),
  );
  if (missing !== undefined)
    throw new Refusal(`${missing.id} needs the file ${missing.asset.name}/${missing.file.path}, which nobody could fetch.`, {
      reason: "asset_missing",
      action: "Hand it over with --asset FILE, or name an address in the manifest under `sources`.",
    });
  return [...found].filter(([sha256]) => !o.has(sha256)).map(([, path]) => path);
}
