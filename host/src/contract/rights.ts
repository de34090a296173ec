/** What the operator decides about rights while plugins run: questions, trial runs, roles. @source plugin-platform §3.3, §3.4 */
import type { JsonObject } from "./ids.ts";
import type { PermissionName, RoleName } from "./permissions.ts";
import type { Grant } from "./plugin.ts";

/** A plugin wants to use a right for which the operator wants to be asked. */
export interface Question {
  id: string;
  plugin: string;
  permission: PermissionName;
  /** Capability, `host:port`, event type; the permission's own name when there is nothing narrower. */
  target: string;
  /** Operations that wait for this answer. */
  waiting: number;
  /** Unix milliseconds. */
  asked: number;
  /** When it counts as no. */
  until: number;
}

/** `once`: what waits for it; `allow`: from now on without being asked; `deny`: what waits for it. */
export type QuestionAnswer = "once" | "allow" | "deny";

/** A trial run, or the one that has ended and whose proposal was not decided on. */
export interface TrialState {
  /** Unix milliseconds. */
  since: number;
  until: number;
  proposal: TrialProposal;
}

/** The smallest rights under which everything seen so far would have been allowed. */
export interface TrialProposal {
  /** Echoed when it is accepted, so that nothing is granted that was not shown. */
  digest: string;
  grants: ProposedGrant[];
  /** Asked for and not used so far. */
  unused: PermissionName[];
  /** Decided when a process starts, so a trial run cannot tell; as they are now. */
  untried: PermissionName[];
}

export interface ProposedGrant {
  permission: PermissionName;
  scope: JsonObject;
  weight: number;
  /** How often it was wanted; 0 for what it was started with. */
  uses: number;
}

export interface RoleState {
  role: RoleName;
  /** The plugin it was given to, whether it runs or not. */
  holder: string | null;
  /** Installed plugins that could have it. */
  candidates: string[];
}

/** Part of the runtime. */
export interface Rights {
  questions(): Question[];
  /** @throws not_found question_gone */
  answer(id: string, answer: QuestionAnswer): Promise<Question>;
  /** Called with all open questions whenever one comes or goes. */
  onQuestions(listener: (open: Question[]) => void): () => void;
  /**
   * Everything it asks for and has not is simulated and noted; nobody but this node's operator and plugins is answered. The plugin starts anew.
   * @param hours  at most 24
   * @throws not_found · bad_request
   */
  startTrial(id: string, hours: number): Promise<TrialState>;
  /** Null when none goes on. */
  trial(id: string): TrialState | null;
  /** The rights before come back. @throws not_found no_trial */
  endTrial(id: string): Promise<void>;
  /** Grants exactly what was proposed, denies the rest, ends the trial run. @throws not_found no_trial · expired review_stale */
  acceptTrial(id: string, digest: string): Promise<Grant[]>;
  roles(): RoleState[];
  /**
   * @param o.instead  whom it is taken from; must be named when somebody has it
   * @throws bad_request role_taken · not_found
   */
  assignRole(role: RoleName, id: string | null, o: { instead?: string }): RoleState;
}
