import type { LedgerEntry } from "../../contract/index.ts";
import type { Summed } from "./segment.ts";

/** Different wishes of one plugin in one second that keep their target; what comes after is summed without it. */
const TARGETS_MAX = 64;
const OTHERS = "…";

/** Equal wishes of the second that runs, counted. */
export class Sums {
  readonly #byKey = new Map<string, Summed>();
  readonly #keys = new Map<string, number>();

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  add(entry: LedgerEntry, count = 1): { key: string; sum: Summed } {
    let key = keyOf(entry);
    let named = entry;
    if (!this.#byKey.has(key)) {
      const used = (this.#keys.get(entry.plugin) ?? 0) + 1;
      this.#keys.set(entry.plugin, used);
      if (used > TARGETS_MAX) {
        named = { ...entry, target: OTHERS };
        key = keyOf(named);
      }
    }
    const former = this.#byKey.get(key);
    const sum: Summed = {
      entry: former?.entry ?? named,
      count: (former?.count ?? 0) + count,
      bytesIn: (former?.bytesIn ?? 0) + (entry.bytesIn ?? 0),
      bytesOut: (former?.bytesOut ?? 0) + (entry.bytesOut ?? 0),
    };
    this.#byKey.set(key, sum);
    return { key, sum };
  }

  /** Those that a kill must not take along. */
  *denials(): Generator<[key: string, sum: Summed]> {
    for (const pair of this.#byKey) if (pair[1].entry.verdict !== "allow") yield pair;
  }

  /** Gives all of them out and begins anew. */
  take(): Summed[] {
    const sums = [...this.#byKey.values()];
    this.#byKey.clear();
    this.#keys.clear();
    return sums;
  }

  /** What could not be written goes back among those of the second that runs. */
  restore(sums: readonly Summed[]): void {
    for (const { entry, count, bytesIn, bytesOut } of sums) this.add({ ...entry, bytesIn, bytesOut }, count);
  }
}

function keyOf({ plugin, release, op, permission, target, verdict, via }: LedgerEntry): string {
  return JSON.stringify([plugin, release, op, permission, target, verdict, via ?? ""]);
}
