import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { discard, sha256Hex, unpackPackage, type PublisherKey, type VerifiedPackage } from "../../format/index.ts";
import { readFileBounded, writeFileAtomic } from "../../foundation/index.ts";
import { CONSTANTS } from "../../contract/index.ts";

/** Verified packages, unpacked, by the hash of their archive; archives that came as files; and those that neighbours may have. @source marketplace §1 */
export class PackageStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    for (const name of ["store", "imports", "archives"]) mkdirSync(join(root, name), { recursive: true, mode: 0o755 });
    // Whatever a crash has left half done was never acknowledged.
    discard(join(root, "tmp"));
  }

  /** @throws with one class of marketplace §5.1 · the signal's reason */
  unpack(
    bytes: Uint8Array,
    o: {
      keys: readonly PublisherKey[];
      expected: { sha256: string; id: string; version: string };
      opId: string;
      signal?: AbortSignal;
    },
  ): Promise<VerifiedPackage & { dir: string }> {
    return unpackPackage(bytes, { ...o, root: this.#root });
  }

  /** The package as it came, for neighbours. */
  keepArchive(bytes: Uint8Array): void {
    writeFileAtomic(this.archive(sha256Hex(bytes)), bytes);
  }

  hasArchive(sha256: string): boolean {
    return existsSync(this.archive(sha256));
  }

  /** Undefined when it is not there, or is not what it was. */
  readArchive(sha256: string): Uint8Array | undefined {
    if (!this.hasArchive(sha256)) return undefined;
    const bytes = readFileBounded(this.archive(sha256), CONSTANTS.PACKAGE_MAX_BYTES);
    return sha256Hex(bytes) === sha256 ? bytes : undefined;
  }

  /** Where it lies, or would. */
  archive(sha256: string): string {
    return join(this.#root, "archives", `${sha256}.hnp`);
  }

  keepImport(bytes: Uint8Array): void {
    writeFileAtomic(this.#import(sha256Hex(bytes)), bytes);
  }

  /** The archive that came as a file; undefined when it is gone. */
  readImport(sha256: string): Uint8Array | undefined {
    const path = this.#import(sha256);
    return existsSync(path) ? readFileBounded(path, CONSTANTS.PACKAGE_MAX_BYTES) : undefined;
  }

  dropImport(sha256: string): void {
    rmSync(this.#import(sha256), { force: true });
  }

  /** Deletes releases and archives that nobody refers to. */
  keepOnly(o: { releases: ReadonlySet<string>; imports: ReadonlySet<string>; archives: ReadonlySet<string> }): void {
    const releases = join(this.#root, "store", "sha256");
    if (existsSync(releases)) for (const name of readdirSync(releases)) if (!o.releases.has(name)) discard(join(releases, name));
    for (const [folder, kept] of [["imports", o.imports] as const, ["archives", o.archives] as const])
      for (const name of readdirSync(join(this.#root, folder)))
        if (!kept.has(name.replace(/\.hnp$/, ""))) rmSync(join(this.#root, folder, name), { force: true });
  }

  #import(sha256: string): string {
    return join(this.#root, "imports", `${sha256}.hnp`);
  }
}
