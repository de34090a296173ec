import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  createReadStream,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { AssetFile } from "../../contract/index.ts";
import { createBlobCid } from "../../format/index.ts";
import { HnError, syncFolder } from "../../foundation/index.ts";

/** Models and data of plugins, by their SHA-256: one copy, however many plugins use it. @source plugin-platform §2.4 */
export class AssetStore {
  readonly #folder: string;
  readonly #temporary: string;

  constructor(root: string) {
    this.#folder = join(root, "assets");
    this.#temporary = join(root, "tmp");
    mkdirSync(this.#folder, { recursive: true, mode: 0o755 });
  }

  path(sha256: string): string {
    return join(this.#folder, sha256);
  }

  /** Whether the file lies here whole and unchanged. @throws the signal's reason */
  async isSound(file: Pick<AssetFile, "sha256" | "sizeBytes">, signal?: AbortSignal): Promise<boolean> {
    if (!this.has(file)) return false;
    const hash = createHash("sha256");
    const path = this.path(file.sha256);
    try {
      // A link in its place leads to something else than what was verified.
      const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      for await (const part of createReadStream(path, { fd }) as AsyncIterable<Buffer>) {
        signal?.throwIfAborted();
        hash.update(part);
      }
    } catch {
      signal?.throwIfAborted();
      return false;
    }
    return hash.digest("hex") === file.sha256;
  }

  /** Whether a file of that name and size lies here; for showing. */
  has(file: Pick<AssetFile, "sha256" | "sizeBytes">): boolean {
    try {
      const stat = lstatSync(this.path(file.sha256));
      return stat.isFile() && stat.size === file.sizeBytes;
    } catch {
      return false;
    }
  }

  /**
   * Writes a file while checking size and both hashes, then puts it in place in one rename. On any refusal nothing stays.
   * @param onBytes  called with the number of bytes so far
   * @throws bad_request damaged · the signal's reason
   */
  async put(
    file: Pick<AssetFile, "sha256" | "cid" | "sizeBytes" | "path">,
    bytes: AsyncIterable<Uint8Array>,
    o: { opId: string; signal?: AbortSignal; onBytes?: (done: number) => void },
  ): Promise<void> {
    mkdirSync(this.#temporary, { recursive: true, mode: 0o755 });
    const temporary = join(this.#temporary, `${o.opId}-${file.sha256}`);
    const sha256 = createHash("sha256");
    const cid = createBlobCid();
    let size = 0;
    const fd = openSync(temporary, "wx", 0o444);
    try {
      try {
        for await (const part of bytes) {
          o.signal?.throwIfAborted();
          size += part.byteLength;
          if (size > file.sizeBytes) throw damaged(file.path);
          sha256.update(part);
          cid.update(part);
          for (let at = 0; at < part.byteLength;) at += writeSync(fd, part, at);
          o.onBytes?.(size);
        }
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      if (size !== file.sizeBytes || sha256.digest("hex") !== file.sha256 || cid.digest().cid !== file.cid)
        throw damaged(file.path);
      renameSync(temporary, this.path(file.sha256));
      syncFolder(this.#folder);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Deletes what no release refers to. */
  keepOnly(used: ReadonlySet<string>): void {
    for (const name of readdirSync(this.#folder)) if (!used.has(name)) rmSync(join(this.#folder, name), { force: true });
  }
}

function damaged(path: string): HnError {
  return new HnError("bad_request", {
    reason: "damaged",
    message: `The file ${path} is not the one that the plugin's publisher named.`,
  });
}
