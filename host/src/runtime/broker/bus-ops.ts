/** A plugin calls others. @source plugin-platform §3.4.6, codebase §3 second walk */
import type { CallBody, JsonObject, JsonValue, OriginateRequest } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { object, optionalObject, optionalText, optionalWhole, text } from "./arguments.ts";
import { principalOf } from "./caller-right.ts";
import type { OpFamily } from "./op-family.ts";
import type { OpCall } from "./scope.ts";

/** @source 05 K-1 */
const TOKEN_MAX_CHARS = 2048;

async function busCall(op: OpCall): Promise<JsonValue> {
  const { output, meta, provider } = await op.scope.bus.call(originate(op));
  op.scope.budget.noteTokens(output, meta);
  return { output, meta, provider };
}

async function busStream(op: OpCall): Promise<JsonValue> {
  const optional = op.args["framesOptional"] === true ? { framesOptional: true as const } : {};
  const following = op.frames === undefined ? {} : { frames: op.frames, ...optional };
  const frames = op.scope.bus.stream({ ...originate(op), ...following });
  for (;;) {
    const next = await frames.next();
    if (next.done === true) {
      op.scope.budget.noteTokens(next.value);
      return next.value;
    }
    try {
      await op.frame(next.value.event, next.value.data);
    } catch (error) {
      await frames.return({});
      throw error;
    }
  }
}

export const BUS_OPS: OpFamily<"bus"> = { "bus.call": busCall, "bus.stream": busStream };

/** `trans.text@1` or `trans.text@1.2`. */
export function parseRef(ref: string): { name: string; version: [number, number] } {
  const match = /^([a-z0-9_.]+)@(\d{1,4})(?:\.(\d{1,4}))?$/.exec(ref);
  if (match?.[1] === undefined) throw new HnError("bad_request", { message: "A capability is named like `trans.text@1`." });
  return { name: match[1], version: [Number(match[2]), Number(match[3] ?? 0)] };
}

function originate(op: OpCall): OriginateRequest {
  const { args, parent, scope, signal } = op;
  const { name, version } = parseRef(text(args, "cap", 160));
  op.note({ target: `${name}@${version[0]}` });
  scope.budget.takeOut(scope.grants().call({ name, major: version[0], own: parent === null }));
  const body = object(args, "body");
  const sessionId = optionalText(args, "sessionId", 64);
  const callBody: CallBody = {
    params: optionalObject(body, "params"),
    input: optionalObject(body, "input"),
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
  };
  if (name === "auth.token.issue") checkHandedOn(op, callBody.input);
  const node = optionalText(args, "node", 64);
  const asked = optionalWhole(args, "timeoutMs");
  const token = tokenOf(op);
  const left = parent === null ? undefined : Math.max(1, Math.floor(parent.call.deadline - scope.clock.monotonic()));
  const timeoutMs = asked === undefined ? left : left === undefined ? asked : Math.min(asked, left);
  return {
    capability: name,
    version,
    body: callBody,
    caller: principalOf(op),
    signal,
    ...(node === undefined ? {} : { node }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(token === undefined ? {} : { token }),
    ...(parent === null ? {} : { traceId: parent.call.traceId, hops: parent.call.hops, ...parentOf(parent.call) }),
  };
}

/** What a token says is judged where it is shown; here only that nobody's call is widened by what the plugin holds. @source 05 §4, K-1 */
function tokenOf({ args, parent }: OpCall): string | undefined {
  const token = optionalText(args, "token", TOKEN_MAX_CHARS);
  if (token === undefined || parent === null) return token;
  throw new HnError("bad_request", {
    message: "A call for somebody else takes no token of yours. Use `ctx.call`, which is under the plugin's own authority.",
  });
}

/**
 * What a plugin has put into a token is what it may call itself. A bare name is no capability of the bus: what stands at the end of it asks for
 * its own.
 * @throws permission_denied
 * @source 05 K-9, §6
 */
function checkHandedOn({ scope, parent }: OpCall, input: JsonObject): void {
  const handed = input["scope"];
  const listed = typeof handed === "object" && handed !== null && !Array.isArray(handed) ? handed["capabilities"] : undefined;
  if (!Array.isArray(listed)) return;
  for (const entry of listed) {
    if (typeof entry !== "string" || !entry.includes("@")) continue;
    const { name, version } = parseRef(entry);
    scope.grants().call({ name, major: version[0], own: parent === null });
  }
}

/** A route or a panel is no call of the bus, so it has no span. */
function parentOf({ span }: { span?: number }): { parent?: number } {
  return span === undefined ? {} : { parent: span };
}
