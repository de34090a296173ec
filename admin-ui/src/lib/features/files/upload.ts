import type { UploadDone, Visibility } from "@hearthnet/host/contract";
import { sendFile, type Sent } from "#lib/api/send-file.ts";

/**
 * Stores one file at the node.
 * @param o.signal  aborting it leaves nothing at the node
 * @throws as `sendFile`
 */
export function upload(file: File, o: { visibility: Visibility; onSent?: Sent; signal: AbortSignal }): Promise<UploadDone> {
  const about = new URLSearchParams({ visibility: o.visibility, name: file.name, type: file.type });
  return sendFile(`/uploads?${about}`, file, o);
}
