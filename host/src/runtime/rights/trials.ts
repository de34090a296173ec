/** Trial runs: who is in one, and what was wanted in it. @source plugin-platform §3.4.5 */
import type { Clock } from "../../contract/index.ts";
import type { Journal, TrialRow, TrialUse } from "../journal/index.ts";
import { subjectOf, type Check } from "../permission/index.ts";

/** What is noted is written together; a crash loses what was seen within this time. */
const WRITE_MS = 1000;

export class Trials {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #running = new Map<string, TrialRow>();
  /** Not written yet, by plugin and what was wanted. */
  #seen = new Map<string, { plugin: string; use: TrialUse }>();
  #writing = false;

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
    for (const { id } of journal.plugins()) {
      const row = journal.trials.get(id);
      if (row !== undefined) this.#running.set(id, row);
    }
  }

  /** Those that go on, with when each is over. */
  get running(): ReadonlyMap<string, TrialRow> {
    return this.#running;
  }

  begin(id: string, row: TrialRow): void {
    this.#journal.trials.begin(id, row);
    this.#running.set(id, row);
  }

  /** Forgets it with everything seen. @returns the rights before */
  end(id: string): TrialRow | undefined {
    const row = this.#running.get(id);
    this.#running.delete(id);
    this.#journal.trials.end(id);
    for (const [key, { plugin }] of this.#seen) if (plugin === id) this.#seen.delete(key);
    return row;
  }

  uses(id: string): TrialUse[] {
    this.flush();
    return this.#journal.trials.uses(id);
  }

  /** Undefined when none goes on. */
  recorder(id: string): ((check: Check) => void) | undefined {
    if (!this.#running.has(id)) return undefined;
    return (check) => {
      const { permission, target } = subjectOf(check);
      // A right as a whole has no target of its own.
      this.#note(id, { ...check, permission, target: target === permission ? "" : target, count: 1 });
    };
  }

  flush(): void {
    this.#writing = false;
    const seen = [...this.#seen.values()];
    this.#seen = new Map();
    this.#journal.trials.note(seen);
  }

  #note(plugin: string, use: TrialUse): void {
    const key = JSON.stringify([plugin, use.permission, use.method, use.args, use.target]);
    const known = this.#seen.get(key);
    if (known === undefined) this.#seen.set(key, { plugin, use });
    else known.use.count += 1;
    if (this.#writing) return;
    this.#writing = true;
    this.#clock.setTimeout(() => this.#writing && this.flush(), WRITE_MS);
  }
}
