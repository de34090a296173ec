/** Programs and libraries among a plugin's assets: what a node would refuse is found here. @source plugin-platform §4.4 */
import { closeSync, openSync, readSync } from "node:fs";
import type { PluginManifest } from "@hearthnet/host/contract";
import { checkAssetCodeEverywhere, PROGRAM_HEAD_BYTES } from "@hearthnet/host/format";
import type { AssetSource } from "./assets.ts";

export function refusedAssets(manifest: PluginManifest, sources: readonly AssetSource[]): { where: string; refusal: Error }[] {
  return sources.flatMap(({ name, path, source }) => {
    try {
      checkAssetCodeEverywhere(manifest, { asset: name, path, head: headOf(source) });
      return [];
    } catch (refusal) {
      return [{ where: `asset ${name}/${path}`, refusal: refusal as Error }];
    }
  });
}

function headOf(source: string): Uint8Array {
  const head = Buffer.alloc(PROGRAM_HEAD_BYTES);
  const fd = openSync(source, "r");
  try {
    return head.subarray(0, readSync(fd, head, 0, PROGRAM_HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}
