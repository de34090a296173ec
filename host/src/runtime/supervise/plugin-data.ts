/** How one release comes to its data: the folder is made for its process, filled when nobody writes the original any more, and then opened. @source plugin-platform §6.4 */
import type { StoredRelease } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Session } from "../broker/index.ts";
import type { DataPlan } from "../data/index.ts";
import { GrantTable } from "../permission/index.ts";
import type { PluginEnvironment } from "./environment.ts";
import type { StartFacts } from "./managed-plugin.ts";

export class PluginData {
  readonly #release: StoredRelease;
  readonly #environment: PluginEnvironment;
  #plan: DataPlan | undefined;
  /** Largest copy, bytes; null while it has no right to data. */
  #maxBytes: number | null = null;

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
    return this.#plan !== undefined && this.#plan.copyOf !== null && this.#maxBytes !== null;
  }

  /** Looks where its data are. @returns the folder to mount as `/data`, made but not filled; null without the right @throws bad_request reason data_too_new */
  prepare({ grants }: Pick<StartFacts, "grants">): string | null {
    const rights = new GrantTable(grants).process();
    const plan = this.#environment.data.plan(this.#release);
    this.#maxBytes = rights.data ? 2 * rights.dataBytes : null;
    // Without the right nothing is copied; the data stay where they are for the release that has it.
    this.#plan = rights.data || plan.copyOf === null ? plan : { ...plan, folder: plan.copyOf, copyOf: null };
    return rights.data ? this.#environment.data.make(this.#release.id, plan) : null;
  }

  /** Copies what is to be copied. @throws internal_error reason data_copy_failed */
  async fill(): Promise<void> {
    const { data, journal, logs } = this.#environment;
    const { id } = this.#release;
    const plan = this.#plan;
    if (plan === undefined || plan.copyOf === null || this.#maxBytes === null) return;
    const payload = { from: plan.copyOf, to: plan.folder };
    const op = journal.intent({ pluginId: id, kind: "data", step: "snapshot", payload });
    const copied = await data.fill(id, plan, { maxBytes: this.#maxBytes });
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
    if (plan === undefined || this.#maxBytes === null) return;
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
}
