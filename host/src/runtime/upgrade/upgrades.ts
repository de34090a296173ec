/** Leads plugins from one release to the next and back: journalled step by step, so that a crash leaves one release. @source plugin-platform §6.2, §6.4 */
import type { Clock, Grant, JsonObject, StoredRelease, Timer } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Outcomes } from "../broker/index.ts";
import type { Journal, OpRow } from "../journal/index.ts";
import type { LogStore } from "../log-store.ts";
import type { ManagedPlugin } from "../supervise/index.ts";
import { grantsBack } from "./grants-back.ts";
import { probe } from "./probe.ts";
import { Succession } from "./succession.ts";
import type { Step } from "./way.ts";

export interface UpgradeTimes {
  /** How long running calls and conversations may stay with the former release. */
  drainMs: number;
  /** How long a new release is watched, with the former one at hand. */
  probationMs: number;
  /** How long calls wait while one release has stopped and the next does not serve yet. */
  fenceMs: number;
}

export const UPGRADE_TIMES: UpgradeTimes = { drainMs: 60_000, probationMs: 600_000, fenceMs: 2000 };

export interface UpgradeRooms {
  clock: Clock;
  journal: Journal;
  logs: LogStore;
  times: UpgradeTimes;
  /** A plugin that is not the current one yet; `grants` are its rights until it is. */
  manage: (step: Step) => ManagedPlugin;
  /** One transaction: this release is the active one. */
  adopt: (plugin: ManagedPlugin, grants: readonly Grant[]) => void;
  /** Lets acts on one plugin follow each other. */
  inTurn: (id: string, act: () => Promise<void>) => void;
  onNotice: (notice: { plugin: string; title: string; body: string }) => void;
}

interface Watched {
  succession: Succession;
  formerGrants: Grant[];
  /** Name of the probation in the journal; null without one. */
  op: string | null;
  timer: Timer | undefined;
}

type Kind = "update" | "rollback" | "return";

export class Upgrades {
  readonly #o: UpgradeRooms;
  readonly #watched = new Map<string, Watched>();
  /** Former releases on their way out. */
  readonly #leaving = new Map<ManagedPlugin, Promise<void>>();

  constructor(rooms: UpgradeRooms) {
    this.#o = rooms;
  }

  /**
   * Starts `next` beside the release that serves, looks at it, and lets it take over. Until then, and when it cannot, nothing changes.
   * @throws plugin_gone reason start_failed | probe_failed · what else stands against its start
   */
  async beside(active: ManagedPlugin, next: Step, kind: Kind): Promise<void> {
    const { journal, clock, times } = this.#o;
    const { id } = active;
    const former = active.release;
    const payload = { from: former.sha256, to: next.release.sha256 };
    const start = journal.intent({ pluginId: id, kind, step: "start", payload });
    journal.stage(next.release);
    const newer = this.#o.manage(next);
    try {
      await newer.startBeside((session) =>
        probe({
          manifest: next.release.manifest,
          ailment: newer.ailment,
          serving: active.session?.capabilities.refs ?? [],
          registered: session.capabilities.refs,
        }),
      );
    } catch (thrown) {
      journal.unstage(id, next.release.sha256);
      journal.done(start);
      throw notStarted(HnError.from(thrown), { next: next.release, former });
    }
    journal.done(start);
    const formerGrants = journal.grants(id);
    const before: Outcomes | null = kind === "update" ? { ...(active.session?.outcomes ?? { calls: 0, faults: 0 }) } : null;
    const flip = journal.intent({ pluginId: id, kind, step: "flip", payload });
    this.#flip({ from: active, to: newer, grants: next.grants });
    journal.done(flip);
    const now = clock.monotonic();
    const succession = new Succession({
      former: active,
      newer,
      clock,
      drainUntil: now + times.drainMs,
      before,
      onFailure: (why) => this.#goBack(id, why),
    });
    this.#watch(succession, { formerGrants, before, until: clock.now() + times.probationMs });
  }

  /** Whatever still runs of a former release leaves once its calls have ended; the newer one is not sent back any more. */
  settle(id: string): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.#watched.delete(id);
    watched.timer?.cancel();
    watched.succession.stopWatching();
    if (watched.op !== null) this.#o.journal.done(watched.op);
    this.#leaveAfter(watched.succession);
  }

  /** As `settle`, and waits until nothing of a former release is left; its calls are cut off. */
  async end(id: string): Promise<void> {
    this.settle(id);
    const formers = [...this.#leaving].filter(([plugin]) => plugin.id === id);
    await Promise.all(formers.map(([plugin]) => plugin.stop("The plugin is being removed.", 0)));
    await Promise.all(formers.map(([, leaving]) => leaving));
  }

  /** Picks up a probation that a restart of the node has cut off. @param o.failed  the newer release did not come up again */
  resume(active: ManagedPlugin, op: OpRow, { failed }: { failed: boolean }): void {
    const { journal, clock, logs } = this.#o;
    const until = Number(op.payload["until"] ?? 0);
    const kept = journal.kept(active.id).find(({ release }) => release.sha256 === op.payload["from"]);
    if (kept === undefined || active.release.sha256 !== op.payload["to"] || (!failed && until <= clock.now())) {
      return journal.done(op.opId);
    }
    const before = op.payload["before"] as unknown as Outcomes;
    const former = this.#o.manage(kept);
    const succession = new Succession({
      former,
      newer: active,
      clock,
      drainUntil: 0,
      before,
      onFailure: (why) => this.#goBack(active.id, why),
    });
    const watched: Watched = { succession, formerGrants: kept.grants, op: op.opId, timer: undefined };
    this.#watched.set(active.id, watched);
    watched.timer = clock.setTimeout(() => this.settle(active.id), until - clock.now());
    logs.add(active.id, { source: "host", level: "info", message: `${active.release.version} is still on probation.` });
    if (failed) {
      succession.stopWatching();
      this.#goBack(active.id, "It did not start again.");
    }
  }

  /** The node is stopping: former releases end now. What is on probation stays so. */
  async closeAll(): Promise<void> {
    const watched = [...this.#watched.values()];
    this.#watched.clear();
    for (const { timer, succession } of watched) {
      timer?.cancel();
      succession.open();
    }
    const formers = [...watched.map(({ succession }) => succession.former), ...this.#leaving.keys()];
    await Promise.all(formers.map((former) => former.stop("The node is stopping.", 0)));
    await Promise.all(this.#leaving.values());
  }

  /** The switch: checked and compiled first, then one transaction, then one exchange of entries, all in one turn of the event loop. */
  #flip({ from, to, grants }: { from: ManagedPlugin; to: ManagedPlugin; grants: readonly Grant[] }): void {
    const exchange = to.session?.capabilities.prepare();
    const openDoors = to.session?.doors.prepare();
    this.#o.adopt(to, grants);
    const start = performance.now();
    exchange?.(from.session?.capabilities);
    openDoors?.();
    from.session?.doors.letGo();
    const us = Math.round((performance.now() - start) * 1000);
    from.retire();
    to.serve();
    const message = `${to.release.version} has taken over from ${from.release.version}; the switch took ${us} µs.`;
    this.#o.logs.add(to.id, { source: "host", level: "info", message });
  }

  #watch(succession: Succession, o: { formerGrants: Grant[]; before: Outcomes | null; until: number }): void {
    const { journal, clock } = this.#o;
    const { former, newer } = succession;
    const id = newer.id;
    if (o.before === null) return this.#leaveAfter(succession);
    const payload = {
      from: former.release.sha256,
      to: newer.release.sha256,
      until: o.until,
      before: { ...o.before },
    } satisfies JsonObject;
    const op = journal.intent({ pluginId: id, kind: "update", step: "probation", payload });
    const watched: Watched = { succession, formerGrants: o.formerGrants, op, timer: undefined };
    this.#watched.set(id, watched);
    watched.timer = clock.setTimeout(() => this.settle(id), o.until - clock.now());
  }

  /** The newer release is worse: the former one serves again, at once where it still runs. */
  #goBack(id: string, why: string): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.#watched.delete(id);
    watched.timer?.cancel();
    const { former, newer } = watched.succession;
    this.#tell(id, `${newer.release.version} is not kept: ${why} ${former.release.version} comes back.`);
    if (former.running) return this.#goBackNow(watched);
    this.#o.inTurn(id, () => this.#goBackAnew(watched));
  }

  #goBackNow({ succession, formerGrants, op }: Watched): void {
    const { journal, clock, times } = this.#o;
    const { former, newer } = succession;
    const payload = { from: newer.release.sha256, to: former.release.sha256 };
    const flip = journal.intent({ pluginId: newer.id, kind: "return", step: "flip", payload });
    const grants = grantsBack(formerGrants, journal.grants(newer.id));
    former.session?.setGrants(grants);
    this.#flip({ from: newer, to: former, grants });
    journal.setReleaseState(newer.id, newer.release.sha256, "failed");
    journal.done(flip);
    if (op !== null) journal.done(op);
    // Conversations with the release that failed do not go on with it.
    void this.#leave(newer, { until: clock.monotonic() + times.drainMs, conversations: false });
  }

  /** The former release does not run any more, so it is started first; the newer one serves as well as it can meanwhile. */
  async #goBackAnew({ succession, formerGrants, op }: Watched): Promise<void> {
    const { journal } = this.#o;
    const { former, newer } = succession;
    const grants = grantsBack(formerGrants, journal.grants(newer.id));
    try {
      await this.beside(newer, { release: former.release, grants }, "return");
      journal.setReleaseState(newer.id, newer.release.sha256, "failed");
    } catch (error) {
      this.#tell(newer.id, `${former.release.version} did not start: ${HnError.from(error).message}`);
    }
    if (op !== null) journal.done(op);
  }

  #leaveAfter(succession: Succession): void {
    const leaving = this.#leave(succession.former, { until: succession.drainUntil, conversations: true });
    void leaving.finally(() => succession.open());
  }

  /** Ends a release once its calls, and the conversations it may keep, are over; at the latest when their time is. */
  #leave(plugin: ManagedPlugin, o: { until: number; conversations: boolean }): Promise<void> {
    const leaving = this.#drain(plugin, o)
      .catch((error: unknown) =>
        this.#o.logs.add(plugin.id, { source: "host", level: "error", message: HnError.from(error).message }),
      )
      .finally(() => this.#leaving.delete(plugin));
    this.#leaving.set(plugin, leaving);
    return leaving;
  }

  async #drain(plugin: ManagedPlugin, o: { until: number; conversations: boolean }): Promise<void> {
    const { journal, clock } = this.#o;
    const payload = { release: plugin.release.sha256 };
    const op = journal.intent({ pluginId: plugin.id, kind: "drain", step: "stop", payload });
    const left = (): number => o.until - clock.monotonic();
    const { session } = plugin;
    if (session?.process.running === true) {
      if (o.conversations && session.inConversation && left() > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = clock.setTimeout(resolve, left());
        await Promise.race([promise, session.process.ended]);
        timer.cancel();
      } else await session.idle(left());
    }
    await plugin.stop("Another version has taken over.", 0);
    journal.done(op);
  }

  #tell(plugin: string, body: string): void {
    this.#o.logs.add(plugin, { source: "host", level: "warn", message: body });
    this.#o.onNotice({ plugin, title: "An update was taken back", body });
  }
}

function notStarted(error: HnError, { next, former }: { next: StoredRelease; former: StoredRelease }): HnError {
  const message = `Version ${next.version} cannot take over, so ${former.version} runs on. ${error.message}`;
  const plain = error.code === "internal_error" || error.code === "plugin_gone";
  return new HnError(plain ? "plugin_gone" : error.code, {
    ...(plain ? { reason: error.reason === "probe_failed" ? "probe_failed" : "start_failed" } : {}),
    ...(!plain && error.reason !== undefined ? { reason: error.reason } : {}),
    message,
    cause: error,
  });
}
