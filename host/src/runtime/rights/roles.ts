/** Exclusive roles, given by the operator. @source plugin-platform §3.3 */
import { ROLES, type Clock, type RoleName, type RoleState, type StoredRelease } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Journal } from "../journal/index.ts";
import type { Ledger } from "../ledger/index.ts";

export interface RolesOptions {
  journal: Journal;
  ledger: Ledger;
  clock: Clock;
  releases: () => readonly StoredRelease[];
}

export class Roles {
  readonly #o: RolesOptions;

  constructor(options: RolesOptions) {
    this.#o = options;
  }

  list(): RoleState[] {
    return ROLES.map((role) => this.#state(role));
  }

  /** To whom it was given, as long as the installed release still wants it. */
  holder(role: RoleName): string | undefined {
    const id = this.#o.journal.roles.holder(role);
    return id !== undefined && this.#candidates(role).includes(id) ? id : undefined;
  }

  /** @throws bad_request role_taken · not_found */
  assign(role: RoleName, id: string | null, { instead }: { instead?: string }): RoleState {
    const { journal, clock } = this.#o;
    const holder = this.holder(role);
    if (id !== null && !this.#candidates(role).includes(id))
      throw new HnError("not_found", {
        message: `No plugin ${id.slice(0, 80)} is installed that can have the role ${role}.`,
        action: `These can: ${this.#candidates(role).join(", ") || "none"}.`,
      });
    if (id === holder) return this.#state(role);
    if (holder !== undefined && id !== null && instead !== holder)
      throw new HnError("bad_request", {
        reason: "role_taken",
        message: `${holder} has the role ${role}; ${id} would take it over.`,
        action: `Name both: in the terminal \`hearthnet plugin role ${role} ${id} --instead-of ${holder}\`.`,
      });
    if (holder !== undefined) this.#note(holder, { op: "role.end", target: id === null ? role : `${role} to ${id}` });
    if (id === null) journal.roles.clear(role);
    else {
      journal.roles.assign(role, id, Math.floor(clock.now()));
      this.#note(id, { op: "role", target: holder === undefined ? role : `${role} from ${holder}` });
    }
    return this.#state(role);
  }

  #state(role: RoleName): RoleState {
    return { role, holder: this.holder(role) ?? null, candidates: this.#candidates(role) };
  }

  #candidates(role: RoleName): string[] {
    return this.#o
      .releases()
      .filter(({ manifest }) => manifest.roles?.includes(role) === true)
      .map(({ id }) => id)
      .toSorted();
  }

  #note(plugin: string, { op, target }: { op: string; target: string }): void {
    const release = this.#o.releases().find(({ id }) => id === plugin)?.version ?? "";
    this.#o.ledger.act({ plugin, release, op, permission: "", target, verdict: "allow" });
  }
}
