import { createHash } from "node:crypto";
import type { JsonObject, Kv, Log } from "@hearthnet/sdk-plugin";
import type { PageText } from "./pdf.ts";
import type { StoredFiles } from "./source.ts";

/** Which text of which document. */
export interface TextKey {
  /** Content id of a stored document, hash of one that came with the call. */
  document: string;
  visibility: "private" | "community" | "public";
  /** See `optionsHash`. */
  options: string;
}

export interface StoredText extends TextKey {
  pages: PageText[];
  backend: string;
  version: string;
  /** Of the document, when it is a stored one. */
  cid?: string;
}

/** The part of the plugin context that the shelf needs; `ctx` fits. */
export interface ShelfHost {
  kv: Pick<Kv, "get" | "put">;
  events: { append(type: string, data: object, options: { clientId: string }): Promise<object> };
  log: Pick<Log, "warn">;
}

export interface TextShelf {
  /** @param files  under the caller's right: who may not see the text gets it read anew. @returns null when there is none any more */
  find(key: TextKey, files: StoredFiles): Promise<{ cid: string; pages: PageText[] } | null>;
  /** @returns the text's content id @throws quota_exceeded · permission_denied · not_implemented `blob_store_missing` */
  keep(text: StoredText, call: { files: StoredFiles; callId: string }): Promise<string>;
}

/** One page of the sidecar, with what the frames need beyond 22 rule 9. */
interface SidecarPage {
  page: number;
  /** Place in the text, in UTF-16 code units. */
  offset: number;
  length: number;
  confidence_mean: number;
  source: PageText["source"];
  languages: string[];
}

const PAGE_BREAK = "\f";
const EVENT = "ocr.document.indexed";

/** @returns the same for the same options, whatever the order of their keys; 64 hexadecimal digits */
export function optionsHash(options: object): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(options)))
    .digest("hex");
}

/**
 * Keeps texts in the node's file store and finds them again. Only a note of where they lie is the plugin's own.
 * @source 22 rule 9, rule 10, O4
 */
export function openTextShelf(host: ShelfHost): TextShelf {
  async function find(key: TextKey, files: StoredFiles): ReturnType<TextShelf["find"]> {
    const note = await host.kv.get(noteOf(key));
    const cid = note === null ? undefined : (note.value as JsonObject)["cid"];
    if (typeof cid !== "string") return null;
    try {
      const { meta } = await files.stat(cid);
      const text = await (await files.open(cid)).text();
      return { cid, pages: pagesIn(text, meta) };
    } catch (error) {
      // Deleted since, or not this caller's to see.
      if (codeOf(error) === "not_found") return null;
      throw error;
    }
  }

  async function keep(text: StoredText, { files, callId }: { files: StoredFiles; callId: string }): Promise<string> {
    const { visibility, pages } = text;
    const bytes = new TextEncoder().encode(pages.map((page) => page.text).join(PAGE_BREAK));
    const cid = await files.put(bytes, { visibility, mime: "text/plain", meta: { pages: sidecarOf(pages) } });
    await announce(text, { cid, callId });
    await host.kv
      .put(noteOf(text), { cid })
      .catch((error: unknown) =>
        host.log.warn("A stored text is not noted and will be read anew next time.", { code: codeOf(error) }),
      );
    return cid;
  }

  /** The log is the whole community's, so what is private is not even named there. */
  async function announce(text: StoredText, { cid, callId }: { cid: string; callId: string }): Promise<void> {
    if (text.cid === undefined || text.visibility === "private") return;
    const data = {
      doc_cid: text.cid,
      text_cid: cid,
      pages: text.pages.length,
      languages: [...new Set(text.pages.flatMap(({ languages }) => languages))].toSorted(),
      ocr_backend: text.backend,
      backend_version: text.version,
      options_hash: text.options,
    };
    try {
      await host.events.append(EVENT, data, { clientId: callId });
    } catch (error) {
      // The text is stored and named in the answer: a node without a community, or whose hour is used up, still has it.
      host.log.warn("The community's log does not tell that a document was read.", { code: codeOf(error) });
    }
  }

  return { find, keep };
}

function noteOf({ document, visibility, options }: TextKey): string {
  return `text.${optionsHash({ document, visibility, options })}`;
}

function sidecarOf(pages: PageText[]): SidecarPage[] {
  let offset = 0;
  return pages.map(({ page, text, confidence_mean, source, languages }) => {
    const row = { page, offset, length: text.length, confidence_mean, source, languages };
    offset += text.length + PAGE_BREAK.length;
    return row;
  });
}

function pagesIn(text: string, meta: JsonObject | undefined): PageText[] {
  const rows = (meta?.["pages"] ?? []) as unknown as SidecarPage[];
  return rows.map(({ page, offset, length, confidence_mean, source, languages }) => ({
    page,
    text: text.slice(offset, offset + length),
    confidence_mean,
    source,
    languages,
  }));
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
