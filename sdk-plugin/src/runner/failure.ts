/** Errors on their way over fd 3, in both directions. @source plugin-platform §4.3, §5.2 */
import { ERRORS, LOCAL_ERRORS, type PluginError } from "@hearthnet/host/contract";
import { defaultMessage, HnError, type ErrorCode } from "../error.ts";

/**
 * What the host is told about a failure, and what belongs into the plugin's own log because it must not travel.
 * @param aborted  whether the call was cancelled before it failed
 */
export function describeFailure(error: unknown, aborted: boolean): { wire: PluginError; detail: string | undefined } {
  if (isOversize(error)) return { wire: { error: "internal_error" }, detail: `The answer cannot be sent. ${error.message}` };
  if (HnError.isHnError(error) && isCode(error.code)) {
    const { code, reason, message, retryAfterMs, action } = error;
    const wire: PluginError = { error: code };
    if (typeof reason === "string") wire.reason = reason;
    if (typeof message === "string" && message !== defaultMessage(code, reason)) wire.message = message;
    if (typeof retryAfterMs === "number") wire.retry_after_ms = Math.ceil(retryAfterMs);
    if (typeof action === "object" && action !== null) wire.action = action;
    return { wire, detail: error.cause === undefined ? undefined : `${stackOf(error)}\ncaused by ${stackOf(error.cause)}` };
  }
  if (aborted && isAbort(error)) return { wire: { error: "timeout", message: "The call was cancelled." }, detail: undefined };
  const unknown = HnError.isHnError(error) ? `${String(error.code)} is no code of the bus. ` : "";
  return { wire: { error: "internal_error" }, detail: unknown + stackOf(error) };
}

/** An error that the host reports, as the plugin sees it. */
export function fromHost(error: PluginError): HnError {
  return new HnError(isCode(error.error) ? error.error : "internal_error", {
    ...(error.reason === undefined ? {} : { reason: error.reason }),
    ...(error.message === undefined ? {} : { message: error.message }),
    ...(error.retry_after_ms === undefined ? {} : { retryAfterMs: error.retry_after_ms }),
    ...(error.action === undefined ? {} : { action: error.action }),
  });
}

/** The frame codec's refusal of a message of ours. */
export function isOversize(error: unknown): error is HnError {
  return HnError.isHnError(error) && error.reason === "protocol_error";
}

export function isAbort(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { name?: unknown }).name === "AbortError";
}

export function abortError(message: string): DOMException {
  return new DOMException(message, "AbortError");
}

/** Stack of anything thrown; never throws itself. */
export function stackOf(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } catch {
    return "something that cannot be described";
  }
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && (Object.hasOwn(ERRORS, code) || Object.hasOwn(LOCAL_ERRORS, code));
}
