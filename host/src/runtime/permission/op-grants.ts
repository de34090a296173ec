/** What one running op has been allowed, so that it ends when that is no longer so. @source plugin-platform §3.4.3 */
import type { PermissionName } from "../../contract/index.ts";
import { denied, GrantDenied, GrantTable } from "./check.ts";
import { Undecided, type Check, type GrantModes } from "./modes.ts";

/**
 * The grants as one op sees them. Each check that passes is remembered and asked again whenever the grants change: a scope that became narrower
 * ends exactly what it no longer covers, whichever check that is.
 */
export class OpGrants {
  /** To the op's handler a table like any other. */
  readonly view: GrantTable;
  readonly #modes: () => GrantModes;
  readonly #passed = new Map<string, { check: Check; value: unknown }>();
  readonly #answered = new Set<PermissionName>();

  constructor(modes: () => GrantModes) {
    this.#modes = modes;
    this.view = new Proxy(new GrantTable([]), {
      get: (_table, method) =>
        typeof method === "string" && typeof Reflect.get(GrantTable.prototype, method) === "function"
          ? (...args: unknown[]) => this.#decide({ method, args })
          : undefined,
    });
  }

  /** Every check that has passed, or would have in a trial run. */
  get checks(): Check[] {
    return [...this.#passed.values()].map(({ check }) => check);
  }

  /** The operator has said yes to this op. */
  answer(permission: PermissionName): void {
    this.#answered.add(permission);
  }

  /** What the op stands on no longer; undefined while it may go on. */
  lost(): GrantDenied | undefined {
    for (const { check, value } of this.#passed.values()) {
      try {
        // `has` does not throw: a yes that became a no counts as well.
        if (this.#modes().decide(check, this.#answered) === false && value === true) return deniedOf(check);
      } catch (error) {
        if (error instanceof GrantDenied) return error;
        if (error instanceof Undecided) return error.denial;
        throw error;
      }
    }
    return undefined;
  }

  #decide(check: Check): unknown {
    try {
      const value = this.#modes().decide(check, this.#answered);
      this.#passed.set(keyOf(check), { check, value });
      return value;
    } catch (error) {
      if (error instanceof Undecided && error.how === "simulate") this.#passed.set(keyOf(check), { check, value: undefined });
      throw error;
    }
  }
}

const keyOf = ({ method, args }: Check): string => `${method} ${JSON.stringify(args)}`;

function deniedOf({ args }: Check): GrantDenied {
  const permission = args[0] as PermissionName;
  return denied(permission, permission);
}
