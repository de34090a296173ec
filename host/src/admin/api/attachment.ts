import { Readable } from "node:stream";
import type { OpenFile } from "../../contract/index.ts";
import { ApiReply } from "../context.ts";

/** What a browser may be told of a file: nothing among them can run as a page of this node. @source 30 §4.8 */
const SAFE_TYPES: ReadonlySet<string> = new Set([
  "application/epub+zip",
  "application/gzip",
  "application/pdf",
  "application/zip",
  "audio/flac",
  "audio/mp4",
  "audio/mpeg",
  "audio/ogg",
  "audio/wav",
  "audio/webm",
  "image/avif",
  "image/gif",
  "image/jpeg",
  "image/png",
  "image/tiff",
  "image/webp",
  "text/csv",
  "text/plain",
  "video/mp4",
  "video/ogg",
  "video/webm",
]);

/** A stored file as a download: never shown in place, whatever it is. @source 30 §4.8 */
export function attachment({ size, filename, mime, bytes }: OpenFile): ApiReply {
  const type = mime?.split(";")[0]?.trim().toLowerCase() ?? "";
  return new ApiReply(Readable.from(bytes, { objectMode: false }), {
    type: SAFE_TYPES.has(type) ? type : "application/octet-stream",
    headers: {
      "content-length": String(size),
      "content-disposition": dispositionOf(filename),
      "cross-origin-resource-policy": "same-origin",
    },
  });
}

/** Both spellings of RFC 6266: one for every reader, and the name itself. */
function dispositionOf(name: string | undefined): string {
  if (name === undefined) return "attachment";
  const plain = name.replaceAll(/[^\w .-]/g, "_");
  // A surrogate without its half is no text.
  const whole = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${whole}`;
}
