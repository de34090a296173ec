/** Fires what a plugin has declared to happen regularly. @source plugin-platform §2.1 contributes.schedules */
import type { PluginManifest, Timer } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { nextCronTime } from "../../format/index.ts";
import type { Session } from "../broker/index.ts";
import type { PluginEnvironment } from "./environment.ts";

const SHORTEST_MS = 10_000;
const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** The wall clock may be set, and a machine may sleep: a time by the calendar is looked for again this often. */
const LOOK_MS = 60_000;
/** A tick that has no end would hold up the next for ever. */
const TICK_MAX_MS = 3_600_000;

/** `30s`, `5m`, `2h`, `1d` in milliseconds; null when it is something else or shorter than 10 s. */
export function parseEvery(text: string): number | null {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const ms = Number(match?.[1] ?? 0) * (UNITS[match?.[2] ?? ""] ?? 0);
  return ms >= SHORTEST_MS ? ms : null;
}

export interface SchedulesOptions {
  plugin: PluginManifest;
  pluginId: string;
  session: Pick<Session, "schedule" | "wishes">;
  environment: Pick<PluginEnvironment, "clock" | "random" | "logs"> & {
    commons: { store: Pick<PluginEnvironment["commons"]["store"], "lastFired" | "noteFired"> };
  };
}

type Declared = NonNullable<PluginManifest["contributes"]["schedules"]>[number];

/**
 * Timers of the session that serves. A tick waits for the one before it; a plugin without the permission gets none. With `catchUp` a time that
 * passed while nothing ran is made up for, once however many there were.
 */
export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #timers = new Map<string, Timer>();
  readonly #stopped = new AbortController();

  constructor(options: SchedulesOptions) {
    this.#options = options;
    for (const declared of options.plugin.contributes.schedules ?? []) this.#begin(declared);
  }

  stop(): void {
    this.#stopped.abort();
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #begin(declared: Declared): void {
    const { environment, pluginId } = this.#options;
    const now = environment.clock.now();
    const last = environment.commons.store.lastFired(pluginId, declared.id);
    const missed = last === null ? null : dueAfter(declared, last);
    // A clock that went back would make everything wait for the old time.
    if (last === null || last > now) environment.commons.store.noteFired(pluginId, declared.id, now);
    if (declared.catchUp === true && missed !== null && missed <= now) this.#at(declared, 0);
    else this.#plan(declared);
  }

  #plan(declared: Declared): void {
    const { clock } = this.#options.environment;
    const now = clock.now();
    const due = dueAfter(declared, now);
    if (due === null) return;
    if (declared.every !== undefined) return this.#at(declared, (due - now) * (1 + this.#spread(declared)));
    // By the calendar, later but never earlier.
    const following = dueAfter(declared, due) ?? due;
    this.#waitFor(declared, due + (following - due) * Math.abs(this.#spread(declared)));
  }

  #waitFor(declared: Declared, due: number): void {
    const { clock } = this.#options.environment;
    const left = due - clock.now();
    if (left <= 0) return this.#at(declared, 0);
    if (left <= LOOK_MS) return this.#at(declared, left);
    this.#set(declared, () => this.#waitFor(declared, due), LOOK_MS);
  }

  #at(declared: Declared, delayMs: number): void {
    this.#set(declared, () => void this.#fire(declared), delayMs);
  }

  #set({ id }: Declared, act: () => void, delayMs: number): void {
    if (!this.#stopped.signal.aborted) this.#timers.set(id, this.#options.environment.clock.setTimeout(act, delayMs));
  }

  /** Between -0.5 and 0.5 of the declared jitter, so that a thousand nodes do not ask at once. */
  #spread({ jitter = 0 }: Declared): number {
    const chance = ((this.#options.environment.random(1)[0] ?? 128) - 128) / 128;
    return Math.min(0.5, Math.max(0, jitter)) * chance;
  }

  async #fire(declared: Declared): Promise<void> {
    const { session, environment, pluginId } = this.#options;
    const { id } = declared;
    const now = environment.clock.now();
    if (await this.#mayFire(id)) {
      environment.commons.store.noteFired(pluginId, id, now);
      try {
        await session.schedule(id, Math.min(TICK_MAX_MS, Math.max(SHORTEST_MS, (dueAfter(declared, now) ?? now) - now)));
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        const message = `The schedule ${id} failed: ${HnError.from(error).message}`;
        environment.logs.add(pluginId, { source: "host", level: "warn", message });
      }
    }
    this.#plan(declared);
  }

  #mayFire(id: string): Promise<boolean> {
    const { wishes } = this.#options.session;
    return wishes.mayHappen({
      op: "schedule",
      permission: "schedule",
      target: id,
      grants: wishes.newGrants(),
      check: (table) => table.require("schedule", id),
      signal: this.#stopped.signal,
    });
  }
}

/** Unix milliseconds; null when it never comes. */
function dueAfter({ every, cron }: Declared, after: number): number | null {
  if (cron !== undefined) return nextCronTime(cron, after);
  const ms = every === undefined ? null : parseEvery(every);
  return ms === null ? null : after + ms;
}
