import pino from "pino";
import type { Log, LogFields } from "../../contract/index.ts";
import { HnError } from "../errors.ts";

/** Names under which a secret or somebody's words might stand; their values never reach the log. */
const REDACTED = [
  "password",
  "passphrase",
  "token",
  "secret",
  "seed",
  "private_key",
  "signature",
  "body",
  "input",
  "output",
  "text",
  "invite",
  "cookie",
  "authorization",
];

/** JSON lines on standard error (standard output belongs to the `ready` line). */
export function createLog(
  o: { level?: "debug" | "info" | "warn" | "error" | "silent"; destination?: { write(line: string): void } } = {},
): Log {
  const options = {
    level: o.level ?? "info",
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: "[hidden]" },
  };
  return wrap(pino(options, o.destination ?? pino.destination({ fd: 2, sync: true })));
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silentLog };

function wrap(inner: pino.Logger): Log {
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: LogFields = {}): void =>
      inner[level](readable(fields), message);
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => wrap(inner.child(fields)),
  };
}

/** Errors as code, reason and stack of the innermost cause: this log stays on the machine. */
function readable(fields: LogFields): LogFields {
  const { error } = fields;
  if (error === undefined) return fields;
  let cause: unknown = error;
  while (HnError.isHnError(cause) && cause.cause !== undefined) cause = cause.cause;
  const coded = HnError.isHnError(error) ? { code: error.code, reason: error.reason } : {};
  return { ...fields, error: { ...coded, stack: cause instanceof Error ? cause.stack : String(cause) } };
}
