import { HnError } from "../../foundation/index.ts";
import type { Frame, JsonObject } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import { decodeBinary } from "../schema/binary.ts";

/**
 * Frames that follow a call, as its handler gets them: bytes decoded at the offer's pointers.
 * @throws bad_request where what stands there is no base64url
 * @source 02 T-17, plugin-platform §4 "Binary path"
 */
export async function* framesIn(provider: Provider, frames: AsyncIterable<Frame>): AsyncGenerator<Frame, void, void> {
  const paths = provider.local?.bytesInFrames ?? [];
  for await (const { event, data } of frames) {
    const here = paths.filter(([name]) => name === event).map((path) => path.slice(1));
    yield { event, data: here.length === 0 ? data : decodeBinary<JsonObject>(data, here) };
  }
}

/** A source that can be read once, and that tells whether it was. */
export class Following implements AsyncIterable<Frame> {
  readonly #source: AsyncIterable<Frame>;
  #taken = false;

  constructor(source: AsyncIterable<Frame>) {
    this.#source = source;
  }

  /** Somebody has begun to read. */
  get taken(): boolean {
    return this.#taken;
  }

  [Symbol.asyncIterator](): AsyncIterator<Frame> {
    if (this.#taken) throw new HnError("internal_error", { cause: new Error("what follows a call was read twice") });
    this.#taken = true;
    return this.#source[Symbol.asyncIterator]();
  }
}
