import type { I18nText, JsonObject, Time } from "../../contract/index.ts";
import { HnError, isTime, parseStrictJson } from "../../foundation/index.ts";
import { canonicalBytes } from "../../identity/index.ts";
import { isTexts } from "./custom.ts";

export const SHARD_MAX_BYTES = 262_144;
const ROW_MAX_BYTES = 16_384;

/** One plugin in the search index. For finding only: what is shown before an installation comes from the package itself. @source marketplace §3.1 */
export interface IndexRow {
  id: string;
  /** Newest active version. */
  v: string;
  name: I18nText;
  desc: I18nText;
  caps: string[];
  perms: string[];
  rating: number;
  tier: string;
  platforms: string[];
  /** SHA-256 of the icon's bytes, or null. */
  icon: string | null;
  /** Bytes of the packed package. */
  size: number;
  released: Time;
  /** Key id. */
  publisher: string;
  verified: boolean;
}

/** JSON lines, sorted by id: same rows, same bytes. */
export function writeIndexShard(rows: readonly IndexRow[]): Uint8Array {
  const sorted = rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return Buffer.concat(sorted.flatMap((row) => [canonicalBytes(row), Buffer.from("\n")]));
}

/** @throws bad_request damaged */
export function readIndexShard(bytes: Uint8Array): IndexRow[] {
  if (bytes.byteLength > SHARD_MAX_BYTES) throw damaged("it is too large");
  return Buffer.from(bytes)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      let row: JsonObject;
      try {
        row = parseStrictJson(Buffer.from(line), { maxBytes: ROW_MAX_BYTES, maxDepth: 4 }) as JsonObject;
      } catch (cause) {
        throw damaged("a line is no JSON", cause);
      }
      if (!isRow(row)) throw damaged("a line lacks a field");
      return row;
    });
}

function isRow(row: unknown): row is IndexRow {
  const r = row as Partial<IndexRow> | null;
  return (
    typeof r === "object" &&
    r !== null &&
    typeof r.id === "string" &&
    /^[a-z][a-z0-9-]{1,38}\/[a-z][a-z0-9-]{1,38}$/.test(r.id) &&
    typeof r.v === "string" &&
    isText(r.name) &&
    isText(r.desc) &&
    isTexts(r.caps) &&
    isTexts(r.perms) &&
    Number.isInteger(r.rating) &&
    typeof r.tier === "string" &&
    isTexts(r.platforms) &&
    (r.icon === null || typeof r.icon === "string") &&
    Number.isSafeInteger(r.size) &&
    isTime(r.released) &&
    typeof r.publisher === "string" &&
    typeof r.verified === "boolean"
  );
}

function isText(value: unknown): value is I18nText {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as I18nText).en === "string" &&
    Object.values(value).every((text) => typeof text === "string")
  );
}

function damaged(why: string, cause?: unknown): HnError {
  return new HnError("bad_request", {
    reason: "damaged",
    message: `A part of the search index cannot be read: ${why}.`,
    ...(cause === undefined ? {} : { cause }),
  });
}
