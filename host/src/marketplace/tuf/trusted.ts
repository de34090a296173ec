import { Updater } from "tuf-js";
import type { Metadata, Root, Snapshot, TargetFile, Targets, Timestamp } from "@tufjs/models";
import { ISSUED_FIELD } from "../../format/index.ts";
import { tufFailure } from "./failure.ts";
import { METADATA_BASE, SourceFetcher } from "./fetcher.ts";
import type { Source } from "../source/source.ts";

const LIMITS = {
  maxRootRotations: 256,
  maxDelegations: 64,
  rootMaxLength: 512_000,
  timestampMaxLength: 16_384,
  snapshotMaxLength: 2_000_000,
  targetsMaxLength: 5_000_000,
};

/** tuf-js keeps what it has verified to itself; its version is pinned exactly, and the first test of this room breaks when that changes. */
interface TrustedSet {
  referenceTime: Date;
  root: Metadata<Root>;
  timestamp: Metadata<Timestamp> | undefined;
  snapshot: Metadata<Snapshot> | undefined;
  getRole(name: string): Metadata<Targets> | undefined;
}

export interface TrustedOptions {
  /** Folder with `root.json` and what was verified before; new metadata is written there. */
  folder: string;
  /** Null: judge only what lies in the folder. */
  source: Source | null;
  /** Expiry is judged at this time; absent: now. @source marketplace §2.3 */
  at?: Date;
}

/** One verified state of a registry. Everything it gives has passed the TUF client workflow. */
export class TrustedMetadata {
  readonly #updater: Updater;
  readonly #fetcher: SourceFetcher;
  readonly #set: TrustedSet;

  /** @throws bad_request damaged when the trusted root cannot be read */
  constructor(o: TrustedOptions) {
    this.#fetcher = new SourceFetcher(o.source);
    try {
      this.#updater = new Updater({
        metadataDir: o.folder,
        metadataBaseUrl: METADATA_BASE,
        fetcher: this.#fetcher,
        forceCache: o.source === null,
        config: LIMITS,
      });
    } catch (error) {
      throw tufFailure(error);
    }
    this.#set = Reflect.get(this.#updater, "trustedSet") as TrustedSet;
    if (o.at !== undefined) this.#set.referenceTime = o.at;
  }

  /** @throws expired catalogue_expired · invalid_signature rolled_back | wrong_key · bad_request damaged · partition unreachable */
  async refresh(): Promise<void> {
    await this.#ask(() => this.#updater.refresh());
  }

  /** The target as the most trusted role that may name it says; undefined when nobody does. */
  target(path: string): Promise<TargetFile | undefined> {
    return this.#ask(() => this.#updater.getTargetInfo(path));
  }

  /** A delegated role that `target` has walked through already. */
  role(name: string): Targets | undefined {
    return this.#set.getRole(name)?.signed;
  }

  /** Version of every role known so far, the top-level ones included. */
  versions(): Map<string, number> {
    const { root, timestamp, snapshot } = this.#set;
    return new Map([
      ["root", root.signed.version],
      ...(timestamp === undefined ? [] : [["timestamp", timestamp.signed.version] as const]),
      ...(snapshot === undefined ? [] : [["snapshot", snapshot.signed.version] as const]),
      ...Object.entries(snapshot?.signed.meta ?? {}).map(
        ([file, { version }]) => [file.replace(/\.json$/, ""), version] as const,
      ),
    ]);
  }

  /** When the timestamp was signed, Unix ms; 0 when it does not say. */
  issuedAt(): number {
    const issued = this.#set.timestamp?.signed.unrecognizedFields[ISSUED_FIELD];
    return typeof issued === "string" && Number.isFinite(Date.parse(issued)) ? Date.parse(issued) : 0;
  }

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    this.#fetcher.failure = undefined;
    try {
      return await work();
    } catch (error) {
      throw this.#fetcher.failure ?? tufFailure(error);
    }
  }
}
