import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { EgressMeter } from "./egress.ts";

/**
 * A TCP connection whose every byte is counted, what TLS adds included, and refused before it leaves when the quota is used up. Reads from the
 * network no faster than it is read from.
 */
export class MeteredSocket extends Duplex {
  readonly #socket: Socket;
  readonly #meter: EgressMeter;
  bytesIn = 0;
  bytesOut = 0;

  /** @param socket  connected */
  constructor(socket: Socket, meter: EgressMeter) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#meter = meter;
    socket.on("data", (chunk: Buffer) => {
      this.bytesIn += chunk.byteLength;
      meter.received(chunk.byteLength);
      if (!this.push(chunk)) socket.pause();
    });
    let ended = false;
    socket.on("end", () => {
      ended = true;
      this.push(null);
    });
    socket.on("error", (error) => this.destroy(error));
    // After a proper end there may be bytes that nobody has read yet.
    socket.on("close", () => {
      if (!ended) this.destroy();
    });
  }

  /** Node's HTTP client calls these of whatever it speaks through; the host's own clock decides how long anything may take. */
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    try {
      this.#meter.spend(chunk.byteLength);
    } catch (error) {
      return done(error as Error);
    }
    this.bytesOut += chunk.byteLength;
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
