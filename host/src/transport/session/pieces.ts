import { createHash, type Hash } from "node:crypto";
import { HnError } from "../../foundation/index.ts";
import { ownMemory } from "../../format/index.ts";
import type { JsonObject } from "../../contract/index.ts";
import type { BodyBudget } from "../http/body.ts";
import { attach, type Attached } from "./attached.ts";
import { badFrame } from "./fault.ts";
import { HEADER_BYTES, TAG_BYTES } from "./frame.ts";
import { BODY_MAX_BYTES, jsonOf, RECORD_HEADER_BYTES, type PeerRecord } from "./record.ts";

const DROPPED_FROM_BYTES = 16_384;

/** What END says of the events and bytes before it. @source network.md §1.4 END */
export class StreamSum {
  frames = 0;
  bytes = 0;
  /** Most calls are no streams, and a running hash costs more than the rest of a small one. */
  #hash: Hash | undefined;

  /** @param record  header and body */
  add(record: readonly Uint8Array[], bodyBytes: number): void {
    this.#hash ??= createHash("sha256");
    for (const part of record) this.#hash.update(part);
    this.frames += 1;
    this.bytes += bodyBytes;
  }

  /** Once. */
  end(): { frames: number; bytes: number; digest: string } {
    return { frames: this.frames, bytes: this.bytes, digest: (this.#hash ?? createHash("sha256")).digest("base64url") };
  }

  /** Whether END speaks of exactly what was heard. */
  matches(end: JsonObject): boolean {
    const { frames, bytes, digest } = this.end();
    return end["frames"] === frames && end["bytes"] === bytes && end["digest"] === digest;
  }
}

/** A JSON body on its way in pieces, and bytes that belong into it behind it. */
export class Pieces {
  readonly #parts: Buffer[] = [];
  readonly #maxBytes: number;
  readonly #budget: BodyBudget;
  readonly #attached: Attached;
  #bytes = 0;

  /** @param o.attached  what follows the JSON */
  constructor(o: { maxBytes: number; budget: BodyBudget; attached: Attached }) {
    this.#maxBytes = o.maxBytes;
    this.#budget = o.budget;
    this.#attached = o.attached;
  }

  /** Where bytes were announced. */
  get places(): string[] {
    return this.#attached.map(([pointer]) => pointer);
  }

  /** @throws bad_request reason too_large · capacity_exceeded */
  add({ body }: PeerRecord): void {
    if (this.#bytes + body.byteLength > this.#maxBytes)
      throw new HnError("bad_request", {
        reason: "too_large",
        message: `The body is larger than the ${this.#maxBytes} bytes allowed here. Send less, or split it.`,
      });
    this.#budget.take(body.byteLength);
    this.#bytes += body.byteLength;
    this.#parts.push(body);
  }

  /** The whole of it; bytes are views of what came where they came in one piece. @throws SessionFault 4400 */
  value(): JsonObject {
    let at = this.#bytes;
    for (const [, size] of this.#attached) at -= size;
    if (at < 0) throw badFrame("fewer bytes than were announced");
    const value = jsonOf(this.#cut(0, at));
    const attachments = new Map<string, Uint8Array>();
    for (const [pointer, size] of this.#attached) {
      if (attachments.has(pointer)) throw badFrame("two times bytes for one place");
      attachments.set(pointer, this.#cut(at, at + size));
      at += size;
    }
    return attachments.size === 0 ? value : attach(value, attachments);
  }

  #cut(from: number, to: number): Buffer {
    const found: Buffer[] = [];
    let at = 0;
    for (const part of this.#parts) {
      const [begin, end] = [Math.max(from - at, 0), Math.min(to - at, part.byteLength)];
      if (begin < end) found.push(part.subarray(begin, end));
      at += part.byteLength;
    }
    if (found.length === 1) return found[0] as Buffer;
    const whole = Buffer.concat(found, to - from);
    if (whole.byteLength === whole.buffer.byteLength) ownMemory(whole);
    for (const part of found) dropFrameOf(part);
    return whole;
  }

  release(): void {
    this.#budget.giveBack(this.#bytes);
    this.#bytes = 0;
    this.#parts.length = 0;
  }
}

/**
 * Frees the memory of a frame that holds nothing but this piece, of which there is a copy by now. A stream of bytes would else fill it faster than
 * the collector looks after it, and new memory costs ten times what the copy does.
 */
function dropFrameOf({ buffer, byteOffset, byteLength }: Buffer): void {
  const before = HEADER_BYTES + RECORD_HEADER_BYTES;
  const isAlone = byteOffset === before && buffer.byteLength === before + byteLength + TAG_BYTES;
  if (isAlone && byteLength >= DROPPED_FROM_BYTES && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** @throws SessionFault 4400 for a piece longer than any may be */
export function checkPiece({ body }: PeerRecord): void {
  if (body.byteLength > BODY_MAX_BYTES) throw badFrame("a piece longer than 64 KiB");
}

/** Pieces of at most 64 KiB. */
export function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += BODY_MAX_BYTES) yield bytes.subarray(at, at + BODY_MAX_BYTES);
}
