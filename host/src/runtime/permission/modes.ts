/** The four modes of a grant: what is allowed, what is asked, what is only tried. @source plugin-platform §3.4.1, §3.4.5 */
import type { Grant, GrantMode, PermissionName } from "../../contract/index.ts";
import { GrantDenied, GrantTable } from "./check.ts";

const WITH_ASKED: ReadonlySet<GrantMode> = new Set(["allow", "ask"]);
const WITH_TRIED: ReadonlySet<GrantMode> = new Set(["allow", "ask", "audit"]);

/** One question to a table, by the name of its method. Arguments are plain values, so that it can be asked again later. */
export interface Check {
  method: string;
  args: readonly unknown[];
}

/** No row allows it, but one says that the operator is asked, or that it is simulated. */
export class Undecided extends Error {
  readonly how: "ask" | "simulate";
  readonly denial: GrantDenied;

  constructor(how: "ask" | "simulate", denial: GrantDenied) {
    super(denial.message);
    this.how = how;
    this.denial = denial;
  }
}

/** Everything granted to one plugin, by mode. */
export class GrantModes {
  readonly allowed: GrantTable;
  readonly #asked: GrantTable | undefined;
  readonly #tried: GrantTable | undefined;

  constructor(grants: readonly Grant[], now: () => number) {
    this.allowed = new GrantTable(grants, { now });
    const has = (mode: GrantMode): boolean => grants.some((grant) => grant.mode === mode);
    if (has("ask")) this.#asked = new GrantTable(grants, { modes: WITH_ASKED, now });
    if (has("audit")) this.#tried = new GrantTable(grants, { modes: WITH_TRIED, now });
  }

  /**
   * @param isAnswered  has the operator said yes to what would be denied?
   * @throws GrantDenied · Undecided
   */
  decide(check: Check, isAnswered: (denial: GrantDenied) => boolean = () => false): unknown {
    try {
      return ask(this.allowed, check);
    } catch (error) {
      if (!(error instanceof GrantDenied)) throw error;
      if (this.#asked !== undefined && passes(this.#asked, check)) {
        if (isAnswered(error)) return ask(this.#asked, check);
        throw new Undecided("ask", error);
      }
      if (this.#tried !== undefined && passes(this.#tried, check)) throw new Undecided("simulate", error);
      throw error;
    }
  }
}

const NOTHING = new GrantTable([]);

/** For which right a check asks, and to what: a table without rows says so in its refusal. */
export function subjectOf(check: Check): { permission: PermissionName; target: string } {
  try {
    // Whether there is a right at all is not refused, only answered.
    ask(NOTHING, check.method === "has" || check.method === "scopes" ? { ...check, method: "require" } : check);
  } catch (error) {
    if (error instanceof GrantDenied) return error;
    throw error;
  }
  throw new TypeError(`The check ${check.method} lets everything pass.`);
}

/** Puts a question to a table. @throws what the check throws */
export function ask(table: GrantTable, { method, args }: Check): unknown {
  const member: unknown = Reflect.get(GrantTable.prototype, method);
  if (typeof member !== "function") throw new TypeError(`A table of grants has no check ${method}.`);
  return Reflect.apply(member, table, args);
}

export function passes(table: GrantTable, check: Check): boolean {
  try {
    ask(table, check);
    return true;
  } catch (error) {
    if (error instanceof GrantDenied) return false;
    throw error;
  }
}
