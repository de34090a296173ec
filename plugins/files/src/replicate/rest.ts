/** Whether copies rest: nobody's last megabytes go for them while the internet is gone. @source 30 §6.5, 35 §5 */
import type { FilesConfig } from "../config.ts";
import type { Reach } from "../fetch/index.ts";

export class Rest {
  readonly #availability: Reach["availability"];
  readonly #config: () => Pick<FilesConfig, "metered_link">;
  #begun = new AbortController();

  constructor({ availability }: Pick<Reach, "availability">, config: () => Pick<FilesConfig, "metered_link">) {
    this.#availability = availability;
    this.#config = config;
  }

  get now(): boolean {
    return this.#config().metered_link && !this.#availability.get("internet");
  }

  /** Fires when a rest begins. */
  get signal(): AbortSignal {
    return this.#begun.signal;
  }

  /** The internet may be gone, or back, or the settings may have changed. */
  settle(): void {
    if (this.now) this.#begun.abort(new DOMException("Copies rest while the internet is gone.", "AbortError"));
    else if (this.#begun.signal.aborted) this.#begun = new AbortController();
  }
}
