/** A registry in a folder, a publisher with a key, and a node's marketplace that reads from it: all real but the runtime, which only takes notes. */
import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blobCid, permissionsDigest, writePackage, type PackageFile, type TargetCustom } from "../../host/src/format/index.ts";
import type { Grant, KeptRelease, PluginManifest, PluginStatus, StoredRelease } from "../../host/src/contract/index.ts";
import { createUlidFactory, HnError, ManualClock, silentLog } from "../../host/src/foundation/index.ts";
import { openMarketplace, type MarketplaceOptions, type NodeMarketplace } from "../../host/src/marketplace/index.ts";
import { Repository } from "../../registry/src/3-catalog/repository.ts";
import { indexRow } from "../../registry/src/2-verify/package.ts";
import { KeyFolder } from "../../registry/src/storage/key-folder.ts";
import type { RoleKey } from "../../registry/src/storage/keys.ts";

export const NOW: number = Date.UTC(2026, 6, 1, 12);

export interface Closing {
  after(step: () => unknown): void;
}

export function folder(t: Closing): string {
  const path = mkdtempSync(join(tmpdir(), "hearthnet-shop-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface PackageOrder {
  id?: string;
  version?: string;
  key: KeyObject | undefined;
  files?: Record<string, PackageFile>;
  manifest?: Partial<PluginManifest>;
}

/** A small plugin; what it does plays no part here. */
export function makePackage(o: PackageOrder): { bytes: Uint8Array; manifest: PluginManifest } {
  const manifest: PluginManifest = {
    manifestVersion: 1,
    id: o.id ?? "hearthnet/echo",
    version: o.version ?? "1.0.0",
    kind: "service",
    tier: { min: "process" },
    displayName: { en: "Echo", de: "Widerhall" },
    description: { en: "Says it again.", de: "Sagt es noch einmal." },
    license: "Apache-2.0",
    engines: { hearthnet: ">=0.1.0 <2" },
    platforms: ["any"],
    entry: { main: "dist/main.mjs" },
    contributes: {},
    permissions: [{ name: "storage.kv", scope: { quotaMb: 1 }, reason: { en: "Remembers." } }],
    optionalPermissions: [{ name: "notify", reason: { en: "Tells you." } }],
    ...o.manifest,
  };
  const files = new Map<string, PackageFile>([
    ["hearthnet.plugin.json", { bytes: Buffer.from(JSON.stringify(manifest)) }],
    ["dist/main.mjs", { bytes: Buffer.from("export default 1;\n") }],
    ["README.md", { bytes: Buffer.from("# Echo\n") }],
    ...Object.entries(o.files ?? {}),
  ]);
  return { bytes: writePackage(files, o.key).bytes, manifest };
}

/** The part of a manifest that asks for one file. */
export function assetOf(bytes: Buffer, change: object = {}): Partial<PluginManifest> {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const file = { path: "weights.bin", sha256, cid: blobCid(bytes).cid, sizeBytes: bytes.byteLength, sources: [], ...change };
  return { assets: [{ name: "model", license: "MIT", files: [file] }] };
}

/** Why it was refused; `none` when it was not. */
export async function reasonOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    return HnError.isHnError(error) ? (error.reason ?? error.code) : (error as Error).name;
  }
}

export interface Shop {
  folder: string;
  keys: KeyFolder;
  publisher: RoleKey;
  key: KeyObject;
  /** Takes the bytes as they are, however bad: a registry may be malicious. */
  list(o: {
    bytes: Uint8Array;
    manifest: PluginManifest;
    path?: string;
    status?: TargetCustom["status"];
    minSafeVersion?: string;
  }): void;
  repository: Repository;
  commit(step?: (name: string) => void): void;
  /** As if the registry's keeper came back later. */
  reopen(now: number): void;
}

/** @param o.development  default true: versions rise with the clock */
export function openShop(t: Closing, o: { now?: number; development?: boolean; namespace?: string } = {}): Shop {
  const root = folder(t);
  const namespace = o.namespace ?? "hearthnet";
  const development = o.development ?? true;
  const keys = KeyFolder.create(join(root, "keys"), development);
  const publisher = keys.ownPublisher(namespace);
  const open = (now: number): Repository => Repository.create({ folder: join(root, "registry"), keys, now, development });
  const shop: Shop = {
    folder: join(root, "registry"),
    keys,
    publisher,
    key: createPrivateKey(readFileSync(publisher.file, "utf8")),
    repository: open(o.now ?? NOW),
    list({ bytes, manifest, path, status, minSafeVersion }) {
      const custom: TargetCustom = {
        tarSha256: createHash("sha256").update("tar").digest("hex"),
        cid: blobCid(bytes).cid,
        publisherKeyids: [publisher.keyId],
        permissionsDigest: permissionsDigest(manifest),
        rating: 2,
        tier: "process",
        engines: manifest.engines,
        platforms: manifest.platforms,
        status: status ?? "active",
        released: "2026-06-01T00:00:00Z",
        ...(minSafeVersion === undefined ? {} : { minSafeVersion }),
      };
      shop.repository.putPackage(namespace, { path: path ?? `${manifest.id}/${manifest.version}.hnp`, bytes, custom });
      shop.repository.putRow(indexRow({ manifest, custom, sizeBytes: bytes.byteLength }));
    },
    commit: (step) => void shop.repository.commit(new Map([[namespace, publisher]]), step),
    reopen: (now) => {
      shop.repository = open(now);
    },
  };
  shop.repository.claim(namespace, [publisher.tuf]);
  return shop;
}

export interface Node {
  marketplace: NodeMarketplace;
  clock: ManualClock;
  dataDir: string;
  staged: { release: StoredRelease; grants: Grant[] }[];
  /** The rights it has now. */
  grants(id: string): Grant[];
  quarantined: { id: string; reason: string | undefined }[];
  /** `id version` of what waits for consent. */
  waiting: string[];
  /** Everything below the room's folder that a refusal must not leave behind. */
  leftovers(): string[];
  reopen(change?: Partial<MarketplaceOptions>): Promise<void>;
}

export async function openNode(t: Closing, shop: Shop, change: Partial<MarketplaceOptions> = {}): Promise<Node> {
  const dataDir = change.dataDir ?? folder(t);
  const clock = new ManualClock(NOW);
  const installed = new Map<string, { release: StoredRelease; grants: Grant[] }>();
  const kept: KeptRelease[] = [];
  const waiting: string[] = [];
  const quarantined: Node["quarantined"] = [];
  const staged: Node["staged"] = [];
  const status = (id: string): PluginStatus | undefined => {
    const found = installed.get(id);
    if (found === undefined) return undefined;
    const state = quarantined.some((one) => one.id === id) ? "quarantined" : "active";
    return { id, version: found.release.version, sha256: found.release.sha256, state } as PluginStatus;
  };
  const runtime: MarketplaceOptions["runtime"] = {
    report: () => ({ label: "os", probes: [], repairs: [], asRoot: false, bwrapVersion: "0.8.0" }),
    list: () => [...installed.keys()].flatMap((id) => status(id) ?? []),
    get: status,
    release: (id) => installed.get(id)?.release,
    grants: (id) => installed.get(id)?.grants ?? [],
    kept: (id) => kept.filter(({ release }) => release.id === id),
    stage: async (release, grants) => {
      const former = installed.get(release.id);
      if (former !== undefined) kept.unshift({ ...former, keptSince: clock.now(), losesSince: null });
      staged.push({ release, grants });
      installed.set(release.id, { release, grants });
      return status(release.id) as PluginStatus;
    },
    rollback: async (id, o) => {
      const found = kept.find(({ release }) => release.id === id && (o.version === undefined || release.version === o.version));
      if (found === undefined) throw new HnError("not_found", { reason: "not_kept" });
      return runtime.stage(found.release, found.grants);
    },
    setGrants: async (id, grants) => {
      const found = installed.get(id);
      if (found !== undefined) installed.set(id, { ...found, grants });
    },
    rights: { trial: () => null, acceptTrial: () => Promise.reject(new HnError("not_found", { reason: "no_trial" })) },
    awaitConsent: (id, version) => void waiting.push(`${id} ${version}`),
    quarantine: async (id, reason) => void quarantined.push({ id, reason: reason.reason }),
  };
  const open = (again: Partial<MarketplaceOptions>): Promise<NodeMarketplace> =>
    openMarketplace({
      dataDir,
      runtime,
      clock,
      newUlid: createUlidFactory(clock, (n) => crypto.getRandomValues(new Uint8Array(n))),
      log: silentLog,
      registries: [
        {
          id: "hearthnet",
          root: join(shop.folder, "root.json"),
          source: shop.folder,
          namespaces: ["hearthnet/*", "*"],
          embedded: true,
        },
      ],
      hostVersion: "0.1.0",
      buildTime: NOW,
      allowDevRoot: true,
      ...change,
      ...again,
    });
  const node: Node = {
    marketplace: await open({}),
    clock,
    dataDir,
    staged,
    grants: runtime.grants,
    waiting,
    quarantined,
    leftovers: () =>
      ["tmp", "store/sha256", "assets", "imports"].flatMap((name) => {
        try {
          return readdirSync(join(dataDir, "marketplace", name)).map((entry) => `${name}/${entry}`);
        } catch {
          return [];
        }
      }),
    reopen: async (again = {}) => {
      node.marketplace.close();
      node.marketplace = await open(again);
    },
  };
  t.after(() => node.marketplace.close());
  return node;
}
