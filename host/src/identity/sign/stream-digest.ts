import type { Frame } from "../../contract/index.ts";
import { canonicalText } from "../canonical/write.ts";
import { createBlake3 } from "../hash/blake3.ts";

/** Digest over every frame before the terminal one. @source 02 T-14 */
export class StreamDigest {
  readonly #hash: ReturnType<typeof createBlake3> = createBlake3();
  readonly #encoder: TextEncoder = new TextEncoder();
  frames = 0;

  add(frame: Frame): void {
    this.#hash.update(this.#encoder.encode(`${canonicalText({ event: frame.event, data: frame.data })}\n`));
    this.frames += 1;
  }

  /** Ends the digest; call once. */
  digest(): string {
    return this.#hash.digest();
  }
}
