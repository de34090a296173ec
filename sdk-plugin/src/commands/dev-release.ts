import { createHash } from "node:crypto";
import { DEV_NAMESPACE, devVersion, MANIFEST_FILE, sha256Hex, writePackage } from "@hearthnet/host/format";
import { packageFiles } from "./package-files.ts";
import type { Project } from "./project.ts";
import { SBOM_FILE } from "./sbom.ts";

export interface DevRelease {
  /** `dev/NAME` */
  id: string;
  /** `0.0.0-dev.HASH`, from what the release holds. */
  version: string;
  bytes: Uint8Array;
}

/**
 * The plugin as an author's own node takes it: nobody's signature, a name that cannot be published, a version that follows from the content.
 * @throws Refusal as `bundle`
 * @source plugin-platform §9 `dev`
 */
export async function devRelease(project: Project): Promise<DevRelease> {
  const id = devId(project);
  const files = await packageFiles(project);
  // It names the plugin as it will be published.
  files.delete(SBOM_FILE);
  const hash = createHash("sha256");
  for (const [path, { bytes }] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${path}\n${sha256Hex(bytes)}\n`);
  const version = devVersion(hash.digest("hex"));
  files.set(MANIFEST_FILE, { bytes: Buffer.from(JSON.stringify({ ...project.manifest, id, version })) });
  return { id, version, bytes: writePackage(files).bytes };
}

export function devId({ manifest }: Pick<Project, "manifest">): string {
  return `${DEV_NAMESPACE}/${manifest.id.slice(manifest.id.indexOf("/") + 1)}`;
}
