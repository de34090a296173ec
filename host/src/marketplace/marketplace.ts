import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  CatalogDetail,
  CatalogItem,
  Grant,
  InstallRequest,
  LocalError,
  PermissionReview,
  PluginStatus,
  StoredRelease,
} from "../contract/index.ts";
import {
  compareVersions,
  FILES_FILE,
  namespaceOf,
  readPackage,
  recheckFolder,
  sha256Hex,
  type IndexRow,
} from "../format/index.ts";
import { HnError } from "../foundation/index.ts";
import { BundleRoom } from "./bundle/room.ts";
import { BundleShelf } from "./bundle/shelf.ts";
import { checkRevoked } from "./fit.ts";
import { checkTyped, consentTo, type ConsentRules } from "./consent.ts";
import { install, isNativeAllowed, type InstallRooms } from "./install.ts";
import { Offers, type Offer, type Opened } from "./offers.ts";
import { OneAtATime, untilAborted } from "./one-at-a-time.ts";
import type { MarketplaceOptions, NodeMarketplace, RegistryState } from "./options.ts";
import { Registries } from "./registries.ts";
import { buildReview } from "./review.ts";
import { checkRollback } from "./rollback.ts";
import { searchRows } from "./search.ts";
import { Shelf } from "./shelf.ts";
import { MarketplaceState } from "./state.ts";
import { AssetStore } from "./store/asset-store.ts";
import { PackageStore } from "./store/package-store.ts";

const SEARCH_LIMIT = 200;
/** A catalogue older than this is not installed from at all. @source marketplace §2.3 */
const TOO_OLD_SECONDS = 180 * 86_400;
/** A package that came as a file and was not installed is forgotten after this time. */
const IMPORT_KEPT_MS = 7 * 86_400_000;

/** The room's one object: registries, store, installations. */
export class MarketplaceRoom implements NodeMarketplace {
  readonly #o: MarketplaceOptions;
  readonly #state: MarketplaceState;
  readonly #registries: Registries;
  readonly #rooms: InstallRooms;
  readonly #turns = new OneAtATime();
  readonly shelf: Shelf;
  readonly bundles: BundleRoom;

  constructor(options: MarketplaceOptions) {
    const { dataDir, runtime, clock, hostVersion } = options;
    this.#o = options;
    const root = join(dataDir, "marketplace");
    mkdirSync(root, { recursive: true, mode: 0o700 });
    this.#state = new MarketplaceState(join(root, "marketplace.db"));
    const shelf = new BundleShelf(root);
    this.#registries = new Registries(options, { state: this.#state, folder: root, shelf });
    const packages = new PackageStore(root);
    const offers = new Offers({
      clientFor: (namespace) => this.#registries.clientFor(namespace),
      state: this.#state,
      packages,
      hostVersion,
    });
    this.#rooms = {
      runtime,
      offers,
      packages,
      assets: new AssetStore(root),
      state: this.#state,
      clock,
      hostVersion,
      keepArchive: (bytes) => this.#keepArchive(bytes),
      isFirstParty: ({ client }) => this.#registries.isEmbedded(client),
      mayBeNative: ({ keyId, embeddedRoot }) => embeddedRoot || options.nativePublishers?.includes(keyId) === true,
    };
    this.shelf = new Shelf({
      state: this.#state,
      packages,
      assets: this.#rooms.assets,
      registries: this.#registries.ids,
      // What is kept out here is handed to nobody else.
      releases: () => this.#releases().filter(({ id }) => runtime.get(id)?.state !== "quarantined"),
    });
    this.bundles = new BundleRoom({
      ...this.#rooms,
      registries: this.#registries,
      shelf,
      newUlid: options.newUlid,
      choose: (id, version) => this.#choose(id, version),
      onCatalogue: () => this.#endRevoked(),
    });
    this.#sweep();
  }

  get devRoot(): boolean {
    return this.#registries.hasDevelopmentRoot;
  }

  registries(): RegistryState[] {
    return this.#registries.states();
  }

  openLast(): Promise<void> {
    return this.#registries.openLast();
  }

  async refresh(): Promise<{ ageSeconds: number; registries: { id: string; error: LocalError | null }[] }> {
    const registries = await Promise.all(
      this.#registries.ids.map(async (id) => {
        try {
          await (await this.#registries.ready(id)).refresh();
          return { id, error: null };
        } catch (error) {
          const known = HnError.from(error);
          this.#o.log.warn("a registry was not refreshed", { registry: id, reason: known.reason ?? known.code });
          return { id, error: known.toLocal() };
        }
      }),
    );
    await this.#endRevoked();
    return { ageSeconds: this.#registries.ageSeconds(), registries };
  }

  search(o: { q?: string; limit?: number }): CatalogItem[] {
    return searchRows(this.#registries.rows(), o.q ?? "")
      .slice(0, o.limit ?? SEARCH_LIMIT)
      .map((row) => this.#item(row));
  }

  async show(id: string): Promise<CatalogDetail> {
    const offer = await this.#choose(id);
    const opened = await this.#rooms.offers.open(offer);
    const { manifest, readme, keyId, sizeBytes } = opened;
    const row = offer.client.rows.find((candidate) => candidate.id === id);
    const review = this.#review(opened, offer);
    const versions = await offer.client.versions(id);
    return {
      ...this.#item({
        id,
        v: offer.version,
        name: manifest.displayName,
        desc: manifest.description,
        caps: (manifest.contributes.capabilities ?? []).map(({ name, version }) => `${name}@${version}`),
        perms: manifest.permissions.map(({ name }) => name),
        rating: review.rating,
        tier: manifest.tier.min,
        platforms: manifest.platforms,
        icon: null,
        size: sizeBytes,
        released: offer.listed?.custom.released ?? row?.released ?? "",
        publisher: keyId,
        verified: true,
      }),
      manifest,
      readme,
      assetBytes: review.assets.reduce((sum, asset) => sum + asset.sizeBytes, 0),
      versions: versions.map(({ version, sha256, sizeBytes: size, custom }) => ({
        version,
        sha256,
        sizeBytes: size,
        status: custom.status,
      })),
    };
  }

  newer(id: string): string | null {
    const installed = this.#o.runtime.get(id)?.version;
    const latest = this.#registries.rows().find((row) => row.id === id)?.v;
    if (installed === undefined || latest === undefined) return null;
    return compareVersions(latest, installed) > 0 ? latest : null;
  }

  async review(id: string, version?: string): Promise<PermissionReview> {
    const offer = await this.#choose(id, version);
    return this.#review(await this.#rooms.offers.open(offer), offer);
  }

  async install(request: InstallRequest): Promise<PluginStatus> {
    request.onProgress?.({ step: "resolve", percent: 0 });
    return this.#turns.run(async () => {
      const offer = await untilAborted(this.#choose(request.id, request.version), request.signal);
      this.#checkFresh(offer, request.useOldCatalogue === true);
      return explained(() => install(offer, request, { ...this.#rooms, opId: this.#o.newUlid() }));
    }, request.signal);
  }

  async update(request: InstallRequest): Promise<PluginStatus> {
    const { runtime } = this.#o;
    const installed = runtime.release(request.id);
    if (installed === undefined) {
      const message = `No plugin ${request.id.slice(0, 80)} is installed.`;
      throw new HnError("not_found", { message, action: "Install it first; see `hearthnet plugin search`." });
    }
    const offer = await untilAborted(this.#choose(request.id, request.version, { now: true }), request.signal);
    const status = runtime.get(request.id);
    if (offer.sha256 === installed.sha256 && status !== undefined) return status;
    return this.install({ ...request, version: offer.version });
  }

  async regrant({ id, ...request }: Parameters<NodeMarketplace["regrant"]>[0]): Promise<Grant[]> {
    const { runtime } = this.#o;
    await runtime.setGrants(id, consentTo(this.#release(id).manifest, { ...request, reviewDigest: "" }, this.#rulesFor(id)));
    return runtime.grants(id);
  }

  async acceptTrial({ id, digest, confirmId }: Parameters<NodeMarketplace["acceptTrial"]>[0]): Promise<Grant[]> {
    const { rights } = this.#o.runtime;
    const { manifest } = this.#release(id);
    checkTyped(manifest, rights.trial(id)?.proposal.grants ?? [], confirmId);
    return rights.acceptTrial(id, digest);
  }

  rollback({ id, version }: { id: string; version?: string }): Promise<PluginStatus> {
    return this.#turns.run(async () => {
      const { runtime } = this.#o;
      const kept = runtime.kept(id).find(({ release }) => version === undefined || release.version === version);
      if (kept !== undefined) await checkRollback(kept, this.#registries.clientFor(namespaceOf(id)));
      return runtime.rollback(id, version === undefined ? {} : { version });
    });
  }

  async importPackage(bytes: Uint8Array): Promise<{ id: string; version: string }> {
    const { manifest, signature } = await readPackage(bytes);
    const { id, version } = manifest;
    if (signature === null) throw new HnError("invalid_signature", { reason: "unsigned" });
    await this.refresh();
    const client = this.#registries.clientFor(namespaceOf(id));
    if (client === undefined || (await client.keysOf(namespaceOf(id))).length === 0)
      throw new HnError("invalid_signature", {
        reason: "wrong_key",
        message: `No registry of this node knows who owns the name ${namespaceOf(id)}.`,
        action: "Add the publisher's registry to hearthnet.config.ts, or ask the publisher where the plugin is registered.",
      });
    const sha256 = sha256Hex(bytes);
    const listed = await client.find(id, version);
    if (listed !== undefined && listed.sha256 !== sha256) {
      // A package that is not whole says so itself; only a sound one is worth comparing.
      await this.#rooms.offers.judge(bytes, { id, version, sha256, client });
      throw new HnError("bad_request", {
        reason: "damaged",
        message: `The catalogue names another package as ${id} ${version} than this file holds.`,
        action: "Get the file again; if you made it yourself, raise its version.",
      });
    }
    const { keyId } = await this.#rooms.offers.judge(bytes, { id, version, sha256, client });
    checkRevoked(client.revocations, { id, version, sha256, keyId });
    // In one turn of the event loop: what is not on record is swept.
    await explained(async () => {
      this.#rooms.packages.keepImport(bytes);
      this.#state.addImport({ plugin: id, version, sha256, at: this.#o.clock.now() });
    });
    return { id, version };
  }

  async recheck(id: string): Promise<{ ok: boolean; tampered: string[] }> {
    const release = this.#release(id);
    const tampered = await this.#changed(release);
    if (tampered.length > 0) await this.#o.runtime.quarantine(id, tamperedError(tampered).toLocal());
    return { ok: tampered.length === 0, tampered };
  }

  async admit(release: StoredRelease): Promise<void> {
    const tampered = await this.#changed(release);
    if (tampered.length > 0) throw tamperedError(tampered);
    const client = this.#registries.clientFor(namespaceOf(release.id));
    const { id, version, sha256, publisherKeyId: keyId } = release;
    if (client === undefined) return;
    try {
      checkRevoked(client.revocations, { id, version, sha256, keyId });
    } catch (error) {
      // Withdrawn is not dangerous: whoever has it keeps it.
      if (HnError.from(error).code === "revoked") throw error;
    }
  }

  installed(): StoredRelease[] {
    const { runtime } = this.#o;
    return runtime.list().flatMap(({ id }) => runtime.release(id) ?? []);
  }

  /** Not while something is being installed: until it is, nobody refers to it. */
  tidy(): Promise<void> {
    return this.#turns.run(async () => this.#sweep());
  }

  close(): void {
    this.#registries.close();
    this.#state.close();
  }

  #review(opened: Opened, offer: Offer): PermissionReview {
    const freshness = offer.client.freshness(offer.id);
    return {
      ...buildReview(opened, offer, { ...this.#rooms, nativeAllowed: isNativeAllowed(offer, opened, this.#rooms) }),
      oldCatalogueSeconds: freshness?.expired === true ? freshness.ageSeconds : null,
    };
  }

  /** @throws not_found */
  #release(id: string): StoredRelease {
    const release = this.#o.runtime.release(id);
    if (release === undefined) throw new HnError("not_found", { message: `No plugin ${id.slice(0, 80)} is installed.` });
    return release;
  }

  #rulesFor(id: string): ConsentRules {
    const { publisherKeyId: keyId, embeddedRoot } = this.#release(id);
    const nativeAllowed = this.#rooms.mayBeNative({ keyId, embeddedRoot });
    return { clock: this.#o.clock, nativeAllowed, held: this.#o.runtime.grants(id) };
  }

  /** A catalogue that was never read is read first. */
  async #choose(id: string, version?: string, o: { now?: boolean } = {}): Promise<Offer> {
    const owner = this.#registries.nameFor(id);
    if (owner !== "") {
      const client = await this.#registries.ready(owner);
      try {
        await client.refresh(o);
      } catch (error) {
        if (client.freshness() === null) throw error;
      }
    }
    return this.#rooms.offers.choose(id, version);
  }

  /** @throws expired catalogue_expired | clock @source marketplace §2.3 */
  #checkFresh({ id, client }: Offer, useOldCatalogue: boolean): void {
    client.checkClock();
    const freshness = client.freshness(id);
    if (freshness?.expired !== true) return;
    if (!useOldCatalogue || freshness.ageSeconds > TOO_OLD_SECONDS) throw new HnError("expired", { reason: "catalogue_expired" });
  }

  #item(row: IndexRow): CatalogItem {
    return {
      id: row.id,
      latest: row.v,
      displayName: row.name,
      description: row.desc,
      publisherKeyId: row.publisher,
      rating: row.rating,
      sizeBytes: row.size,
      capabilities: row.caps,
      permissions: row.perms,
      registry: this.#registries.nameFor(row.id),
      installedVersion: this.#o.runtime.get(row.id)?.version ?? null,
      released: row.released,
    };
  }

  /** Files of a release that are not what was verified. */
  async #changed(release: StoredRelease): Promise<string[]> {
    const changed = recheckFolder(release.dir);
    // The list itself: whoever changes a file and its line in the list as well is found by this.
    const listing = this.#state.listing(release.sha256);
    if (
      listing !== undefined &&
      !changed.includes(FILES_FILE) &&
      sha256Hex(readFileSync(join(release.dir, FILES_FILE))) !== listing
    )
      changed.push(FILES_FILE);
    for (const { name, files } of release.manifest.assets ?? [])
      if (Object.hasOwn(release.assets, name))
        for (const file of files) if (!(await this.#rooms.assets.isSound(file))) changed.push(`${name}/${file.path}`);
    return changed;
  }

  /** A revocation acts on what runs. @source marketplace §5.6 */
  async #endRevoked(): Promise<void> {
    for (const release of this.installed()) {
      const { id, version, sha256, publisherKeyId: keyId } = release;
      const client = this.#registries.clientFor(namespaceOf(id));
      if (client === undefined || this.#o.runtime.get(id)?.state === "quarantined") continue;
      try {
        checkRevoked(client.revocations, { id, version, sha256, keyId });
      } catch (error) {
        const refusal: LocalError = HnError.from(error).toLocal();
        if (refusal.error === "revoked") await this.#o.runtime.quarantine(id, refusal);
      }
    }
  }

  /** Installed, or kept for a way back. */
  #releases(): StoredRelease[] {
    const installed = this.installed();
    return [...installed, ...installed.flatMap(({ id }) => this.#o.runtime.kept(id).map(({ release }) => release))];
  }

  #keepArchive(bytes: Uint8Array): void {
    if (this.#o.keepsArchives !== true) return;
    try {
      this.#rooms.packages.keepArchive(bytes);
    } catch (error) {
      this.#o.log.warn("a package could not be kept for neighbours", { error });
    }
  }

  /** Releases, archives and assets that nobody refers to any more. */
  #sweep(): void {
    const releases = this.#releases();
    const hashes = new Set(releases.map(({ sha256 }) => sha256));
    this.#state.keepListings(hashes);
    this.#rooms.packages.keepOnly({
      releases: hashes,
      imports: this.#state.waitingImports(this.#o.clock.now() - IMPORT_KEPT_MS),
      archives: this.#o.keepsArchives === true ? hashes : new Set(),
    });
    const used = releases.flatMap(({ manifest }) =>
      (manifest.assets ?? []).flatMap(({ files }) => files.map(({ sha256 }) => sha256)),
    );
    this.#rooms.assets.keepOnly(new Set(used));
  }
}

/** A full disk says nothing about the package. @throws capacity_exceeded */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code !== "ENOSPC" && code !== "EDQUOT") throw cause;
    throw new HnError("capacity_exceeded", {
      message: "The disk is full, so nothing was installed.",
      action: "Free some space, then try again.",
      cause,
    });
  }
}

function tamperedError(paths: readonly string[]): HnError {
  return new HnError("invalid_signature", {
    reason: "tampered",
    message: `Files of the installed plugin were changed: ${paths.slice(0, 3).join(", ")}${paths.length > 3 ? " …" : ""}.`,
    action: "Remove it and install it again; find out who could write there.",
  });
}
