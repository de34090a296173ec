/** A program that came as an asset, made executable where nobody but the daemon can reach it. @source plugin-platform §4.4 */
import { createHash } from "node:crypto";
import { constants, lstatSync, rmSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { AssetFile } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { checkProgram, PROGRAM_HEAD_BYTES } from "../../format/index.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const PIECE_BYTES = 1_048_576;
const EXECUTABLE = 0o555;
/** What of a file stays as it is while nobody writes to it, exchanges it, links to it or changes its mode. */
const TRAITS = ["dev", "ino", "size", "mode", "nlink", "mtimeNs", "ctimeNs"] as const;
type Traits = Readonly<Record<(typeof TRAITS)[number], bigint>>;

export interface ProgramOrder {
  /** As people read it: `ASSET/PATH`. */
  name: string;
  file: Pick<AssetFile, "sha256" | "sizeBytes">;
  /** In the asset store. */
  source: string;
  /** Where the copy goes: a new file in a folder that only the daemon enters. */
  target: string;
  /** `linux-x64` */
  platform: string;
}

export class ProgramFile {
  readonly #order: ProgramOrder;
  readonly #traits: Traits;
  #changed = false;

  private constructor(order: ProgramOrder, traits: Traits) {
    this.#order = order;
    this.#traits = traits;
  }

  /**
   * Copies the file and makes the copy executable, if the bytes that were written are the named ones. Otherwise nothing stays.
   * @throws not_implemented program_changed | program_absent | program_platform
   */
  static async make(order: ProgramOrder): Promise<ProgramFile> {
    const from = await openSource(order);
    try {
      const to = await open(order.target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        await copy(from, to, order);
        await to.chmod(EXECUTABLE);
        return new ProgramFile(order, traitsOf(await to.stat({ bigint: true })));
      } catch (error) {
        rmSync(order.target, { force: true });
        throw error;
      } finally {
        // While it is open for writing nobody can run it.
        await to.close();
      }
    } finally {
      await from.close();
    }
  }

  /** It was found changed: whoever wants to run it needs another copy. */
  get changed(): boolean {
    return this.#changed;
  }

  /**
   * Called right before it is bound into a sandbox.
   * @returns path of the copy
   * @throws not_implemented program_changed
   */
  place(): string {
    const { target } = this.#order;
    const now = lstatSync(target, { bigint: true, throwIfNoEntry: false });
    if (now !== undefined && TRAITS.every((trait) => now[trait] === this.#traits[trait])) return target;
    this.#changed = true;
    throw changed(this.#order);
  }
}

/** Neither a link nor anything else than a file of the right size. */
async function openSource({ source, file, name }: ProgramOrder): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(source, O_RDONLY | O_NOFOLLOW);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw changed({ name }, cause);
    const message = `The file of the program ${name} does not lie on this node.`;
    throw new HnError("not_implemented", { reason: "program_absent", message, cause });
  }
  const stat = await handle.stat();
  if (stat.isFile() && stat.size === file.sizeBytes) return handle;
  await handle.close();
  throw changed({ name });
}

/** What is hashed are the bytes that are written, so nothing can come between. */
async function copy(from: FileHandle, to: FileHandle, order: ProgramOrder): Promise<void> {
  const { file, name, platform } = order;
  const hash = createHash("sha256");
  const piece = Buffer.alloc(PIECE_BYTES);
  let size = 0;
  let head: Buffer | undefined;
  for (;;) {
    const { bytesRead } = await from.read(piece, 0, PIECE_BYTES, size);
    if (bytesRead === 0) break;
    const bytes = piece.subarray(0, bytesRead);
    head ??= Buffer.from(bytes.subarray(0, PROGRAM_HEAD_BYTES));
    hash.update(bytes);
    for (let at = 0; at < bytesRead;) at += (await to.write(bytes, at, bytesRead - at, size + at)).bytesWritten;
    size += bytesRead;
    if (size > file.sizeBytes) break;
  }
  if (size !== file.sizeBytes || hash.digest("hex") !== file.sha256) throw changed(order);
  checkProgram(head ?? new Uint8Array(0), { name, platform });
}

function traitsOf(stat: Traits): Traits {
  return Object.fromEntries(TRAITS.map((trait) => [trait, stat[trait]])) as Traits;
}

function changed({ name }: Pick<ProgramOrder, "name">, cause?: unknown): HnError {
  return new HnError("not_implemented", {
    reason: "program_changed",
    message: `The program ${name} on this disk is not the file that its publisher named, so it was not run.`,
    ...(cause === undefined ? {} : { cause }),
  });
}
