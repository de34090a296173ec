/** The inner half of a node, all of it real: bus, runtime, the built runner, and plugins that came as signed packages. */
import { build } from "esbuild";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type {
  Frame,
  JsonObject,
  PermissionName,
  PluginManifest,
  PluginStatus,
  Principal,
  StoredRelease,
} from "../../../host/src/contract/index.ts";
import { openBus, type OpenBus } from "../../../host/src/bus/index.ts";
import { fromKeyObject, MANIFEST_FILE, unpackPackage, writePackage, type PackageFile } from "../../../host/src/format/index.ts";
import { silentLog, systemClock } from "../../../host/src/foundation/index.ts";
import { openRuntime, type NodeRuntime, type RuntimeOptions } from "../../../host/src/runtime/index.ts";
import { allow, contribution, NODE_ID } from "../../../host/test/runtime/fixtures/world.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const RUNNER = join(ROOT, "sdk-plugin", "dist", "runner.cjs");
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const PUBLISHER = fromKeyObject(publicKey);

/** What a test says about a plugin; everything else of the manifest is the same for all. */
export interface PluginParts {
  id: string;
  capability: string;
  /** Bundled with the SDK, as an author's entry is. */
  entry: string;
  /** Put in for the names of the sources. */
  define?: Record<string, string>;
  /** Entry of a worker called `work`. */
  worker?: string;
  /** Places of the capability; 8 unless said. */
  maxConcurrent?: number;
  /** 100,000 unless said. */
  callsPerMinute?: number;
  /** Asked for and granted, beside the right to offer the capability. */
  permissions?: readonly PermissionName[];
  /** Its answer comes in frames. */
  streams?: boolean;
  /** Pointers to bytes in requests, answers and frames. */
  binary?: string[];
  /** Instead of what stands in every manifest here. */
  manifest?: Partial<Pick<PluginManifest, "limits" | "config" | "data" | "version" | "tier">>;
  /** Further files of the package. */
  files?: ReadonlyMap<string, PackageFile>;
}

/** The calls of a test are those of the person at this node. */
export const OPERATOR: Principal = { kind: "self", node_id: NODE_ID, community_id: null, level: "anchor" };

export class Daemon {
  readonly runtime: NodeRuntime;
  readonly #bus: OpenBus;
  readonly #folder: string;

  private constructor(o: { runtime: NodeRuntime; bus: OpenBus; folder: string }) {
    this.runtime = o.runtime;
    this.#bus = o.bus;
    this.#folder = o.folder;
  }

  /** @param folder  others may enter it; the daemon's own lies below, in `node` */
  static async open(folder: string, o: Pick<RuntimeOptions, "closeInheritedFiles" | "ways"> = {}): Promise<Daemon> {
    if (!existsSync(RUNNER)) throw new Error("The runner is not built; run `npm run build` first.");
    const bus = openBus({ nodeId: NODE_ID, communityId: () => null, clock: systemClock, log: silentLog });
    const runtime = await openRuntime({
      dataDir: join(folder, "node"),
      bus,
      clock: systemClock,
      random: (n) => randomBytes(n),
      log: silentLog,
      identity: { nodeId: NODE_ID, communityId: () => null },
      runnerPath: RUNNER,
      closeInheritedFiles: o.closeInheritedFiles ?? false,
      ...(o.ways === undefined ? {} : { ways: o.ways }),
    });
    return new Daemon({ runtime, bus, folder });
  }

  /** Bundles, signs, verifies and unpacks a package. */
  async release(parts: PluginParts): Promise<StoredRelease> {
    const files = new Map<string, PackageFile>(parts.files);
    files.set("dist/main.mjs", { bytes: await bundle(parts.entry, parts.define) });
    if (parts.worker !== undefined) files.set("dist/work.mjs", { bytes: await bundle(parts.worker) });
    files.set("schema.json", { bytes: Buffer.from('{"type":"object"}') });
    files.set(MANIFEST_FILE, { bytes: Buffer.from(JSON.stringify(manifestOf(parts))) });
    const { manifest, sha256, keyId, dir } = await unpackPackage(writePackage(files, privateKey).bytes, {
      root: join(this.#folder, "packages"),
      opId: randomBytes(8).toString("hex"),
      keys: [PUBLISHER],
    });
    const { id, version } = manifest;
    return { id, version, sha256, dir, manifest, publisherKeyId: keyId, embeddedRoot: false, assets: {} };
  }

  /** Installs with every right that was asked for. @throws Error with the plugin's log when it does not come up */
  async install(parts: PluginParts): Promise<PluginStatus> {
    const release = await this.release(parts);
    const grants = release.manifest.permissions.map(({ name, scope }) => allow(name, scope));
    const status = await this.runtime.stage(release, grants);
    if (status.state !== "active")
      throw new Error(
        `${parts.id} did not start: ${JSON.stringify([status.reason, this.runtime.logs(parts.id, { limit: 20 })])}`,
      );
    return status;
  }

  get bus(): OpenBus {
    return this.#bus;
  }

  async call(
    capability: string,
    input: JsonObject = {},
    o: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<JsonObject> {
    const body = { params: {}, input };
    const { output } = await this.#bus.call({ capability, version: [1, 0], body, caller: OPERATOR, ...o });
    return output;
  }

  /** Frames as the plugin sends them; whoever does not read holds them up. */
  stream(capability: string, input: JsonObject = {}, o: { signal?: AbortSignal } = {}): AsyncGenerator<Frame, JsonObject, void> {
    return this.#bus.stream({ capability, version: [1, 0], body: { params: {}, input }, caller: OPERATOR, ...o });
  }

  async close(): Promise<void> {
    await this.runtime.stopAll();
    this.#bus.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function bundle(entry: string, define: Record<string, string> = {}): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["hearthnet-source"],
    define: Object.fromEntries(Object.entries(define).map(([name, value]) => [name, JSON.stringify(value)])),
    write: false,
    logLevel: "error",
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

function manifestOf({
  id,
  capability,
  worker,
  permissions = [],
  maxConcurrent = 8,
  callsPerMinute = 100_000,
  streams = false,
  binary = [],
  manifest = {},
}: PluginParts): PluginManifest {
  const reason = { en: "For a test.", de: "Für einen Test." };
  return {
    manifestVersion: 1,
    id,
    version: manifest.version ?? "1.0.0",
    kind: "service",
    tier: manifest.tier ?? { min: "process" },
    displayName: { en: id, de: id },
    description: reason,
    license: "Apache-2.0",
    engines: { hearthnet: ">=0.1.0" },
    platforms: [manifest.tier?.native === true ? `${process.platform}-${process.arch}` : "any"],
    entry: { main: "dist/main.mjs" },
    permissions: [
      { name: "bus.provide", scope: { prefixes: [capability.slice(0, capability.lastIndexOf(".") + 1)] }, reason },
      ...(worker === undefined ? [] : [{ name: "proc.worker" as const, scope: { workers: ["work"] }, reason }]),
      ...permissions.map((name) => ({ name, reason, ...(name === "native" ? { scope: { mode: ["addon"] } } : {}) })),
    ],
    limits: { memoryMb: 256, callsPerMinute, shutdownMs: 1000, ...manifest.limits },
    ...(manifest.config === undefined ? {} : { config: manifest.config }),
    ...(manifest.data === undefined ? {} : { data: manifest.data }),
    contributes: {
      capabilities: [contribution({ name: capability, maxConcurrent, stream: streams ? "schema.json" : null, binary })],
      ...(worker === undefined
        ? {}
        : { workers: [{ name: "work", entry: "dist/work.mjs", warm: 1, limits: { memoryMb: 128, wallMs: 1000 } }] }),
    },
  };
}
