/** A WebSocket over the simulated network, with as much of `ws` and of the TLS socket below it as peer sessions use. */
import { EventEmitter } from "node:events";
import type { TLSSocket } from "node:tls";
import type { WebSocket } from "ws";
import type { Network, Place } from "./network.ts";
import { Pipe } from "./pipe.ts";

/** Header of a frame of RFC 6455, and of a record of TLS. */
const OVERHEAD_BYTES = 32;
const BROKE_OFF = 1006;

export interface Message {
  from: Place;
  to: Place;
  data: Buffer;
  isBinary: boolean;
}

/** Whoever sits on the line. @returns what goes on instead */
export type OnLine = (message: Message) => readonly Buffer[];

export class SimSocket extends EventEmitter {
  readonly #own: Place;
  readonly #other: Place;
  readonly #onLine: OnLine;
  readonly #out: Pipe;
  #peer: SimSocket | undefined;
  #state: "open" | "closing" | "closed" = "open";
  #isGone = false;

  private constructor(o: { network: Network; own: Place; other: Place; onLine: OnLine }) {
    super();
    this.#own = o.own;
    this.#other = o.other;
    this.#onLine = o.onLine;
    this.#out = new Pipe(o.network, { from: o.own, to: o.other }, () => this.#over(BROKE_OFF));
  }

  /** Both ends of a connection. */
  static pair(o: { network: Network; from: Place; to: Place; onLine: OnLine }): [SimSocket, SimSocket] {
    const { network, from, to, onLine } = o;
    const ends: [SimSocket, SimSocket] = [
      new SimSocket({ network, own: from, other: to, onLine }),
      new SimSocket({ network, own: to, other: from, onLine }),
    ];
    [ends[0].#peer, ends[1].#peer] = [ends[1], ends[0]];
    return ends;
  }

  /** The same object in the types that the room `transport` knows. */
  get asWebSocket(): WebSocket {
    return this as unknown as WebSocket;
  }

  get asTls(): TLSSocket {
    return this as unknown as TLSSocket;
  }

  get bufferedAmount(): number {
    return this.#out.buffered;
  }

  /** Also what came and was not read yet: a sign of life. */
  get bytesRead(): number {
    return this.#far.#out.received ?? 0;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  send(data: Buffer | string, ...rest: [o: { binary?: boolean }, sent: () => void] | []): void {
    if (this.#state !== "open") return;
    const isBinary = typeof data !== "string";
    const [sent] = rest.slice(1) as [(() => void)?];
    for (const heard of this.#onLine({ from: this.#own, to: this.#other, data: Buffer.from(data), isBinary }))
      this.#out.write(heard.byteLength + OVERHEAD_BYTES, () => this.#far.#hear(heard, isBinary), sent);
  }

  /** Each write of the simulated wire is one of its own anyway. */
  cork(): void {}

  uncork(): void {}

  pause(): void {
    this.#far.#out.hold(true);
  }

  resume(): void {
    this.#far.#out.hold(false);
  }

  /** Says goodbye after everything that was said; the other end says it back. */
  close(code = 1005): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#out.write(OVERHEAD_BYTES, () => this.#far.#goodbye(code));
  }

  terminate(): void {
    if (this.#state === "closed") return;
    const peer = this.#far;
    this.#out.write(OVERHEAD_BYTES, () => peer.#over(BROKE_OFF));
    this.#over(BROKE_OFF);
  }

  /** The process at this end is gone. @param isHeard  its system tells the other end so */
  vanish(isHeard: boolean): void {
    if (isHeard) this.#out.write(0, () => this.#far.#over(BROKE_OFF));
    this.#state = "closed";
    this.#isGone = true;
    this.removeAllListeners();
  }

  get #far(): SimSocket {
    if (this.#peer === undefined) throw new Error("a socket has two ends");
    return this.#peer;
  }

  #hear(data: Buffer, isBinary: boolean): void {
    // The next process on that machine knows nothing of the connection, and says so.
    if (this.#isGone) this.#far.#over(BROKE_OFF);
    else this.emit("message", data, isBinary);
  }

  #goodbye(code: number): void {
    if (this.#state === "open") this.#out.write(OVERHEAD_BYTES, () => this.#far.#over(code));
    this.#over(code);
  }

  #over(code: number): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.emit("close", code, Buffer.alloc(0));
  }
}
