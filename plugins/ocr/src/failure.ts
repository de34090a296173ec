/** Codes of spec 02 §5 that recognising a picture can end with. */
export type FailureCode = "bad_request" | "not_found" | "not_implemented" | "capacity_exceeded" | "timeout" | "internal_error";

/**
 * A refusal that the engine can explain. The engine knows nothing of the SDK; the worker entry turns this into an `HnError`.
 * @source 22 §1 (error table)
 */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly reason: string;

  constructor(code: FailureCode, detail: { reason: string; message: string; cause?: unknown }) {
    super(detail.message, { cause: detail.cause });
    this.name = "Failure";
    this.code = code;
    this.reason = detail.reason;
  }
}

export function decodeFailed(message: string, cause?: unknown): Failure {
  return new Failure("bad_request", { reason: "decode_failed", message, cause });
}
