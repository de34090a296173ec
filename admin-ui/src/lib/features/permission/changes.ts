import type { PermissionReview, ReviewRow } from "@hearthnet/host/contract";
import type { Choices } from "./choice.ts";

export type RowChange = "new" | "changed";

/** A review as it was answered. */
export interface Answered {
  review: PermissionReview;
  choices: Choices;
}

/** How a row differs from the one that was read before; undefined when it is the same. */
export function changeOf(row: ReviewRow, before: PermissionReview): RowChange | undefined {
  const old = rowsOf(before).find((each) => each.name === row.name);
  if (old === undefined) return "new";
  const said = (each: ReviewRow): string => JSON.stringify([each.scope, each.reason, each.weight]);
  return said(old) === said(row) ? undefined : "changed";
}

export function goneSince(before: PermissionReview, now: PermissionReview): ReviewRow[] {
  return rowsOf(before).filter((row) => !rowsOf(now).some((each) => each.name === row.name));
}

const rowsOf = (review: PermissionReview): ReviewRow[] => [...review.required, ...review.optional];
