/**
 * Builds everything that runs from bundles: host, SDK, registry, page, and the embedded registry with the first-party plugins. A part whose
 * inputs did not change is left alone.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build, type BuildOptions, type OnLoadResult, type Plugin } from "esbuild";
import { ERRORS, LOCAL_ERRORS, type ErrorRow, type LocalErrorRow } from "./src/contract/errors.ts";
import { REASONS } from "./src/contract/reasons.ts";

const ROOT = join(import.meta.dirname, "..");
const STAMPS = join(ROOT, "node_modules", ".cache", "hearthnet-build");
const REQUIRE_BANNER =
  'import { createRequire as hnCreateRequire } from "node:module"; const require = hnCreateRequire(import.meta.url);';

interface Part {
  name: string;
  /** Files and folders whose content decides whether the part is fresh. */
  inputs: string[];
  outputs: string[];
  run(): Promise<void> | void;
}

/** Our own sources are bundled, packages from npm are loaded from node_modules: their native and lazy parts stay where they expect to be. */
const packagesOutside: Plugin = {
  name: "packages-outside",
  setup: (builder) =>
    builder.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === "entry-point" || path.startsWith("@hearthnet/") ? null : { path, external: true },
    ),
};

/**
 * The host's texts for codes and reasons stay out of what runs inside a sandbox, but for those of its readers: who throws there without words of its
 * own gets them from the host, and each process and each isolate would hold its own copy of all of them.
 */
const KEPT_TEXTS = /^(json_.*|too_large|protocol_error)$/;
const withoutTexts: Plugin = {
  name: "without-texts",
  setup: (builder) => {
    const tables = (named: Record<string, object>): OnLoadResult => ({
      contents: Object.entries(named)
        .map(([name, table]) => `export const ${name} = ${JSON.stringify(table)};`)
        .join("\n"),
      loader: "js",
    });
    builder.onLoad({ filter: /host\/src\/contract\/reasons\.ts$/ }, () =>
      tables({ REASONS: Object.fromEntries(Object.entries(REASONS).filter(([name]) => KEPT_TEXTS.test(name))) }),
    );
    const mute = (rows: Record<string, ErrorRow | LocalErrorRow>): object =>
      Object.fromEntries(Object.entries(rows).map(([code, row]) => [code, { ...row, message: "", action: "" }]));
    builder.onLoad({ filter: /host\/src\/contract\/errors\.ts$/ }, () =>
      tables({ ERRORS: mute(ERRORS), LOCAL_ERRORS: mute(LOCAL_ERRORS) }),
    );
  },
};

const COMMON: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node26",
  sourcemap: "linked",
  legalComments: "none",
  conditions: ["hearthnet-source"],
  absWorkingDir: ROOT,
  logLevel: "warning",
};

function modules(entryPoints: Record<string, string>, options: BuildOptions = {}): Promise<unknown> {
  return build({
    ...COMMON,
    banner: { js: REQUIRE_BANNER },
    ...options,
    entryPoints,
    outdir: ROOT,
    format: "esm",
    outExtension: { ".js": ".mjs" },
    plugins: [packagesOutside],
  });
}

const PARTS: readonly Part[] = [
  {
    name: "bundles",
    inputs: ["host/src", "sdk-plugin/src", "registry/src", "host/build.ts", "package-lock.json"],
    outputs: [
      "host/dist/main.mjs",
      "host/dist/build.json",
      "sdk-plugin/dist/runner.cjs",
      "sdk-plugin/dist/isolate-guest.js",
      "registry/dist/cli.mjs",
    ],
    run: async () => {
      writeBuildFacts();
      // In pieces, so that a question from the terminal does not load the whole node.
      rmSync(join(ROOT, "host", "dist", "pieces"), { recursive: true, force: true });
      await modules({ "host/dist/main": "host/src/main.ts" }, { splitting: true, chunkNames: "host/dist/pieces/[name]-[hash]" });
      await modules({
        "host/dist/command-line": "host/src/command-line/index.ts",
        "host/dist/contract": "host/src/contract/index.ts",
        "host/dist/format": "host/src/format/index.ts",
        "host/dist/plugin-host": "host/src/plugin-host.ts",
        "host/dist/signature-worker": "host/src/identity/pool/signature-worker.ts",
        "sdk-plugin/dist/testing": "sdk-plugin/src/testing/index.ts",
        "sdk-plugin/dist/cli": "sdk-plugin/src/commands/main.ts",
        "registry/dist/cli": "registry/src/main.ts",
      });
      // Becomes part of every plugin's own bundle, which has a head line of its own.
      await modules({ "sdk-plugin/dist/index": "sdk-plugin/src/index.ts" }, { banner: {} });
      // The same for panels, which run in a browser.
      await modules(
        { "sdk-plugin/dist/panel": "sdk-plugin/src/panel/index.ts" },
        { banner: {}, platform: "browser", target: "es2022" },
      );
      // The one file that runs inside every sandbox: nothing but itself is mounted there.
      await build({
        ...COMMON,
        entryPoints: ["sdk-plugin/src/runner/main.ts"],
        outfile: "sdk-plugin/dist/runner.cjs",
        format: "cjs",
        sourcemap: false,
        plugins: [withoutTexts],
      });
      // The same for plugins in isolates: the process that holds them, and what runs first in each.
      await build({
        ...COMMON,
        entryPoints: ["sdk-plugin/src/isolate/main.ts"],
        outfile: "sdk-plugin/dist/isolate-host.cjs",
        plugins: [withoutTexts],
        // Node keeps the text of what it runs.
        minify: true,
        format: "cjs",
        sourcemap: false,
      });
      await build({
        ...COMMON,
        entryPoints: ["sdk-plugin/src/guest/main.ts"],
        outfile: "sdk-plugin/dist/isolate-guest.js",
        plugins: [withoutTexts],
        // Its text lies once in every isolate.
        minify: true,
        format: "iife",
        sourcemap: false,
      });
    },
  },
  {
    name: "page",
    inputs: ["admin-ui/src", "admin-ui/vite.config.ts", "admin-ui/package.json", "host/src/contract", "package-lock.json"],
    outputs: ["admin-ui/build/200.html"],
    run: () => command([join("node_modules", "vite", "bin", "vite.js"), "build", "--logLevel", "warn"], "admin-ui"),
  },
  {
    name: "registry",
    inputs: ["plugins", "sdk-plugin/dist", "registry/dist", "host/build.ts"],
    outputs: ["host/dist/registry-embedded/tuf/timestamp.json"],
    run: () =>
      command(
        [join("registry", "dist", "cli.mjs"), "init", "--dev", "--out", join(ROOT, "host", "dist", "registry-embedded")],
        ".",
      ),
  },
];

/** Time of the commit, so that the same sources give the same bytes; a release is built with HEARTHNET_RELEASE=1. Read by host/src/paths.ts. */
function writeBuildFacts(): void {
  const commit = spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: ROOT, encoding: "utf8" });
  const seconds = commit.status === 0 ? Number(commit.stdout.trim()) : Math.floor(Date.now() / 1000);
  const facts = { time: seconds * 1000, profile: process.env["HEARTHNET_RELEASE"] === "1" ? "release" : "development" };
  mkdirSync(join(ROOT, "host", "dist"), { recursive: true });
  writeFileSync(join(ROOT, "host", "dist", "build.json"), `${JSON.stringify(facts)}\n`);
}

function command(args: string[], cwd: string): void {
  const [script = "", ...rest] = args;
  const path = [join(ROOT, cwd, script), join(ROOT, script)].find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`${script} is missing`);
  const done = spawnSync(process.execPath, ["--no-warnings", path, ...rest], {
    cwd: join(ROOT, cwd),
    stdio: ["ignore", 2, 2],
    env: { ...process.env, NODE_ENV: "production" },
  });
  if (done.status !== 0) throw new Error(`${script} failed`);
}

function digestOf(part: Part): string {
  const hash = createHash("sha256");
  const visit = (path: string): void => {
    if (!existsSync(path)) return;
    const name = relative(ROOT, path);
    if (
      /(^|\/)(node_modules|\.svelte-kit|test|build|\.tsbuildinfo)(\/|$)/.test(name) ||
      (name.startsWith("plugins") && /\/dist(\/|$)/.test(name))
    )
      return;
    const entries = readdirSync(dirname(path), { withFileTypes: true }).find((e) => join(dirname(path), e.name) === path);
    if (entries?.isDirectory() === true) for (const child of readdirSync(path).sort()) visit(join(path, child));
    else if (!name.endsWith(".map")) hash.update(name).update(readFileSync(path));
  };
  for (const input of part.inputs) visit(join(ROOT, input));
  return hash.digest("hex");
}

mkdirSync(STAMPS, { recursive: true });
const forced = process.argv.includes("--force");
for (const part of PARTS) {
  const stamp = join(STAMPS, part.name);
  const digest = digestOf(part);
  const fresh =
    !forced &&
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === digest &&
    part.outputs.every((output) => existsSync(join(ROOT, output)));
  if (fresh) continue;
  const started = performance.now();
  rmSync(stamp, { force: true });
  await part.run();
  writeFileSync(stamp, digestOf(part));
  process.stderr.write(`built ${part.name} in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}
