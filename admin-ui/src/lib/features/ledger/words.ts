import type { LedgerRow, PermissionName } from "@hearthnet/host/contract";
import { t } from "#lib/i18n/locale.svelte.ts";

const OPERATOR = "operator.";

/** What a right allows, in words; its name where the page does not know it. */
export function rightWords(permission: string): string {
  const known: Partial<Record<PermissionName, string>> = t().permissions;
  return known[permission as PermissionName] ?? permission;
}

/** Of an operator's act the node writes `[on what] by <who> [why it was refused]`. */
const ACT = /^(?:(.*) )?by (\w+)(?: \S+)?$/;

/** Who asked or did it: the plugin, or the operator by the door they came through. */
export function whoWords(row: LedgerRow, nameOf: (id: string) => string): string {
  if (!row.op.startsWith(OPERATOR)) return row.plugin === "" ? t().ledger.host : nameOf(row.plugin);
  const actor = ACT.exec(row.target)?.[2] ?? "";
  const known: Record<string, string> = t().audit.actors;
  return known[actor] ?? t().ledger.host;
}

/** On what: as the row says it, or the plugin that an operator's act was about. */
export function targetWords(row: LedgerRow, nameOf: (id: string) => string): string {
  if (!row.op.startsWith(OPERATOR)) return row.target;
  return row.plugin === "" ? (ACT.exec(row.target)?.[1] ?? "") : nameOf(row.plugin);
}

/** What was asked for or done, in plain words. */
export function rowWords(row: LedgerRow): string {
  const { did } = t().ledger;
  if (row.op.startsWith(OPERATOR)) {
    const action = row.op.slice(OPERATOR.length);
    const known: Record<string, string> = t().audit.actions;
    return known[action] ?? action;
  }
  switch (row.op) {
    case "grant":
      return did.granted({ right: rightWords(row.permission) });
    case "ungrant":
      return did.ungranted({ right: rightWords(row.permission) });
    case "rollback":
      return did.rollback({ version: row.target });
    case "ledger.segment":
      return did.segment;
    case "ledger.drop":
      return did.dropped;
    default:
      return row.permission === "" ? did.unknown : rightWords(row.permission);
  }
}

/** True where the row tells of a right that can be taken away. */
export function isRevocable({ plugin, permission, op }: LedgerRow): boolean {
  return plugin !== "" && permission !== "" && op !== "ungrant";
}
