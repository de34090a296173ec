/** The runtime of one node: all its plugins, their rights, settings, logs. @source plugin-platform §6 */
import { existsSync } from "node:fs";
import type {
  ConfinementReport,
  FileKeeper,
  Grant,
  JsonObject,
  JsonValue,
  KeptRelease,
  LedgerRow,
  LedgerView,
  LocalError,
  MeterSample,
  PluginConfig,
  PluginLogLine,
  PluginOverrides,
  PluginResources,
  PluginStatus,
  RoleName,
  Runtime,
  StoredRelease,
} from "../contract/index.ts";
import { isDevId, isDevVersion } from "../format/index.ts";
import { createUlidFactory, HnError } from "../foundation/index.ts";
import { fileKeeper, roleHolder, type PanelWish } from "./broker/index.ts";
import { Availability, SharedStore, type RoleHolder } from "./commons/index.ts";
import { allowReading, openSeatBelt, type Machine } from "./confine/index.ts";
import { DataFolders, Trees } from "./data/index.ts";
import { environmentOf } from "./environment-of.ts";
import type { EngineVerdict } from "./isolate/index.ts";
import { Journal, sweepOrphans, type OpRow, type PluginRow } from "./journal/index.ts";
import { PluginFiles, type Layout } from "./layout.ts";
import { Ledger } from "./ledger/index.ts";
import { LogStore } from "./log-store.ts";
import type { RuntimeOptions } from "./options.ts";
import { recover } from "./recover.ts";
import { Overrides } from "./overrides.ts";
import { shapesProcess } from "./permission/index.ts";
import { PluginRights } from "./rights/index.ts";
import { checkRoutesFree } from "./route-collisions.ts";
import { MeterRings } from "./quota/index.ts";
import { SecretBox } from "./secrets.ts";
import { Shelves } from "./shelves.ts";
import { StoredSettings } from "./stored-settings.ts";
import { inStartOrder } from "./start-order.ts";
import { inParallel, Turns } from "./turns.ts";
import { ManagedPlugin, type PluginEnvironment, type StartFacts } from "./supervise/index.ts";
import { choose, grantsBack, UPGRADE_TIMES, Upgrades, wayOf, type Step, type Way } from "./upgrade/index.ts";

type Change = PluginStatus | { id: string; state: "removed" };
const PARALLEL_STARTS = 4;

export class NodeRuntime implements Runtime {
  readonly #machine: Machine;
  readonly #report: ConfinementReport;
  readonly #journal: Journal;
  readonly #ledger: Ledger;
  readonly #logs: LogStore;
  readonly #data: DataFolders;
  readonly #settings: StoredSettings;
  readonly #shared: SharedStore;
  readonly #environment: PluginEnvironment;
  readonly #overrides: Overrides;
  readonly #closeBelt: () => void;
  readonly #plugins = new Map<string, ManagedPlugin>();
  readonly #rows = new Map<string, PluginRow>();
  readonly #releases = new Map<string, StoredRelease>();
  readonly #shelves: Shelves;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #turns = new Turns();
  /** Of an author's session that a former run of the node has not ended. */
  readonly #abandoned: string[] = [];
  readonly #upgrades: Upgrades;
  readonly #rings: MeterRings;
  readonly rights: PluginRights;
  readonly files: FileKeeper;

  constructor(
    options: RuntimeOptions,
    found: { layout: Layout; machine: Machine; report: ConfinementReport; engine: EngineVerdict },
  ) {
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
    const secrets = new SecretBox(found.layout.secretKey);
    this.#settings = new StoredSettings({ journal: this.#journal, secrets, logs: this.#logs });
    this.#shelves = new Shelves({ layout: found.layout, clock });
    this.#shared = new SharedStore(found.layout.shared);
    const availability = new Availability(clock);
    if (options.onAvailability !== undefined) availability.watch(options.onAvailability);
    this.rights = new PluginRights({
      onRole: (role) => role === "availability" && availability.retract((by) => this.#holder(role)?.pluginId === by),
      journal: this.#journal,
      ledger: this.#ledger,
      clock,
      newId: createUlidFactory({ now: () => clock.now() }, random),
      releases: () => [...this.#releases.values()],
      inTurn: (id, act) => this.#turns.take(id, act),
      apply: (id, o) => this.#applyGrants(id, o),
    });
    this.files = fileKeeper({ clock, holder: () => this.#holder("blob-store") });
    const confined = found.report.label.startsWith("os");
    this.#data = new DataFolders({
      journal: this.#journal,
      trees: new Trees({ machine: found.machine, runDir: found.layout.runDir, confined }),
      files: (id) => new PluginFiles(found.layout, id),
      asRoot: found.report.asRoot,
    });
    const belt = confined || options.inProcess !== undefined ? null : openSeatBelt(found.machine);
    this.#closeBelt = () => belt?.close();
    this.#overrides = new Overrides({
      journal: this.#journal,
      ledger: this.#ledger,
      report: found.report,
      // A test that runs plugins in its own process has one for each of them.
      ownProcess: (id) => options.inProcess !== undefined || options.ownProcess?.includes(id) === true,
    });
    this.#environment = environmentOf({
      options,
      found,
      belt,
      rooms: {
        overrides: this.#overrides,
        journal: this.#journal,
        ledger: this.#ledger,
        rights: this.rights,
        logs: this.#logs,
        data: this.#data,
      },
      shelves: this.#shelves,
      settings: this.#settings,
      secrets,
      shared: this.#shared,
      availability,
      plugin: (id) => this.#plugins.get(id),
      holder: (role) => this.#holder(role),
      onChange: (id) => this.#announce(id),
    });
    this.#upgrades = new Upgrades({
      clock,
      journal: this.#journal,
      logs: this.#logs,
      ledger: this.#ledger,
      data: this.#data,
      times: { ...UPGRADE_TIMES, ...options.upgradeTimes },
      manage: (step) => this.#manage(step),
      adopt: (plugin, o) => this.#adopt(plugin, o),
      sweep: (id) => this.#sweep(id),
      mayRun: (release) => this.#overrides.mayRun(release),
      inTurn: (id, act) => void this.#turns.take(id, act),
      onNotice: this.#environment.onNotice,
    });
    this.#rings = new MeterRings({ clock, look: () => this.#inUse() });
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
    return this.#act(release.id, () => this.#follow({ release, grants }, "update"));
  }

  /** Former releases that can come back, newest first. */
  kept(id: string): KeptRelease[] {
    return this.#journal
      .kept(id)
      .filter(({ release }) => existsSync(release.dir))
      .map((kept) => ({ ...kept, losesSince: this.#data.lossSince(kept.release) }));
  }

  /**
   * Goes back to a kept release, the newest by default, with the rights it had and without those taken since.
   * @throws not_found reason not_kept · unauthorized reason policy · as `stage`
   */
  rollback(id: string, o: { version?: string }): Promise<PluginStatus> {
    return this.#act(id, async () => {
      const { version } = this.#plugin(id).release;
      const kept = choose(this.kept(id), { id, version: o.version, current: version });
      const target = kept.release.version;
      this.#ledger.act({ plugin: id, release: version, op: "rollback", permission: "", target, verdict: "allow" });
      return this.#follow({ release: kept.release, grants: grantsBack(kept.grants, this.#journal.grants(id)) }, "rollback");
    });
  }

  awaitConsent(id: string, version: string): void {
    this.#plugin(id);
    this.#journal.awaitConsent(id, version);
    this.#announce(id);
  }

  async #follow(next: Step, kind: "update" | "rollback"): Promise<PluginStatus> {
    const { release, grants } = next;
    this.#environment.checkMounts(grants);
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
    await this.#upgrades.left(release.id);
    const way = active === undefined ? "stop-first" : this.#wayTo(next, active);
    // Nothing of an even earlier release may still write where the next one will.
    if (way !== "beside") await this.#upgrades.end(release.id);
    try {
      if (active !== undefined && this.#mayServe(next, active)) {
        await this.#upgrades.follow(active, next, { kind, way });
        this.#journal.resetCrashes(release.id);
      } else await this.#upgrades.replace(active, next, { kind, way, desired: this.#rows.get(release.id)?.desired ?? "enabled" });
    } finally {
      await this.#sweep(release.id);
    }
    this.#settings.hide(release.id);
    return this.#status(release.id);
  }

  #wayTo(next: Step, { release }: ManagedPlugin): Way {
    return wayOf({ release, grants: this.#journal.grants(release.id) }, next);
  }

  /** One serves, and the other can take over from it. */
  #mayServe(next: Step, { release, running }: ManagedPlugin): boolean {
    const service = next.release.manifest.kind === "service";
    // A release that waits for settings, or for the operator's word, can only get them once it is the installed one.
    const waits = this.#startFacts(next).config === null || !this.#overrides.mayRun(next.release);
    return service && running && release.sha256 !== next.release.sha256 && !waits;
  }

  enable(id: string): Promise<PluginStatus> {
    return this.#act(id, async () => {
      const plugin = this.#plugin(id);
      this.#upgrades.settle(id);
      this.#setDesired(id, "enabled");
      plugin.reset();
      await plugin.start();
      return this.#status(id);
    });
  }

  disable(id: string): Promise<PluginStatus> {
    return this.#act(id, async () => {
      const plugin = this.#plugin(id);
      this.#upgrades.settle(id);
      this.#setDesired(id, "disabled");
      await plugin.stop("It was switched off.");
      return this.#status(id);
    });
  }

  restart(id: string): Promise<PluginStatus> {
    return this.#act(id, async () => {
      const plugin = this.#plugin(id);
      if (this.#rows.get(id)?.desired === "disabled") throw new HnError("not_found", { reason: "disabled" });
      this.#upgrades.settle(id);
      await plugin.stop("It is started anew.");
      plugin.reset();
      await plugin.start();
      return this.#status(id);
    });
  }

  /** As `Overrides.change`; the plugin starts anew with what was decided. */
  setOverrides(id: string, wish: Partial<PluginOverrides>): Promise<PluginStatus> {
    return this.#turns.take(id, async () => {
      const plugin = this.#plugin(id);
      const changed = this.#overrides.change(plugin.release, wish);
      if (!changed || this.#rows.get(id)?.desired === "disabled") return this.#status(id);
      this.#upgrades.settle(id);
      await plugin.stop("The operator wants it to run otherwise.");
      plugin.reset();
      await plugin.start();
      return this.#status(id);
    });
  }

  /** Ends a plugin whose files or standing can no longer be trusted. Its data stays; only the operator starts it again. */
  quarantine(id: string, reason: LocalError): Promise<void> {
    return this.#act(id, () => {
      this.#upgrades.settle(id);
      return this.#plugin(id).quarantine(reason);
    });
  }

  /** Data is kept for 30 days or deleted at once. @throws bad_request reason needed_by */
  remove(id: string, o: { keepData: boolean }): Promise<void> {
    return this.#act(id, async () => {
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
      this.#rings.forget(id);
      this.#shelves.forget(id);
      if (o.keepData) await this.#sweep(id);
      else await this.#data.eraseAll(id);
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
    return this.#act(id, async () => {
      const plugin = this.#plugin(id);
      this.rights.leaveTrial(id);
      const before = this.#journal.grants(id);
      this.#environment.checkMounts(grants);
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
    return this.#settings.describe(this.#release(id));
  }

  /** @throws schema_mismatch with the fields at fault */
  setConfig(
    id: string,
    value: JsonObject,
    secrets: Record<string, string>,
  ): Promise<{ result: "applied" | "restart" | "restored" }> {
    return this.#act(id, async () => {
      const plugin = this.#plugin(id);
      const release = this.#release(id);
      this.#upgrades.settle(id);
      const { checked, isFirst } = this.#settings.put(release, value, secrets);
      if (this.#rows.get(id)?.desired === "disabled") return { result: "applied" };
      const { session } = plugin;
      if (session !== undefined && plugin.running && (await session.setConfig(checked)) === "applied")
        return { result: "applied" };
      await plugin.stop("Its settings have changed.");
      if (await plugin.start()) return { result: "restart" };
      if (isFirst) return { result: "restart" };
      await plugin.stop("Its former settings come back.");
      this.#settings.dropNewest(id);
      await plugin.start();
      return { result: "restored" };
    });
  }

  async panel(id: string, wish: PanelWish, o: { requestId: string; signal: AbortSignal }): Promise<JsonValue> {
    return this.#plugin(id).panel(wish, o);
  }

  meters(id: string): MeterSample[] {
    return this.#rings.read(id);
  }

  onMeter(id: string, listener: (sample: MeterSample) => void): () => void {
    return this.#rings.listen(id, listener);
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
    const probations = await recover({
      journal: this.#journal,
      data: this.#data,
      logs: this.#logs,
      abandoned: this.#abandoned.splice(0),
      isInstalled: (id) => this.#rows.has(id),
    });
    for (const id of this.#journal.data.plugins()) await this.#sweep(id);
    this.rights.begin();
    const wanted = inStartOrder([...this.#releases.values()]).filter(({ id }) => this.#rows.get(id)?.desired === "enabled");
    await inParallel(wanted, PARALLEL_STARTS, ({ id }) => this.#turns.take(id, () => this.#startAtBoot(id, probations.get(id))));
  }

  async stopAll(): Promise<void> {
    await this.#upgrades.closeAll();
    await Promise.all([...this.#plugins].map(([id, plugin]) => this.#turns.take(id, () => plugin.stop("The node is stopping."))));
    this.#shelves.close();
    this.#rings.close();
    this.#closeBelt();
    this.#shared.close();
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

  *#inUse(): Generator<{ id: string; resources: PluginResources }> {
    for (const [id, { resources }] of this.#plugins) if (resources !== null) yield { id, resources };
  }

  #load(): void {
    for (const row of this.#journal.plugins()) {
      const release = this.#journal.release(row.id, row.activeRelease);
      if (release === undefined) continue;
      // An author's session ends with the node at the latest.
      if (isDevId(row.id) && isDevVersion(release.version)) {
        this.#abandoned.push(row.id);
        continue;
      }
      this.#rows.set(row.id, row);
      this.#releases.set(row.id, release);
      this.#plugins.set(row.id, this.#manage({ release, grants: [] }));
      this.#settings.hide(row.id);
    }
  }

  async #startAtBoot(id: string, probation: OpRow | undefined): Promise<void> {
    const plugin = this.#plugins.get(id);
    if (plugin === undefined) return;
    if (probation?.step === "ask") return plugin.hold(probation.payload as unknown as LocalError);
    const started = await plugin.start();
    // What waits for the operator has not failed.
    const failed = !started && ["backoff", "over_quota", "crash_looped"].includes(plugin.state);
    if (probation !== undefined) this.#upgrades.resume(plugin, probation, { failed });
  }

  /** @param step.grants  its rights until it is the installed release; from then on the journal's count */
  #manage(step: Step): ManagedPlugin {
    return new ManagedPlugin(step.release, this.#environment, () => this.#startFacts(step));
  }

  #startFacts({ release, grants }: Step): StartFacts {
    const { id } = release;
    const installed = this.#releases.get(id)?.sha256 === release.sha256;
    return {
      release,
      grants: installed ? this.#journal.grants(id) : grants,
      config: this.#settings.ready(release),
      bestLabel: this.#journal.plugins().find((row) => row.id === id)?.bestLabel ?? null,
    };
  }

  #adopt(plugin: ManagedPlugin, o: { desired: PluginRow["desired"]; grants: readonly Grant[] }): void {
    const { id, release } = plugin;
    const before = this.#releases.has(id) ? this.#journal.grants(id) : [];
    this.#journal.activate(release, { ...o, data: plugin.data.folder });
    this.#releases.set(id, release);
    this.#ledger.addGrants({ plugin: id, release: release.version }, before, o.grants);
    this.rights.plan();
    const row = this.#journal.plugins().find((one) => one.id === id);
    if (row !== undefined) this.#rows.set(id, row);
    this.#plugins.set(id, plugin);
    this.#settings.hide(id);
  }

  /** Who was given the role, or, while nobody was, the one active plugin that declares it: between two, somebody has to decide. */
  #holder(role: RoleName): RoleHolder | null {
    const assigned = this.rights.roleHolder(role);
    const serving = [...this.#plugins].filter(
      ([id, plugin]) =>
        plugin.running && plugin.release.manifest.roles?.includes(role) === true && (assigned === undefined || assigned === id),
    );
    const [id, plugin] = serving.length === 1 ? (serving[0] ?? []) : [];
    return id === undefined || plugin?.session === undefined ? null : roleHolder(id, plugin.session);
  }

  /** Deletes data of releases that are not kept any more. What cannot be deleted now is tried again later. */
  async #sweep(id: string): Promise<void> {
    this.#journal.kept(id);
    await this.#data
      .sweep(id)
      .catch((error: unknown) => this.#logs.add(id, { source: "host", level: "error", message: HnError.from(error).message }));
  }

  #setDesired(id: string, desired: PluginRow["desired"]): void {
    this.#journal.setDesired(id, desired);
    const row = this.#rows.get(id);
    if (row !== undefined) this.#rows.set(id, { ...row, desired });
  }

  /** Acts on one plugin follow each other; a trial of a new release does not keep them waiting. */
  #act<T>(id: string, act: () => Promise<T>): Promise<T> {
    this.#upgrades.hurry(id);
    return this.#turns.take(id, act);
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
