/** How an op reaches the plugin that holds the role `blob-store`. @source plugin-platform §3.3 */
import type { JsonObject } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { isCid } from "../../identity/index.ts";
import type { RoleCall, RoleHolder } from "../commons/index.ts";
import { text } from "./arguments.ts";
import { principalOf } from "./caller-right.ts";
import type { OpCall } from "./scope.ts";

export const ROLE = "blob-store";
const ASK_MS = 30_000;

export function cidOf(op: OpCall): string {
  const cid = text(op.args, "cid", 71);
  if (!isCid(cid)) throw new HnError("bad_request", { message: "A file's id is blake3: and 64 hex digits." });
  op.note({ target: shortOf(cid) });
  return cid;
}

/** As much of an id as the ledger keeps. @source plugin-platform §8.1 */
export function shortOf(cid: string): string {
  return cid.slice(7, 19);
}

export function storeOf({ scope }: OpCall): RoleHolder {
  const holder = scope.commons.holder(ROLE);
  if (holder === null) throw new HnError("not_implemented", { reason: "blob_store_missing" });
  return holder;
}

export function roleCall(op: OpCall, o: { method: string; input: JsonObject; limitMs: number }): RoleCall {
  const { parent, scope, signal } = op;
  const latest = scope.clock.monotonic() + o.limitMs;
  return {
    method: o.method,
    input: o.input,
    caller: principalOf(op),
    traceId: parent?.call.traceId ?? "",
    deadline: parent === null ? latest : Math.min(latest, parent.call.deadline),
    signal,
  };
}

/** What the file store says of a file. @throws not_found · not_implemented reason blob_store_missing */
export function statOf(op: OpCall, cid: string): Promise<JsonObject> {
  return storeOf(op).ask(ROLE, roleCall(op, { method: "stat", input: { cid }, limitMs: ASK_MS }));
}
