import { Undecided, type GrantDenied, type OpGrants } from "../permission/index.ts";

/** One act needs one right, seldom two. */
const QUESTIONS_MAX = 4;

/**
 * What the operator is asked about is done once more after their yes.
 * @param o.ask  resolves when they say yes
 * @throws Undecided for what is only tried · GrantDenied
 */
export async function asking<T>(
  o: { grants: OpGrants; ask: (denial: GrantDenied) => Promise<void> },
  act: () => T | Promise<T>,
): Promise<T> {
  for (let questions = 0; ; questions++) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof Undecided) || error.how === "simulate") throw error;
      if (questions >= QUESTIONS_MAX) throw error.denial;
      await o.ask(error.denial);
      o.grants.answer(error.denial);
    }
  }
}
