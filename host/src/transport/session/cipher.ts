import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { CLOSE, SessionFault } from "./fault.ts";
import { HEADER_BYTES, readHeader, TAG_BYTES, writeHeader, type FrameHeader, type Kind } from "./frame.ts";
import { nextGeneration, type DirectionKey } from "./keys.ts";

/** `c20p` seals and hides, `hs256` and `gm256` only prove and need TLS around them. @source network.md §1.2 `suites`, ADR 0019 */
export type Suite = "c20p" | "hs256" | "gm256";
/** In the order of liking: a tag of AES-256-GMAC costs a tenth of an HMAC's where a frame is large. */
export const SUITES: readonly Suite[] = ["gm256", "hs256", "c20p"];

const GMAC = "aes-256-gcm";
const AEAD = "chacha20-poly1305";
const OPTIONS = { authTagLength: TAG_BYTES } as const;
/** How long one key is used. @source network.md §1.3 */
const REKEY: Wear = { frames: 2 ** 20, bytes: 2 ** 30, ms: 900_000 };
export const GENERATIONS_MAX = 4096;

export interface Wear {
  frames: number;
  bytes: number;
  ms: number;
}

/** One direction's key of the present generation, as the library wants it: an imported key is several times cheaper than raw bytes. */
class Generation {
  number = 0;
  #raw: DirectionKey;
  #key: KeyObject;
  readonly suite: Suite;

  constructor(suite: Suite, key: DirectionKey) {
    this.suite = suite;
    this.#raw = key;
    this.#key = createSecretKey(key.key);
  }

  turn(): void {
    this.#raw = nextGeneration(this.#raw);
    this.#key = createSecretKey(this.#raw.key);
    this.number += 1;
  }

  tag(headerAndPayload: Uint8Array, seq: number): Buffer {
    if (this.suite === "gm256") return this.#gmac(headerAndPayload, seq);
    return createHmac("sha256", this.#key).update(headerAndPayload).digest().subarray(0, TAG_BYTES);
  }

  /** All of it as associated data, nothing to hide. */
  #gmac(headerAndPayload: Uint8Array, seq: number): Buffer {
    const mac = createCipheriv(GMAC, this.#key, this.#nonce(seq), OPTIONS);
    mac.setAAD(headerAndPayload);
    mac.final();
    return mac.getAuthTag();
  }

  /** iv XOR (0^4 ‖ seq); a number is used once under a key, or whoever reads both frames could forge. */
  #nonce(seq: number): Buffer {
    const nonce = Buffer.from(this.#raw.iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(4) ^ Math.floor(seq / 2 ** 32)) >>> 0, 4);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ (seq % 2 ** 32)) >>> 0, 8);
    return nonce;
  }

  encrypt(frame: Buffer, seq: number): void {
    const end = frame.byteLength - TAG_BYTES;
    const cipher = createCipheriv(AEAD, this.#key, this.#nonce(seq), OPTIONS);
    cipher.setAAD(frame.subarray(0, HEADER_BYTES));
    cipher.update(frame.subarray(HEADER_BYTES, end)).copy(frame, HEADER_BYTES);
    cipher.final();
    cipher.getAuthTag().copy(frame, end);
  }

  /** @returns null when the tag is wrong */
  decrypt(frame: Buffer, seq: number): Buffer | null {
    const end = frame.byteLength - TAG_BYTES;
    const decipher = createDecipheriv(AEAD, this.#key, this.#nonce(seq), OPTIONS);
    decipher.setAAD(frame.subarray(0, HEADER_BYTES));
    decipher.setAuthTag(frame.subarray(end));
    const plain = decipher.update(frame.subarray(HEADER_BYTES, end));
    try {
      decipher.final();
      return plain;
    } catch {
      return null;
    }
  }
}

/** Writes one direction's frames: number, generation and tag. @source network.md §1.4 */
export class FrameSealer {
  readonly #key: Generation;
  #seq = 0;
  #frames = 0;
  #bytes = 0;
  #since: number;
  readonly #wear: Wear;

  /** @param o.now  monotonic milliseconds, from which the generation's age counts */
  constructor(o: { suite: Suite; key: DirectionKey; now: number; wear?: Wear }) {
    this.#key = new Generation(o.suite, o.key);
    this.#since = o.now;
    this.#wear = o.wear ?? REKEY;
  }

  get generation(): number {
    return this.#key.number;
  }

  get seq(): number {
    return this.#seq;
  }

  /** @param room  memory to write it into, at its start; the frame is a view of it */
  seal(kind: Kind, payload: { parts: readonly Uint8Array[]; bytes: number; sealed: boolean }, room?: Buffer): Buffer {
    const size = HEADER_BYTES + payload.bytes + TAG_BYTES;
    const frame = room === undefined ? Buffer.allocUnsafe(size) : room.subarray(0, size);
    const seq = this.#seq++;
    writeHeader(frame, { kind, sealed: payload.sealed, generation: this.#key.number, seq });
    let at = HEADER_BYTES;
    for (const part of payload.parts) {
      frame.set(part, at);
      at += part.byteLength;
    }
    if (this.#key.suite === "c20p") this.#key.encrypt(frame, seq);
    else this.#key.tag(frame.subarray(0, at), seq).copy(frame, at);
    this.#frames += 1;
    this.#bytes += frame.byteLength;
    return frame;
  }

  isDue(now: number): boolean {
    const { frames, bytes, ms } = this.#wear;
    return this.#frames >= frames || this.#bytes >= bytes || now - this.#since >= ms;
  }

  /** After the frame that says so. */
  turn(now: number): void {
    this.#key.turn();
    this.#frames = 0;
    this.#bytes = 0;
    this.#since = now;
  }
}

/** Reads the other direction's frames, each exactly once and in order. */
export class FrameOpener {
  readonly #key: Generation;
  readonly #maxBytes: number;
  #seq = 0;

  constructor(suite: Suite, key: DirectionKey, maxBytes: number) {
    this.#key = new Generation(suite, key);
    this.#maxBytes = maxBytes;
  }

  get generation(): number {
    return this.#key.number;
  }

  /**
   * Nothing of the payload is looked at before its tag is right.
   * @throws SessionFault 4400 for what is no frame, 4402 for a wrong tag, number or generation
   */
  open(frame: Buffer): { header: FrameHeader; payload: Buffer } {
    const header = readHeader(frame, this.#maxBytes);
    if (header.seq !== this.#seq || header.generation !== this.#key.number) throw unproven();
    const payload = this.#check(frame, header.seq);
    this.#seq += 1;
    return { header, payload };
  }

  /** After the frame that announced it. */
  turn(): void {
    this.#key.turn();
  }

  #check(frame: Buffer, seq: number): Buffer {
    if (this.#key.suite === "c20p") {
      const plain = this.#key.decrypt(frame, seq);
      if (plain === null) throw unproven();
      return plain;
    }
    const end = frame.byteLength - TAG_BYTES;
    if (!timingSafeEqual(this.#key.tag(frame.subarray(0, end), seq), frame.subarray(end))) throw unproven();
    return frame.subarray(HEADER_BYTES, end);
  }
}

function unproven(): SessionFault {
  return new SessionFault(CLOSE.tag);
}
