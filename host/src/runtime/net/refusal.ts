import type { PermissionName } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { denied } from "../permission/index.ts";
import { nameOf, type Target } from "./target.ts";

/** Which right each refusal of this room missed: the op alone does not say it, and the ledger asks. */
const missed = new WeakMap<HnError, PermissionName>();

export function refused(permission: PermissionName, target: Target | string): HnError {
  const error = denied(permission, typeof target === "string" ? target : nameOf(target));
  missed.set(error, permission);
  return error;
}

export function missedRight(error: unknown): PermissionName | undefined {
  return HnError.isHnError(error) ? missed.get(error) : undefined;
}
