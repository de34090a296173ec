import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Refusal } from "@hearthnet/host/command-line";
import { blobCid } from "@hearthnet/host/format";
import type { AssetFile } from "@hearthnet/host/contract";
import type { Project } from "./project.ts";

/** A file of an asset with the place on this machine that a registry can copy it from. */
export interface AssetSource {
  name: string;
  path: string;
  sha256: string;
  cid: string;
  sizeBytes: number;
  /** Absolute. */
  source: string;
}

/**
 * Assets that come with the author's npm packages: `assets.json` maps asset → file → npm path. Each must be what the manifest says.
 * @throws Refusal asset_missing | asset_differs
 */
export function findAssets(project: Project): AssetSource[] {
  const path = join(project.dir, "assets.json");
  if (!existsSync(path)) return [];
  const places = JSON.parse(readFileSync(path, "utf8")) as Record<string, Record<string, string>>;
  const resolveFrom = createRequire(join(project.dir, "package.json"));
  return (project.manifest.assets ?? []).flatMap((asset) =>
    asset.files.flatMap((file) => {
      const place = places[asset.name]?.[file.path];
      return place === undefined ? [] : [check(asset.name, file, findPlace(resolveFrom, place))];
    }),
  );
}

function findPlace(resolveFrom: NodeJS.Require, place: string): string {
  try {
    return resolveFrom.resolve(place);
  } catch (cause) {
    throw new Refusal(`assets.json names ${place}, which is not installed.`, {
      reason: "asset_missing",
      action: "Run `npm install`, or correct the path.",
      cause,
    });
  }
}

function check(name: string, file: AssetFile, source: string): AssetSource {
  const bytes = readFileSync(source);
  const found = {
    sizeBytes: bytes.byteLength,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    cid: blobCid(bytes).cid,
  };
  for (const [field, value] of Object.entries(found))
    if (file[field as keyof typeof found] !== value)
      throw new Refusal(`The asset ${name}/${file.path} is not what the manifest says: its ${field} is ${value}.`, {
        reason: "asset_differs",
        action: "Put these values into the manifest if the file is the right one.",
      });
  return { name, path: file.path, ...found, source };
}
