/** What the operator decides about rights while plugins run. @source plugin-platform §3.3, §3.4 */
import type {
  Clock,
  Grant,
  Question,
  QuestionAnswer,
  Rights,
  RoleName,
  RoleState,
  StoredRelease,
  TrialState,
} from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { AskedOp } from "../broker/index.ts";
import type { Journal } from "../journal/index.ts";
import type { Ledger } from "../ledger/index.ts";
import { isDecidedAtStart } from "../permission/index.ts";
import { endedBetween, Expiry } from "./expiry.ts";
import { acceptedGrants, propose, tryingGrants } from "./proposal.ts";
import { Questions } from "./questions.ts";
import { Roles } from "./roles.ts";
import { Trials } from "./trials.ts";

/** @source plugin-platform §3.4.5 */
const TRIAL_HOURS_MAX = 24;
const HOUR_MS = 3_600_000;

export interface PluginRightsOptions {
  journal: Journal;
  ledger: Ledger;
  clock: Clock;
  newId: () => string;
  releases: () => readonly StoredRelease[];
  /** It was given to another, or to nobody. */
  onRole?: (role: RoleName) => void;
  /** One act on a plugin after the other. */
  inTurn: <T>(id: string, act: () => Promise<T>) => Promise<T>;
  /** Within its turn: the process knows the journal's rights, started anew if it must or `anew` says so. */
  apply: (id: string, o: { before: readonly Grant[]; anew?: boolean }) => Promise<void>;
}

export class PluginRights implements Rights {
  readonly trials: Trials;
  readonly #o: PluginRightsOptions;
  readonly #questions: Questions;
  readonly #roles: Roles;
  readonly #expiry: Expiry;
  #lookedAt: number;

  constructor(options: PluginRightsOptions) {
    this.#o = options;
    const { journal, clock, newId } = options;
    this.trials = new Trials(journal, clock);
    this.#roles = new Roles(options);
    this.#questions = new Questions({
      clock,
      newId,
      onAnswered: ({ plugin, permission, target }, answer) =>
        this.#note(plugin, {
          op: "ask",
          permission,
          target,
          verdict: answer === "once" || answer === "allow" ? "allow" : "deny",
        }),
    });
    this.#lookedAt = clock.now();
    this.#expiry = new Expiry({
      clock,
      ends: () => [
        ...journal.plugins().flatMap(({ id }) => journal.grants(id).flatMap(({ expires }) => expires ?? [])),
        ...[...this.trials.running.values()].map(({ until }) => until),
      ],
      onDue: () => this.#look(),
    });
  }

  /** Ends what ran out while the daemon was down, and watches from now on. */
  begin(): void {
    for (const [id, { until }] of this.trials.running) if (until <= this.#o.clock.now()) this.#endTrial(id, "trial.end");
    this.#expiry.plan();
  }

  /** Rights have changed by another way than through here. */
  plan(): void {
    this.#expiry.plan();
  }

  close(): void {
    this.#expiry.close();
    this.#questions.close();
    this.trials.flush();
  }

  /** One op's question. @throws GrantDenied when the answer is no */
  async ask(plugin: string, { denial, signal }: AskedOp): Promise<void> {
    const { permission, target } = denial;
    if (!(await this.#questions.ask({ plugin, permission, target }, signal))) throw denial;
  }

  /** Its process is gone for good. */
  forget(plugin: string): void {
    this.#questions.drop(plugin);
    this.trials.end(plugin);
  }

  /** Another release follows, or the operator has given other rights: the run is over, and what it had shown is void. Within the plugin's turn. */
  leaveTrial(id: string): void {
    if (this.trials.running.has(id)) this.#endTrial(id, "trial.end");
  }

  questions(): Question[] {
    return this.#questions.list();
  }

  onQuestions(listener: (open: Question[]) => void): () => void {
    return this.#questions.listen(listener);
  }

  async answer(id: string, answer: QuestionAnswer): Promise<Question> {
    const question = this.#questions.answer(id, answer);
    const { plugin, permission } = question;
    if (answer !== "allow") return question;
    await this.#o.inTurn(plugin, async () => {
      const before = this.#o.journal.grants(plugin);
      const after = before.map((grant): Grant =>
        grant.permission === permission && grant.mode === "ask"
          ? { ...grant, mode: "allow", grantedBy: "operator", at: this.#o.clock.now() }
          : grant,
      );
      await this.#set(plugin, { before, after });
    });
    return question;
  }

  async startTrial(id: string, hours: number): Promise<TrialState> {
    const { manifest } = this.#release(id);
    if (!(hours > 0 && hours <= TRIAL_HOURS_MAX))
      throw new HnError("bad_request", {
        message: `A trial run lasts at most ${TRIAL_HOURS_MAX} hours.`,
        action: "Name a number of hours from 1 to 24.",
      });
    await this.#o.inTurn(id, async () => {
      this.leaveTrial(id);
      const now = Math.floor(this.#o.clock.now());
      const until = now + Math.round(hours * HOUR_MS);
      const before = this.#o.journal.grants(id);
      this.trials.begin(id, { since: now, until, grants: before });
      this.#note(id, { op: "trial.start", permission: "", target: `${hours} h`, verdict: "simulate" });
      await this.#set(id, { before, after: tryingGrants(manifest, before, { now, until }), anew: true });
    });
    return this.#trial(id);
  }

  trial(id: string): TrialState | null {
    return this.trials.running.has(id) ? this.#trial(id) : null;
  }

  async endTrial(id: string): Promise<void> {
    await this.#o.inTurn(id, async () => {
      this.#trial(id);
      const before = this.#o.journal.grants(id);
      this.#endTrial(id, "trial.end");
      await this.#o.apply(id, { before, anew: true });
    });
  }

  async acceptTrial(id: string, digest: string): Promise<Grant[]> {
    return this.#o.inTurn(id, async () => {
      const { proposal } = this.#trial(id);
      if (proposal.digest !== digest) throw new HnError("expired", { reason: "proposal_stale" });
      const before = this.#o.journal.grants(id);
      const after = acceptedGrants(this.#release(id).manifest, proposal, this.#o.clock.now());
      this.trials.end(id);
      this.#note(id, { op: "trial.accept", permission: "", target: digest.slice(0, 12), verdict: "allow" });
      await this.#set(id, { before, after, anew: true });
      return this.#o.journal.grants(id);
    });
  }

  roles(): RoleState[] {
    return this.#roles.list();
  }

  roleHolder(role: RoleName): string | undefined {
    return this.#roles.holder(role);
  }

  assignRole(role: RoleName, id: string | null, o: { instead?: string }): RoleState {
    const state = this.#roles.assign(role, id, o);
    this.#o.onRole?.(role);
    return state;
  }

  async #set(id: string, o: { before: readonly Grant[]; after: readonly Grant[]; anew?: boolean }): Promise<void> {
    const { journal, ledger, apply } = this.#o;
    journal.setGrants(id, o.after);
    ledger.addGrants({ plugin: id, release: this.#release(id).version }, o.before, o.after);
    this.#expiry.plan();
    await apply(id, { before: o.before, ...(o.anew === undefined ? {} : { anew: o.anew }) });
  }

  #endTrial(id: string, op: string): void {
    const { journal, ledger } = this.#o;
    const trying = journal.grants(id);
    const row = this.trials.end(id);
    if (row === undefined) return;
    journal.setGrants(id, row.grants);
    this.#note(id, { op, permission: "", target: "", verdict: "simulate" });
    ledger.addGrants({ plugin: id, release: this.#release(id).version }, trying, row.grants);
  }

  #trial(id: string): TrialState {
    const row = this.trials.running.get(id);
    if (row === undefined) throw new HnError("not_found", { reason: "no_trial" });
    const { since, until, grants } = row;
    return { since, until, proposal: propose(this.#release(id).manifest, this.trials.uses(id), grants) };
  }

  /** Lets go of what has run out since the last look. */
  #look(): void {
    const [from, now] = [this.#lookedAt, this.#o.clock.now()];
    this.#lookedAt = now;
    for (const { id } of this.#o.journal.plugins()) {
      const overdue = (this.trials.running.get(id)?.until ?? Infinity) <= now;
      const ended = endedBetween(this.#o.journal.grants(id), from, now);
      if (!overdue && ended.length === 0) continue;
      void this.#o.inTurn(id, async () => {
        const before = this.#o.journal.grants(id);
        for (const { permission, scope, mode } of ended)
          if (mode !== "audit") this.#note(id, { op: "expire", permission, target: JSON.stringify(scope), verdict: "deny" });
        if (overdue) this.#endTrial(id, "trial.end");
        await this.#o.apply(id, { before, anew: overdue || ended.some(({ permission }) => isDecidedAtStart(permission)) });
      });
    }
  }

  #note(plugin: string, row: { op: string; permission: string; target: string; verdict: "allow" | "deny" | "simulate" }): void {
    const release = this.#o.releases().find(({ id }) => id === plugin)?.version ?? "";
    this.#o.ledger.act({ plugin, release, ...row });
  }

  #release(id: string): StoredRelease {
    const release = this.#o.releases().find((one) => one.id === id);
    if (release === undefined)
      throw new HnError("not_found", { message: `No plugin ${id} is installed.`, action: "See `hearthnet plugin list`." });
    return release;
  }
}
