import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MANIFEST_FILE } from "@hearthnet/host/format";
import type { StoredRelease } from "@hearthnet/host/plugin-host";
import { findAssets } from "../commands/assets.ts";
import { packageFiles } from "../commands/package-files.ts";
import type { Project } from "../commands/project.ts";

/**
 * Lays the plugin out as the store has it after an installation: files of the package, assets beside it.
 * @param o.root        empty folder to write into
 * @param o.place       which release of this test it is, from 0
 * @param o.sourceMaps  bundles tell debuggers and coverage which line of the author's files each of theirs was
 */
export async function stagedRelease(
  project: Project,
  o: { root: string; place: number; sourceMaps: boolean },
): Promise<StoredRelease> {
  const { root, place, sourceMaps } = o;
  const { manifest } = project;
  const dir = join(root, "package");
  const files = await packageFiles(project, sourceMaps ? { sourceMapsFrom: dir } : {});
  for (const [path, { bytes, mode }] of files.set(MANIFEST_FILE, { bytes: Buffer.from(JSON.stringify(manifest)) })) {
    const full = join(dir, path);
    mkdirSync(dirname(full), { recursive: true, mode: 0o755 });
    writeFileSync(full, bytes, { mode: mode ?? 0o644 });
  }
  const assets: StoredRelease["assets"] = {};
  mkdirSync(join(root, "assets"), { mode: 0o755, recursive: true });
  for (const { name, path, sha256, source } of findAssets(project)) {
    const file = join(root, "assets", sha256);
    await copyFile(source, file);
    chmodSync(file, 0o444);
    assets[name] = { ...assets[name], [path]: file };
  }
  return {
    id: manifest.id,
    version: manifest.version,
    sha256: place.toString(16).padStart(64, "0"),
    dir,
    manifest,
    publisherKeyId: "0".repeat(64),
    // The author's own code on the author's own machine: it may run where nothing can be confined.
    embeddedRoot: true,
    assets,
  };
}
