import type { Provider } from "./provider.ts";

/** What this node's own offers of one name take and give. Each call asks for one of these, so each is looked for by itself. */
export class OwnLimits {
  readonly #own: readonly Provider[];

  /** @param own  at least one */
  constructor(own: readonly Provider[]) {
    this.#own = own;
  }

  get maxBodyBytes(): number {
    return Math.max(...this.#own.map((provider) => provider.local?.maxBodyBytes ?? 0));
  }

  get streams(): boolean {
    return this.#own.some((provider) => provider.descriptor.stream_schema !== null);
  }

  get idempotent(): boolean {
    return this.#own.every((provider) => provider.descriptor.idempotent);
  }

  /** JSON pointers that all of them take as bytes. */
  get binary(): string[] {
    const [first] = this.#own;
    return (first?.local?.binary ?? []).filter((pointer) => this.#own.every(({ local }) => local?.binary.includes(pointer)));
  }
}
