import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "@hearthnet/host/command-line";
import { MANIFEST_FILE, type PackageFile } from "@hearthnet/host/format";
import { bundle, type BundleOptions } from "./bundle.ts";
import type { Project } from "./project.ts";
import { SBOM_FILE, writeSbom } from "./sbom.ts";

/** Copied as they are: source folder → folder in the package. */
const FOLDERS: readonly [from: string, to: string][] = [
  ["schemas", "schemas"],
  ["src/locales", "locales"],
  ["panel", "panel"],
];
const SINGLE = ["README.md", "README.de.md", "CHANGELOG.md", "LICENSE"];

/** Everything that goes into the package: manifest, bundles, schemas, texts, readme, bill of materials. @source marketplace §1 */
export async function packageFiles(project: Project, options: BundleOptions = {}): Promise<Map<string, PackageFile>> {
  const { dir, manifest, manifestBytes } = project;
  const files = new Map<string, PackageFile>([[MANIFEST_FILE, { bytes: manifestBytes }]]);
  for (const [from, to] of FOLDERS) copyFolder(join(dir, from), to, files);
  for (const name of [...SINGLE, ...(manifest.icon === undefined ? [] : [manifest.icon])])
    if (existsSync(join(dir, name))) files.set(name, { bytes: readFileSync(join(dir, name)) });
  for (const { exec } of manifest.contributes.workers ?? [])
    if (exec !== undefined && exec.asset === undefined) files.set(exec.path, program(dir, exec.path));
  const bundles = await bundle(project, options);
  for (const [path, bytes] of bundles.files) files.set(path, { bytes });
  files.set(SBOM_FILE, { bytes: writeSbom(manifest, bundles.packages) });
  return files;
}

/** @throws Refusal program_missing */
function program(dir: string, path: string): PackageFile {
  if (!existsSync(join(dir, path)))
    throw new Refusal(`The program ${path} is missing.`, {
      reason: "program_missing",
      action: "Put it where hearthnet.plugin.json says, built for the platforms that it names.",
    });
  return { bytes: readFileSync(join(dir, path)), mode: 0o755 };
}

/** Plain files only: a link would put something from elsewhere into the package. */
function copyFolder(from: string, to: string, files: Map<string, PackageFile>): void {
  if (!existsSync(from)) return;
  for (const name of readdirSync(from).sort()) {
    const path = join(from, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) copyFolder(path, `${to}/${name}`, files);
    else if (stat.isFile()) files.set(`${to}/${name}`, { bytes: readFileSync(path) });
    else
      throw new Refusal(`${to}/${name} is neither a file nor a folder.`, {
        reason: "odd_file",
        action: "Replace the link by the file itself.",
      });
  }
}
