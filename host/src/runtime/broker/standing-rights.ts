/** Rights to what a release wishes for once and has from then on: its routes, the events of its views. @source plugin-platform §3.4 */
import { GrantDenied, Undecided, type GrantTable, type OpGrants } from "../permission/index.ts";

export interface StandingRightsOptions<Wish> {
  wishes: readonly Wish[];
  grants: OpGrants;
  check: (table: GrantTable, wish: Wish) => void;
  /** Resolves when the operator says yes. @throws GrantDenied when they say no, or nothing in time */
  ask: (denial: GrantDenied, signal: AbortSignal) => Promise<void>;
  /** A wish is not granted, or only tried; told once until rights change. */
  onShut: (wish: Wish, verdict: "deny" | "simulate") => void;
}

export class StandingRights<Wish> {
  readonly #o: StandingRightsOptions<Wish>;
  /** Those that the operator has refused, or not answered about. */
  readonly #refused = new Set<Wish>();
  readonly #told = new Set<Wish>();
  #asking: AbortController | undefined;

  constructor(options: StandingRightsOptions<Wish>) {
    this.#o = options;
  }

  /** Those that are granted at this moment. */
  open(): Wish[] {
    return this.#o.wishes.filter((wish) => {
      const { verdict } = this.#decide(wish);
      if (verdict === "allow") this.#told.delete(wish);
      else if (verdict !== "ask") this.#tell(wish, verdict);
      return verdict === "allow";
    });
  }

  /** Rights have changed: what was refused may be asked about once more. */
  forgetAnswers(): void {
    this.#refused.clear();
    this.#told.clear();
  }

  /** Asks about one wish after the other, without anybody waiting for it. */
  askForRest(onYes: () => void): void {
    if (this.#asking !== undefined || !this.#o.wishes.some((wish) => this.#decide(wish).verdict === "ask")) return;
    const asking = new AbortController();
    this.#asking = asking;
    void this.#askAll(asking.signal, onYes).finally(() => {
      if (this.#asking === asking) this.#asking = undefined;
    });
  }

  stopAsking(): void {
    this.#asking?.abort();
    this.#asking = undefined;
  }

  async #askAll(signal: AbortSignal, onYes: () => void): Promise<void> {
    for (const wish of this.#o.wishes) {
      const { denial, verdict } = this.#decide(wish);
      if (verdict !== "ask" || denial === undefined) continue;
      const yes = await this.#o.ask(denial, signal).then(
        () => true,
        () => false,
      );
      if (signal.aborted) return;
      if (yes) {
        this.#o.grants.answer(denial);
        onYes();
      } else {
        this.#refused.add(wish);
        this.#tell(wish, "deny");
      }
    }
  }

  #decide(wish: Wish): { verdict: "allow" | "deny" | "ask" | "simulate"; denial?: GrantDenied } {
    try {
      this.#o.check(this.#o.grants.view, wish);
      return { verdict: "allow" };
    } catch (error) {
      if (error instanceof GrantDenied) return { verdict: "deny" };
      if (!(error instanceof Undecided)) throw error;
      if (error.how === "simulate") return { verdict: "simulate" };
      return this.#refused.has(wish) ? { verdict: "deny" } : { verdict: "ask", denial: error.denial };
    }
  }

  #tell(wish: Wish, verdict: "deny" | "simulate"): void {
    if (this.#told.has(wish)) return;
    this.#told.add(wish);
    this.#o.onShut(wish, verdict);
  }
}
