/** Fires what a plugin has declared to happen regularly. @source plugin-platform §2.1 contributes.schedules */
import type { PluginManifest, Timer } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Session } from "../broker/index.ts";
import type { PluginEnvironment } from "./environment.ts";

const SHORTEST_MS = 10_000;
const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s`, `5m`, `2h`, `1d` in milliseconds; null when it is something else or shorter than 10 s. */
export function parseEvery(text: string): number | null {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const ms = Number(match?.[1] ?? 0) * (UNITS[match?.[2] ?? ""] ?? 0);
  return ms >= SHORTEST_MS ? ms : null;
}

export interface SchedulesOptions {
  plugin: PluginManifest;
  pluginId: string;
  session: Session;
  environment: PluginEnvironment;
}

/** Timers of one session. A tick waits for the one before it; a plugin without the permission gets none. */
export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #timers = new Map<string, Timer>();
  #stopped = false;

  constructor(options: SchedulesOptions) {
    this.#options = options;
    for (const { id, every, jitter } of options.plugin.contributes.schedules ?? []) {
      const ms = every === undefined ? null : parseEvery(every);
      if (ms !== null) this.#plan(id, { ms, jitter: jitter ?? 0 });
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #plan(id: string, rhythm: { ms: number; jitter: number }): void {
    if (this.#stopped) return;
    const { clock, random } = this.#options.environment;
    const spread = 1 + Math.min(0.5, Math.max(0, rhythm.jitter)) * (((random(1)[0] ?? 128) - 128) / 128);
    this.#timers.set(
      id,
      clock.setTimeout(() => void this.#fire(id, rhythm), rhythm.ms * spread),
    );
  }

  async #fire(id: string, rhythm: { ms: number; jitter: number }): Promise<void> {
    const { session, environment, pluginId } = this.#options;
    if (session.grants.has("schedule")) {
      try {
        await session.schedule(id, rhythm.ms);
      } catch (error) {
        environment.logs.add(pluginId, {
          source: "host",
          level: "warn",
          message: `The schedule ${id} failed: ${HnError.from(error).message}`,
        });
      }
    }
    this.#plan(id, rhythm);
  }
}
