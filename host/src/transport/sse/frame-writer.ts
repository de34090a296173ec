import { formatTime, HnError } from "../../foundation/index.ts";
import { StreamDigest, type Signer } from "../../identity/index.ts";
import { CONSTANTS, type Clock, type Frame, type JsonObject, type NodeId } from "../../contract/index.ts";
import { toWire } from "../http/wire.ts";

const NAME = /^[a-z][a-z0-9_.]{0,63}$/;
const TERMINAL: ReadonlySet<string> = new Set(["done", "error"]);

export interface FrameWriterOptions {
  signer: Signer;
  clock: Clock;
  to: NodeId | "";
  requestId: string;
  /** How a frame looks on its way, called once for each that goes out; as a server-sent event by default. @param json  of the data */
  form?: (event: string, json: string) => string;
}

/** Frames of one stream as text, and the signature under all of them in the last. @source 02 §7.1, T-14 */
export class FrameWriter {
  readonly #o: FrameWriterOptions;
  readonly #form: (event: string, json: string) => string;
  readonly #digest: StreamDigest = new StreamDigest();
  #sum: string | undefined;

  constructor(o: FrameWriterOptions) {
    this.#o = o;
    this.#form = o.form ?? line;
  }

  /** @throws internal_error for a name that would end or break the stream · bad_request too_large beyond 1 MiB */
  frame({ event, data }: Frame): string {
    if (!NAME.test(event) || TERMINAL.has(event)) {
      throw new HnError("internal_error", {
        message: "The capability sent a frame under a name that is not allowed. Report it to whoever provides it.",
        cause: new Error(`frame name ${JSON.stringify(event.slice(0, 64))}`),
      });
    }
    const wire = toWire(data);
    const json = checked(wire);
    written(() => this.#digest.add({ event, data: wire }));
    return this.#form(event, json);
  }

  /** The last frame; nothing may follow it. @throws internal_error · bad_request too_large beyond 1 MiB */
  terminal(event: "done" | "error", value: JsonObject): string {
    const { _sig: _, ...data } = toWire(value);
    checked(data);
    const { signer, clock, to, requestId } = this.#o;
    const timestamp = formatTime(clock.now());
    const { frames } = this.#digest;
    // Kept: when this summary cannot be signed, an error follows it.
    const digest = (this.#sum ??= this.#digest.digest());
    const envelope = { request_id: requestId, from: signer.nodeId, to, timestamp, frames, digest, terminal: { event, data } };
    const signature = written(() => signer.signStream(envelope));
    return this.#form(event, JSON.stringify({ ...data, _sig: { frames, digest, timestamp, signature } }));
  }
}

function checked(data: JsonObject): string {
  const text = JSON.stringify(data);
  if (Buffer.byteLength(text) <= CONSTANTS.FRAME_MAX_BYTES) return text;
  throw new HnError("bad_request", {
    reason: "too_large",
    message: "A frame of this answer is larger than 1 MiB. Ask for smaller pieces.",
  });
}

/** What has no signed form is the provider's mistake, not the caller's. */
function written<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const message = "The capability gave an answer that cannot be written as JSON. Report it to whoever provides it.";
    throw new HnError("internal_error", { message, cause });
  }
}

function line(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}
