/** One network op while it runs: frames come through here, and what the plugin sends goes back under the handle it was given. */
import type { Frame, JsonObject, PluginOp } from "@hearthnet/host/contract";
import { HnError } from "../../error.ts";
import { abortError } from "../failure.ts";
import type { HostLink } from "../host-link.ts";

const WRITE_MAX = 65_536;

export class Wire {
  readonly #link: HostLink;
  readonly #left = new AbortController();
  readonly #frames: AsyncGenerator<Frame, JsonObject, void>;
  #handle = 0;
  /** Writes go one after the other, so that what is taken keeps its order. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(link: HostLink, op: { name: PluginOp; args: object; signal: AbortSignal | undefined }) {
    this.#link = link;
    const { signal } = op;
    this.#frames = link.frames(op.name, op.args, {
      signal: signal === undefined ? this.#left.signal : AbortSignal.any([signal, this.#left.signal]),
    });
  }

  /** Data of the next frame of that name, frames of other names are not expected. @throws what ended the op */
  async first(event: string): Promise<JsonObject> {
    const next = await this.#frames.next();
    if (next.done === true || next.value.event !== event) throw new HnError("internal_error");
    const handle = next.value.data["handle"];
    if (typeof handle === "number") this.#handle = handle;
    return next.value.data;
  }

  /** What comes, until it ends; the value is what the host says at the end. Leaving the loop ends the op. */
  async *rest(): AsyncGenerator<JsonObject, JsonObject, void> {
    try {
      for (;;) {
        const next = await this.#frames.next();
        if (next.done === true) return next.value;
        yield next.value.data;
      }
    } finally {
      this.close();
    }
  }

  /** In pieces of at most 64 KiB, unless they belong together. */
  async write(bytes: Uint8Array, o: { whole?: boolean; more?: object } = {}): Promise<void> {
    const step = o.whole === true ? Math.max(1, bytes.byteLength) : WRITE_MAX;
    const send = async (): Promise<void> => {
      for (let at = 0; at < bytes.byteLength || (at === 0 && o.whole === true); at += step)
        await this.#link.op("net.write", { handle: this.#handle, bytes: bytes.subarray(at, at + step), ...o.more });
    };
    const sent = this.#last.then(send);
    this.#last = sent.catch(() => {});
    return sent;
  }

  /** After all that was written. */
  async end(how: { code?: number; reason?: string } = {}): Promise<void> {
    await this.#last;
    await this.#link.op("net.end", { handle: this.#handle, ...how });
  }

  close(reason: unknown = abortError("The connection was closed.")): void {
    this.#left.abort(reason);
  }
}
