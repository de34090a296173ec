import { HnError } from "../../foundation/index.ts";
import type { Frame, JsonObject } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import { estimateBytes } from "../trace/size.ts";
import { checkFrame, checkReply, checkSummary } from "./answer.ts";
import { isStream } from "./local-unary.ts";
import { admit, type LocalRequest } from "./request.ts";
import { cancelled, Run, type Engine } from "./run.ts";

type Frames = AsyncGenerator<Frame, JsonObject, void>;

/**
 * Runs a local provider frame by frame; a slow reader slows the handler. The return value is the summary of `done`.
 * @throws HnError of 02 §5; before the first frame the call had no effect on the caller's side
 * @source 03 §8, §9
 */
export async function* runStream(engine: Engine, provider: Provider, request: LocalRequest): Frames {
  const body = admit(provider, request);
  const run = new Run(engine, provider, request);
  let frames: Frames | undefined;
  let bytes = 0;
  let alone = true;
  try {
    const started = run.begin(body);
    if (!isStream(started)) {
      const reply = checkReply(provider, await unlessStopped(run, started), engine.clock.monotonic() - request.startedAt);
      run.succeed({ bytesOut: estimateBytes(reply.output), said: reply.meta });
      return reply.output;
    }
    frames = started;
    for (;;) {
      const step = await unlessStopped(run, frames.next());
      run.frameSeen();
      if (step.done === true) {
        checkSummary(provider, step.value, { alone, ms: engine.clock.monotonic() - request.startedAt });
        run.succeed({ bytesOut: bytes + estimateBytes(step.value), said: step.value });
        return step.value;
      }
      checkFrame(provider, step.value);
      alone = false;
      bytes += estimateBytes(step.value.data);
      yield step.value;
    }
  } catch (cause) {
    const error = HnError.from(cause);
    run.fail(error);
    throw error;
  } finally {
    if (run.succeeded) run.yielded();
    else close(run, frames);
  }
}

function unlessStopped<T>(run: Run, step: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    run.interruptWith(reject);
    Promise.resolve(step).then(resolve, reject);
  });
}

/** Ends the handler without waiting for it: it failed, or its reader went away in the middle. Its slot is free as soon as it has yielded. */
function close(run: Run, frames: Frames | undefined): void {
  const yielded = (): void => run.yielded();
  if (frames === undefined) return yielded();
  run.stop(cancelled(), true);
  frames.return({}).then(yielded, yielded);
}
