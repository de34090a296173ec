/** Watches how full a plugin's data folder is, without looking into it more often than what was written can matter. @source plugin-platform §7 */
import type { Clock, PluginDataUse, Timer } from "../../contract/index.ts";
import type { TreeSize } from "./trees.ts";

const POLL_MS = 250;
/** The first look, unless something was written before; and the rhythm where nobody says what was written. */
const LOOK_MS = 5000;
const WARN_SHARE = 0.9;
const STOP_SHARE = 1.1;
/** A hundredth of the quota is written before anything is measured again. */
const GRAIN_SHARE = 0.01;
const MEGABYTE = 1_048_576;

export interface DiskWatchOptions {
  clock: Clock;
  limitBytes: number;
  measure: () => Promise<TreeSize>;
  /** Bytes that the plugin's processes have written so far; null where that cannot be known. */
  written: () => number | null;
  /** More than nine tenths are used, or again less. */
  onFilling: (use: PluginDataUse | null) => void;
  /** It holds more than it may; called once. @param detail  a sentence for the operator */
  onFull: (detail: string) => void;
  /** It could not be measured, which is tried again. */
  onError: (error: unknown) => void;
}

export class DiskWatch {
  readonly #o: DiskWatchOptions;
  #timer: Timer | undefined;
  #use: PluginDataUse | null = null;
  /** What it held at first: one that is over already may run to make room, as long as it does not grow. */
  #atStart = 0;
  #measured = { written: 0, at: 0 };
  #measuring = false;
  #filling = false;
  #stopped = false;

  constructor(options: DiskWatchOptions) {
    this.#o = options;
    this.#measured = { written: options.written() ?? 0, at: options.clock.monotonic() };
    this.#plan();
  }

  /** Null until it was measured for the first time. */
  get use(): PluginDataUse | null {
    return this.#use;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #plan(): void {
    this.#timer = this.#o.clock.setTimeout(() => {
      this.#plan();
      if (!this.#measuring && this.#isDue()) void this.#measure();
    }, POLL_MS);
  }

  /** What a plugin has not written cannot have filled its folder: far below the next mark there is nothing to look for. */
  #isDue(): boolean {
    const { clock, written, limitBytes } = this.#o;
    const sofar = written();
    const waited = clock.monotonic() - this.#measured.at >= LOOK_MS;
    if (sofar === null || this.#use === null) {
      const early = sofar !== null && sofar - this.#measured.written >= limitBytes * GRAIN_SHARE;
      return early || waited;
    }
    const mark = this.#use.bytes < limitBytes * WARN_SHARE ? limitBytes * WARN_SHARE : limitBytes * STOP_SHARE;
    const room = Math.max(mark - this.#use.bytes, limitBytes * GRAIN_SHARE);
    // Fewer than before: it has been replaced by processes that began anew.
    return sofar < this.#measured.written || sofar - this.#measured.written >= room;
  }

  async #measure(): Promise<void> {
    const { clock, measure, written, onError } = this.#o;
    this.#measuring = true;
    this.#measured = { written: written() ?? 0, at: clock.monotonic() };
    try {
      const size = await measure();
      if (!this.#stopped) this.#judge(size);
    } catch (error) {
      if (!this.#stopped) onError(error);
    } finally {
      this.#measuring = false;
    }
  }

  #judge({ bytes, files, unreadable }: TreeSize): void {
    const { limitBytes, onFilling, onFull } = this.#o;
    if (this.#use === null) this.#atStart = bytes;
    this.#use = { bytes, files, limitBytes };
    const filling = bytes > limitBytes * WARN_SHARE;
    if (filling !== this.#filling) onFilling(filling ? this.#use : null);
    this.#filling = filling;
    if (unreadable > 0) {
      this.stop();
      return onFull("Its data folder has places that cannot be looked into, so nobody knows how much it holds.");
    }
    if (bytes <= Math.max(limitBytes * STOP_SHARE, this.#atStart)) return;
    this.stop();
    onFull(`Its data folder holds ${megabytes(bytes)} MB; it may hold ${megabytes(limitBytes)} MB.`);
  }
}

export function megabytes(bytes: number): number {
  return Math.round((bytes / MEGABYTE) * 10) / 10;
}
