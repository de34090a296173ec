import type { PluginManifest } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { declaredCode, isAssetFor } from "../manifest/programs.ts";
import { checkMachineCode, checkProgram, isMachineCode } from "./machine-code.ts";

interface AssetHead {
  asset: string;
  path: string;
  /** The file's first 20 bytes. */
  head: Uint8Array;
}

/**
 * An asset is consented to before it is fetched, so what may be machine code in it is what the manifest says; the bytes must keep to that.
 * @throws bad_request native_undeclared | program_undeclared · not_implemented program_platform
 * @source plugin-platform §1.4 "refused always", §4.4
 */
export function checkAssetCode(manifest: PluginManifest, { asset, path, head }: AssetHead, platform: string): void {
  const name = `${asset}/${path}`;
  const declared = declaredCode(manifest, platform).find((one) => one.asset === asset && one.file.path === path);
  if (declared?.isProgram === true) return checkProgram(head, { name, platform });
  if (!isMachineCode(path, head)) return;
  checkMachineCode(manifest, [name]);
  if (declared === undefined)
    throw new HnError("bad_request", {
      reason: "program_undeclared",
      message: `The asset ${name} is machine code, and the plugin's manifest does not say so.`,
    });
}

/** As `checkAssetCode`, on each kind of machine that the plugin is for: what authors and registries ask before any node does. */
export function checkAssetCodeEverywhere(manifest: PluginManifest, file: AssetHead): void {
  const asset = manifest.assets?.find(({ name }) => name === file.asset);
  if (asset === undefined) return;
  const isForAny = manifest.platforms.includes("any");
  const platforms = isForAny ? (asset.platforms ?? ["any"]) : manifest.platforms.filter((one) => isAssetFor(asset, one));
  for (const platform of platforms) checkAssetCode(manifest, file, platform);
}
