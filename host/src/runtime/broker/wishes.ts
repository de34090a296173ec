/** What a plugin wishes for without an op: routes, panels, ticks, messages, events of its views. In all modes of a grant, as ops are. @source plugin-platform §3.4 */
import type { PermissionName } from "../../contract/index.ts";
import { GrantDenied, OpGrants, Undecided, type Check, type GrantModes, type GrantTable } from "../permission/index.ts";
import { asking } from "./asking.ts";
import type { AskedOp, OpUse } from "./op-desk.ts";
import { StandingRights } from "./standing-rights.ts";

export interface WishesOptions {
  modes: () => GrantModes;
  /** The operator's word. @throws GrantDenied */
  ask: (question: AskedOp) => Promise<void>;
  /** Takes down what is wanted while a trial run goes on; undefined when none does. */
  trial: () => ((check: Check) => void) | undefined;
  onDenied: (use: OpUse) => void;
  onSimulated: (use: OpUse) => void;
}

/** One act that needs a right. */
export interface Act {
  /** As the ledger calls it. */
  op: string;
  trace?: string;
  /** What was answered once counts as long as these do. */
  grants: OpGrants;
  check: (table: GrantTable) => void;
  signal: AbortSignal;
}

export class Wishes {
  readonly #o: WishesOptions;

  constructor(options: WishesOptions) {
    this.#o = options;
  }

  /** The rights of one act, or of what stands as long as the process does. */
  newGrants(): OpGrants {
    const { modes, trial } = this.#o;
    return new OpGrants(modes, (check) => trial()?.(check));
  }

  /** @returns deny also when the operator says no, or nothing in time; simulate in a trial run, where it is noted and not done */
  async decide({ op, trace = "", grants, check, signal }: Act): Promise<"allow" | "deny" | "simulate"> {
    const ask = (denial: GrantDenied): Promise<void> => this.#o.ask({ op, denial, trace, signal });
    try {
      await asking({ grants, ask }, () => check(grants.passing));
      return "allow";
    } catch (error) {
      if (error instanceof GrantDenied) return "deny";
      if (error instanceof Undecided) return "simulate";
      throw error;
    }
  }

  /** What happens by itself, a tick or a message: the ledger hears of it in a trial run. */
  async mayHappen(act: Act & { permission: PermissionName; target: string }): Promise<boolean> {
    const verdict = await this.decide(act);
    if (verdict === "simulate") this.#o.onSimulated(useOf(act, false));
    return verdict === "allow";
  }

  /** What a release wishes for once and has from then on; the ledger hears of what it does not get. */
  standing<Wish>(o: {
    op: string;
    permission: PermissionName;
    wishes: readonly Wish[];
    nameOf: (wish: Wish) => string;
    check: (table: GrantTable, wish: Wish) => void;
    onShut?: (wish: Wish, verdict: "deny" | "simulate") => void;
  }): StandingRights<Wish> {
    const { op, permission, wishes, nameOf, check } = o;
    const { ask, onDenied, onSimulated } = this.#o;
    return new StandingRights({
      wishes,
      check,
      grants: this.newGrants(),
      ask: (denial, signal) => ask({ op, denial, trace: "", signal }),
      onShut: (wish, verdict) => {
        const act = { op, permission, target: nameOf(wish) };
        if (verdict === "deny") onDenied(useOf(act, true));
        else onSimulated(useOf(act, false));
        o.onShut?.(wish, verdict);
      },
    });
  }
}

function useOf({ op, permission, target }: { op: string; permission: PermissionName; target: string }, denied: boolean): OpUse {
  return { op, permission, target, bytesIn: 0, bytesOut: 0, denied, trace: "" };
}
