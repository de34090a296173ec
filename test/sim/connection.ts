/** HTTP over the simulated network: one half is a dispatcher of undici, the other the node's real server without its socket. */
import type { Readable } from "node:stream";
import type { InjectOptions, LightMyRequestResponse } from "fastify";
import { Dispatcher } from "undici";
import type { Broken, Network, Place } from "./network.ts";

/** Where requests arrive. */
export interface Door {
  place: Place;
  inject: (request: InjectOptions) => Promise<LightMyRequestResponse>;
}

/** As undici gives up on an address. */
const CONNECT_MS = 10_000;
const CODES: Record<Broken | "no answer", string> = {
  refused: "ECONNREFUSED",
  "timed out": "ETIMEDOUT",
  "no answer": "UND_ERR_CONNECT_TIMEOUT",
};

function broken(why: Broken | "no answer" | "reset"): Error {
  return Object.assign(new Error(why), { code: why === "reset" ? "ECONNRESET" : CODES[why] });
}

export interface Exchange {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** Whoever sits on the line of an answer. @returns what goes on instead */
export type OnReply = (exchange: Exchange, data: Buffer) => Buffer;

/** Requests of one node to one address. */
export class SimDispatcher extends Dispatcher {
  readonly #o: {
    network: Network;
    from: Place;
    door: () => Door | undefined;
    address: string;
    /** Whoever listens in on the line. */
    onRequest: (exchange: Exchange) => void;
    onReply: OnReply;
  };
  /** What is under way, to be cut. */
  readonly #open: Set<(error: Error) => void> = new Set();
  #isConnected = false;

  constructor(o: {
    network: Network;
    from: Place;
    door: () => Door | undefined;
    address: string;
    onRequest: (exchange: Exchange) => void;
    onReply: OnReply;
  }) {
    super();
    this.#o = o;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const talk = new Talk(handler, () => this.#open.delete(talk.fail));
    this.#open.add(talk.fail);
    handler.onRequestStart?.(talk, null);
    if (!talk.isOver) this.#connect(talk, () => this.#send(options, talk));
    return true;
  }

  /** Ends everything that is under way. */
  cut(error: Error): void {
    this.#isConnected = false;
    for (const fail of this.#open) fail(error);
  }

  /** The first request pays a way there and back before it is sent. */
  #connect(talk: Talk, then: () => void): void {
    const { network, from } = this.#o;
    const there = this.#o.door()?.place;
    if (there === undefined) return this.#nobody(talk);
    if (this.#isConnected && !there.isDown) return then();
    this.#isConnected = false;
    const clock = from.clock.setTimeout(() => talk.fail(broken("no answer")), CONNECT_MS);
    talk.onEnd(() => clock.cancel());
    const fail = (why: Broken): void => talk.fail(broken(why));
    const hello = `${from.name} meets ${there.name}`;
    network.segment(from, there, {
      label: hello,
      bytes: 1200,
      broken: fail,
      deliver: () =>
        network.segment(there, from, {
          label: `${hello}: yes`,
          bytes: 1200,
          broken: fail,
          deliver: () => {
            clock.cancel();
            this.#isConnected = true;
            if (!talk.isOver) then();
          },
        }),
    });
  }

  /** Nobody has ever had that address. */
  #nobody(talk: Talk): void {
    const { network, from } = this.#o;
    network.segment(from, from, {
      label: `${from.name} finds nobody`,
      bytes: 0,
      broken: () => undefined,
      deliver: () => talk.fail(broken("refused")),
    });
  }

  #send(options: Dispatcher.DispatchOptions, talk: Talk): void {
    const { network, from, onRequest, onReply, address } = this.#o;
    const door = this.#o.door();
    if (door === undefined) return this.#nobody(talk);
    const exchange: Exchange = {
      method: options.method,
      path: options.path,
      headers: options.headers as Record<string, string>,
      body: typeof options.body === "string" ? options.body : "",
    };
    onRequest(exchange);
    network.segment(from, door.place, {
      label: `${from.name} asks ${door.place.name} ${options.method} ${options.path}`,
      bytes: exchange.body.length + 1000,
      broken: (why) => talk.fail(broken(why)),
      deliver: () =>
        void answer(exchange, { network, door, from, address, talk, onReply }).catch((error: Error) => talk.fail(error)),
    });
  }
}

/** What the listener asks of a socket and the stand-in for one lacks: to be ended. The response of the same request ends with it. */
function canEnd({ res }: LightMyRequestResponse["raw"]): void {
  Object.assign(res.req.socket, { destroy: () => void res.destroy(), destroySoon: () => void res.destroy() });
}

async function answer(
  exchange: Exchange,
  o: { network: Network; door: Door; from: Place; address: string; talk: Talk; onReply: OnReply },
): Promise<void> {
  const { network, door, from, talk, onReply } = o;
  const left = new AbortController();
  talk.onEnd(() => {
    // Who hangs up is heard a way later.
    if (!talk.isComplete)
      network.segment(from, door.place, {
        label: `${from.name} hangs up on ${door.place.name}`,
        bytes: 100,
        broken: () => undefined,
        deliver: () => left.abort(),
      });
  });
  const reply = await door.inject({
    method: exchange.method,
    url: exchange.path,
    headers: exchange.headers,
    remoteAddress: o.address,
    payloadAsStream: true,
    signal: left.signal,
    ...(exchange.body === "" ? {} : { payload: exchange.body }),
  });
  canEnd(reply.raw);
  const line = new Line(network, door.place, from, talk);
  line.send(200, () => talk.begin(reply.statusCode, reply.headers as Record<string, string>));
  const body: Readable = reply.stream();
  body.on("data", (chunk: Buffer) => line.send(chunk.byteLength, () => talk.data(onReply(exchange, chunk))));
  body.once("end", () => line.send(50, () => talk.end()));
  body.once("error", () => line.send(50, () => talk.fail(broken("reset"))));
}

/** One direction of a connection: what is sent later never arrives earlier. */
class Line {
  readonly #network: Network;
  readonly #from: Place;
  readonly #to: Place;
  readonly #talk: Talk;
  readonly #waiting: Map<number, () => void> = new Map();
  #sent = 0;
  #arrived = 0;

  constructor(network: Network, from: Place, to: Place, talk: Talk) {
    this.#network = network;
    this.#from = from;
    this.#to = to;
    this.#talk = talk;
  }

  send(bytes: number, deliver: () => void): void {
    // A process that is gone writes nothing more.
    if (this.#from.isDown) return;
    const number = (this.#sent += 1);
    this.#network.segment(this.#from, this.#to, {
      label: `${this.#from.name} answers ${this.#to.name} ${number}`,
      bytes,
      broken: () => this.#talk.fail(broken("reset")),
      deliver: () => {
        this.#waiting.set(number, deliver);
        for (let next = this.#waiting.get(this.#arrived + 1); next; next = this.#waiting.get(this.#arrived + 1)) {
          this.#arrived += 1;
          this.#waiting.delete(this.#arrived);
          next();
        }
      },
    });
  }
}

/** What undici knows of one request. */
class Talk implements Dispatcher.DispatchController {
  readonly paused: boolean = false;
  reason: Error | null = null;
  isOver = false;
  isComplete = false;
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #onEnd: (() => void)[];

  constructor(handler: Dispatcher.DispatchHandler, onEnd: () => void) {
    this.#handler = handler;
    this.#onEnd = [onEnd];
  }

  get aborted(): boolean {
    return this.reason !== null;
  }

  onEnd(listener: () => void): void {
    this.#onEnd.push(listener);
  }

  abort(reason: Error): void {
    this.reason = reason;
    this.fail(reason);
  }

  pause(): void {
    // Readers of a simulation read at once.
  }

  resume(): void {
    // See above.
  }

  begin(status: number, headers: Record<string, string>): void {
    if (!this.isOver) this.#handler.onResponseStart?.(this, status, headers);
  }

  data(chunk: Buffer): void {
    if (!this.isOver) this.#handler.onResponseData?.(this, chunk);
  }

  end(): void {
    if (this.isOver) return;
    this.isComplete = true;
    this.#close();
    this.#handler.onResponseEnd?.(this, {});
  }

  readonly fail = (error: Error): void => {
    if (this.isOver) return;
    this.#close();
    this.#handler.onResponseError?.(this, error);
  };

  #close(): void {
    this.isOver = true;
    for (const listener of this.#onEnd) listener();
  }
}
