import type { Closing } from "../../support/live-node.ts";

/**
 * What a whole suite has opened, closed in reverse order.
 * @example
 * const opened = new Opened();
 * after(() => opened.close());
 */
export class Opened implements Closing {
  readonly #steps: (() => unknown)[] = [];

  after(step: () => unknown): void {
    this.#steps.push(step);
  }

  async close(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}
