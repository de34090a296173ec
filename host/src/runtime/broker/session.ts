/** One life of one plugin: its process, its calls, its ops, its offers, its workers. @source plugin-platform §5, §6.3 */
import { isProviderFault } from "../../bus/index.ts";
import type {
  Cancellation,
  DispatchedCall,
  Grant,
  Handler,
  HostMessage,
  JsonObject,
  PermissionName,
} from "../../contract/index.ts";
import { HnError, TokenBucket } from "../../foundation/index.ts";
import { protocolError, type Attachments } from "../../format/index.ts";
import { Network, type EgressFigures } from "../net/index.ts";
import { GrantModes, Undecided, type GrantTable } from "../permission/index.ts";
import {
  ConfinedProcess,
  fromPlugin,
  LogBudget,
  ProgramPool,
  WorkerPool,
  type Incoming,
  type ProcessEnd,
} from "../process/index.ts";
import { CallRate } from "./call-rate.ts";
import { CapabilityShelf } from "./capabilities.ts";
import { PluginDoors } from "./doors.ts";
import { Conversations } from "./conversations.ts";
import { DhtDesk } from "./dht-desk.ts";
import { APPENDS_PER_HOUR, PUSHES_PER_MINUTE } from "./event-ops.ts";
import { HeldWorkers } from "./held-workers.ts";
import { AGREEMENTS_PER_MINUTE } from "./identity-ops.ts";
import { LiveCalls, type CallEnd } from "./live-calls.ts";
import { OpDesk } from "./op-desk.ts";
import { Questions } from "./questions.ts";
import { callQuestion, type HandedCall, type Question } from "./question.ts";
import type { PluginScope } from "./scope.ts";
import { Wishes } from "./wishes.ts";
import type { CallFigures, Guard, Outcomes, SessionOptions } from "./session-options.ts";

/** `name@X.Y`, as a capability is registered. */
const CALL_REF = /^[a-z][a-z0-9_.]*@\d/;
const CONFIG_MS = 10_000;
const OPEN_MS = 30_000;
const MIGRATION_MS = 600_000;
const NO_RIGHTS = new GrantModes([], () => 0);
const STRIKES_MAX = 3;
const STRIKE_WINDOW_MS = 60_000;
const SAMPLES = 256;

export class Session {
  readonly process: ConfinedProcess;
  readonly capabilities: CapabilityShelf;
  readonly doors: PluginDoors;
  readonly wishes: Wishes;
  readonly metrics: Map<string, number> = new Map();
  readonly outcomes: Outcomes = { calls: 0, faults: 0 };
  /** Set while one release follows another. */
  guard: Guard | undefined;
  readonly #options: SessionOptions;
  readonly #calls: LiveCalls;
  readonly #ops: OpDesk;
  readonly #network: Network;
  readonly #dht: DhtDesk;
  readonly #pools = new Map<string, WorkerPool | ProgramPool>();
  readonly questions: Questions;
  #grants: GrantModes;
  #strikes: number[] = [];
  #draining = false;
  /** Its data are being brought to a new layout: it has nothing else meanwhile. */
  #migrating = false;
  #count = 0;
  /** Milliseconds of the last calls; the oldest is written over. */
  readonly #samples: number[] = [];
  #sampled = 0;
  /** By the way in: over the bus, and through the plugin's own doors. */
  readonly #rates = { bus: new CallRate(), doors: new CallRate() };
  readonly #logBudget: LogBudget;
  readonly #conversations = new Conversations();
  #onIdle: (() => void) | undefined;
  readonly #unwatch: () => void;

  /** @throws Error when the process cannot be started at all */
  constructor(options: SessionOptions) {
    this.#options = options;
    this.#grants = new GrantModes(options.grants, () => options.clock.now());
    const { clock, bus, release, limits } = options;
    this.#logBudget = new LogBudget(clock, (text) => options.onLine({ source: "host", level: "warn", text }));
    this.capabilities = new CapabilityShelf({
      release,
      bus,
      handler: (ref) => this.#handler(ref),
      onBadAnswer: () => this.#badAnswer(),
    });
    this.wishes = new Wishes({ ...options, modes: () => this.#modes() });
    this.doors = new PluginDoors({
      release,
      mounts: options.mounts,
      clock,
      wishes: this.wishes,
      callTimeoutMs: limits.callTimeoutMs,
      isOpen: () => !this.#draining && this.process.running,
      ask: async (question, cancellation) => {
        this.#admitQuestion(question);
        return this.#calls.ask(question, cancellation);
      },
      follow: (question, cancellation) => {
        if (!this.process.features.has("http.socket"))
          throw new HnError("not_implemented", { message: "Its runner speaks no WebSocket." });
        this.#admitQuestion(question);
        return this.#calls.follow(question, cancellation);
      },
      onAllowed: options.onAllowed,
      onDenied: options.onDenied,
      onFault: (text) => options.onLine({ source: "stderr", level: "warn", text }),
      onPanel: options.onPanel,
    });
    this.process = new ConfinedProcess({
      launcher: options.launcher,
      spec: options.spec,
      clock,
      limits,
      pings: true,
      init: ({ paths }) => this.#init(paths),
      onMessage: (message, attachments) => this.#receive(message, attachments),
      onLine: options.onLine,
      logBudget: this.#logBudget,
      measure: options.measure,
      onAtCap: options.onAtCap,
      onEnd: (end) => this.#ended(end),
    });
    this.#unwatch = options.commons.availability.watch(
      (flags) => this.process.features.has("availability") && this.#send({ t: "availability", flags }),
    );
    this.questions = new Questions({ channel: () => this.process.channel, clock });
    this.#calls = new LiveCalls({
      process: this.process,
      clock,
      onStrike: (why) => this.#strike(why),
      onDeadline: () => options.watchdogMs !== undefined && this.process.probe(options.watchdogMs),
      onEnd: (end) => this.#callEnded(end),
    });
    this.#dht = new DhtDesk(options.commons.dht, clock);
    this.#network = new Network({
      settings: options.settings,
      meter: options.egress,
      ways: options.ways,
      clock,
    });
    this.#ops = new OpDesk({
      process: this.process,
      clock,
      calls: this.#calls,
      scope: this.#scope(),
      modes: () => this.#modes(),
      ask: options.ask,
      onDenied: options.onDenied,
      onQuota: options.onQuota,
      onAllowed: options.onAllowed,
      onSimulated: options.onSimulated,
      onPassed: (check) => options.trial()?.(check),
      onStrike: (why) => this.#strike(why),
    });
  }

  get grants(): GrantTable {
    return this.#modes().allowed;
  }

  #modes(): GrantModes {
    return this.#migrating ? NO_RIGHTS : this.#grants;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  /** True when this process has begun the conversation that the call belongs to. */
  holds(ref: string, call: DispatchedCall): boolean {
    return this.#conversations.holds(ref, call, this.#options.clock.monotonic());
  }

  /** True while a conversation that it holds may go on. */
  get inConversation(): boolean {
    return this.#conversations.isOpen(this.#options.clock.monotonic());
  }

  /** Resolves when no call is in flight, at the latest after the time. */
  async idle(limitMs: number): Promise<void> {
    if (this.#calls.size === 0 || limitMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimeout(resolve, limitMs);
    this.#onIdle = resolve;
    await promise;
    timer.cancel();
  }

  get busCallsPerMinute(): number {
    return this.#rates.bus.lastMinute(this.#options.clock.monotonic());
  }

  figures(): CallFigures {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const at = (share: number): number =>
      Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
    const callsPerMinute = this.busCallsPerMinute + this.#rates.doors.lastMinute(this.#options.clock.monotonic());
    const strikes = this.#recentStrikes().length;
    return { calls: this.#count, callsPerMinute, queue: this.#calls.size, p50Ms: at(0.5), p99Ms: at(0.99), strikes };
  }

  /** Memory, processor and processes of the plugin and its workers together. */
  usage(): { rssMb: number; cpuPercent: number; pids: number } {
    return [...this.#pools.values()].reduce(
      (sum, pool) => {
        const part = pool.usage();
        return { rssMb: sum.rssMb + part.rssMb, cpuPercent: sum.cpuPercent + part.cpuPercent, pids: sum.pids + part.pids };
      },
      { ...this.process.usage },
    );
  }

  /** What it has sent and got over the network, former lives included. */
  egress(): EgressFigures {
    return this.#network.egress();
  }

  /** Warm workers wait from now on. Called once the plugin is active. */
  warmUp(): void {
    for (const { name, warm } of this.#options.release.manifest.contributes.workers ?? []) {
      if ((warm ?? 0) > 0 && this.#allowsWorker(name)) this.#pool(name);
    }
  }

  /** @returns what the plugin did with it; `restart` also when it failed or took longer than 10 s */
  async setConfig(config: JsonObject): Promise<"applied" | "restart"> {
    // An endpoint that is no longer in the settings is no longer granted.
    this.#network.recheck();
    try {
      const answer = await this.questions.ask((id) => ({ t: "config", id, config }), CONFIG_MS);
      return answer === "applied" ? "applied" : "restart";
    } catch {
      return "restart";
    }
  }

  /**
   * Tells the plugin that its data are there. While it brings them from one layout to the next it has no rights but that.
   * @throws what the plugin reports · plugin_gone · timeout
   * @source plugin-platform §6.4.2, §6.4.8
   */
  async openData({ from, to }: { from: number; to: number }): Promise<void> {
    this.#migrating = from !== 0 && from !== to;
    try {
      if (this.process.features.has("data.open"))
        await this.questions.ask((id) => ({ t: "data.open", id, from, to }), this.#migrating ? MIGRATION_MS : OPEN_MS);
      else if (this.#migrating)
        throw new HnError("not_implemented", { message: "Its runner cannot bring data to a new layout." });
    } finally {
      this.#migrating = false;
    }
  }

  /** One tick of a declared schedule; failures go to the plugin's log. */
  async schedule(name: string, timeoutMs: number): Promise<void> {
    await this.questions.ask((id) => ({ t: "schedule", id, name }), timeoutMs);
  }

  /** A call to the role that the plugin holds; `frames` follow it. The stream's return value is the `done` summary. */
  role(call: HandedCall, cancellation: Cancellation): ReturnType<Handler> {
    if (this.#draining) throw new HnError("capacity_exceeded", { message: "The plugin is being stopped.", retryAfterMs: 1000 });
    const ref = `role:${call.role?.name ?? ""}`;
    return this.#put(callQuestion(ref, call), cancellation);
  }

  /** Live: the next op is decided under the new grants, what runs on a lost one ends. @source §3.4.3 */
  setGrants(grants: readonly Grant[]): void {
    const { clock, commons, release } = this.#options;
    this.#grants = new GrantModes(grants, () => clock.now());
    commons.availability.retract((by, flag) => by !== release.id || this.grants.mayDeclare(flag));
    this.capabilities.withdrawUnless((name) => this.#mayNotProvide(name) === undefined);
    // What came through a route or a panel is the doors' own affair.
    this.#calls.cancelUnless((ref) => (CALL_REF.test(ref) ? this.#mayNotProvide(ref.split("@")[0] ?? ref) : undefined));
    if (!isLeft(this.#modes(), "dht.advertise")) this.#dht.retract();
    this.doors.setGrants();
    this.#ops.revoke();
    this.#network.recheck();
    for (const [name, pool] of this.#pools) {
      if (this.#allowsWorker(name)) continue;
      this.#pools.delete(name);
      void pool.close();
    }
    this.#send({ t: "grants", grants: shown(grants, clock.now()) });
  }

  /** No new calls, the running ones end, then the process goes. */
  async stop(why: string, drainMs: number): Promise<ProcessEnd> {
    this.#draining = true;
    this.capabilities.withdrawAll();
    this.doors.withdraw();
    if (this.process.running && this.#calls.size > 0) await this.process.drain(drainMs);
    this.#calls.cancelAll(why);
    await this.#closePools();
    return this.process.stop(why, this.#options.limits.shutdownMs);
  }

  #init(paths: ConfinedProcess["launched"]["paths"]): HostMessage {
    const { release, config, grants, expectedLabel, identity, spec, clock } = this.#options;
    const { flags } = this.#options.commons.availability;
    const mounts = spec.mounts.map(({ name }, index) => [name, paths.mounts[index]?.path ?? ""]);
    return {
      t: "init",
      plugin: {
        id: release.id,
        version: release.version,
        label: expectedLabel,
        entry: `${paths.packageDir}/${release.manifest.entry.main ?? ""}`,
        assetsDir: paths.assetsDir,
        dataDir: paths.dataDir,
        ...(mounts.length === 0 ? {} : { mounts: Object.fromEntries(mounts) as Record<string, string> }),
        nodeId: identity.nodeId,
        communityId: identity.communityId(),
      },
      config,
      grants: shown(grants, clock.now()),
      dataSchema: release.manifest.data?.schemaVersion ?? 0,
      ...(Object.keys(flags).length === 0 ? {} : { availability: flags }),
    };
  }

  /**
   * Hands a call to this process.
   * @param ref  `name@X.Y` as registered
   * @throws capacity_exceeded · rate_limited · what the plugin reports
   */
  dispatch(ref: string, call: DispatchedCall, cancellation: Cancellation): ReturnType<Handler> {
    if (this.#options.trial() !== undefined && !this.#isOfThisNode(call.caller))
      throw new HnError("unauthorized", { reason: "trial_run" });
    const now = this.#admit(call.caller, this.#rates.bus);
    this.#conversations.note(ref, call, now);
    return this.#put(callQuestion(ref, call), cancellation, now);
  }

  #put(question: Question, cancellation: Cancellation, now?: number): ReturnType<Handler> {
    return question.call.stream ? this.#calls.follow(question, cancellation) : this.#calls.ask(question, cancellation, now);
  }

  /** What comes through the plugin's own doors counts as a call does. */
  #admitQuestion(question: Question): void {
    if (this.#options.trial() !== undefined && question.via !== "panel" && !this.#isOfThisNode(question.call.caller))
      throw new HnError("unauthorized", { reason: "trial_run" });
    this.#admit(question.call.caller, this.#rates.doors);
  }

  /** @returns the time at which it came, monotonic milliseconds */
  #admit({ kind }: DispatchedCall["caller"], rate: CallRate): number {
    if (this.#draining) throw new HnError("capacity_exceeded", { message: "The plugin is being stopped.", retryAfterMs: 1000 });
    const now = this.#options.clock.monotonic();
    this.#options.budget.takeIn(kind === "stranger" ? "strangers" : "known");
    this.#count += 1;
    rate.note(now);
    return now;
  }

  #handler(ref: string): Handler {
    return (call, cancellation) => {
      const { guard } = this;
      return guard === undefined ? this.dispatch(ref, call, cancellation) : guard(ref, call, cancellation);
    };
  }

  /** In a trial run nobody else is answered. @source plugin-platform §3.4.5 */
  #isOfThisNode({ kind, node_id }: DispatchedCall["caller"]): boolean {
    return kind === "self" || (kind === "plugin" && node_id === this.#options.identity.nodeId);
  }

  #receive(message: Incoming, attachments: Attachments): void {
    switch (message.t) {
      case "result":
      case "done":
        return this.#calls.receive(message, attachments);
      case "frame":
        // Even ids are calls of ours, odd ones the plugin's own ops.
        return message.id % 2 === 0 ? this.#calls.receive(message, attachments) : this.#ops.frame(message, attachments);
      case "frame.end":
        return this.#ops.frame(message, attachments);
      case "error":
        return this.questions.has(message.id)
          ? this.questions.refuse(message.id, fromPlugin(message))
          : this.#calls.receive(message, attachments);
      case "ok":
        return this.questions.answer(message.id, message.value, attachments);
      case "op":
        return this.#ops.receive(message, attachments);
      case "cancel":
        return this.#ops.cancel(message.id);
      case "credit":
        return (message.id % 2 === 0 ? this.#calls : this.#ops).credit(message.id, message.frames ?? 0);
      default:
        throw protocolError(`A plugin does not send ${message.t}.`);
    }
  }

  #scope(): PluginScope {
    const { release, identity, bus, clock, kv, budget, deriveKey, onAllowed, onHealth, onNotify } = this.#options;
    return {
      pluginId: release.id,
      identity,
      bus,
      clock,
      grants: () => this.grants,
      capabilities: this.capabilities,
      kv,
      network: this.#network,
      deriveKey,
      onUsed: (use) => onAllowed({ ...use, bytesIn: 0, bytesOut: 0, denied: false }),
      budget,
      commons: this.#options.commons,
      appends: new TokenBucket({ perSecond: APPENDS_PER_HOUR / 3600, capacity: APPENDS_PER_HOUR, now: clock.monotonic() }),
      pushes: new TokenBucket({ perSecond: PUSHES_PER_MINUTE / 60, capacity: PUSHES_PER_MINUTE, now: clock.monotonic() }),
      agreements: new TokenBucket({
        perSecond: AGREEMENTS_PER_MINUTE / 60,
        capacity: AGREEMENTS_PER_MINUTE,
        now: clock.monotonic(),
      }),
      dht: this.#dht,
      runWorker: (name, work) => this.#pool(name).run(work),
      holdWorker: (name) => this.#pool(name).hold(),
      heldWorkers: new HeldWorkers(),
      onHealth,
      onNotify,
      onMetric: (name, by) => {
        if (this.metrics.has(name) || this.metrics.size < 256) this.metrics.set(name, (this.metrics.get(name) ?? 0) + by);
      },
    };
  }

  #pool(name: string): WorkerPool | ProgramPool {
    const known = this.#pools.get(name);
    if (known !== undefined) return known;
    const { release, workerLauncher, workerSpec, program, clock, cores, onLine } = this.#options;
    const declaration = release.manifest.contributes.workers?.find((worker) => worker.name === name);
    if (declaration === undefined) throw new HnError("not_found", { message: `The manifest declares no worker ${name}.` });
    const { exec, limits } = declaration;
    const options = {
      launcher: workerLauncher,
      spec: workerSpec({ memoryMb: limits.memoryMb, pids: limits.pids ?? 32, isProgram: exec !== undefined }),
      declaration,
      cores,
      clock,
      onLine,
      logBudget: this.#logBudget,
    };
    const pool = exec === undefined ? new WorkerPool(options) : new ProgramPool({ ...options, program: () => program(exec) });
    this.#pools.set(name, pool);
    return pool;
  }

  #allowsWorker(name: string): boolean {
    try {
      this.grants.worker(name);
      return true;
    } catch {
      return false;
    }
  }

  /** Why it may not offer this name; undefined when it may. */
  #mayNotProvide(name: string): HnError | undefined {
    try {
      this.grants.provide(name);
      return undefined;
    } catch (error) {
      return HnError.from(error);
    }
  }

  #strike(why: string): void {
    const now = this.#options.clock.monotonic();
    this.#options.onLine({ source: "stderr", level: "warn", text: why });
    this.#strikes = [...this.#recentStrikes(), now];
    if (this.#strikes.length >= STRIKES_MAX) this.process.kill("hung", `${STRIKES_MAX} strikes in a minute. ${why}`);
  }

  #recentStrikes(): number[] {
    const now = this.#options.clock.monotonic();
    return this.#strikes.filter((at) => now - at < STRIKE_WINDOW_MS);
  }

  #callEnded(end: CallEnd): void {
    if (!end.lasting) {
      this.#samples[this.#sampled] = end.ms;
      this.#sampled = (this.#sampled + 1) % SAMPLES;
    }
    this.outcomes.calls += 1;
    if (this.#isFault(end)) this.outcomes.faults += 1;
    if (this.#calls.size === 0) this.#onIdle?.();
    this.#options.onOutcome();
  }

  /** The call itself was counted when it ended. */
  #badAnswer(): void {
    this.outcomes.faults += 1;
    this.#options.onOutcome();
  }

  /** A caller can be impatient or leave; only the time that the manifest itself names speaks against the plugin. */
  #isFault({ ref, ms, error }: CallEnd): boolean {
    if (error === undefined || (error instanceof DOMException && error.name === "AbortError")) return false;
    if (HnError.isHnError(error) && error.code === "timeout") {
      const { capabilities } = this.#options.release.manifest.contributes;
      const declared = capabilities?.find(({ name, version }) => `${name}@${version}` === ref);
      return declared !== undefined && ms >= declared.timeoutSeconds * 1000;
    }
    return isProviderFault(error);
  }

  #ended(end: ProcessEnd): void {
    this.#draining = true;
    this.#options.onEnding();
    this.#logBudget.finish();
    this.capabilities.withdrawAll();
    this.doors.withdraw();
    const gone = new HnError("plugin_gone");
    this.#calls.failAll(gone);
    this.#ops.closeAll(gone);
    this.questions.failAll(gone);
    void this.#closePools();
    this.#unwatch();
    this.#dht.close();
    this.#options.commons.availability.leave(this.#options.release.id);
    this.#options.onEnd(end);
  }

  async #closePools(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.close()));
  }

  #send(message: HostMessage): void {
    this.process.channel.send(message).catch(() => {});
  }
}

/** Whether the right is there, be it that the operator is asked at each use. */
function isLeft(modes: GrantModes, permission: PermissionName): boolean {
  try {
    modes.decide({ method: "require", args: [permission] });
    return true;
  } catch (error) {
    return error instanceof Undecided && error.how === "ask";
  }
}

/** The rights as the plugin sees them: what has run out is denied, and whose key they were given to is not its affair. */
function shown(grants: readonly Grant[], now: number): Grant[] {
  const isOver = ({ expires }: Grant): boolean => expires !== undefined && expires <= now;
  return grants.flatMap(({ publisherKey: _, ...grant }) => {
    if (!isOver(grant)) return [grant];
    const another = grants.some((other) => other.permission === grant.permission && !isOver(other));
    return another ? [] : [{ ...grant, mode: "deny" as const }];
  });
}
