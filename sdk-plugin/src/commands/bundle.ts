import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Refusal } from "@hearthnet/host/command-line";
import { build, type Message, type Metafile, type Plugin } from "esbuild";
import { checkIsolateBundle, noNodeModules } from "./isolate-bundle.ts";
import { PANEL_BUILD, panelScripts } from "./panel-scripts.ts";
import { type Project, sourceOf } from "./project.ts";

/** What CommonJS packages look for in a module. */
const BANNER =
  'import { createRequire as hnPluginRequire } from "node:module"; const require = hnPluginRequire(import.meta.url);';

const SDK = "@hearthnet/sdk-plugin";

/** A plugin that lies outside any installation of the SDK gets the one that packs it. */
const ownSdk: Plugin = {
  name: "own-sdk",
  setup: (builder) =>
    builder.onResolve({ filter: /^@hearthnet\/sdk-plugin(\/panel)?$/ }, async ({ path, pluginData, resolveDir, kind }) => {
      if (pluginData === SDK) return undefined;
      const found = await builder.resolve(path, { resolveDir, kind, pluginData: SDK });
      return found.errors.length === 0 ? found : { path: ownFile(path === SDK ? "index.mjs" : "panel.mjs") };
    }),
};

function ownFile(name: string): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let at = start; at !== dirname(at); at = dirname(at))
    if (existsSync(join(at, "dist", name))) return join(at, "dist", name);
  throw new Refusal("The SDK is not built.", { reason: "no_sdk", action: "Run `npm run build` in the HearthNet checkout." });
}

export interface BundleOptions {
  /** Folder in which the package will lie. With it, each bundle ends with a map to the author's files; a shipped package has none. */
  sourceMapsFrom?: string;
}

export interface Bundles {
  /** Path in the package → bytes. */
  files: Map<string, Uint8Array>;
  /** npm packages inside, sorted. */
  packages: BundledPackage[];
}

export interface BundledPackage {
  name: string;
  version: string;
  license: string;
}

/**
 * Bundles the plugin's entry, its workers and the scripts of its panels, everything from npm included: nothing is looked up at run time, in a sandbox there is nothing to find.
 * @throws Refusal bundle_failed | isolate_too_large | isolate_absent
 */
export async function bundle(project: Project, options: BundleOptions = {}): Promise<Bundles> {
  const { manifest, dir } = project;
  const entries = [manifest.entry.main, ...(manifest.contributes.workers ?? []).map((worker) => worker.entry)].filter(
    (entry): entry is string => entry !== undefined,
  );
  const files = new Map<string, Uint8Array>();
  const packages = new Map<string, BundledPackage>();
  for (const entry of entries) {
    // Its workers are processes all the same.
    const isolate = manifest.tier.min === "isolate" && entry === manifest.entry.main;
    const { bytes, metafile } = await bundleOne(dir, {
      source: sourceOf(project, entry),
      isolate,
      ...(options.sourceMapsFrom === undefined ? {} : { mappedAs: join(options.sourceMapsFrom, entry) }),
    });
    // A source map inside, as tests want it, is not shipped.
    const sizeBytes = options.sourceMapsFrom === undefined ? bytes.byteLength : 0;
    if (isolate) await checkIsolateBundle({ sizeBytes, metafile }, dir);
    files.set(entry, bytes);
    for (const found of packagesOf(metafile, dir)) packages.set(`${found.name}@${found.version}`, found);
  }
  for (const { source, path } of panelScripts(dir)) {
    const { bytes, metafile } = await bundleOne(dir, { source, isolate: false, more: PANEL_BUILD });
    files.set(path, bytes);
    for (const found of packagesOf(metafile, dir)) packages.set(`${found.name}@${found.version}`, found);
  }
  return { files, packages: [...packages.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found) };
}

async function bundleOne(
  dir: string,
  { source, isolate, mappedAs, more = {} }: { source: string; isolate: boolean; mappedAs?: string; more?: typeof PANEL_BUILD },
): Promise<{ bytes: Uint8Array; metafile: Metafile }> {
  try {
    const { outputFiles, metafile } = await build({
      entryPoints: [source],
      absWorkingDir: dir,
      bundle: true,
      target: "node26",
      format: "esm",
      ...(isolate ? { platform: "neutral", mainFields: ["module", "main"] } : { platform: "node", banner: { js: BANNER } }),
      legalComments: "inline",
      charset: "utf8",
      write: false,
      ...(mappedAs === undefined ? {} : { outfile: mappedAs, sourcemap: "inline" }),
      metafile: true,
      logLevel: "silent",
      plugins: isolate ? [noNodeModules, ownSdk] : [ownSdk],
      ...more,
    });
    return { bytes: outputFiles[0]?.contents ?? new Uint8Array(0), metafile };
  } catch (cause) {
    const { errors } = cause as { errors?: Message[] };
    const rows = (errors ?? [])
      .slice(0, 10)
      .map(({ text, location }) => `  ${location?.file ?? ""}:${location?.line ?? 0}  ${text}`);
    throw new Refusal(`The plugin cannot be bundled:\n${rows.join("\n")}`, {
      reason: "bundle_failed",
      action: "Correct these places; `npm install` brings missing packages.",
      cause,
    });
  }
}

function packagesOf(metafile: Metafile, dir: string): BundledPackage[] {
  const roots = new Set(
    Object.keys(metafile.inputs).flatMap((input) => {
      const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
      return match?.[1] === undefined ? [] : [match[1]];
    }),
  );
  return [...roots].map((root) => {
    const path = join(dir, root, "package.json");
    const { name, version, license } = JSON.parse(readFileSync(path, "utf8")) as Partial<
      Record<"name" | "version" | "license", string>
    >;
    return { name: name ?? dirname(root), version: version ?? "0.0.0", license: license ?? "NOASSERTION" };
  });
}
