import type { Blobs, HnBytes } from "@hearthnet/sdk-plugin";
import { Failure } from "../failure.ts";

/** Files by their content id, under the caller's right; `req.blobs` fits. */
export type StoredFiles = Pick<Blobs, "open" | "stat" | "put">;

export interface SourceRules {
  /** Names of the fields, for people. */
  fields: readonly [sent: string, stored: string];
  what: "picture" | "PDF";
  /** Bytes that may come with the call. */
  most: number;
  /** Bytes that a stored file may have. */
  mostStored: number;
}

export interface Source {
  bytes: HnBytes;
  /** Who may see it; `private` for what came with the call. */
  visibility: "private" | "community" | "public";
}

const MIB = 1024 * 1024;

/**
 * Exactly one of the bytes that came with the call and a stored file. A stored one is judged by its size before it is opened.
 * @throws bad_request `source` `too_large` · not_found · not_implemented `blob_store_missing`
 * @source 22 §1
 */
export async function chooseSource(o: {
  sent: HnBytes | undefined;
  cid: string | undefined;
  files: StoredFiles;
  rules: SourceRules;
}): Promise<Source> {
  const { sent, cid, files, rules } = o;
  const [sentField, storedField] = rules.fields;
  if ((sent === undefined) === (cid === undefined)) {
    const message = `Send exactly one of ${sentField} (the ${rules.what} itself) and ${storedField} (a stored file).`;
    throw new Failure("bad_request", { reason: "source", message });
  }
  if (sent !== undefined) {
    const advice =
      rules.what === "PDF" ? `Store it and name it as ${storedField}, or split it.` : "Save it as JPEG or make it smaller.";
    checkSize(sent.size, rules.most, { what: rules.what, advice });
    return { bytes: sent, visibility: "private" };
  }
  const { size, visibility } = await files.stat(cid ?? "");
  checkSize(size, rules.mostStored, {
    what: rules.what,
    advice: rules.what === "PDF" ? "Split it." : "Save it as JPEG or make it smaller.",
  });
  return { bytes: await files.open(cid ?? ""), visibility };
}

function checkSize(size: number, most: number, { what, advice }: { what: string; advice: string }): void {
  if (size <= most) return;
  const message = `The ${what} has ${(size / MIB).toFixed(1)} MiB; at most ${most / MIB} MiB are read. ${advice}`;
  throw new Failure("bad_request", { reason: "too_large", message });
}
