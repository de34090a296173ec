import type { OcrBackend } from "./backends/backend.ts";

/** Runs `work` after a while; the answer takes it back. */
export type Later = (delayMs: number, work: () => void) => () => void;

export interface HealthReport {
  ok: boolean;
  detail?: string;
}

const EVERY_MS = 30_000;

/**
 * Looks after a backend whose engine has failed: tries it at once and every 30 seconds until it is well. One picture that brings the
 * engine down is thereby told from an engine that is broken; the host withdraws the capability after three reports in a row.
 * @source 22 rule 12, plugin-platform §6.1
 */
export class HealthWatch {
  readonly #report: (state: HealthReport) => void;
  readonly #later: Later;
  #cancel: (() => void) | null = null;
  #busy = false;

  constructor(report: (state: HealthReport) => void, later: Later) {
    this.#report = report;
    this.#later = later;
  }

  /** Called after each page: starts the watch when the engine is ill and no watch is on. */
  look(backend: OcrBackend): void {
    if (!backend.health().ok && !this.#busy && this.#cancel === null) void this.#check(backend);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  async #check(backend: OcrBackend): Promise<void> {
    this.#busy = true;
    this.#cancel = null;
    await backend.warm();
    this.#busy = false;
    const { ok, detail } = backend.health();
    this.#report(detail === undefined ? { ok } : { ok, detail });
    if (!ok) this.#cancel = this.#later(EVERY_MS, () => void this.#check(backend));
  }
}

/** Real time; a waiting check does not keep the process alive. */
export const laterByTimer: Later = (delayMs, work) => {
  const timer = setTimeout(work, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};
