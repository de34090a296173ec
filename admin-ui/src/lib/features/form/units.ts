const ENDINGS = {
  ms: "ms",
  milliseconds: "ms",
  seconds: "seconds",
  minutes: "minutes",
  hours: "hours",
  days: "days",
  bytes: "bytes",
  kb: "kb",
  mb: "mb",
  gb: "gb",
  percent: "percent",
  pixels: "pixels",
  px: "pixels",
  dpi: "dpi",
} as const;
export type Unit = (typeof ENDINGS)[keyof typeof ENDINGS];

/** `page_timeout_seconds` → `seconds`, `quotaMb` → `mb`; null for a name without a unit. */
export function unitOf(name: string): Unit | null {
  const last =
    name
      .split(/[_-]|(?<=[a-z0-9])(?=[A-Z])/)
      .at(-1)
      ?.toLowerCase() ?? "";
  return isEnding(last) ? ENDINGS[last] : null;
}

function isEnding(word: string): word is keyof typeof ENDINGS {
  return Object.hasOwn(ENDINGS, word);
}
