import { randomUUID } from "node:crypto";
import type { JsonValue } from "@hearthnet/sdk-plugin";
import type { PageText, PdfDone, PdfFrame } from "./capabilities/pdf.ts";
import { Failure } from "./failure.ts";
import type { Later } from "./health-watch.ts";
import type { Refusal, Seen, SeenPage } from "./panel/parts/seen.ts";

/** How the desk has a document read. */
export type ReadDocument = (o: {
  file: Uint8Array;
  password?: string;
  signal: AbortSignal;
}) => AsyncGenerator<PdfFrame, PdfDone, void>;

interface Reading {
  file: Uint8Array;
  received: number;
  /** Null until it is being read. */
  abort: AbortController | null;
  pages: SeenPage[];
  total: number;
  current: number;
  stage: Seen["stage"];
  state: Seen["state"];
  refusal: Refusal | null;
  forget: () => void;
}

const MOST_BYTES = 8 * 1024 * 1024;
const MOST_READINGS = 2;
/** A panel looks every half second, on a machine with much to do every few; one that has not for so long has gone. */
const GONE_MS = 60_000;
/** Characters of text that one look brings; what travels to a panel has at most 64 KiB. */
const LOOK_CHARACTERS = 12_000;

/**
 * Documents that the owner has laid before the plugin's own page. They come in pieces, are read while the page looks again and again, and end
 * with it: at "stop", and when it looks no more.
 */
export class ReadingDesk {
  readonly #read: ReadDocument;
  readonly #later: Later;
  readonly #readings = new Map<string, Reading>();

  constructor(read: ReadDocument, later: Later) {
    this.#read = read;
    this.#later = later;
  }

  /** @throws bad_request `too_large` · capacity_exceeded */
  lay(size: number): string {
    if (!Number.isSafeInteger(size) || size < 1 || size > MOST_BYTES) {
      const message = "At most 8 MiB are read. Split the document, or save it smaller.";
      throw new Failure("bad_request", { reason: "too_large", message });
    }
    if (this.#readings.size >= MOST_READINGS) {
      const message = "Other documents are being read already. Stop one of them, or wait.";
      throw new Failure("capacity_exceeded", { reason: "slots_full", message });
    }
    const id = randomUUID();
    const nothing = { received: 0, abort: null, total: 0, current: 0, stage: "open", state: "coming", refusal: null } as const;
    this.#readings.set(id, { ...nothing, pages: [], file: new Uint8Array(size), forget: () => {} });
    this.#stay(id);
    return id;
  }

  /** The next piece. @returns bytes that are here now @throws bad_request for one that does not fit */
  add(id: string, { at, data }: { at: number; data: Uint8Array }): number {
    const reading = this.#stay(id);
    if (at !== reading.received || at + data.length > reading.file.length || reading.state !== "coming")
      throw new Failure("bad_request", { reason: "source", message: "The document arrived in disorder. Choose it again." });
    reading.file.set(data, at);
    reading.received += data.length;
    return reading.received;
  }

  start(id: string, password: string | undefined): void {
    const reading = this.#stay(id);
    if (reading.abort !== null && reading.state === "reading") return;
    if (reading.received < reading.file.length)
      throw new Failure("bad_request", {
        reason: "source",
        message: "The document has not arrived as a whole. Choose it again.",
      });
    const abort = new AbortController();
    Object.assign(reading, { abort, state: "reading", refusal: null });
    void this.#run(reading, { abort, ...(password === undefined ? {} : { password }) });
  }

  /** @param from  number of pieces of text that the panel has */
  look(id: string, from: number): Seen {
    const { pages, total, current, stage, state, refusal } = this.#stay(id);
    const fresh: SeenPage[] = [];
    for (let room = LOOK_CHARACTERS; room > 0 && from + fresh.length < pages.length;) {
      const page = pages[from + fresh.length] as SeenPage;
      fresh.push(page);
      room -= page.text.length;
    }
    const more = from + fresh.length < pages.length;
    return { pages: fresh, total, current, stage, state: more && state !== "refused" ? "reading" : state, refusal };
  }

  /** Ends the reading and forgets the document. */
  stop(id: string): void {
    const reading = this.#readings.get(id);
    if (reading === undefined) return;
    this.#readings.delete(id);
    reading.forget();
    reading.abort?.abort(new DOMException("The owner has stopped it.", "AbortError"));
  }

  async #run(reading: Reading, { abort, password }: { abort: AbortController; password?: string }): Promise<void> {
    const order = { file: reading.file, signal: abort.signal, ...(password === undefined ? {} : { password }) };
    try {
      for await (const { event, data } of this.#read(order)) {
        if (event === "progress") Object.assign(reading, { total: data.total, current: data.current, stage: data.stage });
        if (event === "page") reading.pages.push(...inPieces(data));
      }
      reading.state = "done";
    } catch (error) {
      if (!abort.signal.aborted) Object.assign(reading, { state: "refused", refusal: refusalOf(error) });
    }
  }

  /** @throws not_found */
  #stay(id: string): Reading {
    const reading = this.#readings.get(id);
    if (reading === undefined)
      throw new Failure("not_found", { reason: "source", message: "This document is not here any more. Choose it again." });
    reading.forget();
    reading.forget = this.#later(GONE_MS, () => this.stop(id));
    return reading;
  }
}

function inPieces({ page, text, source, confidence_mean }: PageText): SeenPage[] {
  const count = Math.max(1, Math.ceil(text.length / LOOK_CHARACTERS));
  return Array.from({ length: count }, (_, index) => ({
    page,
    text: text.slice(index * LOOK_CHARACTERS, (index + 1) * LOOK_CHARACTERS),
    source,
    confidence: confidence_mean,
  }));
}

function refusalOf(error: unknown): Refusal {
  const { reason, message } =
    error instanceof Error ? (error as Error & { reason?: unknown }) : { reason: undefined, message: "" };
  return { reason: typeof reason === "string" ? reason : "", message };
}

/** Field of what a panel sent, which the owner's browser made. @throws bad_request */
export function fieldOf<T extends "string" | "number">(
  input: JsonValue,
  name: string,
  type: T,
): T extends "string" ? string : number {
  const value = typeof input === "object" && input !== null && !Array.isArray(input) ? input[name] : undefined;
  if (typeof value !== type)
    throw new Failure("bad_request", { reason: "source", message: `The page sent no ${name}. Load it again.` });
  return value as T extends "string" ? string : number;
}
