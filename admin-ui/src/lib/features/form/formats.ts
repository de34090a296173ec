import { duration, moment } from "#lib/i18n/format.ts";
import { language, t } from "#lib/i18n/locale.svelte.ts";

const FORMATS = ["uri", "email", "date-time", "duration"] as const;
export type Format = (typeof FORMATS)[number];

export function isFormat(value: unknown): value is Format {
  return FORMATS.some((format) => format === value);
}

const EMAIL = /^([^\s@]+)@([^\s@.]+(?:\.[^\s@.]+)*)$/u;
/** RFC 3339 */
const MOMENT = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
/** ISO 8601; groups as in `PARTS`. */
const DURATION = /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const PARTS = ["year", "month", "week", "day", "hour", "minute", "second"] as const;
const STEPS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
] as const;

export function reads(format: Format, text: string): boolean {
  return meaningOf(format, text) !== null;
}

/** What the page understood, in the reader's words; null when it understood nothing. */
export function meaningOf(format: Format, text: string): string | null {
  const words = t().config.meaning;
  switch (format) {
    case "uri": {
      const url = URL.parse(text);
      if (url === null) return null;
      return words.uri({ scheme: url.protocol.replace(/:$/, ""), rest: url.host === "" ? url.pathname : url.host });
    }
    case "email": {
      const parts = EMAIL.exec(text);
      return parts === null ? null : words.email({ box: parts[1] ?? "", host: parts[2] ?? "" });
    }
    case "date-time": {
      const at = MOMENT.test(text) ? Date.parse(text) : NaN;
      return Number.isNaN(at) ? null : words.moment({ at: moment(at), from: fromNow(at - Date.now()) });
    }
    case "duration": {
      const parts = DURATION.exec(text)?.slice(1);
      if (parts === undefined) return null;
      const named = parts.flatMap((n, i) => (n === undefined ? [] : [amount(Number(n), PARTS[i] ?? "second")]));
      return named.length === 0 ? duration(0) : new Intl.ListFormat(language(), { type: "unit" }).format(named);
    }
  }
}

function amount(n: number, unit: string): string {
  return new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "long" }).format(n);
}

/** “in 3 hours”, “2 days ago” */
function fromNow(ms: number): string {
  const [unit, step] = STEPS.find(([, length]) => Math.abs(ms) >= length) ?? ["second", 1000];
  return new Intl.RelativeTimeFormat(language(), { numeric: "auto" }).format(Math.round(ms / step), unit);
}
