/** The files of the store: written beside their place, brought to the disk, then put in place. @source 30 §4.1 */
import { constants, mkdirSync, readdirSync, renameSync, rmSync, statSync, unlinkSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { diskFull } from "../refusal.ts";
import { isFull } from "./transactions.ts";

export type FileKind = "bin" | "manifest.json";

/** A file that is wholly on the disk and waits for its name. */
export interface Written {
  place(): void;
  discard(): void;
}

const QUARANTINE = "quarantine";
const QUARANTINE_MAX = 64;
const TEMPORARY = ".tmp";
/** Longer than any write takes: what is older was left behind by a process that has ended. */
const LEFT_BEHIND_MS = 3_600_000;

export class ChunkFiles {
  readonly dir: string;
  readonly #made = new Set<string>();
  /** Files got names that may not be on the disk yet. */
  #changed = false;

  /** @param dir  made when it is missing */
  constructor(dir: string) {
    this.dir = dir;
    mkdirSync(join(dir, QUARANTINE), { recursive: true });
  }

  /** @param name  64 hex digits */
  path(name: string, kind: FileKind): string {
    return join(this.dir, name.slice(0, 2), `${name.slice(2)}.${kind}`);
  }

  /** @throws capacity_exceeded reason disk_full; nothing is left of it then */
  async write(name: string, kind: FileKind, bytes: Uint8Array): Promise<Written> {
    const path = this.path(name, kind);
    const temporary = `${path}.${randomUUID()}${TEMPORARY}`;
    const discard = (): void => rmSync(temporary, { force: true });
    try {
      this.#folder(name);
      await writeThrough(temporary, bytes);
    } catch (error) {
      discard();
      throw isFull(error) ? diskFull(error) : error;
    }
    const place = (): void => {
      renameSync(temporary, path);
      this.#changed = true;
    };
    return { place, discard };
  }

  /** Null when there is no such file. */
  async read(name: string, kind: FileKind): Promise<Uint8Array | null> {
    try {
      return await readFile(this.path(name, kind));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }
  }

  has(name: string, kind: FileKind): boolean {
    return statSync(this.path(name, kind), { throwIfNoEntry: false }) !== undefined;
  }

  remove(name: string, kind: FileKind): void {
    try {
      unlinkSync(this.path(name, kind));
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }

  /** Takes a damaged file out of use and keeps it for whoever wants to know why; of many, the newest. */
  quarantine(name: string, kind: FileKind): void {
    const folder = join(this.dir, QUARANTINE);
    try {
      renameSync(this.path(name, kind), join(folder, `${Date.now()}-${name}.${kind}`));
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
    const kept = readdirSync(folder).toSorted();
    for (const old of kept.slice(0, Math.max(0, kept.length - QUARANTINE_MAX))) rmSync(join(folder, old), { force: true });
  }

  /**
   * After it, the names of all files placed so far survive the loss of power: a file system that brings a new file to its disk brings along what
   * its journal holds from before.
   */
  async settle(): Promise<void> {
    if (!this.#changed) return;
    const marker = join(this.dir, `settled.${randomUUID()}${TEMPORARY}`);
    try {
      this.#changed = false;
      await writeThrough(marker, new Uint8Array(1));
    } catch (error) {
      this.#changed = true;
      throw error;
    } finally {
      rmSync(marker, { force: true });
    }
  }

  /** Two hex digits each. */
  folders(): string[] {
    return readdirSync(this.dir).filter((name) => /^[0-9a-f]{2}$/.test(name));
  }

  /** What lies in one folder; what writers that have ended left there is deleted on the way. */
  contents(folder: string): { name: string; kind: FileKind }[] {
    const found: { name: string; kind: FileKind }[] = [];
    for (const entry of readdirSync(join(this.dir, folder))) {
      const match = /^([0-9a-f]{62})\.(bin|manifest\.json)$/.exec(entry);
      if (match !== null) found.push({ name: `${folder}${match[1]}`, kind: match[2] as FileKind });
      else if (entry.endsWith(TEMPORARY)) this.#dropOld(join(this.dir, folder, entry));
    }
    return found;
  }

  #dropOld(path: string): void {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.mtimeMs > LEFT_BEHIND_MS) rmSync(path, { force: true });
  }

  #folder(name: string): void {
    const folder = name.slice(0, 2);
    if (this.#made.has(folder)) return;
    mkdirSync(join(this.dir, folder), { recursive: true });
    this.#made.add(folder);
  }
}

const ANEW_AND_THROUGH = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_SYNC;

/**
 * A new file that is on the disk when this resolves. Node takes `fsync` away from whoever runs under its permission model, so the file is opened in the
 * mode in which each write waits for the disk.
 */
async function writeThrough(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, ANEW_AND_THROUGH, 0o600);
  try {
    for (let at = 0; at < bytes.byteLength;) at += (await file.write(bytes, at)).bytesWritten;
  } finally {
    await file.close();
  }
}

function codeOf(error: unknown): unknown {
  return (Object(error) as { code?: unknown }).code;
}
