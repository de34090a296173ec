/** Chance that a seed repeats: forked by name, so that one more question here does not change the answers there. */
import { createHash } from "node:crypto";

export class SimRandom {
  readonly #seed: string;
  readonly #state: Uint32Array;

  constructor(seed: number | string) {
    this.#seed = String(seed);
    const bytes = createHash("sha256").update(this.#seed).digest();
    this.#state = new Uint32Array(4);
    for (let word = 0; word < 4; word += 1) this.#state[word] = bytes.readUInt32LE(word * 4);
  }

  fork(label: string): SimRandom {
    return new SimRandom(`${this.#seed}/${label}`);
  }

  /** sfc32, a small fast generator; nothing secret depends on it. */
  u32(): number {
    const s = this.#state;
    const [a = 0, b = 0, c = 0, d = 0] = s;
    const out = (a + b + d) | 0;
    s[3] = d + 1;
    s[0] = b ^ (b >>> 9);
    s[1] = c + (c << 3);
    s[2] = ((c << 21) | (c >>> 11)) + out;
    return out >>> 0;
  }

  /** At least 0, below 1. */
  unit(): number {
    return this.u32() / 4_294_967_296;
  }

  /** A whole number, at least 0, below `end`. */
  below(end: number): number {
    return Math.floor(this.unit() * end);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }

  /** Another order of the same. */
  shuffle<T>(list: readonly T[]): T[] {
    const shuffled = [...list];
    for (let at = shuffled.length - 1; at > 0; at -= 1) {
      const other = this.below(at + 1);
      [shuffled[at], shuffled[other]] = [shuffled[other] as T, shuffled[at] as T];
    }
    return shuffled;
  }

  /** As the port `Random`. */
  readonly bytes = (n: number): Uint8Array => Uint8Array.from({ length: n }, () => this.u32() & 255);
}
