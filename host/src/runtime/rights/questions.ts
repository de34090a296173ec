/** Questions to the operator, each with 30 s to be answered. @source plugin-platform §3.4.1 */
import type { Clock, PermissionName, Question, QuestionAnswer, Timer } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

const ANSWER_MS = 30_000;
/** Nobody reads more at once; what comes beyond is denied. */
const OPEN_MAX = 64;
const OPEN_PER_PLUGIN_MAX = 8;
/** So long the same is not asked again after a no, or a plugin could ask until somebody is tired of it. */
const QUIET_MS = 60_000;

export interface Asked {
  plugin: string;
  permission: PermissionName;
  target: string;
}

interface Open {
  question: Question;
  key: string;
  timer: Timer;
  waiting: Set<(yes: boolean) => void>;
}

export interface QuestionsOptions {
  clock: Clock;
  newId: () => string;
  /** An answer, or none in time, for the ledger. */
  onAnswered: (question: Question, answer: QuestionAnswer | "none") => void;
}

export class Questions {
  readonly #options: QuestionsOptions;
  readonly #open = new Map<string, Open>();
  /** Until when the same is not asked again, monotonic milliseconds. */
  readonly #quiet = new Map<string, number>();
  readonly #listeners = new Set<(open: Question[]) => void>();

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  /** Oldest first. */
  list(): Question[] {
    return [...this.#open.values()].map(({ question, waiting }) => ({ ...question, waiting: waiting.size }));
  }

  listen(listener: (open: Question[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The same question of several ops is one. @returns whether the operator says yes; no when they say nothing in time, or the op is withdrawn */
  ask(asked: Asked, signal: AbortSignal): Promise<boolean> {
    const key = JSON.stringify([asked.plugin, asked.permission, asked.target]);
    const known = [...this.#open.values()].find((open) => open.key === key);
    if (signal.aborted || (known === undefined && !this.#mayOpen(asked.plugin, key))) return Promise.resolve(false);
    const open = known ?? this.#begin(asked, key);
    return new Promise((resolve) => {
      const settle = (yes: boolean): void => {
        open.waiting.delete(settle);
        signal.removeEventListener("abort", withdrawn);
        resolve(yes);
      };
      const withdrawn = (): void => {
        settle(false);
        if (open.waiting.size === 0) this.#end(open);
        else this.#announce();
      };
      open.waiting.add(settle);
      signal.addEventListener("abort", withdrawn, { once: true });
      this.#announce();
    });
  }

  /** @throws not_found question_gone */
  answer(id: string, answer: QuestionAnswer): Question {
    const open = this.#open.get(id);
    if (open === undefined) throw new HnError("not_found", { reason: "question_gone" });
    this.#settle(open, answer);
    return open.question;
  }

  /** What a plugin that is gone has asked. */
  drop(plugin: string): void {
    for (const open of this.#open.values()) if (open.question.plugin === plugin) this.#settle(open, "none");
  }

  close(): void {
    for (const open of this.#open.values()) this.#settle(open, "none");
  }

  #mayOpen(plugin: string, key: string): boolean {
    if ((this.#quiet.get(key) ?? 0) > this.#options.clock.monotonic()) return false;
    const own = [...this.#open.values()].filter(({ question }) => question.plugin === plugin).length;
    return this.#open.size < OPEN_MAX && own < OPEN_PER_PLUGIN_MAX;
  }

  #begin(asked: Asked, key: string): Open {
    const { clock, newId } = this.#options;
    const now = clock.now();
    const question: Question = { id: newId(), ...asked, waiting: 0, asked: now, until: now + ANSWER_MS };
    const timer = clock.setTimeout(() => this.#settle(open, "none"), ANSWER_MS);
    const open: Open = { question, key, timer, waiting: new Set() };
    this.#open.set(question.id, open);
    return open;
  }

  #settle(open: Open, answer: QuestionAnswer | "none"): void {
    const yes = answer === "once" || answer === "allow";
    if (!yes) this.#keepQuiet(open.key);
    for (const settle of open.waiting) settle(yes);
    this.#end(open);
    this.#options.onAnswered(open.question, answer);
  }

  #keepQuiet(key: string): void {
    const now = this.#options.clock.monotonic();
    for (const [other, until] of this.#quiet) if (until <= now) this.#quiet.delete(other);
    this.#quiet.set(key, now + QUIET_MS);
  }

  #end({ question, timer }: Open): void {
    timer.cancel();
    this.#open.delete(question.id);
    this.#announce();
  }

  #announce(): void {
    const open = this.list();
    for (const listener of this.#listeners) listener(open);
  }
}
