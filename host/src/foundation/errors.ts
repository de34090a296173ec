import {
  type AnyErrorCode,
  ERRORS,
  type ErrorCode,
  LOCAL_ERRORS,
  type LocalError,
  type NodeId,
  type Reason,
  REASONS,
  type Time,
  type WireError,
} from "../contract/index.ts";

const BRAND = Symbol.for("hearthnet.error");

export interface HnErrorOptions {
  reason?: Reason | (string & {});
  /** Overrides the table's text; for people, no path, no secret, no stack. */
  message?: string;
  action?: string;
  retryAfterMs?: number;
  cause?: unknown;
  /** JSON pointers of the fields at fault. */
  paths?: string[];
  /** Further members of the wire form. */
  details?: { alt_capabilities?: string[]; alt_nodes?: NodeId[]; schema_hash_expected?: string; server_time?: Time };
}

/**
 * The one error that rooms throw at each other: a code from the table, a reason, and text that says what happened and what to do.
 * Recognised by a global symbol, so that bundled copies of this class know each other.
 * @source 02 §5, codebase §7
 */
export class HnError extends Error {
  readonly code: AnyErrorCode;
  readonly reason: string | undefined;
  readonly action: string;
  readonly retryAfterMs: number | undefined;
  readonly paths: string[] | undefined;
  readonly details: NonNullable<HnErrorOptions["details"]>;

  constructor(code: AnyErrorCode, options: HnErrorOptions = {}) {
    const row = textFor(code, options.reason);
    super(options.message ?? row.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HnError";
    this.code = code;
    this.reason = options.reason;
    this.action = options.action ?? row.action;
    this.retryAfterMs = options.retryAfterMs;
    this.paths = options.paths;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }

  static isHnError(value: unknown): value is HnError {
    return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
  }

  /** Anything thrown becomes one of ours; what is not coded is `internal_error` and its text stays in `cause`. */
  static from(value: unknown): HnError {
    return HnError.isHnError(value) ? value : new HnError("internal_error", { cause: value });
  }

  /** From the operator's API, in the terminal. */
  static fromLocal(local: LocalError): HnError {
    const code = Object.hasOwn(ERRORS, local.error) || Object.hasOwn(LOCAL_ERRORS, local.error) ? local.error : "internal_error";
    return new HnError(code, {
      ...(local.reason === undefined ? {} : { reason: local.reason }),
      ...(local.message === undefined ? {} : { message: local.message }),
      ...(local.action === undefined ? {} : { action: local.action }),
      ...(local.retry_after_ms === undefined ? {} : { retryAfterMs: local.retry_after_ms }),
      ...(local.paths === undefined ? {} : { paths: local.paths }),
    });
  }

  /** What travels: local codes are mapped, hints for the operator are left out. */
  toWire(): WireError {
    const local = isLocalCode(this.code);
    const code: ErrorCode = isLocalCode(this.code) ? LOCAL_ERRORS[this.code].wire : this.code;
    return {
      error: code,
      message: local ? ERRORS[code].message : this.message,
      ...(this.reason === undefined || local ? {} : { reason: this.reason }),
      ...(this.retryAfterMs === undefined ? {} : { retry_after_ms: Math.ceil(this.retryAfterMs) }),
      ...this.details,
    };
  }

  /** What the operator sees. */
  toLocal(): LocalError {
    return {
      error: this.code,
      message: this.message,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      action: this.action,
      ...(this.retryAfterMs === undefined ? {} : { retry_after_ms: Math.ceil(this.retryAfterMs) }),
      ...(this.paths === undefined ? {} : { paths: this.paths }),
      ...this.details,
    };
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERRORS, value);
}

function isLocalCode(code: AnyErrorCode): code is keyof typeof LOCAL_ERRORS {
  return Object.hasOwn(LOCAL_ERRORS, code);
}

function textFor(code: AnyErrorCode, reason: string | undefined): { message: string; action: string } {
  if (reason !== undefined && Object.hasOwn(REASONS, reason)) return REASONS[reason as Reason];
  return isLocalCode(code) ? LOCAL_ERRORS[code] : ERRORS[code];
}
