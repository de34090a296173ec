/** Leads plugins from one release to the next and back: journalled step by step, so that a crash leaves one release. @source plugin-platform §6.2, §6.4 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Grant, JsonObject, StoredRelease, Timer } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Outcomes } from "../broker/index.ts";
import type { Desired, Journal, OpRow } from "../journal/index.ts";
import type { LogStore } from "../log-store.ts";
import type { ManagedPlugin } from "../supervise/index.ts";
import type { DataFolders } from "../data/index.ts";
import type { Ledger } from "../ledger/index.ts";
import { Canary } from "./canary.ts";
import { Fence } from "./fence.ts";
import { grantsBack } from "./grants-back.ts";
import { replace } from "./replacement.ts";
import { canReturn, returnWaits } from "./return.ts";
import { probe } from "./probe.ts";
import { Succession } from "./succession.ts";
import { wayOf, type Step, type Way } from "./way.ts";

export interface UpgradeTimes {
  /** How long running calls and conversations may stay with the former release. */
  drainMs: number;
  /** How long a new release is watched, with the former one at hand. */
  probationMs: number;
  /** How long calls wait while one release has stopped and the next does not serve yet. */
  fenceMs: number;
  /** How long a new release is tried with a share of the calls before it takes over. */
  canaryMs: number;
}

export const UPGRADE_TIMES: UpgradeTimes = { drainMs: 60_000, probationMs: 600_000, fenceMs: 2000, canaryMs: 60_000 };

/** What is idle has left by then. */
const LEAVE_MS = 100;

export interface UpgradeRooms {
  clock: Clock;
  journal: Journal;
  logs: LogStore;
  ledger: Ledger;
  data: DataFolders;
  times: UpgradeTimes;
  /** A plugin that is not the current one yet; `grants` are its rights until it is. */
  manage: (step: Step) => ManagedPlugin;
  /** One transaction: this release is the active one. */
  adopt: (plugin: ManagedPlugin, o: { desired: Desired; grants: readonly Grant[] }) => void;
  /** Deletes data that no release refers to any more. */
  sweep: (id: string) => Promise<void>;
  /** False while it waits for the operator's word. */
  mayRun: (release: StoredRelease) => boolean;
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

export type Kind = "update" | "rollback" | "return";
interface Change {
  kind: Kind;
  payload: { from: string; to: string };
}

export class Upgrades {
  readonly #o: UpgradeRooms;
  readonly #watched = new Map<string, Watched>();
  /** Former releases on their way out. */
  readonly #leaving = new Map<ManagedPlugin, Promise<void>>();
  /** Releases that are tried with a share of the calls. */
  readonly #canaries = new Map<string, Canary>();

  constructor(rooms: UpgradeRooms) {
    this.#o = rooms;
  }

  /** Lets `next` follow the release that serves, in this way. Until it takes over, and when it cannot, the former one serves. @throws as `beside` and `behind` */
  follow(active: ManagedPlugin, next: Step, o: { kind: Kind; way: Way }): Promise<void> {
    return o.way === "beside"
      ? this.beside(active, next, o.kind)
      : this.behind(active, next, { kind: o.kind, first: o.way === "stop-first" });
  }

  /** Makes `next` the installed release where nothing serves that could go on meanwhile. @throws as `replace` */
  replace(active: ManagedPlugin | undefined, next: Step, o: Parameters<typeof replace>[2]): Promise<void> {
    return replace(this.#o, { active, next }, o);
  }

  /**
   * Starts `next` beside the release that serves, looks at it, tries it with a share of the calls, and lets it take over.
   * @throws plugin_gone reason start_failed | probe_failed · what else stands against its start
   */
  async beside(active: ManagedPlugin, next: Step, kind: Kind): Promise<void> {
    const change = { kind, payload: { from: active.release.sha256, to: next.release.sha256 } };
    const serving = active.session?.capabilities.refs ?? [];
    const newer = await this.#start(active, next, { change, serving }).catch((thrown: unknown) => {
      throw notStarted(HnError.from(thrown), { next: next.release, former: active.release });
    });
    if (kind === "update") await this.#try(active, newer, change);
    const { clock, times, journal } = this.#o;
    const drainUntil = clock.monotonic() + times.drainMs;
    try {
      await this.#takeOver({ active, newer, next, change, before: outcomesOf(active), drainUntil });
    } catch (thrown) {
      await newer.stop("It cannot take over.", 0);
      journal.unstage(active.id, next.release.sha256);
      throw notStarted(HnError.from(thrown), { next: next.release, former: active.release });
    }
  }

  /**
   * Lets the former release end before the new one is given its data; calls wait at a fence meanwhile.
   * @param o.first  the two do not fit beside each other: the former ends before the new one starts, and callers are told to come again
   * @throws plugin_gone reason start_failed | probe_failed | migration_failed · internal_error reason data_copy_failed
   * @source plugin-platform §6.4.2 (c), §6.4.7
   */
  async behind(active: ManagedPlugin, next: Step, { kind, first }: { kind: Kind; first: boolean }): Promise<void> {
    const { journal, clock, times } = this.#o;
    const { id } = active;
    const change = { kind, payload: { from: active.release.sha256, to: next.release.sha256 } };
    const serving = active.session?.capabilities.refs ?? [];
    const before = outcomesOf(active);
    const refused = (thrown: unknown): HnError =>
      notStarted(HnError.from(thrown), { next: next.release, former: active.release });
    const early = first
      ? undefined
      : await this.#start(active, next, { change, serving }).catch((thrown: unknown) => {
          throw refused(thrown);
        });
    const fence = new Fence({ clock, waitMs: first ? 0 : times.fenceMs });
    const op = journal.intent({ pluginId: id, step: "fence", ...change });
    const leave = await active.stopBehind(fence.guard, "Another version takes over.");
    let newer = early;
    try {
      newer ??= await this.#start(active, next, { change, serving });
      await newer.takeData();
      await this.#takeOver({ active, newer, next, change, before, drainUntil: clock.monotonic() });
    } catch (thrown) {
      await newer?.stop("It cannot take over.", 0);
      journal.unstage(id, next.release.sha256);
      active.reset();
      await active.start();
      throw refused(thrown);
    } finally {
      fence.lift(newer?.running === true ? newer.session : active.session);
      leave();
      journal.done(op);
    }
  }

  /** Starts a release that does not serve yet. @throws why it could not take over; nothing of it is left then */
  async #start(active: ManagedPlugin, next: Step, o: { change: Change; serving: readonly string[] }): Promise<ManagedPlugin> {
    const { change, serving } = o;
    const { journal } = this.#o;
    const { id } = active;
    const start = journal.intent({ pluginId: id, step: "start", ...change });
    journal.stage(next.release);
    const newer = this.#o.manage(next);
    try {
      await newer.startBeside(({ capabilities }) =>
        probe({ manifest: next.release.manifest, ailment: newer.ailment, serving, registered: capabilities.refs }),
      );
      return newer;
    } catch (thrown) {
      journal.unstage(id, next.release.sha256);
      throw thrown;
    } finally {
      journal.done(start);
    }
  }

  /** A share of the calls first. @throws plugin_gone reason probe_failed; nothing of the newer release is left then */
  async #try(active: ManagedPlugin, newer: ManagedPlugin, change: Change): Promise<void> {
    const { journal, clock, times, logs } = this.#o;
    const { id } = active;
    await nextTurn();
    if (!Canary.isWorthIt(active, times.canaryMs)) return;
    const op = journal.intent({ pluginId: id, step: "canary", ...change });
    const canary = new Canary({ former: active, newer, clock, limitMs: times.canaryMs });
    this.#canaries.set(id, canary);
    logs.add(id, { source: "host", level: "info", message: `${newer.release.version} gets a tenth of the calls first.` });
    try {
      const fault = await canary.verdict;
      if (fault === null) return;
      await newer.stop("It is not kept.", 0);
      journal.unstage(id, newer.release.sha256);
      throw notStarted(new HnError("plugin_gone", { reason: "probe_failed", message: fault }), {
        next: newer.release,
        former: active.release,
      });
    } finally {
      this.#canaries.delete(id);
      journal.done(op);
    }
  }

  /** @throws plugin_gone reason start_failed when the newer release ended at the last moment; the former one serves on then */
  async #takeOver(o: {
    active: ManagedPlugin;
    newer: ManagedPlugin;
    next: Step;
    change: Change;
    before: Outcomes;
    drainUntil: number;
  }): Promise<void> {
    const { journal, clock, times } = this.#o;
    const { active, newer } = o;
    const { id } = active;
    const formerGrants = journal.grants(id);
    const before = o.change.kind === "update" ? o.before : null;
    const flip = journal.intent({ pluginId: id, step: "flip", ...o.change });
    const until = clock.now() + times.probationMs;
    // Of the release that is not the active one yet it says nothing; the flip takes it to the disk.
    const payload = { ...o.change.payload, until, before: { ...before } } satisfies JsonObject;
    const op = before === null ? null : journal.intent({ pluginId: id, kind: "update", step: "probation", payload });
    // Calls that came meanwhile go first: each step of a change takes the only thread for a moment.
    await nextTurn();
    try {
      if (!newer.running) throw new HnError("plugin_gone", { reason: "start_failed", message: "It ended before it served." });
      this.#flip({ from: active, to: newer, grants: o.next.grants });
    } catch (thrown) {
      if (op !== null) journal.done(op);
      throw thrown;
    } finally {
      journal.done(flip);
    }
    const succession = new Succession({
      former: active,
      newer,
      clock,
      drainUntil: o.drainUntil,
      before,
      onFailure: (why) => this.#goBack(id, why),
    });
    if (op === null) return this.#leaveAfter(succession);
    const timer = clock.setTimeout(() => this.settle(id), times.probationMs);
    this.#watched.set(id, { succession, formerGrants, op, timer });
  }

  /** An operator's act does not wait for a trial: what was seen so far decides. */
  hurry(id: string): void {
    this.#canaries.get(id)?.decide();
  }

  /** Whatever still runs of a former release leaves once its calls have ended; the newer one is not sent back any more. */
  settle(id: string): void {
    const { journal } = this.#o;
    // What waited for the operator's word has it now.
    for (const { opId, pluginId, step } of journal.unfinished()) if (step === "ask" && pluginId === id) journal.done(opId);
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.#watched.delete(id);
    watched.timer?.cancel();
    watched.succession.stopWatching();
    if (watched.op !== null) journal.done(watched.op);
    this.#leaveAfter(watched.succession);
  }

  /** Waits a moment for those that leave: a third process of a plugin need not start while its first one, which has nothing left to do, is ending. */
  async left(id: string): Promise<void> {
    const leaving = [...this.#leaving].flatMap(([plugin, left]) => (plugin.id === id ? [left] : []));
    if (leaving.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#o.clock.setTimeout(resolve, LEAVE_MS);
    await Promise.race([Promise.all(leaving), promise]);
    timer.cancel();
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
    for (const canary of this.#canaries.values()) canary.giveUp();
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
    this.#o.adopt(to, { desired: "enabled", grants });
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

  /** The newer release is worse: the former one serves again, at once where it still runs, and not without asking where that loses data. */
  #goBack(id: string, why: string): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.#watched.delete(id);
    watched.timer?.cancel();
    const { former, newer } = watched.succession;
    const losesSince = canReturn(newer.release, former.release) ? null : this.#o.data.lossSince(former.release);
    const target = former.release.version;
    const row = { plugin: id, release: newer.release.version, permission: "", target };
    if (losesSince !== null) {
      this.#o.ledger.act({ ...row, op: "return", verdict: "deny" });
      return this.#o.inTurn(id, () => this.#hold(watched, { why, losesSince }));
    }
    this.#o.ledger.act({ ...row, op: "return", verdict: "allow" });
    this.#tell(id, "An update was taken back", `${newer.release.version} is not kept: ${why} ${target} comes back.`);
    if (former.running) return this.#goBackNow(watched);
    this.#o.inTurn(id, () => this.#goBackAnew(watched));
  }

  /** Stops the newer release and leaves it to the operator which data count. */
  async #hold({ succession, op }: Watched, o: { why: string; losesSince: number }): Promise<void> {
    const { journal, clock } = this.#o;
    const { former, newer } = succession;
    const reason = returnWaits({
      ...o,
      id: newer.id,
      newer: newer.release.version,
      former: former.release.version,
      now: clock.now(),
    });
    const payload = { ...reason } satisfies JsonObject;
    journal.intent({ pluginId: newer.id, kind: "return", step: "ask", payload });
    if (op !== null) journal.done(op);
    await newer.hold(reason);
    this.#tell(newer.id, "An update needs you", `${reason.message ?? ""} ${reason.action ?? ""}`);
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
      const back = { release: former.release, grants };
      const together = wayOf({ release: newer.release, grants: journal.grants(newer.id) }, back);
      // What did not fit beside the former one on the way here does not on the way back.
      const way = newer.release.manifest.update?.strategy === "stop-first" ? "stop-first" : together;
      await this.follow(newer, back, { kind: "return", way });
      journal.setReleaseState(newer.id, newer.release.sha256, "failed");
    } catch (error) {
      this.#tell(
        newer.id,
        "An update could not be taken back",
        `${former.release.version} did not start: ${HnError.from(error).message}`,
      );
    }
    if (op !== null) journal.done(op);
    await this.#o.sweep(newer.id);
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
    await nextTurn();
    journal.done(op);
  }

  #tell(plugin: string, title: string, body: string): void {
    this.#o.logs.add(plugin, { source: "host", level: "warn", message: body });
    this.#o.onNotice({ plugin, title, body });
  }
}

const outcomesOf = ({ session }: ManagedPlugin): Outcomes => ({ ...(session?.outcomes ?? { calls: 0, faults: 0 }) });

function notStarted(error: HnError, { next, former }: { next: StoredRelease; former: StoredRelease }): HnError {
  const message = `Version ${next.version} cannot take over, so ${former.version} runs on. ${error.message}`;
  const plain = error.code === "internal_error" || error.code === "plugin_gone";
  const own = ["probe_failed", "migration_failed", "data_copy_failed"].find((reason) => reason === error.reason);
  return new HnError(plain ? "plugin_gone" : error.code, {
    ...(plain ? { reason: own ?? "start_failed" } : {}),
    ...(!plain && error.reason !== undefined ? { reason: error.reason } : {}),
    message,
    cause: error,
  });
}
