import { createHash, type Hash } from "node:crypto";
import { checkEntryName } from "../../format/index.ts";
import { HnError } from "../../foundation/index.ts";
import {
  type BundleContents,
  BUNDLE_MAX_ENTRIES,
  CHUNK_BYTES,
  chunksOf,
  CONTENTS_FILE,
  CONTENTS_MAX_BYTES,
  type ListedBlob,
  readContents,
} from "./contents.ts";

const METADATA_MAX_BYTES = 5_000_000;
const METADATA = /^tuf\/([a-z][a-z0-9-]{0,38})\/(?:timestamp|[1-9][0-9]{0,9}\.[A-Za-z0-9%-]{1,96})\.json$/;
const BLOB = /^blobs\/sha256\/([0-9a-f]{2})\/([0-9a-f]{64})$/;
const ASSET = /^assets\/([0-9a-f]{64})\/([0-9]{4})$/;

/** Where what was judged goes; its names are safe by then. */
export interface IntakeSink {
  open(path: string): void;
  write(chunk: Uint8Array): void;
  close(): void;
}

/** A file of the bundle that is being read. */
interface Current {
  path: string;
  /** Its own hash, or that of the asset of which it is a piece. */
  hash: Hash;
  /** What the hash must be when the file ends; absent: more follows, or nothing is promised. */
  expected?: string;
  kept: Buffer[] | null;
}

/**
 * Judges a bundle's files in the order in which they come: the table of contents first, then only what it names, each of the promised size and
 * hash. Metadata is judged afterwards, by its signatures.
 * @throws bad_request damaged | archive_path | archive_limits · invalid_signature tampered
 */
export class Intake {
  readonly #sink: IntakeSink;
  readonly #onContents: (contents: BundleContents) => void;
  #contents: BundleContents | null = null;
  #blobs: ReadonlyMap<string, ListedBlob> = new Map();
  #assets: ReadonlyMap<string, ListedBlob> = new Map();
  readonly #seen: Set<string> = new Set();
  #last = "";
  #asset: { sha256: string; hash: Hash; next: number } | null = null;
  #current: Current | null = null;

  /** @param onContents  told of the table of contents as soon as it is read, before anything else is taken */
  constructor(sink: IntakeSink, onContents: (contents: BundleContents) => void = () => {}) {
    this.#sink = sink;
    this.#onContents = onContents;
  }

  entry(path: string, size: number): void {
    checkEntryName(path);
    if (this.#contents === null) {
      if (path !== CONTENTS_FILE) throw damaged("it does not begin with its table of contents");
      if (size > CONTENTS_MAX_BYTES) throw limits("Its table of contents is too large.");
      this.#open({ path, hash: createHash("sha256"), kept: [] });
      return;
    }
    if (this.#seen.size >= BUNDLE_MAX_ENTRIES) throw limits("It holds too many files.");
    if (path <= this.#last || path === CONTENTS_FILE)
      throw new HnError("bad_request", {
        reason: "archive_path",
        message: "The files in the bundle are out of order or stand there twice.",
      });
    this.#last = path;
    this.#open(this.#judge(path, size, this.#contents));
  }

  data(chunk: Uint8Array): void {
    const current = this.#current as Current;
    current.hash.update(chunk);
    current.kept?.push(Buffer.from(chunk));
    this.#sink.write(chunk);
  }

  entryEnd(): void {
    const { path, hash, expected, kept } = this.#current as Current;
    this.#current = null;
    this.#sink.close();
    if (expected !== undefined && hash.digest("hex") !== expected) throw damaged("a file in it is not what its name says");
    this.#seen.add(path);
    if (kept === null) return;
    this.#contents = readContents(Buffer.concat(kept));
    this.#blobs = byHash([...this.#contents.plugins, ...this.#contents.catalogue]);
    this.#assets = byHash(this.#contents.assets);
    this.#onContents(this.#contents);
  }

  /** @returns the table of contents, all of which is there @throws bad_request damaged */
  end(): BundleContents {
    const contents = this.#contents;
    if (contents === null) throw damaged("it is empty");
    const wanted = this.#blobs.size + contents.assets.reduce((sum, asset) => sum + chunksOf(asset), 0);
    const found = [...this.#seen].filter((path) => BLOB.test(path) || ASSET.test(path)).length;
    if (found !== wanted) throw damaged("files that it lists are missing");
    return contents;
  }

  #open(current: Current): void {
    this.#current = current;
    this.#sink.open(current.path);
  }

  #judge(path: string, size: number, contents: BundleContents): Current {
    const [, registry] = METADATA.exec(path) ?? [];
    if (registry !== undefined && contents.registries.some(({ id }) => id === registry)) {
      if (size > METADATA_MAX_BYTES) throw limits("A signed list in it is too large.");
      return { path, hash: createHash("sha256"), kept: null };
    }
    const [, folder, sha256 = ""] = BLOB.exec(path) ?? [];
    const blob = this.#blobs.get(sha256);
    if (blob !== undefined && sha256.startsWith(folder as string)) {
      if (size !== blob.size) throw damaged("a file in it has another size than the table of contents says");
      return { path, hash: createHash("sha256"), expected: sha256, kept: null };
    }
    const [, whole = "", chunk] = ASSET.exec(path) ?? [];
    const asset = this.#assets.get(whole);
    if (asset !== undefined) return this.#piece({ path, size }, asset, Number(chunk));
    throw new HnError("invalid_signature", {
      reason: "tampered",
      message: "The bundle holds a file that its table of contents does not name.",
      action: "Do not use it; have it made again.",
    });
  }

  /** Pieces of an asset follow each other; only the last may be shorter. */
  #piece({ path, size }: { path: string; size: number }, asset: ListedBlob, chunk: number): Current {
    const { sha256 } = asset;
    if (chunk === 0) this.#asset = { sha256, hash: createHash("sha256"), next: 0 };
    const current = this.#asset;
    if (current?.sha256 !== sha256 || current.next !== chunk) throw damaged("a piece of a file in it is missing");
    if (chunk >= chunksOf(asset) || size !== Math.min(CHUNK_BYTES, asset.size - chunk * CHUNK_BYTES))
      throw damaged("a piece of a file in it has another size than it should");
    current.next += 1;
    const { hash } = current;
    return { path, hash, kept: null, ...(current.next === chunksOf(asset) ? { expected: sha256 } : {}) };
  }
}

function byHash(rows: readonly ListedBlob[]): Map<string, ListedBlob> {
  return new Map(rows.map((row) => [row.sha256, row]));
}

function damaged(why: string): HnError {
  return new HnError("bad_request", {
    reason: "damaged",
    message: `The bundle is damaged: ${why}.`,
    action: "Copy it once more from where it was made.",
  });
}

function limits(why: string): HnError {
  return new HnError("bad_request", {
    reason: "archive_limits",
    message: `The bundle cannot be taken. ${why}`,
    action: "Make it again with fewer plugins.",
  });
}
