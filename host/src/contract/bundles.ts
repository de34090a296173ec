/** Plugins on a stick: a bundle carries packages, assets and the registries' signed lists to a node that has no network. @source marketplace §8 */
import type { Time } from "./ids.ts";

/** What a bundle's catalogue is beside what this node knew when it was attached. `unknown`: no registry of this node signs it. */
export type BundleStanding = "newer" | "same" | "older" | "unknown";

export interface BundleCatalogue {
  registry: string;
  standing: BundleStanding;
  /** Seconds since the registry signed it; null when it is not known. */
  age_seconds: number | null;
}

export interface BundlePlugin {
  id: string;
  version: string;
  sha256: string;
  size_bytes: number;
  /** Whether the catalogue of this node names exactly this package; only then it can be installed. */
  usable: boolean;
}

/** A bundle that lies copied on this node. */
export interface BundleFacts {
  /** SHA-256 of its table of contents, hex. */
  id: string;
  /** When its maker says it was made. */
  created: Time;
  /** Unix milliseconds. */
  attached_at: number;
  catalogues: BundleCatalogue[];
  plugins: BundlePlugin[];
  assets: { files: number; size_bytes: number };
  /** Of everything in it. */
  size_bytes: number;
}

export interface BundleOrder {
  /** `acme/demo`, or `acme/demo@1.2.0`; the newest that fits where no version stands. */
  plugins: string[];
  /** Absolute path of the new file; a path that ends in a slash makes a folder. */
  out: string;
  /** `linux-arm64`; absent: this machine's. */
  platform?: string;
  /** What the plugins depend on comes along. */
  withDependencies: boolean;
  /** Models and data that the plugins cannot do without come along. */
  withAssets: boolean;
}

export interface BundleMade {
  path: string;
  size_bytes: number;
  plugins: { id: string; version: string }[];
  /** How many files of assets are in it. */
  assets: number;
  /** What the plugins depend on and the bundle does not carry. */
  without: string[];
}

export interface BundleProgress {
  doneBytes: number;
  totalBytes: number;
}

export interface BundleWork {
  signal?: AbortSignal;
  onProgress?: (progress: BundleProgress) => void;
}

export interface Bundles {
  list(): Promise<BundleFacts[]>;
  /**
   * Copies a bundle in: verified like any source, its catalogue kept, nothing of it run.
   * @param from  absolute path of a file or folder, or the bytes of a file
   * @throws bad_request damaged | archive_path | archive_limits · invalid_signature wrong_key | unsigned | tampered | rolled_back ·
   *   expired catalogue_expired · not_found · the signal's reason. Nothing stays behind.
   */
  attach(from: string | AsyncIterable<Uint8Array>, o?: BundleWork): Promise<BundleFacts>;
  /** Deletes the copy; what was installed from it stays. @throws not_found */
  detach(id: string): Promise<void>;
  /**
   * Writes a bundle of what this node has or can fetch.
   * @throws bad_request for a path that cannot be written · not_found · incompatible · as every fetch. Nothing stays behind.
   */
  make(order: BundleOrder, o?: BundleWork): Promise<BundleMade>;
}
