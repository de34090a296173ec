/** Programs that come as assets: which asset is for which machine, and what of it may be machine code. @source plugin-platform §4.4 */
import type { AssetDeclaration, AssetFile, PluginManifest, WorkerProgram } from "../../contract/index.ts";
import { isCalledMachineCode } from "../package/machine-code.ts";

type Wrong = (path: string, message: string) => void;

/** @param platform  `linux-x64` */
export function isAssetFor({ platforms }: Pick<AssetDeclaration, "platforms">, platform: string): boolean {
  return platforms === undefined || platforms.includes(platform);
}

/** The asset and file that a worker runs on this kind of machine; undefined when its program lies in the package, or when there is none. */
export function programFor(
  { assets }: Pick<PluginManifest, "assets">,
  { asset, path }: WorkerProgram,
  platform: string,
): { asset: AssetDeclaration; file: AssetFile } | undefined {
  const names = [asset ?? []].flat();
  const found = (assets ?? []).find((one) => names.includes(one.name) && isAssetFor(one, platform));
  const file = found?.files.find((one) => one.path === path);
  return found === undefined || file === undefined ? undefined : { asset: found, file };
}

/** Files of assets that a manifest says to be machine code for this kind of machine: its programs, and what is called as a library is. */
export function declaredCode(
  manifest: PluginManifest,
  platform: string,
): { asset: string; file: AssetFile; isProgram: boolean }[] {
  const programs = (manifest.contributes.workers ?? []).flatMap(
    ({ exec }) => (exec === undefined ? undefined : programFor(manifest, exec, platform)?.file) ?? [],
  );
  return (manifest.assets ?? [])
    .filter((asset) => isAssetFor(asset, platform))
    .flatMap(({ name, files }) => files.map((file) => ({ asset: name, file, isProgram: programs.includes(file) })))
    .filter(({ file, isProgram }) => isProgram || isCalledMachineCode(file.path));
}

/** Each machine that the plugin is for has one program, which is a file of that asset. */
export function checkProgramAssets(m: PluginManifest, { exec, at }: { exec: WorkerProgram; at: string }, wrong: Wrong): void {
  if (exec.asset === undefined) return;
  const names = [exec.asset].flat();
  const known = new Map((m.assets ?? []).map((asset) => [asset.name, asset]));
  for (const name of names) {
    const asset = known.get(name);
    if (asset === undefined) wrong(`${at}/asset`, `names ${name}, which is none of the assets`);
    else if (!asset.files.some(({ path }) => path === exec.path)) wrong(`${at}/path`, `is no file of the asset ${name}`);
  }
  for (const platform of m.platforms) {
    const fitting = names.filter((name) => isAssetFor(known.get(name) ?? {}, platform));
    if (fitting.length === 0) wrong(`${at}/asset`, `has no program for ${platform}`);
    if (fitting.length > 1) wrong(`${at}/asset`, `has two programs for ${platform}: ${fitting.slice(0, 2).join(", ")}`);
  }
}

/** Each file has a place of its own: none is named twice, none is the folder of another. */
export function checkAssetPaths(files: readonly Pick<AssetFile, "path">[], at: string, wrong: Wrong): void {
  const paths = files.map(({ path }) => path);
  paths.forEach((path, i) => {
    if (paths.indexOf(path) !== i) wrong(`${at}/${i}/path`, "is named twice");
    if (paths.some((other) => other.startsWith(`${path}/`))) wrong(`${at}/${i}/path`, "is the folder of another file");
  });
}
