/** Programs and libraries among a plugin's assets: what a node would refuse is found here. @source plugin-platform §4.4 */
import type { PluginManifest } from "@hearthnet/host/contract";
import { checkAssetCodeEverywhere, headOf } from "@hearthnet/host/format";
import type { AssetSource } from "./assets.ts";

export function refusedAssets(manifest: PluginManifest, sources: readonly AssetSource[]): { where: string; refusal: Error }[] {
  return sources.flatMap(({ name, path, source }) => {
    try {
      checkAssetCodeEverywhere(manifest, { asset: name, path, head: headOf(source, { links: "followed" }) });
      return [];
    } catch (refusal) {
      return [{ where: `asset ${name}/${path}`, refusal: refusal as Error }];
    }
  });
}
