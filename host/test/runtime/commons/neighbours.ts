/** Plugins that share a community, as their bundles are, on a runtime with a real log and a real key behind it. */
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Grant, JsonObject, PluginManifest, StoredRelease } from "../../../src/contract/index.ts";
import type { RuntimeOptions } from "../../../src/runtime/index.ts";
import { found, type Person, Village } from "../../support/people.ts";
import { allow, openWorld, writePackage, type World } from "../fixtures/world.ts";

const BUILT_RUNNER = join(import.meta.dirname, "..", "..", "..", "..", "sdk-plugin", "dist", "runner.cjs");

export interface Neighbourhood {
  world: World;
  village: Village;
  /** The node's own person, anchor of the community. */
  anna: Person;
  /** Adds grants as an operator would and starts it. @throws Error with the plugin's log when it does not become active */
  install(plugin: SharingPlugin): Promise<StoredRelease>;
  /** Calls a plugin's `dev.<name>` as a member, or as `caller`. */
  ask(name: string, input?: JsonObject, caller?: Parameters<World["bus"]["call"]>[1]): Promise<JsonObject>;
}

export interface SharingPlugin {
  /** `dev/<name>`, with the capability `dev.<name>`. */
  name: string;
  version?: string;
  tier?: "process" | "isolate";
  /** Top of the module. */
  top?: string;
  /** Body of `async (req, ctx) => { … }`; its answer is the output. */
  does?: string;
  /** Members of the definition besides `setup` and `capabilities`. */
  more?: string;
  grants?: Grant[];
  contributes?: PluginManifest["contributes"];
  manifest?: Partial<PluginManifest>;
  files?: Record<string, string | Uint8Array>;
}

export async function openNeighbourhood(t: TestContext, o: Partial<RuntimeOptions> = {}): Promise<Neighbourhood> {
  const village = new Village(t);
  const anna = village.person("Anna");
  await found(anna);
  const { signer } = anna;
  const world = await openWorld({
    runnerPath: BUILT_RUNNER,
    identity: {
      nodeId: signer.nodeId,
      communityId: () => anna.community.communityId(),
      level: () => anna.community.levelOf(signer.nodeId),
    },
    community: anna.community,
    signer,
    ...o,
  });
  t.after(() => world.close());
  return {
    world,
    village,
    anna,
    async install(plugin) {
      const release = packed(world, plugin);
      const status = await world.runtime.stage(release, [allow("bus.provide", { prefixes: ["dev."] }), ...(plugin.grants ?? [])]);
      if (status.state !== "active") {
        const lines = world.runtime.logs(release.id, { limit: 30 }).map(({ message }) => message);
        throw new Error(`${release.id} is ${status.state}: ${JSON.stringify(status.reason)} ${lines.join("\n")}`);
      }
      return release;
    },
    ask: async (name, input = {}, caller = {}) =>
      JSON.parse(JSON.stringify((await world.bus.call(`dev.${name}`, { input, ...caller })).output)) as JsonObject,
  };
}

function packed(world: World, plugin: SharingPlugin): StoredRelease {
  const { name, version, tier = "process", top = "", does = "return {};", more = "", contributes, manifest, files } = plugin;
  const capability = `dev.${name}`;
  const main = `${top}
const definition = {
  setup: async (ctx) => { await ctx.capabilities.register("${capability}@1.0"); },
  capabilities: { "${capability}@1.0": async (req, ctx) => {
    const output = await (async () => { ${does} })().catch((error) => ({ code: error.code ?? String(error), reason: error.reason ?? null }));
    return { output };
  } },
  ${more}
};
export default Object.freeze(Object.defineProperty({ kind: "plugin", sdk: 1 }, Symbol.for("hearthnet.plugin"), { value: definition }));
`;
  const release = writePackage(world.folder, {
    id: `dev/${name.replaceAll("_", "-")}`,
    ...(version === undefined ? {} : { version }),
    capabilities: [{ name: capability }],
    main: "",
    files: { "main.mjs": main, ...files },
    manifest: { tier: { min: tier }, entry: { main: "main.mjs" }, ...manifest },
  });
  Object.assign(release.manifest.contributes, contributes);
  // The runner compares it with what the bundle handles.
  return writePackage(world.folder, {
    id: release.id,
    version: release.version,
    main: "",
    files: { "main.mjs": main, "hearthnet.plugin.json": JSON.stringify(release.manifest), ...files },
    manifest: release.manifest,
  });
}
