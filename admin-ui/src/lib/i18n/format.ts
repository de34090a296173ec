import { ERRORS, LOCAL_ERRORS, REASONS, type LocalError } from "@hearthnet/host/contract";
import { language, t } from "./locale.svelte.ts";
import type { ErrorText } from "./en.errors.ts";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

export function bytes(n: number): string {
  let value = n;
  let unit = 0;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return new Intl.NumberFormat(language(), {
    style: "unit",
    unit: UNITS[unit] ?? "byte",
    unitDisplay: unit === 0 ? "long" : "short",
    maximumFractionDigits: unit < 2 ? 0 : 1,
  }).format(value);
}

export function percent(share: number): string {
  return new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: 0 }).format(share);
}

export function number(n: number, digits = 0): string {
  return new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(n);
}

export function duration(ms: number): string {
  const [value, unit] =
    ms < 1000
      ? [ms, "millisecond"]
      : ms < 60_000
        ? [ms / 1000, "second"]
        : ms < 3_600_000
          ? [ms / 60_000, "minute"]
          : ms < 86_400_000
            ? [ms / 3_600_000, "hour"]
            : [ms / 86_400_000, "day"];
  return new Intl.NumberFormat(language(), {
    style: "unit",
    unit: unit as string,
    unitDisplay: unit === "millisecond" || unit === "second" ? "narrow" : "long",
    maximumFractionDigits: unit === "second" ? 1 : 0,
  }).format(value as number);
}

/** A point in time: RFC 3339 text or Unix milliseconds. */
export function moment(at: string | number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  const sameDay = date.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(
    language(),
    sameDay ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" },
  ).format(date);
}

export function ago(seconds: number): string {
  const rtf = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  if (seconds < 90) return rtf.format(-Math.round(seconds), "second");
  if (seconds < 5400) return rtf.format(-Math.round(seconds / 60), "minute");
  if (seconds < 129_600) return rtf.format(-Math.round(seconds / 3600), "hour");
  return rtf.format(-Math.round(seconds / 86_400), "day");
}

export interface ErrorWords {
  what: string;
  todo: string;
  /** The node's own words, where they say more than the table's. */
  detail: string | null;
  wait: string | null;
  paths: string[];
  trace: string | null;
}

/** An error in the reader's language, found by reason, else by code. */
export function errorWords(error: LocalError): ErrorWords {
  const texts = t().errors;
  const reasons: Record<string, ErrorText> = { ...texts.page, ...texts.reasons };
  const codes: Record<string, ErrorText> = texts.codes;
  const row = reasons[error.reason ?? ""] ?? codes[error.error] ?? texts.codes.internal_error;
  const said = error.message;
  return {
    what: row[0],
    todo: row[1],
    detail: said === undefined || said === row[0] || isTableText(error, said) ? null : said,
    wait:
      error.retry_after_ms === undefined
        ? null
        : texts.retryIn({ time: duration(Math.ceil(error.retry_after_ms / 1000) * 1000) }),
    paths: error.paths ?? [],
    trace: error.trace_id ?? null,
  };
}

/** The node speaks English; a sentence that is the table's own is shown translated, not twice. */
function isTableText(error: LocalError, said: string): boolean {
  const tables: Record<string, { message: string }> = { ...ERRORS, ...LOCAL_ERRORS, ...REASONS };
  return tables[error.reason ?? ""]?.message === said || tables[error.error]?.message === said;
}
