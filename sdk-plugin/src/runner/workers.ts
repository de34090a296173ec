/** `ctx.workers` over the link. @source plugin-platform §4.3, §4.4 */
import { bytesOf } from "../bytes.ts";
import type { OpenWorker, Workers, WorkOptions, WorkResult } from "../context.ts";
import type { HostLink } from "./host-link.ts";

export function openWorkers(link: HostLink): Workers {
  return {
    run: (name: string, message: object, options: WorkOptions = {}) => runWorker(link, { name, message, options }),
    open: (name, { signal } = {}) => holdWorker(link, name, signal),
  };
}

async function runWorker(
  link: HostLink,
  o: { name: string; message: object; options: WorkOptions; handle?: number },
): Promise<WorkResult> {
  const { signal, onProgress, bytes = [] } = o.options;
  const answer = await link.op(
    "workers.run",
    { name: o.name, msg: o.message, bytes, ...(o.handle === undefined ? {} : { handle: o.handle }) },
    {
      signal,
      onFrame: (frame, done) => {
        done();
        if (frame.event === "progress") onProgress?.(frame.data);
      },
    },
  );
  return { json: answer.json, bytes: answer.bytes.map((part) => bytesOf(part)) };
}

/** The op goes on as long as the process does, and is withdrawn to end it. */
async function holdWorker(link: HostLink, name: string, signal: AbortSignal | undefined): Promise<OpenWorker> {
  const closed = new AbortController();
  const ended = new AbortController();
  const opened = Promise.withResolvers<number>();
  link
    .op(
      "workers.open",
      { name },
      {
        signal: signal === undefined ? closed.signal : AbortSignal.any([signal, closed.signal]),
        onFrame: (frame, done) => {
          done();
          if (frame.event === "open") opened.resolve(frame.data["handle"] as number);
        },
      },
    )
    .catch((error: unknown) => {
      opened.reject(error);
      ended.abort(error);
    });
  const handle = await opened.promise;
  return {
    run: (message: object, options: WorkOptions = {}) => runWorker(link, { name, message, options, handle }),
    close: () => closed.abort(new DOMException("The worker was closed.", "AbortError")),
    ended: ended.signal,
  };
}
