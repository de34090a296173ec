/** The one error that a plugin throws on purpose. @source plugin-platform §4.3, codebase §7 */
import type { AnyErrorCode, JsonObject, Reason } from "@hearthnet/host/contract";

/** Codes of the bus, and the local ones (`permission_denied quota_exceeded plugin_gone confinement`) that a plugin only receives. */
export type ErrorCode = AnyErrorCode;

export interface HnErrorOptions {
  /** Machine-readable sub-code; known ones bring their own text. */
  reason?: Reason | (string & {});
  /** For people: what happened and what to do. No path, no secret, no stack. Left out: the host's text for code and reason. */
  message?: string;
  /** When trying again makes sense, milliseconds. */
  retryAfterMs?: number;
  /** A hint that only callers on this node see. */
  action?: JsonObject;
  cause?: unknown;
}

const BRAND = Symbol.for("hearthnet.error");

/**
 * Ends a call with a code of the bus. Anything else that a plugin throws reaches the caller as `internal_error`, its stack only the
 * plugin's own log. Recognised by a global symbol, so that every bundle may carry its own copy of this class.
 *
 * @example
 * const error = new HnError("bad_request", { reason: "too_large", message: "At most 8 MiB are read. Send a smaller picture." });
 * HnError.isHnError(error); // true
 * @source 02 §5
 */
export class HnError extends Error {
  readonly code: ErrorCode;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly action: JsonObject | undefined;

  constructor(code: ErrorCode, options: HnErrorOptions = {}) {
    super(
      options.message ?? defaultMessage(code, options.reason),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = "HnError";
    this.code = code;
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
    this.action = options.action;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** True for this class in any bundle, and for the host's. */
  static isHnError(value: unknown): value is HnError {
    return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
  }
}

/** What stands in `message` when the author gave none; such a text is not sent, the host has a better one. */
export function defaultMessage(code: string, reason: string | undefined): string {
  return reason === undefined ? code : `${code} (${reason})`;
}
