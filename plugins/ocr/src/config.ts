/** One configured engine. */
export interface BackendConfig {
  name: string;
  /** ISO 639-2/T. */
  languages: string[];
  minConfidence: number;
}

/** The plugin's settings with all defaults filled in. @source 22 §6 */
export interface OcrConfig {
  enabled: boolean;
  backends: BackendConfig[];
  defaultDpi: number;
  maxImagePixels: number;
  maxPagesPerRequest: number;
  textLayerFirst: boolean;
  lowQualityThreshold: number;
  fallbackLanguages: string[];
  pageTimeoutMs: number;
}

const LANGUAGES = ["deu", "eng"];

/** @param raw   as the host validated it against the manifest's schema; missing keys take their defaults */
export function readConfig(raw: Readonly<Record<string, unknown>>): OcrConfig {
  const backends = Array.isArray(raw["backends"]) ? raw["backends"] : [{}];
  return {
    enabled: raw["enabled"] !== false,
    backends: backends.map(readBackend),
    defaultDpi: numberOr(raw["default_dpi"], 300),
    maxImagePixels: numberOr(raw["max_image_pixels"], 50_000_000),
    maxPagesPerRequest: numberOr(raw["max_pages_per_request"], 50),
    textLayerFirst: raw["text_layer_first"] !== false,
    lowQualityThreshold: numberOr(raw["low_quality_threshold"], 0.6),
    fallbackLanguages: stringsOr(raw["fallback_languages"], LANGUAGES),
    pageTimeoutMs: numberOr(raw["page_timeout_seconds"], 30) * 1000,
  };
}

function readBackend(raw: unknown): BackendConfig {
  const row: Record<string, unknown> = typeof raw === "object" && raw !== null ? { ...raw } : {};
  return {
    name: typeof row["name"] === "string" ? row["name"] : "tesseract",
    languages: stringsOr(row["languages"], LANGUAGES),
    minConfidence: numberOr(row["min_confidence"], 0.5),
  };
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

function stringsOr(value: unknown, fallback: string[]): string[] {
  return Array.isArray(value) && value.length > 0 ? value.filter((entry) => typeof entry === "string") : fallback;
}
