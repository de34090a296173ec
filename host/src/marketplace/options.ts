/** What the marketplace of one node is given and gives. */
import type { Clock, Log, Marketplace, PackageShelf, Rights, Runtime, StoredRelease } from "../contract/index.ts";
import type { UlidFactory } from "../foundation/index.ts";
import type { Neighbours } from "./source/mesh.ts";

/** One source of plugins, and for which names it may speak. @source marketplace §5 */
export interface RegistrySource {
  /** Short name, as configured: `hearthnet`, `village`. */
  id: string;
  /**
   * File with the root metadata that the node's owner, or this release of the host, trusts; never read from `source`. Or the SHA-256 of that
   * file in hex: then whatever `source` offers is compared with it.
   */
  root: string | { sha256: string };
  /** Folder, or `https://` address, in the layout of marketplace §3. What lies there is trusted only as far as it is signed. */
  source: string;
  /** `acme/*`, or `*` for every namespace that no other registry owns. A longer pattern wins. */
  namespaces: readonly string[];
  /** The registry that ships with this host. It alone may speak for `hearthnet/*`, and it is as fresh as the host itself. */
  embedded?: boolean;
  /** Certificates, PEM, that an `https://` source may present beside the well-known ones. */
  ca?: string;
}

export interface MarketplaceOptions {
  /** The node's data folder; everything here lies in `marketplace/` below it. */
  dataDir: string;
  runtime: Pick<
    Runtime,
    "report" | "list" | "get" | "release" | "kept" | "grants" | "setGrants" | "stage" | "rollback" | "awaitConsent" | "quarantine"
  > & { rights: Pick<Rights, "trial" | "acceptTrial"> };
  clock: Clock;
  newUlid: UlidFactory;
  log: Log;
  registries: readonly RegistrySource[];
  /** Version of this host: what a plugin's `engines.hearthnet` is compared with. */
  hostVersion: string;
  /** When this host was built, Unix milliseconds. The clock cannot be earlier. */
  buildTime: number;
  /** Publishers that may be granted machine code beside those of the embedded root: SHA-256 of their keys, hex. @source plugin-platform §3.4.4 */
  nativePublishers?: readonly string[];
  /** Take a root of profile `development`; true in a source checkout only. */
  allowDevRoot: boolean;
  /** Neighbours that may be asked for packages; absent: nobody is. */
  neighbours?: Neighbours;
  /** Keep packages as they came, so that neighbours may have them; false by default. */
  keepsArchives?: boolean;
}

/** A registry as its node knows it at this moment. */
export interface RegistryState {
  id: string;
  source: string;
  namespaces: readonly string[];
  embedded: boolean;
  /** Seconds since it signed what is shown; null while nothing of it was read. */
  ageSeconds: number | null;
}

export interface NodeMarketplace extends Marketplace {
  /** What lies in the store, installed or not. The runtime remembers its own releases; this is for looking. */
  installed(): StoredRelease[];
  registries(): RegistryState[];
  /** What members of the community may fetch from here. */
  readonly shelf: PackageShelf;
  /** True while a registry with a development root is in use: the page shows a red banner. */
  readonly devRoot: boolean;
  /**
   * The runtime's question before every start: every file once more against its hash, and no revocation.
   * @throws invalid_signature tampered · revoked package_revoked
   * @source marketplace §1 "re-check"
   */
  admit(release: StoredRelease): Promise<void>;
  /** Deletes packages and assets that no plugin refers to any more; also done at every start. */
  tidy(): Promise<void>;
  close(): void;
}
