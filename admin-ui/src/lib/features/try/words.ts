/** One read word and where it stands, in pixels of the upright picture. */
export interface Word {
  text: string;
  /** Left, top, width, height. */
  bbox: [number, number, number, number];
  /** 0 to 1. */
  confidence: number;
}

/** The words of an answer that names them with their places, else null. @source 22 §3 */
export function wordsOf(output: Record<string, unknown>): Word[] | null {
  const found = output["blocks"];
  if (!Array.isArray(found) || found.length === 0 || !found.every(isWord)) return null;
  return found;
}

function isWord(value: unknown): value is Word {
  if (typeof value !== "object" || value === null) return false;
  const { text, bbox, confidence } = value as Partial<Record<keyof Word, unknown>>;
  return (
    typeof text === "string" &&
    typeof confidence === "number" &&
    Array.isArray(bbox) &&
    bbox.length === 4 &&
    bbox.every((n) => typeof n === "number" && Number.isFinite(n))
  );
}
