import { HnError, type HnErrorOptions } from "../../foundation/index.ts";
import type { ErrorCode } from "../../contract/index.ts";

/** Why a session ends, as the WebSocket says it. @source network.md §1.8 */
export const CLOSE = {
  done: 1000,
  goingAway: 1001,
  internal: 1011,
  badFrame: 4400,
  proof: 4401,
  tag: 4402,
  standing: 4403,
  deadline: 4408,
  credit: 4409,
  duplicate: 4410,
  keyConflict: 4411,
  seal: 4412,
  rate: 4429,
} as const;

export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];

const CODES: Record<CloseCode, { code: ErrorCode; reason?: string }> = {
  1000: { code: "partition", reason: "session_over" },
  1001: { code: "partition", reason: "closing" },
  1011: { code: "internal_error" },
  4400: { code: "bad_request", reason: "frame_malformed" },
  4401: { code: "invalid_signature", reason: "handshake_unproven" },
  4402: { code: "invalid_signature", reason: "frame_unproven" },
  4403: { code: "unauthorized" },
  4408: { code: "timeout" },
  4409: { code: "rate_limited", reason: "credit_overdrawn" },
  4410: { code: "partition", reason: "session_over" },
  4411: { code: "partition", reason: "key_conflict" },
  4412: { code: "invalid_signature", reason: "seal_missing" },
  4429: { code: "rate_limited", reason: "soft_limit" },
};

/** What is wrong with the other side; it ends the session with this code. */
export class SessionFault extends HnError {
  readonly closeCode: CloseCode;

  constructor(closeCode: CloseCode, o: { code?: ErrorCode } & HnErrorOptions = {}) {
    const { code, ...options } = o;
    const row = CODES[closeCode];
    const reason = options.reason ?? (code === undefined ? row.reason : undefined);
    super(code ?? row.code, { ...options, ...(reason === undefined ? {} : { reason }) });
    this.closeCode = closeCode;
  }

  static is(value: unknown): value is SessionFault {
    return value instanceof SessionFault;
  }
}

/** A frame that no sound sender writes. `why` goes to the log. */
export function badFrame(why: string): SessionFault {
  return new SessionFault(CLOSE.badFrame, { cause: new Error(why) });
}
