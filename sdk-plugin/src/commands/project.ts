import { readFileSync, existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Refusal } from "@hearthnet/host/command-line";
import { checkManifest, MANIFEST_FILE } from "@hearthnet/host/format";
import type { PluginManifest } from "@hearthnet/host/contract";
import type { Invocation } from "./command.ts";

/** A plugin's folder as its author has it. */
export interface Project {
  dir: string;
  manifest: PluginManifest;
  manifestBytes: Uint8Array;
}

/** The folder named on the command line, or the working folder. @throws Refusal no_manifest | manifest_invalid */
export function openProject({ args, cwd }: Pick<Invocation, "args" | "cwd">): Project {
  const dir = resolve(cwd, args[0] ?? ".");
  const path = join(dir, MANIFEST_FILE);
  if (!existsSync(dir) || !statSync(dir).isDirectory() || !existsSync(path))
    throw new Refusal(`There is no ${MANIFEST_FILE} in ${args[0] ?? "this folder"}.`, {
      reason: "no_manifest",
      action: "Name the plugin's folder, or make one with `hearthnet plugin create`.",
    });
  const manifestBytes = readFileSync(path);
  const verdict = checkManifest(manifestBytes);
  if (!verdict.ok) {
    const rows = verdict.errors.slice(0, 20).map((error) => `  ${error.path || "/"}  ${error.message}`);
    throw new Refusal(`${MANIFEST_FILE} is not valid:\n${rows.join("\n")}`, {
      reason: "manifest_invalid",
      action: "Correct these fields; docs/guide/write-a-plugin.md explains each.",
    });
  }
  return { dir, manifest: verdict.manifest, manifestBytes };
}

/**
 * Where the source of a bundled entry lies: `dist/main.mjs` ← `src/index.ts`; of a worker `dist/decode.mjs` ← `src/worker/decode.ts` or
 * `src/decode.ts`.
 * @throws Refusal no_source
 */
export function sourceOf(project: Project, entry: string): string {
  const name = /^dist\/([a-z0-9-]+)\.mjs$/.exec(entry)?.[1];
  const candidates =
    name === undefined
      ? []
      : entry === project.manifest.entry.main
        ? ["src/index.ts", "src/index.js"]
        : [`src/worker/${name}.ts`, `src/${name}.ts`, `src/worker/${name}.js`, `src/${name}.js`];
  const found = candidates.map((path) => join(project.dir, path)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Refusal(
    name === undefined
      ? `The manifest names the entry ${entry}; an entry is called dist/NAME.mjs.`
      : `There is no source for ${entry}: none of ${candidates.join(", ")} exists.`,
    { reason: "no_source", action: "Write that file, or correct the entry in the manifest." },
  );
}
