/** One installed plugin over all its lives: started, watched, restarted, stopped. @source plugin-platform §6.1, §6.3 */
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  REMARK_TEXTS,
  REPAIR_TEXTS,
  type ConfinementEvidence,
  type ConfinementLabel,
  type Grant,
  type JsonObject,
  type JsonValue,
  type LocalError,
  type PluginLimits,
  type PluginResources,
  type PluginState,
  type PluginStatus,
  type Reason,
  type Repair,
  type StoredRelease,
  type Timer,
} from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Guard, PanelWish, Session } from "../broker/index.ts";
import type { ViewFeeds } from "../commons/index.ts";
import { collectEvidence, startTicks } from "../confine/index.ts";
import { tierOf, unusable, type Tier } from "../isolate/index.ts";
import { rating } from "../permission/index.ts";
import type { ProcessEnd } from "../process/index.ts";
import { CallBudget } from "../quota/index.ts";
import type { PluginEnvironment } from "./environment.ts";
import { PluginData } from "./plugin-data.ts";
import { feedViews } from "./feed-views.ts";
import { listen } from "./listen.ts";
import { loopReason, RestartPolicy } from "./policy.ts";
import { Schedules } from "./schedules.ts";
import { openSession } from "./session-options.ts";
import { limitsOf } from "./specs.ts";

const DRAIN_MS = 10_000;
const UNHEALTHY_MAX = 3;
/** Of a plugin inside its test's own process: no confinement, no process of its own. */
const NO_EVIDENCE: ConfinementEvidence = {
  label: "none",
  pid: 0,
  seccomp: 0,
  noNewPrivs: 0,
  capEff: "",
  hostUid: -1,
  namespaces: [],
  cgroup: null,
  remarks: [{ id: "in_process", found: "" }],
};

/** What decides whether a plugin may start at all. */
export interface StartFacts {
  release: StoredRelease;
  grants: readonly Grant[];
  /** As the plugin gets it; null while something it needs is not set. */
  config: JsonObject | null;
  bestLabel: ConfinementLabel | null;
}

/** What a release that is followed by another, or follows one, tells whoever watches over the change. */
export interface Watch {
  /** One more call has ended. */
  onOutcome: () => void;
  /** The process ends although nobody asked it to; its places on the bus are not given back yet. */
  onEnding: () => void;
}

export class ManagedPlugin {
  readonly id: string;
  readonly release: StoredRelease;
  readonly #environment: PluginEnvironment;
  readonly #facts: () => StartFacts;
  readonly #policy: RestartPolicy;
  readonly #limits: () => Required<PluginLimits>;
  /** Where its data are. */
  readonly data: PluginData;
  readonly #budget: CallBudget;
  #state: PluginState = "staged";
  #reason: LocalError | null = null;
  #session: Session | undefined;
  #evidence: ConfinementEvidence | null = null;
  #schedules: Schedules | undefined;
  #views: ViewFeeds | undefined;
  #listening: { stop(): void } | undefined;
  /** What its views could not do; null while they are well. */
  #viewFault: string | null = null;
  #backoff: Timer | undefined;
  #activeSince = 0;
  #unhealthy = 0;
  #ailment = "";
  #atCap = false;
  /** Set while another release serves: this one may still run, but nothing starts it again. */
  #retired = false;
  watch: Watch | undefined;
  /** Set while the runtime itself ends the process, so that its end is no crash. */
  #stopping = false;
  #starting: Promise<boolean> | undefined;

  constructor(release: StoredRelease, environment: PluginEnvironment, facts: () => StartFacts) {
    this.id = release.id;
    this.release = release;
    this.#environment = environment;
    this.#facts = facts;
    this.#policy = new RestartPolicy(environment.random);
    this.#limits = () => limitsOf(release.manifest, environment.maxMemoryMb);
    this.data = new PluginData(release, environment);
    this.#budget = new CallBudget({ clock: environment.clock, callsPerMinute: this.#limits().callsPerMinute });
  }

  get state(): PluginState {
    return this.#state;
  }

  get running(): boolean {
    return this.#session?.process.running === true;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** What it uses at this moment; null while it does not run. */
  get resources(): PluginResources | null {
    const session = this.#session;
    if (session === undefined) return null;
    const { diskMb, egressMb } = this.#environment.measures;
    return { ...session.usage(), ...session.figures(), diskMb: diskMb(this.id), egressMb: egressMb(this.id) };
  }

  /** What its health reports say is wrong; null when nothing. */
  get ailment(): string | null {
    return this.#unhealthy === 0 ? null : this.#ailment || "no detail";
  }

  /** Why it would not even be tried; null when nothing stands against it. */
  get refusal(): { state: PluginState; error: LocalError } | null {
    return this.#refusal(this.#facts());
  }

  /**
   * Starts it beside the release that serves: it offers nothing and counts no crash. `serve` makes it the one that serves. Data of which it gets a
   * copy are not there yet; `takeData` brings them.
   * @param probe  looks at the running process and throws what is wrong with it
   * @throws why it cannot serve; it is gone then
   */
  async startBeside(probe: (session: Session) => void): Promise<void> {
    const facts = this.#facts();
    const refusal = this.#refusal(facts);
    if (refusal !== null) throw HnError.fromLocal(refusal.error);
    this.#retired = true;
    this.#set("starting", null);
    try {
      await this.#environment.admit(facts.release);
      await this.#open(facts, { beside: true, probe });
    } catch (error) {
      this.#session = undefined;
      this.#set("start_failed", HnError.from(error).toLocal());
      throw error;
    }
  }

  /** Gives a process that was started beside another its data, now that nobody writes them. @throws data_copy_failed · migration_failed */
  async takeData(): Promise<void> {
    const session = this.#session;
    if (session === undefined) throw new HnError("plugin_gone");
    if (!this.data.awaited) return;
    await this.data.fill();
    await this.data.open(session);
  }

  /** Its schedules rest and its end is no crash any more; calls that it has go on. */
  retire(): void {
    this.#retired = true;
    this.#schedules?.stop();
    this.#listening?.stop();
    if (this.#session !== undefined) this.#set("draining", null);
  }

  /** From now on it is the one that serves; its offers are on the bus already. */
  serve(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#retired = false;
    this.#activeSince = this.#environment.clock.monotonic();
    session.warmUp();
    this.data.watch(session, (error) => this.#full(error));
    this.#schedules = new Schedules({
      plugin: this.release.manifest,
      session,
      environment: this.#environment,
      pluginId: this.id,
    });
    this.#listening = listen({ release: this.release, session, environment: this.#environment });
    this.#set("active", null);
    this.#judgeHealth();
  }

  status(desired: PluginStatus["desired"]): PluginStatus {
    const { release, grants } = this.#facts();
    const { manifest } = release;
    const label = this.#evidence?.label ?? null;
    const now = this.#environment.clock.now();
    // What is asked for each time can be allowed each time.
    const allowed = grants.filter(
      ({ mode, expires }) => (mode === "allow" || mode === "ask") && (expires === undefined || expires > now),
    );
    const session = this.#session;
    return {
      id: this.id,
      version: release.version,
      sha256: release.sha256,
      publisherKeyId: release.publisherKeyId,
      displayName: manifest.displayName,
      description: manifest.description,
      kind: manifest.kind,
      tier: this.#tier(release),
      overrides: this.#environment.overrides.of(release),
      state: this.#state,
      desired,
      label,
      evidence: this.#evidence,
      rating: rating(allowed, label ?? this.#environment.report.label, manifest.contributes.capabilities ?? []),
      offers: session?.capabilities.refs ?? [],
      routes: session?.doors.routes ?? [],
      resources: this.resources,
      reason: this.#reason,
      data: this.data.use,
      needsConsent: this.#environment.journal.awaitsConsent(this.id),
      trialUntil: this.#environment.rights.trials.running.get(this.id)?.until ?? null,
    };
  }

  /**
   * Starts it once. Resolves when it is active or has failed; a failure is in the status and, unless it is final, another start is planned.
   * @returns true when it is active
   */
  async start(): Promise<boolean> {
    this.#backoff?.cancel();
    if (this.#session !== undefined) return this.running;
    this.#starting ??= this.#startOnce().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #startOnce(): Promise<boolean> {
    const facts = this.#facts();
    const service = facts.release.manifest.kind === "service";
    const refusal = service ? this.#refusal(facts) : null;
    if (refusal !== null) {
      this.#set(refusal.state, refusal.error);
      return false;
    }
    this.#set("starting", null);
    this.#stopping = false;
    this.#retired = false;
    this.#unhealthy = 0;
    this.#atCap = false;
    if (!(await this.#admitted(facts.release)) || this.#stopping) return false;
    if (!service) {
      this.#set("active", null);
      return true;
    }
    try {
      await this.#open(facts, {
        beside: false,
        probe: (session) => {
          const openDoors = session.doors.prepare();
          session.capabilities.publish();
          openDoors();
        },
      });
      this.serve();
      return true;
    } catch (error) {
      if (!this.#stopping) this.#failed(HnError.from(error), { failedStart: true, ranForMs: 0 });
      return false;
    }
  }

  async #admitted(release: StoredRelease): Promise<boolean> {
    try {
      await this.#environment.admit(release);
      return true;
    } catch (thrown) {
      const error = HnError.from(thrown);
      if (this.#stopping) return false;
      if (error.code === "invalid_signature" || error.code === "revoked") this.#lockAway(error.toLocal());
      else this.#failed(error, { failedStart: true, ranForMs: 0 });
      return false;
    }
  }

  /** Ends it and locks it away until the operator acts; its data stays. */
  async quarantine(reason: LocalError): Promise<void> {
    await this.stop(reason.message ?? "It was locked away.");
    this.#lockAway(reason);
  }

  #lockAway(reason: LocalError): void {
    this.#environment.logs.add(this.id, { source: "host", level: "error", message: reason.message ?? "It was locked away." });
    this.#set("quarantined", reason);
  }

  /** Ends it until the operator has decided something. */
  async hold(reason: LocalError, state: "stopped" | "over_quota" = "stopped"): Promise<void> {
    await this.stop(reason.message ?? "It was stopped.", 0);
    this.#set(state, reason);
  }

  /** Drains and ends it. The state afterwards is `stopped` unless the caller sets another. */
  async stop(why: string, drainMs: number = DRAIN_MS): Promise<void> {
    this.#backoff?.cancel();
    this.#backoff = undefined;
    this.#schedules?.stop();
    this.#listening?.stop();
    this.#views?.stop();
    const session = this.#session;
    this.#stopping = true;
    if (session === undefined) await this.#starting;
    else {
      if (session.process.running) this.#set("draining", null);
      await session.stop(why, drainMs);
    }
    this.#session = undefined;
    this.#set("stopped", null);
  }

  /**
   * Lets running calls end and stops, but keeps its places on the bus, where `guard` answers from now on.
   * @returns gives up the places that no other process has taken meanwhile
   */
  async stopBehind(guard: Guard, why: string): Promise<() => void> {
    const session = this.#session;
    if (session === undefined) {
      await this.stop(why);
      return () => {};
    }
    session.guard = guard;
    if (session.process.running) this.#set("draining", null);
    const places = session.capabilities.surrender();
    const leaveDoors = session.doors.surrender();
    await session.idle(DRAIN_MS);
    await this.stop(why, 0);
    return () => {
      for (const place of places) place.withdraw();
      leaveDoors();
    };
  }

  /** The operator's act: former crashes no longer count. */
  reset(): void {
    this.#policy.reset();
    this.#environment.journal.resetCrashes(this.id);
    if (this.#state === "crash_looped") this.#set("staged", null);
  }

  /** @throws not_implemented when it has no program · plugin_gone · what the plugin reports */
  async panel(wish: PanelWish, o: { requestId: string; signal: AbortSignal }): Promise<JsonValue> {
    if (this.release.manifest.kind !== "service")
      throw new HnError("not_implemented", { message: "This panel has no program behind it that could answer." });
    if (this.#session === undefined || !this.running)
      throw new HnError("plugin_gone", { message: "The plugin does not run, so its panel cannot ask it anything." });
    return this.#session.doors.panel(wish, o);
  }

  setGrants(grants: readonly Grant[]): void {
    this.#session?.setGrants(grants);
    this.#views?.ring();
    this.#environment.onChange(this.id);
  }

  #tier(release: StoredRelease): Tier {
    return tierOf(release.manifest.tier, this.#environment.overrides.of(release).ownProcess);
  }

  #refusal({ release, bestLabel, config, grants }: StartFacts): { state: PluginState; error: LocalError } | null {
    const { report, journal, clock, isolates, overrides } = this.#environment;
    const isolated = this.#tier(release) === "isolate";
    const block = (reason: Reason): { state: PluginState; error: LocalError } => ({
      state: "blocked_by_policy",
      error: new HnError("confinement", { reason, ...repairHint(report.repairs) }).toLocal(),
    });
    const confined = report.label === "os" || report.label === "os+cgroup";
    if (!overrides.mayRun(release) || (!confined && isolated)) return block("confinement_missing");
    if (!confined && bestLabel !== null && bestLabel !== "seat-belt" && bestLabel !== "none") return block("confinement_lowered");
    if (isolated && isolates.missing !== null) return { state: "incompatible", error: unusable(isolates.missing).toLocal() };
    const why = loopReason(journal.crashes(this.id), clock.now());
    if (why !== null) {
      return {
        state: "crash_looped",
        error: new HnError("plugin_gone", { reason: "crash_looped", message: `${why} It was stopped.` }).toLocal(),
      };
    }
    try {
      this.#environment.checkMounts(grants);
    } catch (error) {
      return { state: "blocked_by_policy", error: HnError.from(error).toLocal() };
    }
    if (config === null) {
      const message = "The plugin needs settings before it can start.";
      return {
        state: "needs_config",
        error: new HnError("schema_mismatch", { message, action: "Fill in its settings." }).toLocal(),
      };
    }
    return null;
  }

  async #open(facts: StartFacts, { beside, probe }: { beside: boolean; probe: (session: Session) => void }): Promise<void> {
    const dataDir = this.data.prepare(facts);
    if (!beside) await this.data.fill();
    if (this.#stopping && !beside) throw new HnError("plugin_gone", { reason: "start_failed" });
    const session = this.#openSession(facts, dataDir);
    this.#session = session;
    const { launched } = session.process;
    this.#environment.journal.processStarted({ pid: launched.pid, startTicks: startTicks(launched.pid) ?? 0, pluginId: this.id });
    try {
      await session.process.ready;
      this.#set("probing", null);
      this.#judge(facts, session);
      // Calls of others go first: what a start does takes the only thread for a moment each time.
      await nextTurn();
      if (!this.data.awaited) await this.data.open(session);
      this.#viewFault = null;
      await feedViews({
        release: facts.release,
        session,
        environment: this.#environment,
        onOpen: (views) => (this.#views = views),
        onFault: (fault) => this.#viewsAre(fault),
      });
      probe(session);
      if (!session.process.running) throw new HnError("plugin_gone", { reason: "start_failed" });
    } catch (error) {
      session.process.kill("killed", error instanceof Error ? error.message : "It could not be started.");
      await session.process.ended;
      throw error;
    }
  }

  #viewsAre(fault: string | null): void {
    this.#viewFault = fault;
    this.#judgeHealth();
  }

  /** Reads the evidence. A plugin that may only run confined and is not, does not run. @throws confinement */
  #judge({ release, bestLabel }: StartFacts, session: Session): void {
    const { report, journal, inProcess, overrides } = this.#environment;
    if (inProcess) {
      this.#evidence = NO_EVIDENCE;
      return;
    }
    const pid = session.process.launched.nodePid();
    if (pid === null)
      throw new HnError("plugin_gone", { reason: "start_failed", message: "The plugin's process could not be found." });
    const evidence = collectEvidence(pid, report.asRoot);
    this.#evidence = evidence;
    const confined = evidence.label === "os" || evidence.label === "os+cgroup";
    const spared =
      overrides.mayRun(release) &&
      evidence.label === "seat-belt" &&
      report.label === "seat-belt" &&
      this.#tier(release) === "process";
    if (!confined && !spared) {
      throw new HnError("confinement", {
        reason: "confinement_missing",
        message: `The plugin was not confined: ${evidence.remarks.map(({ id, found }) => REMARK_TEXTS[id](found)).join("; ")}.`,
      });
    }
    if (!confined && bestLabel !== null && bestLabel.startsWith("os"))
      throw new HnError("confinement", { reason: "confinement_lowered" });
    journal.recordEvidence(this.id, release.sha256, evidence);
  }

  #openSession(facts: StartFacts, dataDir: string | null): Session {
    return openSession({
      environment: this.#environment,
      facts,
      dataDir,
      limits: this.#limits(),
      isolated: this.#tier(facts.release) === "isolate",
      budget: this.#budget,
      happens: {
        onHealth: (ok, detail) => this.#health(ok, detail),
        onAtCap: (atCap) => {
          this.#atCap = atCap;
          this.#judgeHealth();
        },
        onOutcome: () => this.watch?.onOutcome(),
        onEnding: () => this.#stopping || this.watch?.onEnding(),
        onEnd: (end) => this.#ended(end),
      },
    });
  }

  #health(ok: boolean, detail: string): void {
    this.#unhealthy = ok ? 0 : this.#unhealthy + 1;
    this.#ailment = detail;
    this.#judgeHealth();
  }

  /** It serves on; what the operator should know stands beside it. */
  #judgeHealth(): void {
    const ill =
      this.#unhealthy >= UNHEALTHY_MAX
        ? new HnError("internal_error", { message: `The plugin reports a problem: ${this.#ailment || "no detail"}.` })
        : this.#viewFault !== null
          ? new HnError("internal_error", { message: this.#viewFault })
          : this.#atCap
            ? new HnError("quota_exceeded", { reason: "cpu_limit" })
            : null;
    if (ill === null && this.#unhealthy === 0 && this.#state === "degraded") this.#set("active", null);
    if (ill !== null && this.#state === "active") this.#set("degraded", ill.toLocal());
  }

  /** What it has filled it would fill again: it is not started anew by itself. */
  #full(error: HnError): void {
    const { logs, onNotice } = this.#environment;
    logs.add(this.id, { source: "host", level: "error", message: error.message });
    onNotice({ plugin: this.id, title: "A plugin was stopped", body: `${error.message} ${error.action}` });
    // On probation the release before takes over.
    this.watch?.onEnding();
    void this.hold(error.toLocal(), "over_quota");
  }

  #ended(end: ProcessEnd): void {
    const session = this.#session;
    this.#schedules?.stop();
    this.data.unwatch();
    this.#listening?.stop();
    this.#views?.stop();
    this.#environment.journal.processEnded(session?.process.launched.pid ?? 0);
    const wasActive = this.#state === "active" || this.#state === "degraded";
    this.#session = undefined;
    this.#environment.logs.add(this.id, {
      source: "host",
      level: this.#stopping ? "info" : "error",
      message: this.#stopping ? `Stopped. ${end.detail}` : end.detail,
    });
    if (this.#stopping || this.#retired || !wasActive) return;
    const ranForMs = this.#environment.clock.monotonic() - this.#activeSince;
    this.#failed(endError(end), { failedStart: false, ranForMs });
  }

  #failed(error: HnError, o: { failedStart: boolean; ranForMs: number }): void {
    const { journal, clock, logs } = this.#environment;
    const { release } = this;
    this.#session = undefined;
    if (error.code === "confinement") {
      this.#set("blocked_by_policy", error.toLocal());
      return;
    }
    journal.recordCrash(this.id, { release: release.sha256, failedStart: o.failedStart, why: error.message });
    if (o.failedStart) logs.add(this.id, { source: "host", level: "error", message: error.message });
    const verdict = this.#policy.afterCrash({ record: journal.crashes(this.id), now: clock.now(), ranForMs: o.ranForMs });
    if (verdict.kind === "crash_looped") {
      const looped = new HnError("plugin_gone", { reason: "crash_looped", message: `${verdict.why} Last: ${error.message}` });
      this.#set("crash_looped", looped.toLocal());
      return;
    }
    this.#set(error.reason === "over_quota" ? "over_quota" : "backoff", error.toLocal());
    this.#backoff = clock.setTimeout(() => void this.start(), verdict.delayMs);
  }

  #set(state: PluginState, reason: LocalError | null): void {
    this.#state = state;
    this.#reason = reason;
    this.#environment.onChange(this.id);
  }
}

function endError(end: ProcessEnd): HnError {
  switch (end.cause) {
    case "hung":
    case "protocol_error":
      return new HnError("plugin_gone", { reason: end.cause, message: end.detail });
    case "over_quota":
      return new HnError("quota_exceeded", { reason: "over_quota", message: end.detail });
    default:
      return new HnError("plugin_gone", { message: end.detail });
  }
}

function repairHint(repairs: readonly Repair[]): { action?: string } {
  const repair = repairs.find(({ id }) => id !== "root");
  if (repair === undefined) return {};
  const { title, fix } = REPAIR_TEXTS[repair.id](repair.found);
  return { action: `${title} ${fix}` };
}
