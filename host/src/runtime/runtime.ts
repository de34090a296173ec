/** The runtime of one node: all its plugins, their rights, settings, logs. @source plugin-platform §6 */
import { existsSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import type {
  ConfinementReport,
  Grant,
  JsonObject,
  JsonValue,
  KeptRelease,
  LedgerRow,
  LedgerView,
  LocalError,
  PluginConfig,
  PluginLogLine,
  PluginStatus,
  RoleName,
  Runtime,
  StoredRelease,
} from "../contract/index.ts";
import { createUlidFactory, HnError } from "../foundation/index.ts";
import { MountTable } from "../transport/index.ts";
import { KvStore, type PanelWish } from "./broker/index.ts";
import { allowReading, openSeatBelt, sandboxLauncher, seatBeltLauncher, type Launcher, type Machine } from "./confine/index.ts";
import { checkConfig, describeConfig, mergeSecrets, needsConfig } from "./configuration.ts";
import { eraseData } from "./erase.ts";
import { IsolateHosts, type EngineVerdict } from "./isolate/index.ts";
import { Journal, sweepOrphans, type OpRow, type PluginRow } from "./journal/index.ts";
import { PluginFiles, type Layout } from "./layout.ts";
import { Ledger } from "./ledger/index.ts";
import { LogStore } from "./log-store.ts";
import type { RuntimeOptions } from "./options.ts";
import { shapesProcess } from "./permission/index.ts";
import { PluginRights } from "./rights/index.ts";
import { checkRoutesFree } from "./route-collisions.ts";
import { SecretBox, type Secrets } from "./secrets.ts";
import { inStartOrder } from "./start-order.ts";
import { inParallel, Turns } from "./turns.ts";
import { ManagedPlugin, type PluginEnvironment, type StartFacts } from "./supervise/index.ts";
import { choose, Fence, grantsBack, UPGRADE_TIMES, Upgrades, wayOf, type Step, type UpgradeTimes } from "./upgrade/index.ts";

type Change = PluginStatus | { id: string; state: "removed" };
const DATA_KEPT_MS = 30 * 86_400_000;
const PARALLEL_STARTS = 4;

export class NodeRuntime implements Runtime {
  readonly #layout: Layout;
  readonly #machine: Machine;
  readonly #report: ConfinementReport;
  readonly #journal: Journal;
  readonly #ledger: Ledger;
  readonly #logs: LogStore;
  readonly #secrets: SecretBox;
  readonly #environment: PluginEnvironment;
  readonly #closeBelt: () => void;
  readonly #plugins = new Map<string, ManagedPlugin>();
  readonly #rows = new Map<string, PluginRow>();
  readonly #releases = new Map<string, StoredRelease>();
  readonly #stores = new Map<string, KvStore>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #turns = new Turns();
  readonly #upgrades: Upgrades;
  readonly #times: UpgradeTimes;
  readonly rights: PluginRights;

  constructor(
    options: RuntimeOptions,
    found: { layout: Layout; machine: Machine; report: ConfinementReport; engine: EngineVerdict },
  ) {
    this.#layout = found.layout;
    this.#machine = found.machine;
    this.#report = found.report;
    const { clock, random } = options;
    this.#journal = new Journal(found.layout.journal, { now: () => clock.now(), random });
    this.#ledger = new Ledger({
      folder: found.layout.ledger,
      clock,
      nodeId: options.identity.nodeId,
      sign: options.signHead,
      onTrouble: (error) => options.log.error("the ledger could not be written; it is tried again", { error }),
    });
    this.#logs = new LogStore(found.layout.logs, clock);
    this.#secrets = new SecretBox(found.layout.secretKey);
    this.rights = new PluginRights({
      journal: this.#journal,
      ledger: this.#ledger,
      clock,
      newId: createUlidFactory({ now: () => clock.now() }, random),
      releases: () => [...this.#releases.values()],
      inTurn: (id, act) => this.#turns.take(id, act),
      apply: (id, o) => this.#applyGrants(id, o),
    });
    const confined = found.report.label.startsWith("os");
    const belt = confined || options.inProcess !== undefined ? null : openSeatBelt(found.machine);
    this.#closeBelt = () => belt?.close();
    this.#environment = {
      bus: options.bus,
      mounts: options.mounts ?? new MountTable(),
      clock,
      random,
      identity: options.identity,
      report: found.report,
      launcher: watched(
        options.inProcess ?? (belt === null ? sandboxLauncher(found.machine) : seatBeltLauncher(found.machine, belt)),
        options.onLaunch,
      ),
      inProcess: options.inProcess !== undefined,
      isolates: new IsolateHosts(found.machine, found.engine, (launcher) => watched(launcher, options.onLaunch)),
      // A test that runs plugins in its own process has one for each of them.
      isRaised: (id) => options.inProcess !== undefined || options.ownProcess?.includes(id) === true,
      journal: this.#journal,
      ledger: this.#ledger,
      rights: this.rights,
      logs: this.#logs,
      cores: availableParallelism(),
      maxMemoryMb: Math.max(256, Math.floor((totalmem() / 1_048_576) * 0.75)),
      files: (id) => new PluginFiles(found.layout, id),
      kv: (id) => this.#store(id),
      onChange: (id) => this.#announce(id),
      onNotice: options.onNotice ?? (() => {}),
      admit: options.admit ?? (() => Promise.resolve()),
    };
    this.#times = { ...UPGRADE_TIMES, ...options.upgradeTimes };
    this.#upgrades = new Upgrades({
      clock,
      journal: this.#journal,
      logs: this.#logs,
      times: this.#times,
      manage: (step) => this.#manage(step),
      adopt: (plugin, grants) => this.#adopt(plugin, { desired: "enabled", grants }),
      inTurn: (id, act) => void this.#turns.take(id, act),
      onNotice: this.#environment.onNotice,
    });
    const swept = sweepOrphans(this.#journal);
    if (swept > 0) options.log.warn("ended plugin processes of a former run", { count: swept });
    this.#load();
  }

  report(): ConfinementReport {
    return this.#report;
  }

  list(): PluginStatus[] {
    return [...this.#plugins.keys()].toSorted().flatMap((id) => this.get(id) ?? []);
  }

  get(id: string): PluginStatus | undefined {
    const row = this.#rows.get(id);
    return row === undefined ? undefined : this.#plugins.get(id)?.status(row.desired);
  }

  release(id: string): StoredRelease | undefined {
    return this.#releases.get(id);
  }

  /** Calls that the plugin's process has not ended yet, those included whose callers have left. */
  inFlight(id: string): number {
    return this.#plugins.get(id)?.session?.inFlight ?? 0;
  }

  /**
   * Makes this the plugin's release and starts it. While a former one runs, the new one starts beside it and takes over in one step, or, where
   * the two cannot run together, after it; when it cannot, the former one runs on.
   * @throws bad_request reason policy when another publisher's plugin of that name is installed · plugin_gone reason start_failed | probe_failed
   */
  stage(release: StoredRelease, grants: Grant[]): Promise<PluginStatus> {
    return this.#turns.take(release.id, () => this.#follow({ release, grants }, "update"));
  }

  /** Former releases that can come back, newest first. */
  kept(id: string): KeptRelease[] {
    return this.#journal.kept(id).filter(({ release }) => existsSync(release.dir));
  }

  /**
   * Goes back to a kept release, the newest by default, with the rights it had and without those taken since.
   * @throws not_found reason not_kept · unauthorized reason policy · as `stage`
   */
  rollback(id: string, o: { version?: string }): Promise<PluginStatus> {
    return this.#turns.take(id, () => {
      const { version } = this.#plugin(id).release;
      const kept = choose(this.kept(id), { id, version: o.version, current: version });
      const target = kept.release.version;
      this.#ledger.add({ plugin: id, release: version, op: "rollback", permission: "", target, verdict: "allow" });
      return this.#follow({ release: kept.release, grants: grantsBack(kept.grants, this.#journal.grants(id)) }, "rollback");
    });
  }

  awaitConsent(id: string, version: string): void {
    this.#plugin(id);
    this.#journal.awaitConsent(id, version);
    this.#announce(id);
  }

  async #follow(next: Step, kind: "update" | "rollback"): Promise<PluginStatus> {
    const { release } = next;
    const active = this.#plugins.get(release.id);
    if (active !== undefined && active.release.publisherKeyId !== release.publisherKeyId) {
      throw new HnError("unauthorized", {
        reason: "policy",
        message: "The installed plugin of this name is another publisher's.",
      });
    }
    checkRoutesFree(release, this.#releases.values());
    if (this.#machine.asRoot) allowReading(release.dir);
    this.#upgrades.settle(release.id);
    this.rights.leaveTrial(release.id);
    const way = active === undefined ? "stop-first" : this.#wayTo(next, active);
    if (active !== undefined && way === "beside") await this.#upgrades.beside(active, next, kind);
    else {
      // Nothing of an even earlier release may still write where the next one will.
      await this.#upgrades.end(release.id);
      const fence = new Fence({ clock: this.#environment.clock, waitMs: way === "fence" ? this.#times.fenceMs : 0 });
      await this.#replace(active, next, { kind, fence });
    }
    this.#journal.resetCrashes(release.id);
    this.#hideSecrets(release.id);
    return this.#status(release.id);
  }

  #wayTo(next: Step, { release, running }: ManagedPlugin): ReturnType<typeof wayOf> {
    const way = wayOf({ release, grants: this.#journal.grants(release.id) }, next);
    const service = next.release.manifest.kind === "service";
    // A release that waits for settings can only get them once it is the installed one.
    const mayServe = service && running && release.sha256 !== next.release.sha256 && this.#startFacts(next).config !== null;
    return way === "beside" && !mayServe ? "stop-first" : way;
  }

  /** The former release stops before the new one starts; between them calls stand before the fence. */
  async #replace(
    active: ManagedPlugin | undefined,
    { release, grants }: Step,
    { kind, fence }: { kind: "update" | "rollback"; fence: Fence },
  ): Promise<void> {
    const { id } = release;
    const former = active?.release;
    const formerGrants = former === undefined ? [] : this.#journal.grants(id);
    const payload = { from: former?.sha256 ?? null, to: release.sha256 };
    const op = this.#journal.intent({ pluginId: id, kind: former === undefined ? "install" : kind, step: "replace", payload });
    const desired = this.#rows.get(id)?.desired ?? "enabled";
    const leave = await active?.stopBehind(fence.guard, "Another version takes over.");
    try {
      const plugin = this.#manage({ release, grants });
      this.#adopt(plugin, { desired, grants });
      plugin.reset();
      if (desired === "disabled" || (await plugin.start())) return;
      if (former === undefined || former.sha256 === release.sha256 || plugin.state === "needs_config") return;
      const failure = plugin.status(desired).reason?.message ?? "";
      await this.#takeBack({ former, grants: formerGrants, failed: plugin });
      throw new HnError("plugin_gone", {
        reason: "start_failed",
        message: `Version ${release.version} did not start, so ${former.version} runs on. ${failure}`.trim(),
      });
    } finally {
      fence.lift(this.#plugins.get(id)?.session);
      leave?.();
      this.#journal.done(op);
    }
  }

  enable(id: string): Promise<PluginStatus> {
    return this.#turns.take(id, async () => {
      const plugin = this.#plugin(id);
      this.#setDesired(id, "enabled");
      plugin.reset();
      await plugin.start();
      return this.#status(id);
    });
  }

  disable(id: string): Promise<PluginStatus> {
    return this.#turns.take(id, async () => {
      const plugin = this.#plugin(id);
      this.#upgrades.settle(id);
      this.#setDesired(id, "disabled");
      await plugin.stop("It was switched off.");
      return this.#status(id);
    });
  }

  restart(id: string): Promise<PluginStatus> {
    return this.#turns.take(id, async () => {
      const plugin = this.#plugin(id);
      if (this.#rows.get(id)?.desired === "disabled") throw new HnError("not_found", { reason: "disabled" });
      this.#upgrades.settle(id);
      await plugin.stop("It is started anew.");
      plugin.reset();
      await plugin.start();
      return this.#status(id);
    });
  }

  /** Ends a plugin whose files or standing can no longer be trusted. Its data stays; only the operator starts it again. */
  quarantine(id: string, reason: LocalError): Promise<void> {
    return this.#turns.take(id, () => {
      this.#upgrades.settle(id);
      return this.#plugin(id).quarantine(reason);
    });
  }

  /** Data is kept for 30 days or deleted at once. @throws bad_request reason needed_by */
  remove(id: string, o: { keepData: boolean }): Promise<void> {
    return this.#turns.take(id, async () => {
      const plugin = this.#plugin(id);
      const dependant = [...this.#releases.values()].find(({ manifest }) => Object.hasOwn(manifest.dependencies ?? {}, id));
      if (dependant !== undefined) {
        throw new HnError("bad_request", { reason: "needed_by", message: `${dependant.id} needs this plugin.` });
      }
      await this.#upgrades.end(id);
      const op = this.#journal.intent({ pluginId: id, kind: "remove", step: "delete", payload: { keepData: o.keepData } });
      await plugin.stop("It is being removed.");
      this.rights.forget(id);
      this.#plugins.delete(id);
      this.#rows.delete(id);
      this.#releases.delete(id);
      this.#journal.remove(id, o.keepData);
      this.#logs.forget(id);
      this.#stores.get(id)?.close();
      this.#stores.delete(id);
      if (!o.keepData) await this.#erase(id);
      this.#journal.done(op);
      for (const listener of this.#listeners) listener({ id, state: "removed" });
    });
  }

  grants(id: string): Grant[] {
    this.#plugin(id);
    return this.#journal.grants(id);
  }

  /** Takes effect at once on everything that runs; rights that shape the process itself restart it. Ends a trial run. */
  setGrants(id: string, grants: Grant[]): Promise<void> {
    return this.#turns.take(id, async () => {
      const plugin = this.#plugin(id);
      this.rights.leaveTrial(id);
      const before = this.#journal.grants(id);
      this.#journal.setGrants(id, grants);
      this.#ledger.addGrants({ plugin: id, release: plugin.release.version }, before, grants);
      this.rights.plan();
      await this.#applyGrants(id, { before });
    });
  }

  /** The plugin that has this role and runs. @source plugin-platform §3.3 */
  roleHolder(role: RoleName): string | undefined {
    const id = this.rights.roleHolder(role);
    return id !== undefined && this.#plugins.get(id)?.running === true ? id : undefined;
  }

  async #applyGrants(id: string, { before, anew = false }: { before: readonly Grant[]; anew?: boolean }): Promise<void> {
    const plugin = this.#plugin(id);
    const grants = this.#journal.grants(id);
    const { clock } = this.#environment;
    // First everything that is over ends, a restart lets nothing of it drain.
    plugin.setGrants(grants);
    const now = (): number => clock.now();
    if (!anew && (!plugin.running || shapesProcess(before, now) === shapesProcess(grants, now))) return;
    if (this.#rows.get(id)?.desired === "disabled" || plugin.state === "quarantined") return;
    this.#upgrades.settle(id);
    await plugin.stop("Its rights have changed.", 0);
    if (anew) plugin.reset();
    await plugin.start();
  }

  config(id: string): PluginConfig {
    this.#plugin(id);
    const stored = this.#journal.config(id) ?? { value: {}, version: 0 };
    return describeConfig(this.#release(id), stored, this.#openSecrets(id));
  }

  /** @throws schema_mismatch with the fields at fault */
  setConfig(
    id: string,
    value: JsonObject,
    secrets: Record<string, string>,
  ): Promise<{ result: "applied" | "restart" | "restored" }> {
    return this.#turns.take(id, async () => {
      const plugin = this.#plugin(id);
      const release = this.#release(id);
      this.#upgrades.settle(id);
      const merged = mergeSecrets(release, this.#openSecrets(id), secrets);
      const checked = checkConfig(release, value, merged);
      const hadConfig = this.#journal.config(id) !== undefined;
      this.#journal.setConfig(id, value, this.#secrets.seal(id, merged));
      this.#hideSecrets(id);
      if (this.#rows.get(id)?.desired === "disabled") return { result: "applied" };
      const { session } = plugin;
      if (session !== undefined && plugin.running && (await session.setConfig(checked)) === "applied")
        return { result: "applied" };
      await plugin.stop("Its settings have changed.");
      if (await plugin.start()) return { result: "restart" };
      if (!hadConfig) return { result: "restart" };
      await plugin.stop("Its former settings come back.");
      this.#journal.dropNewestConfig(id);
      this.#hideSecrets(id);
      await plugin.start();
      return { result: "restored" };
    });
  }

  async panel(id: string, wish: PanelWish, o: { requestId: string; signal: AbortSignal }): Promise<JsonValue> {
    return this.#plugin(id).panel(wish, o);
  }

  logs(id: string, o: { before?: number; limit: number; level?: string }): PluginLogLine[] {
    return this.#logs.read(id, o);
  }

  onLog(id: string, listener: (line: PluginLogLine) => void): () => void {
    return this.#logs.listen(id, listener);
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async startAll(): Promise<void> {
    const probations = await this.#recover();
    this.rights.begin();
    const wanted = inStartOrder([...this.#releases.values()]).filter(({ id }) => this.#rows.get(id)?.desired === "enabled");
    await inParallel(wanted, PARALLEL_STARTS, ({ id }) => this.#turns.take(id, () => this.#startAtBoot(id, probations.get(id))));
  }

  async stopAll(): Promise<void> {
    await this.#upgrades.closeAll();
    await Promise.all([...this.#plugins].map(([id, plugin]) => this.#turns.take(id, () => plugin.stop("The node is stopping."))));
    for (const store of this.#stores.values()) store.close();
    this.#stores.clear();
    this.#closeBelt();
    this.rights.close();
    this.#ledger.close();
    this.#logs.close();
    this.#journal.close();
  }

  /** Newest first; `chainOk` says whether any row was changed. */
  ledger(limit: number): { rows: LedgerRow[]; chainOk: boolean } {
    return { rows: this.#ledger.rows({ limit }), chainOk: this.#ledger.checkNow().ok };
  }

  get ledgerView(): LedgerView {
    return this.#ledger;
  }

  #load(): void {
    for (const row of this.#journal.plugins()) {
      const release = this.#journal.release(row.id, row.activeRelease);
      if (release === undefined) continue;
      this.#rows.set(row.id, row);
      this.#releases.set(row.id, release);
      this.#plugins.set(row.id, this.#manage({ release, grants: [] }));
      this.#hideSecrets(row.id);
    }
  }

  async #startAtBoot(id: string, probation: OpRow | undefined): Promise<void> {
    const plugin = this.#plugins.get(id);
    if (plugin === undefined) return;
    const started = await plugin.start();
    // What waits for the operator has not failed.
    const failed = !started && (plugin.state === "backoff" || plugin.state === "crash_looped");
    if (probation !== undefined) this.#upgrades.resume(plugin, probation, { failed });
  }

  /** Finishes what a crash has cut off, and deletes data whose time is over. @returns probations that go on, by plugin */
  async #recover(): Promise<Map<string, OpRow>> {
    const probations = new Map<string, OpRow>();
    this.#journal.dropStaged();
    for (const op of this.#journal.unfinished()) {
      if (op.step === "probation") {
        probations.set(op.pluginId, op);
        continue;
      }
      if (op.kind === "remove" && op.payload["keepData"] === false && !this.#rows.has(op.pluginId))
        await this.#erase(op.pluginId);
      // The flip itself is one transaction, so whatever else was cut off left one release active, and no process of a former run is left.
      this.#journal.done(op.opId);
    }
    for (const id of this.#journal.expiredData(DATA_KEPT_MS)) {
      await this.#erase(id);
      this.#journal.forgetData(id);
    }
    return probations;
  }

  /** @param step.grants  its rights until it is the installed release; from then on the journal's count */
  #manage(step: Step): ManagedPlugin {
    return new ManagedPlugin(step.release, this.#environment, () => this.#startFacts(step));
  }

  #startFacts({ release, grants }: Step): StartFacts {
    const { id } = release;
    const installed = this.#releases.get(id)?.sha256 === release.sha256;
    const secrets = this.#openSecrets(id);
    const value = this.#journal.config(id)?.value ?? {};
    return {
      release,
      grants: installed ? this.#journal.grants(id) : grants,
      config: needsConfig(release, value, secrets) ? null : checkConfig(release, value, secrets),
      bestLabel: this.#journal.plugins().find((row) => row.id === id)?.bestLabel ?? null,
    };
  }

  #adopt(plugin: ManagedPlugin, o: { desired: PluginRow["desired"]; grants: readonly Grant[] }): void {
    const { id, release } = plugin;
    const before = this.#releases.has(id) ? this.#journal.grants(id) : [];
    this.#journal.activate(release, o);
    this.#releases.set(id, release);
    this.#ledger.addGrants({ plugin: id, release: release.version }, before, o.grants);
    this.rights.plan();
    const row = this.#journal.plugins().find((one) => one.id === id);
    if (row !== undefined) this.#rows.set(id, row);
    this.#plugins.set(id, plugin);
    this.#hideSecrets(id);
  }

  async #takeBack(o: { former: StoredRelease; grants: Grant[]; failed: ManagedPlugin }): Promise<void> {
    await o.failed.stop("The former version comes back.");
    const plugin = this.#manage({ release: o.former, grants: o.grants });
    this.#adopt(plugin, { desired: "enabled", grants: o.grants });
    this.#journal.setReleaseState(o.failed.id, o.failed.release.sha256, "failed");
    plugin.reset();
    await plugin.start();
  }

  async #erase(id: string): Promise<void> {
    const files = new PluginFiles(this.#layout, id);
    const confined = this.#report.label.startsWith("os");
    await eraseData(this.#machine, { runDir: this.#layout.runDir, pluginFolder: files.folder, dataDir: files.data, confined });
  }

  #openSecrets(id: string): Secrets {
    return this.#secrets.open(id, this.#journal.config(id)?.secrets ?? new Uint8Array(0));
  }

  #hideSecrets(id: string): void {
    this.#logs.hide(id, Object.values(this.#openSecrets(id)));
  }

  #store(id: string): KvStore {
    const known = this.#stores.get(id);
    if (known !== undefined) return known;
    const store = new KvStore(new PluginFiles(this.#layout, id).kv);
    this.#stores.set(id, store);
    return store;
  }

  #setDesired(id: string, desired: PluginRow["desired"]): void {
    this.#journal.setDesired(id, desired);
    const row = this.#rows.get(id);
    if (row !== undefined) this.#rows.set(id, { ...row, desired });
  }

  #plugin(id: string): ManagedPlugin {
    const plugin = this.#plugins.get(id);
    if (plugin === undefined)
      throw new HnError("not_found", { message: `No plugin ${id} is installed.`, action: "See `hearthnet plugin list`." });
    return plugin;
  }

  #release(id: string): StoredRelease {
    const release = this.#releases.get(id);
    if (release === undefined) throw new HnError("not_found", { message: `No plugin ${id} is installed.` });
    return release;
  }

  #status(id: string): PluginStatus {
    const status = this.get(id);
    if (status === undefined) throw new HnError("not_found");
    return status;
  }

  #announce(id: string): void {
    const status = this.get(id);
    if (status !== undefined) for (const listener of this.#listeners) listener(status);
  }
}

function watched(launcher: Launcher, onLaunch: RuntimeOptions["onLaunch"]): Launcher {
  return onLaunch === undefined ? launcher : { launch: (spec) => onLaunch(launcher.launch(spec), spec) };
}
