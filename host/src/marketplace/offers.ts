import type { PackagedBinary, PluginManifest } from "../contract/index.ts";
import { CONSTANTS } from "../contract/index.ts";
import {
  blobKey,
  checkMachineCode,
  compareVersions,
  isInRange,
  namespaceOf,
  sha256Hex,
  verifyPackage,
  type PublisherKey,
} from "../format/index.ts";
import { HnError, LruMap } from "../foundation/index.ts";
import type { FetchOrder } from "./source/fetch-order.ts";
import type { MarketplaceState } from "./state.ts";
import type { PackageStore } from "./store/package-store.ts";
import type { Listed } from "./tuf/listed.ts";
import type { RegistryClient } from "./tuf/registry-client.ts";

const ID = /^[a-z][a-z0-9-]{1,38}\/[a-z][a-z0-9-]{1,38}$/;
const README_MAX_BYTES = 65_536;
const OPENED_MAX = 16;

/** One version of a plugin that could be installed: named by its registry, or handed over as a file. */
export interface Offer {
  id: string;
  version: string;
  sha256: string;
  client: RegistryClient;
  /** Absent when no registry names it: it came as a file. */
  listed?: Listed;
}

/** A package whose bytes were verified. */
export interface Opened {
  manifest: PluginManifest;
  keyId: string;
  sizeBytes: number;
  readme: string;
  /** Machine code, whatever it is called. */
  binaries: PackagedBinary[];
}

export interface OffersOptions {
  /** The registry that owns a namespace. */
  clientFor: (namespace: string) => RegistryClient | undefined;
  state: MarketplaceState;
  packages: PackageStore;
  hostVersion: string;
}

export interface FetchOptions {
  /** Of the operation that it belongs to; absent: it is one of its own. */
  sources?: FetchOrder;
  signal?: AbortSignal;
  onBytes?: (done: number, total: number) => void;
  onSource?: (neighbour: string | undefined) => void;
}

/** Finds a version, fetches it, judges it. */
export class Offers {
  readonly #o: OffersOptions;
  readonly #opened: LruMap<string, Opened> = new LruMap(OPENED_MAX);

  constructor(options: OffersOptions) {
    this.#o = options;
  }

  /**
   * The wanted version, or the newest one that fits this host.
   * @throws bad_request for an id that is none · not_found · partition unreachable when no catalogue was ever read
   */
  async choose(id: string, version?: string): Promise<Offer> {
    if (!ID.test(id))
      throw new HnError("bad_request", {
        message: `"${id.slice(0, 80)}" is not a plugin's id.`,
        action: "An id looks like hearthnet/ocr.",
      });
    const client = this.#o.clientFor(namespaceOf(id));
    if (client === undefined) throw this.#unknown(id, version);
    const files = this.#o.state.imported(id).map(({ version: v, sha256 }): Offer => ({ id, version: v, sha256, client }));
    if (version !== undefined) {
      const listed = await client.find(id, version);
      const found = listed === undefined ? files.find((file) => file.version === version) : offerOf(listed, client);
      if (found === undefined) throw this.#unknown(id, version);
      return found;
    }
    const named = (await client.versions(id)).filter(({ custom }) => custom.status === "active");
    const fitting = named.filter(({ custom }) => isInRange(this.#o.hostVersion, custom.engines.hearthnet));
    const best = [...(fitting.length > 0 ? fitting : named).map((listed) => offerOf(listed, client)), ...files]
      .sort((a, b) => compareVersions(a.version, b.version))
      .at(-1);
    if (best === undefined) throw this.#unknown(id, version);
    return best;
  }

  /** @throws bad_request damaged | neighbours_damaged · partition unreachable | nobody_has_it · the signal's reason */
  async fetch(offer: Offer, o: FetchOptions = {}): Promise<Uint8Array> {
    // What was handed over, or is here still, need not be fetched; it is judged afterwards like anything else.
    const here = this.#o.packages.readImport(offer.sha256) ?? this.#o.packages.readArchive(offer.sha256);
    if (here !== undefined) return here;
    const { listed } = offer;
    if (listed === undefined) throw this.#unknown(offer.id, offer.version);
    const total = Math.min(listed.sizeBytes, CONSTANTS.PACKAGE_MAX_BYTES);
    return (o.sources ?? offer.client.sources()).fetch({ key: blobKey(offer.sha256), ...o }, async (pieces) => {
      const parts: Uint8Array[] = [];
      let done = 0;
      for await (const part of pieces) {
        o.signal?.throwIfAborted();
        done += part.byteLength;
        if (done > total) throw new HnError("bad_request", { reason: "damaged" });
        parts.push(part);
        o.onBytes?.(done, total);
      }
      const bytes = Buffer.concat(parts, done);
      if (sha256Hex(bytes) !== offer.sha256) throw new HnError("bad_request", { reason: "damaged" });
      return bytes;
    });
  }

  keysOf(offer: Offer): Promise<PublisherKey[]> {
    return offer.client.keysOf(namespaceOf(offer.id));
  }

  /** Fetches, verifies and reads what people want to see of a package. @throws with one class of marketplace §5.1 */
  async open(offer: Offer): Promise<Opened> {
    const known = this.#opened.get(offer.sha256);
    if (known !== undefined) return known;
    const bytes = await this.fetch(offer);
    return this.judge(bytes, offer);
  }

  /** @throws with one class of marketplace §5.1 */
  async judge(bytes: Uint8Array, offer: Pick<Offer, "id" | "version" | "sha256" | "client">): Promise<Opened> {
    const readme: Uint8Array[] = [];
    let reading = false;
    const { manifest, keyId, packedBytes, rows, machineCode } = await verifyPackage(bytes, {
      keys: await offer.client.keysOf(namespaceOf(offer.id)),
      expected: { sha256: offer.sha256, id: offer.id, version: offer.version },
      sink: {
        open: ({ path, size }) => {
          reading = path === "README.md" && size <= README_MAX_BYTES;
        },
        write: (chunk) => {
          if (reading) readme.push(Buffer.from(chunk));
        },
        close: () => (reading = false),
      },
    });
    checkMachineCode(manifest, machineCode);
    const opened = {
      manifest,
      keyId,
      sizeBytes: packedBytes,
      readme: Buffer.concat(readme).toString("utf8"),
      binaries: rows
        .filter(({ path }) => machineCode.includes(path))
        .map(({ path, sha256, size }) => ({ path, sha256, sizeBytes: size })),
    };
    this.#opened.set(offer.sha256, opened);
    return opened;
  }

  #unknown(id: string, version: string | undefined): HnError {
    return new HnError("not_found", {
      message: `The catalogue has no ${id}${version === undefined ? "" : ` ${version.slice(0, 64)}`}.`,
      action: "See what there is with `hearthnet plugin search`.",
    });
  }
}

function offerOf(listed: Listed, client: RegistryClient): Offer {
  return { id: listed.id, version: listed.version, sha256: listed.sha256, client, listed };
}
