/** What nodes of one community ask of each other's store of packages. @source marketplace §5.5 */
import type { Endpoint } from "./wire.ts";
import type { NodeId } from "./ids.ts";

/** How a file is named: by the hash of its bytes, or by its id, which counts its chunks (`blake3:` without that word). */
export type BlobName = "sha256" | "blake3";

/** One file: of a registry's signed lists, or by its hash. Everything in it stands in the address and is signed. */
export type PackageQuestion =
  | { kind: "meta"; registry: string; file: string }
  /** @param hash  64 hex digits */
  | { kind: "blob"; by: BlobName; hash: string; /** First byte that is wanted; 0 when absent. */ from?: number };

/** A file on its way. Nobody has compared it with anything yet. */
export interface PackageAnswer {
  /** Where it begins; a neighbour need not know how to begin in the middle. */
  from: number;
  bytes: AsyncIterable<Uint8Array>;
}

/** A file that lies here. */
export interface ShelvedFile {
  sizeBytes: number;
  /** From `from` up to and without `to`, bytes. */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
}

/** What this node gives to members: only what it has verified itself; filled by `marketplace`. */
export interface PackageShelf {
  /** The signed lists that lie here, by their short name and the number of their timestamp. */
  lists(): ListsClaim[];
  /** A file of a registry's signed lists, as last verified; undefined when there is none by that name. */
  meta(registry: string, file: string): Uint8Array | undefined;
  blob(by: BlobName, hash: string): ShelvedFile | undefined;
}

/** Whose lists, and how new; a claim until somebody has verified them. */
export interface ListsClaim {
  registry: string;
  version: number;
}

/** The way to neighbours' stores; filled by `transport`. */
export interface PackageLink {
  /**
   * @param o.signal  ends it, the bytes on their way included
   * @throws not_found when the neighbour lacks it · what it refuses with · partition when it falls silent
   */
  packageFile(
    to: { node_id: NodeId; endpoints: Endpoint[] },
    question: PackageQuestion,
    o?: { signal?: AbortSignal },
  ): Promise<PackageAnswer>;
}
