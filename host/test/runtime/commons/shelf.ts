/** A file store of the smallest kind, bundled as an author's build would: files by their content id under `/data`, facts beside them. */
import { buildSync } from "esbuild";
import { join } from "node:path";
import { allow } from "../fixtures/world.ts";
import type { SharingPlugin } from "./neighbours.ts";

export function shelf(o: Partial<SharingPlugin> = {}): SharingPlugin {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, "shelf-store.ts")],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    conditions: ["hearthnet-source"],
  });
  return {
    name: "shelf",
    top: `import { openShelf } from "./shelf.mjs"; let shelf;`,
    does: `return (shelf ??= openShelf(ctx.files.dir)).facts();`,
    more: `roles: { "blob-store": {
      stat: (req, ctx) => (shelf ??= openShelf(ctx.files.dir)).stat(req.input.cid),
      open: (req, ctx) => (shelf ??= openShelf(ctx.files.dir)).open(req.input.cid),
      put: (req, data, ctx) => (shelf ??= openShelf(ctx.files.dir)).put(req.input, data, req.caller),
      fetch: async function* (req, ctx) { yield { event: "progress", data: { current: 1, total: 1 } }; return (shelf ??= openShelf(ctx.files.dir)).stat(req.input.cid); },
    } },`,
    files: { "shelf.mjs": outputFiles[0]?.text ?? "" },
    manifest: { roles: ["blob-store"] },
    grants: [allow("fs.data")],
    ...o,
  };
}
