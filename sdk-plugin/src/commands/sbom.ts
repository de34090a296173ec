import type { PluginManifest } from "@hearthnet/host/contract";
import type { BundledPackage } from "./bundle.ts";

export const SBOM_FILE = "sbom.cdx.json";

/** What was bundled, as CycloneDX 1.6; without times and random numbers, so that the same sources give the same bytes. @source marketplace §1 */
export function writeSbom(manifest: PluginManifest, packages: readonly BundledPackage[]): Uint8Array {
  const sbom = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        name: manifest.id,
        version: manifest.version,
        licenses: [{ expression: manifest.license }],
      },
    },
    components: packages.map(({ name, version, license }) => ({
      type: "library",
      name,
      version,
      purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
      licenses: [{ expression: license }],
    })),
  };
  return Buffer.from(`${JSON.stringify(sbom, null, 1)}\n`);
}
