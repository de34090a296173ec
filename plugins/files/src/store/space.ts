/** Room on the disk, and what is set aside of it. @source 30 §2, §4.4 */
import { statfs } from "node:fs/promises";
import { diskFull } from "../refusal.ts";

/** One bound: the disk itself, or what the operator has granted. */
export interface Bound {
  kind: "disk" | "quota";
  totalBytes: number;
  freeBytes: number;
}

/** All bounds that hold at this moment. */
export type Disk = () => Promise<Bound[]>;

/**
 * @param o.dir         on the disk to look at
 * @param o.quotaBytes  what may be used of it; null: the disk alone counts
 */
export function measuredDisk(o: {
  dir: string;
  quotaBytes: () => number | null;
  usedBytes: () => number;
  /** Of the tables, with what they may grow by before they are tidied. */
  tableBytes: () => number;
}): Disk {
  return async () => {
    const { bsize, blocks, bavail } = await statfs(o.dir);
    const bounds: Bound[] = [{ kind: "disk", totalBytes: bsize * blocks, freeBytes: bsize * bavail }];
    const quota = o.quotaBytes();
    if (quota !== null)
      bounds.push({
        kind: "quota",
        totalBytes: quota,
        freeBytes: quota * (1 - DESCRIPTIONS_SHARE) - o.usedBytes() - o.tableBytes(),
      });
    return bounds;
  };
}

/** Of what is granted: descriptions lie there as well. */
const DESCRIPTIONS_SHARE = 0.02;

export class Space {
  readonly #disk: Disk;
  readonly #minFreeBytes: () => number;
  readonly #kept = new Map<symbol, number>();

  constructor(disk: Disk, minFreeBytes: () => number) {
    this.#disk = disk;
    this.#minFreeBytes = minFreeBytes;
  }

  /**
   * Sets room aside until it is given back.
   * @throws capacity_exceeded reason disk_full
   */
  async keep(bytes: number): Promise<Reserved> {
    const key = Symbol("room");
    if (bytes === 0) return { spend: () => {}, give: () => {} };
    // Before the disk is asked, so that two who ask at once do not get the same room.
    this.#kept.set(key, bytes);
    try {
      const asked = [...this.#kept.values()].reduce((sum, one) => sum + one, 0);
      for (const { kind, freeBytes } of await this.#disk())
        if (freeBytes - asked < (kind === "disk" ? this.#minFreeBytes() : 0)) throw diskFull();
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
    return {
      spend: (spent) => void this.#kept.set(key, Math.max(0, (this.#kept.get(key) ?? 0) - spent)),
      give: () => void this.#kept.delete(key),
    };
  }

  /** Bytes that could still be kept, of the bound that is nearest. */
  async free(): Promise<number> {
    const kept = [...this.#kept.values()].reduce((sum, one) => sum + one, 0);
    const bounds = await this.#disk();
    const left = bounds.map(({ kind, freeBytes }) => freeBytes - kept - (kind === "disk" ? this.#minFreeBytes() : 0));
    return Math.max(0, Math.floor(Math.min(...left)));
  }

  /** Share of the disk that is used, of the bound that is nearest: 0 to 1. */
  async use(): Promise<number> {
    return Math.max(...(await this.#disk()).map(({ totalBytes, freeBytes }) => 1 - freeBytes / Math.max(1, totalBytes)));
  }

  /** Bytes to free until no bound is used above this share. */
  async excess(share: number): Promise<number> {
    return Math.max(...(await this.#disk()).map(({ totalBytes, freeBytes }) => totalBytes - freeBytes - share * totalBytes), 0);
  }
}

export interface Reserved {
  /** So much of it lies on the disk now. */
  spend(bytes: number): void;
  give(): void;
}
