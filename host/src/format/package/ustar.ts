import { Header } from "tar";
import { HnError } from "../../foundation/index.ts";

const BLOCK = 512;

export interface TarEntry {
  path: string;
  mode: 0o644 | 0o755;
  size: number;
}

/** Header, content and padding of one file: everything that could vary is fixed. */
export function encodeEntry(entry: TarEntry, content: Uint8Array): Buffer[] {
  return [encodeHeader(entry), Buffer.from(content.buffer, content.byteOffset, content.byteLength), paddingOf(entry)];
}

/** What follows the content of one file, so that the next header begins at a whole block. */
export function paddingOf({ size }: Pick<TarEntry, "size">): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** @throws bad_request archive_path for a path that does not fit */
export function encodeHeader(entry: TarEntry): Buffer {
  const header = new Header({
    path: entry.path,
    mode: entry.mode,
    uid: 0,
    gid: 0,
    size: entry.size,
    mtime: new Date(0),
    type: "File",
    uname: "",
    gname: "",
    devmaj: 0,
    devmin: 0,
  });
  const block = Buffer.alloc(BLOCK);
  if (header.encode(block, 0) || header.needPax)
    throw new HnError("bad_request", {
      reason: "archive_path",
      message: `The path ${entry.path.slice(0, 80)} does not fit a ustar header.`,
    });
  return block;
}

export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

export interface TarSink {
  /** Judges a header; throws to refuse. */
  entry(entry: TarEntry): void;
  data(chunk: Uint8Array): void;
  entryEnd(): void;
}

/**
 * Reads a ustar stream block by block. Only plain files; every header field that a reader could interpret differently is refused.
 * @throws bad_request damaged | archive_path
 * @source marketplace §1 "container", "entries"
 */
export class UstarReader {
  readonly #sink: TarSink;
  /** What its reader has before it, for the words of a refusal. */
  readonly #what: string;
  #pending: Buffer = Buffer.alloc(0);
  #left = 0;
  #padding = 0;
  #zeroBlocks = 0;

  constructor(sink: TarSink, what = "package") {
    this.#sink = sink;
    this.#what = what;
  }

  push(chunk: Uint8Array): void {
    let rest: Buffer =
      this.#pending.byteLength === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      if (this.#left > 0) {
        const part = rest.subarray(0, this.#left);
        if (part.byteLength > 0) this.#sink.data(part);
        this.#left -= part.byteLength;
        rest = rest.subarray(part.byteLength);
        if (this.#left > 0) break;
        this.#sink.entryEnd();
      }
      if (rest.byteLength < this.#padding + BLOCK) break;
      if (this.#padding > 0 && rest.subarray(0, this.#padding).some((b) => b !== 0)) throw this.#damaged("bytes in the padding");
      rest = rest.subarray(this.#padding);
      this.#padding = 0;
      if (rest.byteLength < BLOCK) break;
      this.#header(rest.subarray(0, BLOCK));
      rest = rest.subarray(BLOCK);
    }
    this.#pending = Buffer.from(rest);
  }

  end(): void {
    if (this.#left > 0 || this.#pending.byteLength > 0 || this.#padding > 0 || this.#zeroBlocks !== 2)
      throw this.#damaged("the archive ends too early or too late");
  }

  #header(block: Buffer): void {
    if (block.every((b) => b === 0)) {
      if (++this.#zeroBlocks > 2) throw this.#damaged("bytes after the end");
      return;
    }
    if (this.#zeroBlocks > 0) throw this.#damaged("an entry after the end");
    const header = decodeHeader(block);
    if (header === undefined) throw this.#damaged("a malformed header");
    const sound =
      header.cksumValid &&
      block.toString("latin1", 257, 265) === "ustar\u000000" &&
      header.path !== undefined &&
      header.size !== undefined;
    if (!sound) throw this.#damaged("a malformed header");
    if (header.type !== "File")
      throw new HnError("bad_request", {
        reason: "archive_path",
        message: `The ${this.#what} holds something that is not a plain file (${String(header.type)}).`,
      });
    const mode = (header.mode ?? 0) & 0o7777;
    const plain =
      (mode === 0o644 || mode === 0o755) &&
      header.uid === 0 &&
      header.gid === 0 &&
      (header.mtime?.getTime() ?? -1) === 0 &&
      !header.linkpath;
    if (!plain)
      throw new HnError("bad_request", {
        reason: "archive_path",
        message: `The ${this.#what} holds a file with an owner, time or mode that is not allowed.`,
      });
    const entry: TarEntry = { path: String(header.path), mode, size: header.size ?? 0 };
    // One spelling per header: what our own writer would not have written could be read differently elsewhere.
    if (!block.equals(encodeHeader(entry))) throw this.#damaged("a header in an unusual spelling");
    this.#sink.entry(entry);
    this.#left = header.size ?? 0;
    this.#padding = (BLOCK - (this.#left % BLOCK)) % BLOCK;
    if (this.#left === 0) this.#sink.entryEnd();
  }

  #damaged(why: string): HnError {
    return new HnError("bad_request", { reason: "damaged", message: `The ${this.#what} is damaged: ${why}.` });
  }
}

/** The library throws errors of its own at numbers that it cannot read. */
function decodeHeader(block: Buffer): Header | undefined {
  try {
    return new Header(block, 0);
  } catch {
    return undefined;
  }
}
