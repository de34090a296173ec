import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { blobKey, discard, isHex64, sha256Hex } from "../../format/index.ts";
import { parseStrictJson, readFileBounded, syncFolder, writeFileAtomic } from "../../foundation/index.ts";
import { type BundleContents, chunkName, chunksOf, CONTENTS_FILE, CONTENTS_MAX_BYTES, readContents } from "./contents.ts";

/** What this node found out when it attached a bundle. */
export interface Attachment {
  /** Unix milliseconds. */
  at: number;
  /** `issued`: when the registry signed its catalogue, Unix milliseconds; null when no registry of this node has signed it. */
  catalogues: { registry: string; standing: "newer" | "same" | "older" | "unknown"; issued: number | null }[];
}

export interface Attached {
  id: string;
  dir: string;
  contents: BundleContents;
  attachment: Attachment;
}

const ATTACHMENT_FILE = "attached.json";
const ATTACHMENT_MAX_BYTES = 262_144;

/** Bundles that were copied in, each in a folder named after its table of contents. */
export class BundleShelf {
  readonly #folder: string;
  readonly #temporary: string;
  readonly #attached: Map<string, Attached> = new Map();

  /** @param root  where the marketplace keeps its things. A folder that is not whole was never acknowledged, and goes. */
  constructor(root: string) {
    this.#folder = join(root, "bundles");
    this.#temporary = join(root, "tmp");
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#folder)) {
      const found = isHex64(name) ? readAttached(name, join(this.#folder, name)) : undefined;
      if (found === undefined) discard(join(this.#folder, name));
      else this.#attached.set(name, found);
    }
  }

  /** A folder for what is being copied in; a crash leaves nothing of it, since `tmp` is emptied at every start. */
  staging(opId: string): string {
    return join(this.#temporary, `bundle-${opId}`);
  }

  /** The newest first. */
  list(): Attached[] {
    return [...this.#attached.values()].sort((a, b) => b.attachment.at - a.attachment.at);
  }

  get(id: string): Attached | undefined {
    return this.#attached.get(id);
  }

  /** Puts what was judged in place, in one rename; the same bundle once more takes the place of the first copy. */
  add(staging: string, attachment: Attachment): Attached {
    writeFileAtomic(join(staging, ATTACHMENT_FILE), JSON.stringify(attachment));
    const bytes = readFileBounded(join(staging, CONTENTS_FILE), CONTENTS_MAX_BYTES);
    const id = sha256Hex(bytes);
    const dir = join(this.#folder, id);
    const former = `${staging}-former`;
    if (existsSync(dir)) renameSync(dir, former);
    renameSync(staging, dir);
    syncFolder(this.#folder);
    discard(former);
    const attached = { id, dir, contents: readContents(bytes), attachment };
    this.#attached.set(id, attached);
    return attached;
  }

  remove(id: string): void {
    const found = this.#attached.get(id);
    if (found === undefined) return;
    this.#attached.delete(id);
    discard(found.dir);
  }

  /**
   * A package or an asset by its hash, not yet compared with it.
   * @param key  as a registry calls it, `blobs/sha256/…`
   */
  open(key: string, signal?: AbortSignal): AsyncIterable<Uint8Array> | undefined {
    const sha256 = key.slice(-64);
    if (!isHex64(sha256) || key !== blobKey(sha256)) return undefined;
    for (const { dir, contents } of this.list()) {
      const asset = contents.assets.find((row) => row.sha256 === sha256);
      const paths = asset === undefined ? [key] : Array.from({ length: chunksOf(asset) }, (_, n) => chunkName(sha256, n));
      const files = paths.map((path) => join(dir, ...path.split("/")));
      if (files.every((file) => existsSync(file))) return joined(files, signal);
    }
    return undefined;
  }

  /** A root file that came with a bundle, for whoever hands it on. */
  openRoot(registry: string, version: number): Uint8Array | undefined {
    for (const { dir } of this.list()) {
      const path = join(dir, "tuf", registry, `${version}.root.json`);
      if (existsSync(path)) return readFileBounded(path, statSync(path).size);
    }
    return undefined;
  }
}

async function* joined(files: readonly string[], signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (const file of files) yield* createReadStream(file, signal === undefined ? {} : { signal }) as AsyncIterable<Buffer>;
}

function readAttached(id: string, dir: string): Attached | undefined {
  try {
    const bytes = readFileBounded(join(dir, CONTENTS_FILE), CONTENTS_MAX_BYTES);
    const attachment = parseStrictJson(
      readFileBounded(join(dir, ATTACHMENT_FILE), ATTACHMENT_MAX_BYTES),
    ) as unknown as Attachment;
    return sha256Hex(bytes) === id ? { id, dir, contents: readContents(bytes), attachment } : undefined;
  } catch {
    return undefined;
  }
}
