import { HnError } from "../../foundation/index.ts";
import type { Frame, JsonObject, Reply } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";

/** Result of a handler that answers at once. @throws internal_error */
export function checkReply(provider: Provider, reply: unknown, ms: number): Reply {
  const value = reply as Partial<Reply> | null | undefined;
  if (typeof value !== "object" || value === null || typeof value.output !== "object" || value.output === null) {
    throw brokenAnswer(provider, "it returned no output object");
  }
  const meta = value.meta ?? {};
  const whole: Reply = { output: value.output, meta: meta.ms === undefined ? { ...meta, ms: Math.round(ms) } : meta };
  const fault = provider.local?.response?.(whole) ?? null;
  if (fault !== null) throw brokenAnswer(provider, `${fault.path} ${fault.message}`);
  return whole;
}

/** @throws internal_error */
export function checkFrame(provider: Provider, frame: Frame): void {
  if (typeof frame?.event !== "string" || typeof frame.data !== "object" || frame.data === null)
    throw brokenAnswer(provider, "it sent something that is no frame");
  // `progress` belongs to every capability, whatever its schema says. @source 02 §7.1
  if (frame.event === "progress") return;
  const fault = provider.local?.frames?.(frame) ?? null;
  if (fault !== null) throw brokenAnswer(provider, `frame ${frame.event}: ${fault.path} ${fault.message}`);
}

/**
 * The end of a stream. What has no frames before it may be the one answer of a capability that gives either.
 * @throws internal_error
 */
export function checkSummary(provider: Provider, data: JsonObject, o: { alone: boolean; ms: number }): void {
  const { frames, response } = provider.local ?? {};
  const isAnswer = o.alone && typeof response === "function" && frames?.({ event: "done", data }) !== null;
  if (isAnswer) checkReply(provider, { output: data }, o.ms);
  else checkFrame(provider, { event: "done", data });
}

function brokenAnswer(provider: Provider, why: string): HnError {
  provider.local?.onBadAnswer?.();
  return new HnError("internal_error", {
    message: `${provider.descriptor.name} gave an answer that does not fit its own description. Report it to whoever provides it.`,
    cause: new Error(why),
  });
}
