/** Closes what was opened, last first. An opened thing is registered on the next line; nothing is forgotten when a later step fails. */
export class Disposer {
  readonly #steps: { name: string; close: () => unknown }[] = [];

  add(name: string, close: () => unknown): void {
    this.#steps.push({ name, close });
  }

  /** Runs every step even if one fails. @returns what went wrong */
  async close(): Promise<{ name: string; error: unknown }[]> {
    const failed: { name: string; error: unknown }[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.close();
      } catch (error) {
        failed.push({ name: step.name, error });
      }
    }
    return failed;
  }
}
