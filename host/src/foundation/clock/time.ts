import type { Time } from "../../contract/index.ts";
import { HnError } from "../errors.ts";

const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})Z$/;

/** The second that was spoken of last, in both forms: all calls of one second name the same. */
const last: { second: number; text: Time } = { second: 0, text: "1970-01-01T00:00:00Z" };

/** @param unixMs milliseconds @returns RFC 3339 UTC, whole seconds @source 00 §3 */
export function formatTime(unixMs: number): Time {
  const second = Math.floor(unixMs / 1000);
  if (second !== last.second) {
    last.text = `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
    last.second = second;
  }
  return last.text;
}

/** @returns Unix milliseconds @throws bad_request */
export function parseTime(text: unknown): number {
  if (!isTime(text)) throw new HnError("bad_request", { message: "A time must look like 2026-07-01T12:00:00Z." });
  return text === last.text ? last.second * 1000 : Date.parse(text);
}

/** Exactly the written form, and a real date: 30 February is none. */
export function isTime(value: unknown): value is Time {
  if (value === last.text) return true;
  if (typeof value !== "string" || !TIME.test(value)) return false;
  const ms = Date.parse(value);
  return Number.isFinite(ms) && formatTime(ms) === value;
}
