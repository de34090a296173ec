import { HnError, isTime, parseStrictJson } from "../../foundation/index.ts";
import { canonicalBytes } from "../../identity/index.ts";
import { namespaceOf } from "./layout.ts";
import { isTexts } from "./custom.ts";

export const REVOCATIONS_MAX_BYTES = 4_194_304;

/** Every field that is named must fit. Nothing but `ns` named: the whole namespace. @source marketplace §2.2 */
export interface RevocationEntry {
  ns: string;
  name?: string;
  versions?: string[];
  sha256?: string;
  keyid?: string;
  /** With `keyid`: only packages released at or after this time. */
  after?: string;
  severity: "revoked" | "yanked";
  reason: string;
  url: string;
}

/** `seq` only rises. */
export interface RevocationList {
  seq: number;
  entries: RevocationEntry[];
}

/** What is known of a package when it is compared with the list. */
export interface RevocationSubject {
  id: string;
  version: string;
  sha256: string;
  keyId: string;
  /** Unknown for a package that came as a file: then a key's revocation hits it whatever its age. */
  released?: string;
}

export function writeRevocations(list: RevocationList): Uint8Array {
  return canonicalBytes(list);
}

/** @throws bad_request damaged */
export function readRevocations(bytes: Uint8Array): RevocationList {
  try {
    const list = parseStrictJson(bytes, { maxBytes: REVOCATIONS_MAX_BYTES, maxDepth: 5 }) as unknown as RevocationList;
    if (!Number.isSafeInteger(list.seq) || list.seq < 0 || !Array.isArray(list.entries) || !list.entries.every(isEntry))
      throw new Error("shape");
    return list;
  } catch (cause) {
    throw new HnError("bad_request", { reason: "damaged", message: "The registry's list of revocations cannot be read.", cause });
  }
}

/** The entry that denies this package, if any; `revoked` before `yanked`. */
export function findRevocation(entries: readonly RevocationEntry[], subject: RevocationSubject): RevocationEntry | undefined {
  const hits = entries.filter((entry) => fits(entry, subject));
  return hits.find((entry) => entry.severity === "revoked") ?? hits[0];
}

function fits(entry: RevocationEntry, s: RevocationSubject): boolean {
  const afterwards = entry.after === undefined || s.released === undefined || Date.parse(s.released) >= Date.parse(entry.after);
  return (
    entry.ns === namespaceOf(s.id) &&
    (entry.name === undefined || `${entry.ns}/${entry.name}` === s.id) &&
    (entry.versions === undefined || entry.versions.includes(s.version)) &&
    (entry.sha256 === undefined || entry.sha256 === s.sha256) &&
    (entry.keyid === undefined || (entry.keyid === s.keyId && afterwards))
  );
}

function isEntry(value: unknown): value is RevocationEntry {
  const e = value as Partial<RevocationEntry> | null;
  const text = (v: unknown): boolean => v === undefined || typeof v === "string";
  return (
    typeof e === "object" &&
    e !== null &&
    typeof e.ns === "string" &&
    text(e.name) &&
    (e.versions === undefined || isTexts(e.versions)) &&
    text(e.sha256) &&
    text(e.keyid) &&
    (e.after === undefined || isTime(e.after)) &&
    (e.severity === "revoked" || e.severity === "yanked") &&
    typeof e.reason === "string" &&
    typeof e.url === "string"
  );
}
