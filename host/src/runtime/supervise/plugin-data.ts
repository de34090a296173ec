/** How one release comes to its data: the folder is made for its process, filled when nobody writes the original any more, and then opened. @source plugin-platform §6.4 */
import type { PluginDataUse, StoredRelease } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Session } from "../broker/index.ts";
import { writtenBytes } from "../confine/index.ts";
import { DiskWatch, megabytes, type DataPlan } from "../data/index.ts";
import { GrantTable } from "../permission/index.ts";
import type { PluginEnvironment } from "./environment.ts";
import type { StartFacts } from "./managed-plugin.ts";

/** A plugin is stopped before it holds so much more than it may; with holes in its files it could seem to. */
const COPY_SHARE = 2;
/** The process tree changes rarely; looking for new members every second is enough. */
const TREE_EVERY = 4;

export class PluginData {
  readonly #release: StoredRelease;
  readonly #environment: PluginEnvironment;
  #plan: DataPlan | undefined;
  /** How much it may keep; null while it has no right to data. */
  #limitBytes: number | null = null;
  #watch: DiskWatch | undefined;

  constructor(release: StoredRelease, environment: PluginEnvironment) {
    this.#release = release;
    this.#environment = environment;
  }

  /** Name of the folder that belongs to this release once it serves. */
  get folder(): string {
    const { folder, copyOf } = this.#plan ?? this.#environment.data.plan(this.#release);
    return copyOf ?? folder;
  }

  /** It has started, and waits for a copy of what another release still writes. */
  get awaited(): boolean {
    return this.#plan !== undefined && this.#plan.copyOf !== null && this.#limitBytes !== null;
  }

  /** Looks where its data are. @returns the folder to mount as `/data`, made but not filled; null without the right @throws bad_request reason data_too_new */
  prepare({ grants }: Pick<StartFacts, "grants">): string | null {
    const rights = new GrantTable(grants).process();
    const plan = this.#environment.data.plan(this.#release);
    this.#limitBytes = rights.data ? rights.dataBytes : null;
    // Without the right nothing is copied; the data stay where they are for the release that has it.
    this.#plan = rights.data || plan.copyOf === null ? plan : { ...plan, folder: plan.copyOf, copyOf: null };
    return rights.data ? this.#environment.data.make(this.#release.id, plan) : null;
  }

  /** Copies what is to be copied. @throws internal_error reason data_copy_failed */
  async fill(): Promise<void> {
    const { data, journal, logs } = this.#environment;
    const { id } = this.#release;
    const plan = this.#plan;
    if (plan === undefined || plan.copyOf === null || this.#limitBytes === null) return;
    const payload = { from: plan.copyOf, to: plan.folder };
    const op = journal.intent({ pluginId: id, kind: "data", step: "snapshot", payload });
    const copied = await data.fill(id, plan, { maxBytes: COPY_SHARE * this.#limitBytes });
    journal.done(op);
    this.#plan = { ...plan, copyOf: null };
    const skipped = copied === null || copied.skipped === 0 ? "" : `; ${copied.skipped} links and other things were left out`;
    logs.add(id, {
      source: "host",
      level: "info",
      message: `Its data were copied for ${this.#release.version}: ${copied?.files ?? 0} files${skipped}.`,
    });
  }

  /** Lets the process open its data, and bring them to its own layout. @throws plugin_gone reason migration_failed */
  async open(session: Session): Promise<void> {
    const { data, journal } = this.#environment;
    const { id, version } = this.#release;
    const plan = this.#plan;
    if (plan === undefined || this.#limitBytes === null) return;
    const { folder, from, to } = plan;
    const op =
      from === 0 || from === to
        ? null
        : journal.intent({ pluginId: id, kind: "data", step: "migrate", payload: { folder, from, to } });
    try {
      await session.openData({ from, to });
    } catch (cause) {
      const why = HnError.from(cause).message;
      const message =
        op === null
          ? `It could not open its data. ${why}`
          : `${version} could not take over the data (layout ${from} to ${to}). ${why}`;
      throw new HnError("plugin_gone", { reason: "migration_failed", message, cause });
    }
    data.opened(this.#release, plan);
    if (op !== null) journal.done(op);
    // From now on it is its own, also when it starts again.
    this.#plan = { folder, from: to, to, copyOf: null };
  }

  /** How full it is; null without data, and until it was measured. */
  get use(): PluginDataUse | null {
    return this.#watch?.use ?? null;
  }

  /** Watches how full it gets while the process runs. @param onFull  it holds more than it may, in a sentence */
  watch(session: Session, onFull: (error: HnError) => void): void {
    const { data, clock, logs, ledger, onChange, inProcess } = this.#environment;
    const { id, version } = this.#release;
    const folder = this.#plan?.folder;
    this.unwatch();
    // What runs inside a test's process writes as that process does.
    if (folder === undefined || this.#limitBytes === null || inProcess) return;
    const tell = (message: string): void => logs.add(id, { source: "host", level: "warn", message });
    let pids: number[] = [];
    let asked = 0;
    this.#watch = new DiskWatch({
      clock,
      limitBytes: this.#limitBytes,
      measure: () => data.measure(id, folder),
      written: () => {
        if (asked % TREE_EVERY === 0) pids = session.process.launched.tree();
        asked += 1;
        return writtenBytes(pids);
      },
      onFilling: (use) => {
        if (use !== null) tell(`Its data folder holds ${megabytes(use.bytes)} of ${megabytes(use.limitBytes)} MB.`);
        onChange(id);
      },
      onFull: (detail) => {
        ledger.add({ plugin: id, release: version, op: "fs.data", permission: "fs.data", target: detail, verdict: "quota" });
        onFull(new HnError("quota_exceeded", { reason: "data_full", message: detail }));
      },
      onError: (error) =>
        tell(`Its data folder could not be measured: ${error instanceof Error ? error.message : "no reason given"}`),
    });
  }

  unwatch(): void {
    this.#watch?.stop();
    this.#watch = undefined;
  }
}
