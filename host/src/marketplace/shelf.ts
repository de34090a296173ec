import { createReadStream, lstatSync } from "node:fs";
import type { BlobName, ListsClaim, PackageShelf, ShelvedFile, StoredRelease } from "../contract/index.ts";
import type { MarketplaceState } from "./state.ts";
import type { AssetStore } from "./store/asset-store.ts";
import type { PackageStore } from "./store/package-store.ts";

const VERSIONED = /^([1-9]\d{0,14})\.([a-z][a-z0-9-]{0,63})\.json$/;
const HASH = /^[0-9a-f]{64}$/;

export interface ShelfOptions {
  state: MarketplaceState;
  packages: PackageStore;
  assets: AssetStore;
  /** Short names of the registries of this node. */
  registries: readonly string[];
  /** What is installed or kept and may be handed on. */
  releases: () => readonly StoredRelease[];
}

/**
 * What a neighbour may have: a registry's signed lists as last verified here, packages that a registry names and that are installed here, and the
 * assets of those. What came as a file, or from an author's session, is nobody's business.
 * @source marketplace §5.5
 */
export class Shelf implements PackageShelf {
  readonly #o: ShelfOptions;

  constructor(options: ShelfOptions) {
    this.#o = options;
  }

  lists(): ListsClaim[] {
    const { state, registries } = this.#o;
    return registries.flatMap((registry) => {
      const bytes = state.part(registry, "timestamp");
      const version = bytes === undefined ? undefined : versionOf(bytes);
      return typeof version === "number" ? [{ registry, version }] : [];
    });
  }

  meta(registry: string, file: string): Uint8Array | undefined {
    const { state, registries } = this.#o;
    if (!registries.includes(registry)) return undefined;
    if (file === "root.json" || file === "timestamp.json") return state.part(registry, file.slice(0, -5));
    const [, number, role] = VERSIONED.exec(file) ?? [];
    if (number === undefined || role === undefined) return undefined;
    const version = Number(number);
    if (role === "root") return state.root(registry, version);
    const bytes = state.part(registry, role);
    return bytes !== undefined && versionOf(bytes) === version ? bytes : undefined;
  }

  blob(by: BlobName, hash: string): ShelvedFile | undefined {
    if (!HASH.test(hash)) return undefined;
    const { state, packages, assets } = this.#o;
    const releases = this.#o.releases().filter(({ sha256 }) => packages.hasArchive(sha256));
    if (by === "sha256") {
      if (releases.some(({ sha256 }) => sha256 === hash)) return onDisk(packages.archive(hash));
      const small = state.blob(hash);
      if (small !== undefined) return inMemory(small);
    }
    const file = releases
      .flatMap(({ manifest }) => (manifest.assets ?? []).flatMap(({ files }) => files))
      .find(({ sha256, cid }) => (by === "sha256" ? sha256 === hash : cid === `blake3:${hash}`));
    return file !== undefined && assets.has(file) ? onDisk(assets.path(file.sha256)) : undefined;
  }
}

function versionOf(bytes: Uint8Array): unknown {
  return (JSON.parse(Buffer.from(bytes).toString("utf8")) as { signed?: { version?: unknown } }).signed?.version;
}

function onDisk(path: string): ShelvedFile | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) return undefined;
  return {
    sizeBytes: stat.size,
    // The end is the last byte itself, and a stream of no bytes cannot be written that way.
    read: (from, to) => (to > from ? createReadStream(path, { start: from, end: to - 1 }) : none()),
  };
}

function inMemory(bytes: Uint8Array): ShelvedFile {
  return { sizeBytes: bytes.byteLength, read: (from, to) => one(bytes.subarray(from, to)) };
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* none(): AsyncGenerator<Uint8Array> {}
