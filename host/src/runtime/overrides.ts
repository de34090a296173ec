/** What an operator may decide against the usual, for one plugin: more protection always, less only with open eyes. @source plugin-platform §1.2.4, §1.4 */
import type { ConfinementReport, PluginOverrides, StoredRelease } from "../contract/index.ts";
import { HnError } from "../foundation/index.ts";
import type { Journal } from "./journal/index.ts";
import type { Ledger } from "./ledger/index.ts";

export interface OverrideRooms {
  journal: Journal;
  ledger: Ledger;
  report: ConfinementReport;
  /** Raised by whoever started the node, beside what operators decide. */
  ownProcess: (pluginId: string) => boolean;
}

export class Overrides {
  readonly #o: OverrideRooms;

  constructor(rooms: OverrideRooms) {
    this.#o = rooms;
  }

  of({ id, sha256 }: Pick<StoredRelease, "id" | "sha256">): PluginOverrides {
    const row = this.#o.journal.overrides.get(id);
    return { ownProcess: row.ownProcess || this.#o.ownProcess(id), unconfined: row.unconfinedRelease === sha256 };
  }

  /** Whether this machine's confinement, such as it is, is enough for the release. A word given for one version is none for the next. */
  mayRun(release: StoredRelease): boolean {
    return this.#confines || release.embeddedRoot || this.of(release).unconfined;
  }

  /**
   * Records the decision.
   * @returns false when it stands already
   * @throws bad_request where nothing needs to be overridden · confinement reason confinement_lowered
   */
  change(release: StoredRelease, wish: Partial<PluginOverrides>): boolean {
    const { journal, ledger } = this.#o;
    const { id, version, sha256, manifest } = release;
    const now = this.of(release);
    const next: PluginOverrides = { ...now, ...wish };
    if (next.unconfined && !now.unconfined) this.#checkUnconfined(release);
    if (next.ownProcess && !now.ownProcess && manifest.tier.min !== "isolate")
      throw new HnError("bad_request", {
        message: `${id} has a process of its own already.`,
        action: "Nothing needs to be done.",
      });
    const words = { ownProcess: "own process", unconfined: "unconfined" } as const;
    const changed = (["ownProcess", "unconfined"] as const).filter((name) => next[name] !== now[name]);
    if (changed.length === 0) return false;
    journal.overrides.set(id, { ownProcess: next.ownProcess, unconfinedRelease: next.unconfined ? sha256 : null });
    for (const name of changed) {
      const target = `${words[name]}: ${next[name] ? "yes" : "no"}`;
      ledger.act({ plugin: id, release: version, op: "override", permission: "", target, verdict: "allow" });
    }
    return true;
  }

  #checkUnconfined({ id, embeddedRoot }: StoredRelease): void {
    if (this.#confines || embeddedRoot)
      throw new HnError("bad_request", {
        message: this.#confines
          ? "This machine confines its plugins, so there is nothing to override."
          : `${id} runs here without that.`,
        action: "Nothing needs to be done.",
      });
    // Whoever has had its protection does not lose it by a word: the protection is mended.
    const best = this.#o.journal.plugins().find((row) => row.id === id)?.bestLabel;
    if (best?.startsWith("os") === true) throw new HnError("confinement", { reason: "confinement_lowered" });
  }

  get #confines(): boolean {
    return this.#o.report.label.startsWith("os");
  }
}
