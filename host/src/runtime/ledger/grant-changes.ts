import type { Grant, GrantMode, LedgerEntry } from "../../contract/index.ts";
import { isWithin } from "../permission/index.ts";

/** How a grant's row reads in the ledger: what is asked each time is allowed by that answer alone. */
const VERDICTS: Record<GrantMode, LedgerEntry["verdict"]> = { allow: "allow", ask: "deny", audit: "simulate", deny: "deny" };

/** What has changed between two sets of rights; a right that only became narrower is `narrow`, one that is asked for each time `grant.ask`. */
export function grantChanges(
  before: readonly Grant[],
  after: readonly Grant[],
): Pick<LedgerEntry, "op" | "permission" | "target" | "verdict">[] {
  const key = ({ permission, scope, mode, expires }: Grant): string => JSON.stringify([permission, scope, mode, expires]);
  const [old, now] = [new Set(before.map(key)), new Set(after.map(key))];
  const gone = before.filter((grant) => !now.has(key(grant)));
  const given = after.filter((grant) => !old.has(key(grant)));
  const narrows = (grant: Grant, former: Grant): boolean =>
    grant.mode === former.mode && grant.permission === former.permission && isWithin([grant], [former]);
  const row = (op: string, { permission, scope, mode }: Grant): ReturnType<typeof grantChanges>[number] => ({
    op,
    permission,
    target: JSON.stringify(scope),
    verdict: VERDICTS[mode],
  });
  return [
    ...given.map((grant) =>
      row(gone.some((former) => narrows(grant, former)) ? "narrow" : grant.mode === "ask" ? "grant.ask" : "grant", grant),
    ),
    ...gone.filter((former) => !given.some((grant) => narrows(grant, former))).map((grant) => row("ungrant", grant)),
  ];
}
