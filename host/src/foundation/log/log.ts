import pino from "pino";
import type { Log, LogFields } from "../../contract/index.ts";
import { safeFields } from "./fields.ts";

const MESSAGE_MAX = 2000;

/** JSON lines on standard error (standard output belongs to the `ready` line). Fields pass `safeFields` first: no secrets, no bodies, bounded. */
export function createLog(
  o: { level?: "debug" | "info" | "warn" | "error" | "silent"; destination?: { write(line: string): void } } = {},
): Log {
  const options = { level: o.level ?? "info", base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return wrap(pino(options, o.destination ?? pino.destination({ fd: 2, sync: true })));
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silentLog };

function wrap(inner: pino.Logger): Log {
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: LogFields = {}): void => {
      if (inner.isLevelEnabled(level)) inner[level](safeFields(fields), message.slice(0, MESSAGE_MAX));
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => wrap(inner.child(safeFields(fields))),
  };
}
