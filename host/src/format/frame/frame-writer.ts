import { measureHead, putHead } from "./codec.ts";
import { spend } from "./own-memory.ts";

const SLAB_BYTES = 65_536;
/** Attachments up to this size are cheaper to copy than to hand over by themselves. */
const COPIED_BYTES = 4096;
const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Lays the frames of one turn behind one another, so that they leave in one system call. Memory that was handed on is never written again:
 * a socket may still be holding it.
 */
export class FrameWriter {
  readonly #hand: (bytes: Uint8Array, written?: () => void) => void;
  #slab: Buffer = EMPTY;
  #from = 0;
  #to = 0;
  #frames = 0;

  /** @param hand  takes the bytes on, in order, and says when it is done with them where that is asked for */
  constructor(hand: (bytes: Uint8Array, written?: () => void) => void) {
    this.#hand = hand;
  }

  /** Bytes not handed on yet. */
  get bytes(): number {
    return this.#to - this.#from;
  }

  /** Frames not handed on yet. */
  get frames(): number {
    return this.#frames;
  }

  /**
   * @param spends  the attachments are not looked at again
   * @throws plugin_gone reason protocol_error when a limit would be broken; then nothing was written
   */
  append(header: object, attachments: readonly Uint8Array[], spends = false): void {
    const head = measureHead(header, attachments);
    this.#reserve(head.size);
    putHead(this.#slab, this.#to, head);
    this.#to += head.size;
    this.#frames += 1;
    for (const part of attachments) this.#attach(part, spends);
  }

  /** Hands on what there is. */
  flush(): void {
    if (this.#to === this.#from) return;
    const bytes = this.#slab.subarray(this.#from, this.#to);
    this.#from = this.#to;
    this.#frames = 0;
    this.#hand(bytes);
  }

  #attach(part: Uint8Array, spends: boolean): void {
    if (part.byteLength > COPIED_BYTES) {
      this.flush();
      this.#hand(part, spends ? (): void => spend(part) : undefined);
      return;
    }
    this.#reserve(part.byteLength);
    this.#slab.set(part, this.#to);
    this.#to += part.byteLength;
  }

  #reserve(size: number): void {
    if (this.#slab.byteLength - this.#to >= size) return;
    this.flush();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, size));
    this.#from = 0;
    this.#to = 0;
  }
}
