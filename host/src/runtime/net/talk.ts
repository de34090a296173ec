import type { JsonObject, PermissionName } from "../../contract/index.ts";
import type { GrantTable, Target } from "../permission/index.ts";

/** What an op gives to whoever speaks over a connection for it. */
export interface Talk {
  signal: AbortSignal;
  /** The op's own rights as they stand. */
  grants: () => GrantTable;
  /** The same for what is over in a moment: nothing runs on it that a lost right would have to end. */
  passing: () => GrantTable;
  /** Puts checks to them, while something has been done already: what the operator is asked about is waited for here. @throws what they throw */
  decide: <T>(check: () => T) => Promise<T>;
  /** To the plugin; resolves when there is room for another. */
  frame: (event: string, data: JsonObject) => Promise<void>;
  /** For the ledger: where it wants to go, before it is decided. */
  about: (target: Target) => void;
  /** A secret is on its way to that target. */
  lent: (secret: string, target: Target) => void;
  /** It was allowed; the bytes of its wire count from here. */
  opened: (o: { permission: PermissionName; wire: { readonly bytesIn: number; readonly bytesOut: number } }) => void;
}
