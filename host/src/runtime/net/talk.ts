import type { JsonObject, PermissionName } from "../../contract/index.ts";
import type { Target } from "./target.ts";

/** What an op gives to whoever speaks over a connection for it. */
export interface Talk {
  signal: AbortSignal;
  /** To the plugin; resolves when there is room for another. */
  frame: (event: string, data: JsonObject) => Promise<void>;
  /** For the ledger: where it wants to go, before it is decided. */
  about: (target: Target) => void;
  /** A secret is on its way to that target. */
  lent: (secret: string, target: Target) => void;
  /** It was allowed; the bytes of its wire count from here. */
  opened: (o: { permission: PermissionName; wire: { readonly bytesIn: number; readonly bytesOut: number } }) => void;
}
