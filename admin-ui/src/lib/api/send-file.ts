import type { LocalError } from "@hearthnet/host/contract";
import { ApiError } from "./client.ts";

/** How far bytes have left the browser; `total` is the file's size. */
export type Sent = (bytes: number, total: number) => void;

/**
 * Hands a file to the node. The browser streams it from the disk; only `XMLHttpRequest` says how far it is.
 * @param path      below `/api/v1`
 * @param o.signal  aborting it leaves nothing at the node
 * @throws ApiError · DOMException AbortError
 */
export function sendFile<T>(path: string, file: File, o: { onSent?: Sent; signal: AbortSignal }): Promise<T> {
  return new Promise((resolve, reject) => {
    if (o.signal.aborted) return reject(aborted());
    const call = new XMLHttpRequest();
    const leave = (): void => call.abort();
    o.signal.addEventListener("abort", leave, { once: true });
    call.onloadend = () => o.signal.removeEventListener("abort", leave);
    call.onabort = () => reject(aborted());
    call.onerror = () => reject(new ApiError({ error: "partition", reason: "node_silent" }, 0));
    call.onload = () => {
      const answer = parsed(call.responseText);
      if (call.status === 200) resolve(answer as T);
      else reject(new ApiError(isLocalError(answer) ? answer : { error: "internal_error" }, call.status));
    };
    call.upload.onprogress = ({ loaded }) => o.onSent?.(loaded, file.size);
    call.open("POST", `/api/v1${path}`);
    call.setRequestHeader("content-type", "application/octet-stream");
    call.send(file);
  });
}

function aborted(): DOMException {
  return new DOMException("The upload was cancelled.", "AbortError");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isLocalError(value: unknown): value is LocalError {
  return typeof value === "object" && value !== null && typeof (value as LocalError).error === "string";
}
