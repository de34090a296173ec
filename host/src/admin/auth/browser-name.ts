/** Later rows are also named by earlier ones' kind of browser, so the order counts. */
const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|CriOS|HeadlessChrome|Chromium)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\bAndroid\b/, "Android"],
  [/\b(iPhone|iPad)\b/, "iOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/**
 * What a person would call their browser, from the line every browser sends about itself; empty where it says nothing known. No more of that
 * line is kept.
 */
export function nameBrowser(userAgent: string | undefined): { browser: string; system: string } {
  const find = (rows: typeof BROWSERS): string => rows.find(([pattern]) => pattern.test(userAgent ?? ""))?.[1] ?? "";
  return { browser: find(BROWSERS), system: find(SYSTEMS) };
}
