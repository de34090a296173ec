import type { Time } from "../../contract/index.ts";
import { HnError } from "../errors.ts";

const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})Z$/;

/** @param unixMs milliseconds @returns RFC 3339 UTC, whole seconds @source 00 §3 */
export function formatTime(unixMs: number): Time {
  return `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
}

/** @returns Unix milliseconds @throws bad_request */
export function parseTime(text: unknown): number {
  if (!isTime(text)) throw new HnError("bad_request", { message: "A time must look like 2026-07-01T12:00:00Z." });
  return Date.parse(text);
}

/** Exactly the written form, and a real date: 30 February is none. */
export function isTime(value: unknown): value is Time {
  if (typeof value !== "string" || !TIME.test(value)) return false;
  const ms = Date.parse(value);
  return Number.isFinite(ms) && formatTime(ms) === value;
}
