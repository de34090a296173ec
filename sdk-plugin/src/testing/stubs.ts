/** Stands in for what the plugin under test calls. */
import { HnError, type Bus } from "@hearthnet/host/plugin-host";
import type { Frame, JsonObject, Principal } from "@hearthnet/host/contract";

export interface StubRequest {
  params: JsonObject;
  input: JsonObject;
  /** Whose rights the call runs under. */
  caller: Principal;
  /** Fires when the call is given up. */
  signal: AbortSignal;
  /** What the plugin sends after the call; nothing by default. */
  frames: AsyncIterable<Frame>;
}

/** One answer, or, as an async generator function, frames and the summary. What it throws, the plugin's call throws. */
export type Stub = (
  request: StubRequest,
) => Promise<{ output: object; meta?: object }> | AsyncGenerator<Frame, object | void, void>;

/** What stands between the plugin and everybody else. */
export interface Line {
  cut: boolean;
}

const TIMEOUT_SECONDS = 60;

/** Offers each on the bus, under the rules that hold for every capability. @throws HnError bad_request for an impossible name */
export function offerStubs(bus: Bus, stubs: Readonly<Record<string, Stub>>): Line {
  const line: Line = { cut: false };
  for (const [ref, stub] of Object.entries(stubs)) {
    const [name = "", version = "1.0"] = ref.split("@");
    const [major = 1, minor = 0] = version.split(".").map(Number);
    const streams = stub.constructor.name === "AsyncGeneratorFunction";
    bus.offer({
      descriptor: {
        name,
        version: [major, minor],
        stability: "stable",
        request_schema: { type: "object" },
        response_schema: streams ? null : { type: "object" },
        stream_schema: streams ? { type: "object" } : null,
        params: {},
        max_concurrent: 64,
        trust_required: "unknown",
        timeout_seconds: TIMEOUT_SECONDS,
        idempotent: true,
      },
      handler: ({ body, caller, frames = nothing() }, { signal }) => {
        if (line.cut) throw new HnError("partition", { reason: "provider_unreachable" });
        const answer = stub({ params: body.params, input: body.input, caller, signal, frames });
        return Symbol.asyncIterator in answer ? summed(answer) : replied(answer);
      },
    });
  }
  return line;
}

async function* nothing(): AsyncGenerator<Frame, void, void> {}

async function replied(answer: Promise<{ output: object; meta?: object }>): Promise<{ output: JsonObject; meta: JsonObject }> {
  const { output, meta = {} } = await answer;
  return { output: output as JsonObject, meta: meta as JsonObject };
}

async function* summed(frames: AsyncGenerator<Frame, object | void, void>): AsyncGenerator<Frame, JsonObject, void> {
  const summary = yield* frames;
  return (summary ?? {}) as JsonObject;
}
