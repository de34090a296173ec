/** What one running op has been allowed, so that it ends when that is no longer so. @source plugin-platform §3.4.3 */
import { denied, GrantDenied, GrantTable } from "./check.ts";
import { subjectOf, Undecided, type Check, type GrantModes } from "./modes.ts";

/**
 * The grants as one op sees them. Each check that passes is remembered and asked again whenever the grants change: a scope that became narrower
 * ends exactly what it no longer covers, whichever check that is.
 */
export class OpGrants {
  /** To the op's handler a table like any other. */
  readonly view: GrantTable;
  /** The same for what is over as soon as it is decided: it is not asked again. */
  readonly passing: GrantTable;
  readonly #modes: () => GrantModes;
  readonly #passed = new Map<string, { check: Check; value: unknown }>();
  readonly #answered = new Set<string>();
  readonly #onPassed: (check: Check) => void;

  /** @param onPassed  hears of each check once that has passed, or would have in a trial run */
  constructor(modes: () => GrantModes, onPassed: (check: Check) => void = () => {}) {
    this.#modes = modes;
    this.#onPassed = onPassed;
    this.view = checking((check) => this.#decide(check));
    this.passing = checking((check) => this.#pass(check));
  }

  /** The operator has said yes: to this op, this right and this target. */
  answer(denial: GrantDenied): void {
    this.#answered.add(subjectKey(denial));
  }

  /** What the op stands on no longer; undefined while it may go on. */
  lost(): GrantDenied | undefined {
    for (const { check, value } of this.#passed.values()) {
      try {
        // `has` does not throw: a yes that became a no counts as well.
        if (this.#put(check) === false && value === true) return deniedOf(check);
      } catch (error) {
        if (error instanceof GrantDenied) return error;
        if (error instanceof Undecided) return error.denial;
        throw error;
      }
    }
    return undefined;
  }

  #decide(check: Check): unknown {
    return this.#hearing(check, (value) => {
      const key = keyOf(check);
      const isNew = !this.#passed.has(key);
      this.#passed.set(key, { check, value });
      if (isNew) this.#onPassed(check);
    });
  }

  #pass(check: Check): unknown {
    return this.#hearing(check, () => this.#onPassed(check));
  }

  #hearing(check: Check, heard: (value: unknown) => void): unknown {
    try {
      const value = this.#put(check);
      heard(value);
      return value;
    } catch (error) {
      if (error instanceof Undecided && error.how === "simulate") heard(undefined);
      throw error;
    }
  }

  #put(check: Check): unknown {
    return this.#modes().decide(check, (denial) => this.#answered.has(subjectKey(denial)));
  }
}

/** A table whose every check is put elsewhere. */
function checking(put: (check: Check) => unknown): GrantTable {
  return new Proxy(new GrantTable([]), {
    get: (_table, method) =>
      typeof method === "string" && typeof Reflect.get(GrantTable.prototype, method) === "function"
        ? (...args: unknown[]) => put({ method, args })
        : undefined,
  });
}

const subjectKey = ({ permission, target }: GrantDenied): string => `${permission} ${target}`;

const keyOf = ({ method, args }: Check): string => `${method} ${JSON.stringify(args)}`;

function deniedOf(check: Check): GrantDenied {
  const { permission } = subjectOf(check);
  return denied(permission, permission);
}
