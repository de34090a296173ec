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
  MeterSample,
  PluginConfig,
  PluginLogLine,
  PluginOverrides,
  PluginResources,
  PluginStatus,
  Runtime,
  StoredRelease,
} from "../contract/index.ts";
import { isDevId, isDevVersion } from "../format/index.ts";
import { HnError } from "../foundation/index.ts";
import { openTopics } from "../bus/index.ts";
import { MountTable } from "../transport/index.ts";
import { KvStore, roleHolder, type PanelWish } from "./broker/index.ts";
import { SharedStore, type RoleHolder } from "./commons/index.ts";
import { allowReading, openSeatBelt, sandboxLauncher, seatBeltLauncher, type Launcher, type Machine } from "./confine/index.ts";
import { checkConfig, describeConfig, mergeSecrets, needsConfig } from "./configuration.ts";
import { checkMounts, DataFolders, Trees } from "./data/index.ts";
import { IsolateHosts, type EngineVerdict } from "./isolate/index.ts";
import { Journal, sweepOrphans, type OpRow, type PluginRow } from "./journal/index.ts";
import { PluginFiles, type Layout } from "./layout.ts";
import { Ledger } from "./ledger/index.ts";
import { LogStore } from "./log-store.ts";
import type { RuntimeOptions } from "./options.ts";
import { EgressMeter, SYSTEM_WAYS, type Settings } from "./net/index.ts";
import { Overrides } from "./overrides.ts";
import { shapesProcess } from "./permission/index.ts";
import { checkRoutesFree } from "./route-collisions.ts";
import { MeterRings } from "./quota/index.ts";
import { SecretBox, type Secrets } from "./secrets.ts";
import { inStartOrder } from "./start-order.ts";
import { inParallel, Turns } from "./turns.ts";
import { ManagedPlugin, type PluginEnvironment, type StartFacts } from "./supervise/index.ts";
import { choose, grantsBack, UPGRADE_TIMES, Upgrades, wayOf, type Step, type Way } from "./upgrade/index.ts";

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
  readonly #data: DataFolders;
  readonly #secrets: SecretBox;
  readonly #shared: SharedStore;
  readonly #environment: PluginEnvironment;
  readonly #overrides: Overrides;
  readonly #closeBelt: () => void;
  readonly #plugins = new Map<string, ManagedPlugin>();
  readonly #rows = new Map<string, PluginRow>();
  readonly #releases = new Map<string, StoredRelease>();
  readonly #stores = new Map<string, KvStore>();
  readonly #meters = new Map<string, EgressMeter>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #turns = new Turns();
  /** Of an author's session that a former run of the node has not ended. */
  readonly #abandoned: string[] = [];
  readonly #upgrades: Upgrades;
  readonly #rings: MeterRings;

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
    this.#shared = new SharedStore(found.layout.shared);
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
      overrides: this.#overrides,
      journal: this.#journal,
      ledger: this.#ledger,
      logs: this.#logs,
      measures: {
        diskMb: (id) => megabytes(this.#plugins.get(id)?.data.use?.bytes),
        egressMb: (id) => megabytes(this.#plugins.get(id)?.session?.egress().bytesOutLastHour),
      },
      measure: options.measure,
      cores: availableParallelism(),
      maxMemoryMb: Math.max(256, Math.floor((totalmem() / 1_048_576) * 0.75)),
      files: (id) => new PluginFiles(found.layout, id),
      data: this.#data,
      checkMounts: (grants) => checkMounts(grants, { dataDir: options.dataDir }),
      kv: (id) => this.#store(id),
      ways: { ...SYSTEM_WAYS, ...options.ways },
      egress: (id) => this.#meter(id),
      settings: (release) => this.#settings(release),
      deriveKey: (id, label) => this.#secrets.derive(id, label),
      commons: {
        community: options.community ?? null,
        topics: options.topics ?? openTopics(),
        signer: options.signer ?? null,
        store: this.#shared,
        holder: (role) => this.#holder(role),
        grantsOf: (id) => this.#plugins.get(id)?.session?.grants,
        show: options.showDocument ?? null,
      },
      onChange: (id) => this.#announce(id),
      onNotice: options.onNotice ?? (() => {}),
      admit: options.admit ?? (() => Promise.resolve()),
    };
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
    this.#hideSecrets(release.id);
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
      this.#plugins.delete(id);
      this.#rows.delete(id);
      this.#releases.delete(id);
      this.#journal.remove(id, o.keepData);
      this.#logs.forget(id);
      this.#rings.forget(id);
      this.#stores.get(id)?.close();
      this.#stores.delete(id);
      this.#meters.delete(id);
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

  /** Takes effect with the plugin's next wish; rights that shape the process itself restart it. */
  setGrants(id: string, grants: Grant[]): Promise<void> {
    return this.#act(id, async () => {
      const plugin = this.#plugin(id);
      const before = this.#journal.grants(id);
      this.#environment.checkMounts(grants);
      this.#journal.setGrants(id, grants);
      this.#ledger.addGrants({ plugin: id, release: plugin.release.version }, before, grants);
      if (plugin.running && shapesProcess(before) !== shapesProcess(grants)) {
        this.#upgrades.settle(id);
        await plugin.stop("Its rights have changed.");
        await plugin.start();
      } else plugin.setGrants(grants);
    });
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
    return this.#act(id, async () => {
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
    const probations = await this.#recover();
    const wanted = inStartOrder([...this.#releases.values()]).filter(({ id }) => this.#rows.get(id)?.desired === "enabled");
    await inParallel(wanted, PARALLEL_STARTS, ({ id }) => this.#turns.take(id, () => this.#startAtBoot(id, probations.get(id))));
  }

  async stopAll(): Promise<void> {
    await this.#upgrades.closeAll();
    await Promise.all([...this.#plugins].map(([id, plugin]) => this.#turns.take(id, () => plugin.stop("The node is stopping."))));
    for (const store of this.#stores.values()) store.close();
    this.#stores.clear();
    this.#rings.close();
    this.#closeBelt();
    this.#shared.close();
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
      this.#hideSecrets(row.id);
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

  /** Finishes what a crash has cut off, and deletes data whose time is over. @returns probations that go on, and what waits for the operator, by plugin */
  async #recover(): Promise<Map<string, OpRow>> {
    const probations = new Map<string, OpRow>();
    this.#journal.dropStaged();
    for (const op of this.#journal.unfinished()) {
      if ((op.step === "probation" || op.step === "ask") && this.#rows.has(op.pluginId)) {
        probations.set(op.pluginId, op);
        continue;
      }
      if (op.kind === "remove" && op.payload["keepData"] === false && !this.#rows.has(op.pluginId))
        await this.#data.eraseAll(op.pluginId);
      // The flip itself is one transaction, so whatever else was cut off left one release active, and no process of a former run is left.
      this.#journal.done(op.opId);
    }
    for (const id of this.#abandoned.splice(0)) {
      await this.#data.eraseAll(id);
      this.#logs.forget(id);
      this.#journal.remove(id, false);
    }
    for (const id of this.#journal.expiredData(DATA_KEPT_MS)) {
      await this.#data.eraseAll(id);
      this.#journal.forgetData(id);
    }
    for (const id of this.#journal.data.plugins()) await this.#sweep(id);
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
    this.#journal.activate(release, { ...o, data: plugin.data.folder });
    this.#releases.set(id, release);
    this.#ledger.addGrants({ plugin: id, release: release.version }, before, o.grants);
    const row = this.#journal.plugins().find((one) => one.id === id);
    if (row !== undefined) this.#rows.set(id, row);
    this.#plugins.set(id, plugin);
    this.#hideSecrets(id);
  }

  /** The one active plugin that declares the role; two of them are none, for nobody has decided between them. */
  #holder(role: string): RoleHolder | null {
    const serving = [...this.#plugins].filter(
      ([, plugin]) => plugin.running && plugin.release.manifest.roles?.includes(role) === true,
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

  #meter(id: string): EgressMeter {
    const known = this.#meters.get(id) ?? new EgressMeter(this.#environment.clock, 0);
    this.#meters.set(id, known);
    return known;
  }

  #settings({ id, manifest }: StoredRelease): Settings {
    const openSecrets = (): Secrets => this.#openSecrets(id);
    return {
      value: this.#journal.config(id)?.value ?? {},
      schema: manifest.config?.schema ?? null,
      get secrets() {
        return openSecrets();
      },
    };
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

function watched(launcher: Launcher, onLaunch: RuntimeOptions["onLaunch"]): Launcher {
  return onLaunch === undefined ? launcher : { launch: (spec) => onLaunch(launcher.launch(spec), spec) };
}

function megabytes(bytes: number | undefined): number | null {
  return bytes === undefined ? null : Math.round((bytes / 1_048_576) * 10) / 10;
}
