import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginManifest } from "@hearthnet/host/contract";

const PARROT = join(import.meta.dirname, "..", "fixtures", "parrot");

export interface SmallProject {
  id: string;
  /** The one capability it offers, and what else it contributes. */
  capability: string;
  contributes?: PluginManifest["contributes"];
  permissions: PluginManifest["permissions"];
  data?: PluginManifest["data"];
  /** Takes and gives any object; absent: what the parrot takes and gives. */
  schema?: "any";
  /** `src/index.ts` */
  code: string;
}

/** A project with one capability, made of the parrot's. @returns its folder, for the test to remove, and its manifest */
export function makeProject(o: SmallProject): { dir: string; manifest: PluginManifest } {
  const dir = mkdtempSync(join(tmpdir(), "hn-project-"));
  cpSync(join(PARROT, "schemas"), join(dir, "schemas"), { recursive: true });
  const found = JSON.parse(readFileSync(join(PARROT, "hearthnet.plugin.json"), "utf8")) as PluginManifest;
  const [{ binary: _, ...first } = assert.fail()] = found.contributes.capabilities ?? [];
  const schemas = o.schema === undefined ? {} : { request: "schemas/any.json", response: "schemas/any.json" };
  const manifest: PluginManifest = {
    ...found,
    id: o.id,
    contributes: { ...o.contributes, capabilities: [{ ...first, name: o.capability, ...schemas }] },
    permissions: o.permissions,
    ...(o.data === undefined ? {} : { data: o.data }),
  };
  delete manifest.config;
  delete manifest.limits;
  writeFileSync(join(dir, "schemas", "any.json"), '{"type":"object"}');
  writeFileSync(join(dir, "hearthnet.plugin.json"), JSON.stringify(manifest));
  mkdirSync(join(dir, "src"));
  writeFileSync(join(dir, "src", "index.ts"), o.code);
  return { dir, manifest };
}
