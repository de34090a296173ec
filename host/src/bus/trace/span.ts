import type { Random } from "../../contract/index.ts";

/** Names of the calls of one life of this node: counted, and written as text only for a reader or for the wire. */
export class Spans {
  readonly #prefix: string;
  #count = 0;

  constructor(random: Random) {
    this.#prefix = Buffer.from(random(4)).toString("hex");
  }

  next(): number {
    // After 2³² calls the count starts anew; who compares spans compares traces first.
    return (this.#count = (this.#count % 0xffff_ffff) + 1);
  }

  /** 16 hex digits, never all zero. */
  text(span: number): string {
    return this.#prefix + span.toString(16).padStart(8, "0");
  }
}
