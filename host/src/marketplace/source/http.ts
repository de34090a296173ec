import { Agent, request } from "undici";
import { HnError } from "../../foundation/index.ts";
import { type Source, SourceMiss } from "./source.ts";

const CONNECT_MS = 5000;
const SILENCE_MS = 10_000;
const MISSING: ReadonlySet<number> = new Set([403, 404, 410]);

/** A registry on a server. No redirects: another host would learn who asks. @throws bad_request for an address that is neither https nor this machine */
export function httpSource(base: string, ca?: string): Source {
  const url = new URL(base.endsWith("/") ? base : `${base}/`);
  const isLocal = url.protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  if (url.protocol !== "https:" && !isLocal)
    throw new HnError("bad_request", { message: `A registry's address begins with https://, not ${url.protocol}//.` });
  const agent = new Agent({
    connect: { timeout: CONNECT_MS, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
  });
  return {
    async open(key, signal) {
      try {
        const { statusCode, body } = await request(new URL(key, url), {
          dispatcher: agent,
          ...(signal === undefined ? {} : { signal }),
        });
        if (statusCode === 200) return whole(body, signal);
        // What a refusal says besides is not waited for.
        body.on("error", () => {}).destroy();
        if (MISSING.has(statusCode)) throw new SourceMiss(key);
        throw unreachable(`It answers with status ${statusCode}.`);
      } catch (cause) {
        if (cause instanceof SourceMiss || HnError.isHnError(cause)) throw cause;
        signal?.throwIfAborted();
        throw unreachable("It does not answer.", cause);
      }
    },
    close: () => agent.destroy(),
  };
}

/** A connection that ends early is damage in transit; silence in the middle is no answer. */
async function* whole(body: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    signal?.throwIfAborted();
    if ((cause as { code?: unknown }).code === "UND_ERR_BODY_TIMEOUT") throw unreachable("It fell silent.", cause);
    throw new HnError("bad_request", { reason: "damaged", cause });
  }
}

function unreachable(what: string, cause?: unknown): HnError {
  return new HnError("partition", {
    reason: "unreachable",
    message: `The registry cannot be reached. ${what}`,
    ...(cause === undefined ? {} : { cause }),
  });
}
