/** What a bundle for tier `isolate` must not hold, because nothing of it exists there. @source plugin-platform §1.2, §4.2 */
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { extname, join } from "node:path";
import { Refusal } from "@hearthnet/host/command-line";
import { type Loader, type Metafile, type Plugin, transform } from "esbuild";

export const ISOLATE_BUNDLE_MAX_BYTES = 1_048_576;

/** Name → what to do instead. */
const ABSENT: Readonly<Record<string, string>> = {
  setTimeout: "declare a schedule in the manifest",
  setInterval: "declare a schedule in the manifest",
  setImmediate: "await a promise",
  fetch: "call another capability with req.call",
  XMLHttpRequest: "call another capability with req.call",
  WebSocket: "call another capability with req.call",
  WebAssembly: "use tier process",
  SharedArrayBuffer: "use ArrayBuffer",
  Atomics: "await a promise",
  process: "read ctx.config",
  Buffer: "use Uint8Array, TextEncoder and TextDecoder",
  require: "use import",
};
const MARK = "hearthnetAbsent_";
const DEFINE = Object.fromEntries(
  Object.keys(ABSENT).flatMap((name) => [
    [name, `${MARK}${name}`],
    [`globalThis.${name}`, `${MARK}${name}`],
  ]),
);
const LOADERS: Readonly<Record<string, Loader>> = { ".ts": "ts", ".tsx": "tsx", ".jsx": "jsx", ".mts": "ts", ".cts": "ts" };

/** Refuses every module of Node at the place that imports it. */
export const noNodeModules: Plugin = {
  name: "no-node-modules",
  setup: (builder) =>
    builder.onResolve({ filter: /^[a-z@]/ }, ({ path }) =>
      isBuiltin(path)
        ? { errors: [{ text: `${path} does not exist in an isolate. Use tier process, or do without.` }] }
        : undefined,
    ),
};

/** @throws Refusal isolate_too_large | isolate_absent */
export async function checkIsolateBundle(o: { sizeBytes: number; metafile: Metafile }, dir: string): Promise<void> {
  const { sizeBytes, metafile } = o;
  if (sizeBytes > ISOLATE_BUNDLE_MAX_BYTES)
    throw new Refusal(`The bundle has ${(sizeBytes / 1_048_576).toFixed(1)} MiB; one for tier isolate has at most 1 MiB.`, {
      reason: "isolate_too_large",
      action: 'Leave packages out, or set "tier": { "min": "process" } in the manifest.',
    });
  const uses: string[] = [];
  for (const input of Object.keys(metafile.inputs)) uses.push(...(await usesOf(dir, input)));
  if (uses.length === 0) return;
  throw new Refusal(`The plugin uses what an isolate does not have:\n${uses.slice(0, 20).join("\n")}`, {
    reason: "isolate_absent",
    action: 'Do it as said behind each, or set "tier": { "min": "process" } in the manifest.',
  });
}

/** Only names that the file itself does not declare count; esbuild knows which those are. */
async function usesOf(dir: string, input: string): Promise<string[]> {
  const path = join(dir, input);
  const extension = extname(path);
  if (extension === ".json") return [];
  const { code } = await transform(readFileSync(path, "utf8"), {
    loader: LOADERS[extension] ?? "js",
    define: DEFINE,
    format: "esm",
  });
  return Object.entries(ABSENT)
    .filter(([name]) => new RegExp(`\\b${MARK}${name}\\b`).test(code))
    .map(([name, instead]) => `  ${input}  ${name}: ${instead}`);
}
