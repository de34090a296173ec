import { HnError, isErrorCode, isTime } from "../../foundation/index.ts";
import type { JsonObject, JsonValue } from "../../contract/index.ts";

const TEXT_MAX = 500;

/**
 * A neighbour's refusal as our error. Codes outside the closed set count as `internal_error`; texts are shortened and stripped of control
 * characters, because they are another's words.
 * @source 02 §5, 00 G-8
 */
export function readWireError(body: JsonObject): HnError {
  const code = isErrorCode(body["error"]) ? body["error"] : "internal_error";
  const message = text(body["message"]);
  const reason = text(body["reason"]);
  const retry = body["retry_after_ms"];
  const time = body["server_time"];
  const hash = text(body["schema_hash_expected"]);
  const capabilities = texts(body["alt_capabilities"]);
  const nodes = texts(body["alt_nodes"]);
  return new HnError(code, {
    ...(message === undefined ? {} : { message }),
    ...(reason === undefined || !/^[a-z0-9_]{1,64}$/.test(reason) ? {} : { reason }),
    ...(typeof retry === "number" && retry >= 0 ? { retryAfterMs: Math.min(retry, 3_600_000) } : {}),
    details: {
      ...(isTime(time) ? { server_time: time } : {}),
      ...(hash === undefined ? {} : { schema_hash_expected: hash }),
      ...(capabilities === undefined ? {} : { alt_capabilities: capabilities }),
      ...(nodes === undefined ? {} : { alt_nodes: nodes }),
    },
  });
}

/** Said of the node that was to be called, not of the caller. @source 04 E-10 */
export function revokedNeighbour(): HnError {
  return new HnError("revoked", {
    message: "That node was revoked from this community; nothing is sent to it any more.",
    action: "Call another node.",
  });
}

/** What went wrong below HTTP. @param begun  whether an answer had begun */
export function readNetworkError(cause: unknown, begun: boolean): HnError {
  if (HnError.isHnError(cause)) return cause;
  const inner = (cause as { cause?: unknown } | null)?.cause;
  if (HnError.isHnError(inner)) return inner;
  return new HnError("partition", { reason: begun ? "stream_cut" : "provider_unreachable", cause });
}

function text(value: JsonValue | undefined): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  return value.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, " ").slice(0, TEXT_MAX);
}

function texts(value: JsonValue | undefined): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.slice(0, 8).flatMap((item) => text(item) ?? []);
}
