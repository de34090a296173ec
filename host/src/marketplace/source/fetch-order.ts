import { HnError } from "../../foundation/index.ts";
import { without } from "./mesh.ts";
import { type Source, SourceMiss } from "./source.ts";

/** What was damaged on its way from the registry is asked for again. @source marketplace §5.1 `damaged` */
const OWN_ATTEMPTS = 3;

/** A file of which is known what it must be. */
export interface WantedFile {
  key: string;
  cid?: string;
  signal?: AbortSignal;
  /** Told whenever another source begins to give: the neighbour's name, undefined for the registry. */
  onSource?: (neighbour: string | undefined) => void;
}

interface Entry {
  source: Source;
  attempts: number;
}

/**
 * Sources for one operation, in the order in which they are asked. A neighbour that falls silent or has a hand in wrong bytes is not asked again
 * in it; the next one goes on where the former stopped.
 * @source marketplace §5.4
 */
export class FetchOrder {
  readonly #sources: readonly Source[];
  readonly #out: Set<Source> = new Set();

  constructor(sources: readonly Source[]) {
    this.#sources = sources;
  }

  /**
   * @param use  takes the bytes and judges them; asked anew for every attempt
   * @throws what `use` throws beside HnError: trouble of our own · bad_request damaged | neighbours_damaged · partition unreachable | nobody_has_it ·
   *   the signal's reason
   */
  async fetch<T>(file: WantedFile, use: (bytes: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> {
    const left = this.#sources
      .filter((source) => !this.#out.has(source))
      .map((source): Entry => ({ source, attempts: source.neighbour === undefined ? OWN_ATTEMPTS : 1 }));
    const verdict = new Verdict();
    for (;;) {
      const giving = new Set<Entry>();
      try {
        return await use(this.#chain(file, { left, giving, verdict }));
      } catch (error) {
        file.signal?.throwIfAborted();
        // Trouble with our own disk is no reason to ask somebody else.
        if (verdict.isSpoken(error) || !HnError.isHnError(error)) throw error;
        for (const entry of giving) this.#blame(entry, { left, verdict, error });
        if (left.length === 0 || giving.size === 0) throw verdict.speak(error);
      }
    }
  }

  /** One file out of as many sources as it takes. */
  async *#chain(
    { key, cid, signal, onSource }: WantedFile,
    o: { left: Entry[]; giving: Set<Entry>; verdict: Verdict },
  ): AsyncGenerator<Uint8Array> {
    let at = 0;
    for (let entry = o.left[0]; entry !== undefined; entry = o.left[0]) {
      try {
        const { source } = entry;
        const opened = await source.open(key, signal, { from: at, ...(cid === undefined ? {} : { cid }) });
        o.giving.add(entry);
        onSource?.(source.neighbour);
        for await (const part of source.ranged === true ? opened : without(opened, at)) {
          at += part.byteLength;
          yield part;
        }
        return;
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof SourceMiss) {
          remove(o.left, entry);
          o.verdict.missed(entry.source, error);
        } else if (HnError.isHnError(error)) this.#blame(entry, { ...o, error });
        else throw error;
      }
    }
    throw o.verdict.speak();
  }

  #blame(entry: Entry, o: { left: Entry[]; verdict: Verdict; error: HnError }): void {
    o.verdict.failed(entry.source, o.error);
    entry.attempts = o.error.reason === "damaged" ? entry.attempts - 1 : 0;
    if (entry.source.neighbour !== undefined) this.#out.add(entry.source);
    if (entry.attempts <= 0 || entry.source.neighbour !== undefined) remove(o.left, entry);
  }
}

/** What a neighbour is told off for, as opposed to being slow, full or shy. */
const WRONG: ReadonlySet<string> = new Set(["damaged", "wrong_key", "rolled_back"]);

/** Why nobody could give it, in one sentence. */
export class Verdict {
  #own: HnError | undefined;
  #asked = 0;
  #damaged = false;
  #spoken: HnError | undefined;

  missed(source: Source, cause: SourceMiss): void {
    if (source.neighbour === undefined) this.#own = lacking(cause);
    else this.#asked += 1;
  }

  failed(source: Source, error: HnError): void {
    if (source.neighbour === undefined) {
      this.#own = error;
      return;
    }
    this.#asked += 1;
    this.#damaged ||= WRONG.has(error.reason ?? "");
  }

  /** A neighbour gave what it should not have. */
  get isDamaged(): boolean {
    return this.#damaged;
  }

  isSpoken(error: unknown): boolean {
    return error !== undefined && error === this.#spoken;
  }

  /** @param last  where nothing else is known */
  speak(last?: HnError): HnError {
    const own = this.#own;
    const isGone = own === undefined || own.code === "partition";
    if (this.#damaged && (isGone || own.cause instanceof SourceMiss))
      this.#spoken = new HnError("bad_request", { reason: "neighbours_damaged", cause: own ?? last });
    else if (this.#asked > 0 && isGone) this.#spoken = new HnError("partition", { reason: "nobody_has_it", cause: own });
    else this.#spoken = own ?? last ?? new HnError("partition", { reason: "unreachable" });
    return this.#spoken;
  }
}

export function lacking(cause?: unknown): HnError {
  const message = "The registry lacks a file that its catalogue names.";
  return new HnError("bad_request", { reason: "damaged", message, ...(cause === undefined ? {} : { cause }) });
}

function remove(left: Entry[], entry: Entry): void {
  const at = left.indexOf(entry);
  if (at >= 0) left.splice(at, 1);
}
