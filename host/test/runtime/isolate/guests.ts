/** Plugins for isolates as their bundles are: one module of text with the SDK's mark on its default export. */
import { join } from "node:path";
import type { StoredRelease } from "../../../src/contract/index.ts";
import { openWorld, writePackage, type PackageParts, type World } from "../fixtures/world.ts";

/** The runner and, beside it, the isolate host, as they are shipped. */
export const BUILT_RUNNER: string = join(import.meta.dirname, "..", "..", "..", "..", "sdk-plugin", "dist", "runner.cjs");

export function openIsolateWorld(o: Parameters<typeof openWorld>[0] = {}): Promise<World> {
  return openWorld({ runnerPath: BUILT_RUNNER, ...o });
}

export interface GuestParts extends Partial<Omit<PackageParts, "main">> {
  /** Body of `async (req, ctx) => { … }`. */
  does: string;
  /** Top of the module. */
  top?: string;
  setup?: string;
  /** Of an earlier release of the same plugin. */
  capability?: string;
}

let counter = 0;

/** A plugin `dev/guest-N` with the capability `dev.guest-N`; its answer is what `does` returns. */
export function guest(world: World, parts: GuestParts): StoredRelease & { capability: string } {
  const number = (counter += 1);
  const { does, top = "", setup = "", capability = `dev.guest_${number}`, manifest, ...rest } = parts;
  const main = `${top}
const definition = {
  setup: async (ctx) => { await ctx.capabilities.register("${capability}@1.0"); ${setup} },
  capabilities: { "${capability}@1.0": async (req, ctx) => { ${does} } },
};
export default Object.freeze(Object.defineProperty({ kind: "plugin", sdk: 1 }, Symbol.for("hearthnet.plugin"), { value: definition }));
`;
  const release = writePackage(world.folder, {
    id: `dev/guest-${number}`,
    capabilities: [{ name: capability }],
    ...rest,
    main: "",
    files: { "main.mjs": main },
    manifest: { tier: { min: "isolate" }, entry: { main: "main.mjs" }, ...manifest },
  });
  return { ...release, capability };
}
