import { HnError } from "../../foundation/index.ts";
import type { CallBody, Frame, JsonObject, Reply } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import { estimateBytes } from "../trace/size.ts";
import { checkFrame, checkReply } from "./answer.ts";
import { admit, type LocalRequest } from "./request.ts";
import { Run, type Engine } from "./run.ts";

/**
 * Runs a local provider for one answer: trust, request schema, capacity, handler, response schema, record.
 * @throws HnError of 02 §5
 * @source 03 §8
 */
export function runUnary(engine: Engine, provider: Provider, request: LocalRequest): Promise<Reply> {
  return new Promise((resolve, reject) => {
    // What throws before the handler runs rejects the promise by itself.
    const body = admit(provider, request);
    const run = new Run(engine, provider, request);
    run.interruptWith(reject);
    const failed = (cause: unknown): void => {
      const error = HnError.from(cause);
      run.fail(error);
      run.yielded();
      reject(error);
    };
    const answered = (raw: unknown): void => {
      // An answer after the end of the caller's patience only frees the slot.
      if (run.over) return run.yielded();
      try {
        const endedAt = engine.clock.monotonic();
        const reply = checkReply(provider, raw, endedAt - request.startedAt);
        run.succeed({ bytesOut: estimateBytes(reply.output), said: reply.meta, endedAt });
        run.yielded();
        resolve(reply);
      } catch (error) {
        failed(error);
      }
    };
    begin(provider, run, body).then(answered, failed);
  });
}

function begin(provider: Provider, run: Run, body: CallBody): Promise<unknown> {
  try {
    const started = run.begin(body);
    if (started instanceof Promise) return started;
    return isStream(started) ? collect(provider, run, started) : Promise.resolve(started);
  } catch (error) {
    return Promise.reject(HnError.from(error));
  }
}

/** A streaming handler asked for one answer: its summary, with the frames before it. @source 02 §7.1 */
async function collect(provider: Provider, run: Run, frames: AsyncGenerator<Frame, JsonObject, void>): Promise<Reply> {
  const seen: JsonObject[] = [];
  try {
    for (;;) {
      const step = await frames.next();
      if (step.done === true) return { output: seen.length === 0 ? step.value : { ...step.value, frames: seen }, meta: {} };
      run.noteFrame();
      if (run.over) throw new HnError("timeout");
      checkFrame(provider, step.value);
      if (step.value.event !== "progress") seen.push({ event: step.value.event, data: step.value.data });
    }
  } finally {
    await frames.return({});
  }
}

export function isStream(value: unknown): value is AsyncGenerator<Frame, JsonObject, void> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
