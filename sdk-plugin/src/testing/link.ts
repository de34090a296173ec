/** fd 3 without a process behind it, and a hand that can hold it. @source plugin-platform §4.7 */
import { Duplex } from "node:stream";

type Done = (error?: Error | null) => void;

/**
 * Two ends of one connection inside this process. As between processes, bytes arrive later than they were sent and as copies, a slow reader
 * slows the writer down, and what was sent before an end closed is still read.
 */
export function linkPair(): [host: Duplex, plugin: Duplex] {
  const host = new LinkEnd();
  const plugin = new LinkEnd();
  host.other = plugin;
  plugin.other = host;
  return [host, plugin];
}

class LinkEnd extends Duplex {
  other: LinkEnd | undefined;
  #writer: Done | undefined;

  constructor() {
    super({ allowHalfOpen: false });
  }

  override _read(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#deliver([chunk], done);
  }

  override _writev(parts: { chunk: Uint8Array }[], done: Done): void {
    this.#deliver(
      parts.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: Done): void {
    this.#hangUp();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#hangUp();
    done(error);
  }

  #deliver(parts: Uint8Array[], done: Done): void {
    const { other } = this;
    const bytes = Buffer.concat(parts);
    if (other === undefined) done();
    else setImmediate(() => other.arrive(bytes, done));
  }

  arrive(bytes: Buffer, done: Done): void {
    if (this.destroyed || this.readableEnded) return done();
    if (this.push(bytes)) done();
    else this.#writer = done;
  }

  #hangUp(): void {
    const { other } = this;
    this.other = undefined;
    setImmediate(() => {
      if (other !== undefined && !other.destroyed && !other.readableEnded) other.push(null);
    });
  }
}

/** Stands before a link; while it is held nothing passes in either direction and nothing is lost. */
export class HeldLink extends Duplex {
  readonly #inner: Duplex;
  #held = false;
  #waiting: (() => void) | undefined;

  constructor(inner: Duplex) {
    super({ allowHalfOpen: false });
    this.#inner = inner;
    inner.on("data", (bytes: Uint8Array) => {
      if (!this.push(bytes)) inner.pause();
    });
    inner.on("end", () => this.push(null));
    inner.on("close", () => this.destroy());
    inner.on("error", () => this.destroy());
  }

  hold(): void {
    this.#held = true;
    this.#inner.pause();
  }

  release(): void {
    this.#held = false;
    this.#inner.resume();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  override _read(): void {
    if (!this.#held) this.#inner.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    const write = (): void => void this.#inner.write(chunk, (error) => done(error));
    if (this.#held) this.#waiting = write;
    else write();
  }

  override _final(done: Done): void {
    this.#inner.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#inner.destroy();
    done(error);
  }
}
