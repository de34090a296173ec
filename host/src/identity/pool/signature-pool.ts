import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Clock, SignatureCheck, Timer, VerifyMany } from "../../contract/index.ts";
import { parseNodeId, parseSignature } from "../node-id.ts";
import { verifyOnce } from "../sign/verify.ts";
import type { Batch, Verdicts } from "./batch.ts";

/** So few are verified on the loop: about a millisecond, less than the way to a worker and back. */
const INLINE_MAX = 8;
/** A worker that nobody needed for so long ends, and its memory with it. */
const IDLE_MS = 30_000;

export interface SignaturePoolOptions {
  /** The worker's program. */
  script: string;
  clock: Clock;
  /** Absent: one less than the machine has cores, at least one. */
  workers?: number;
}

export interface SignaturePool {
  verify: VerifyMany;
  close(): Promise<void>;
}

/**
 * Verifies many signatures on other cores than the loop's. Workers start with the first large batch. One that dies is replaced, and its batch is
 * verified here: no verdict is lost or guessed.
 * @source network.md §5 "Verify", "CPU budget"
 */
export function openSignaturePool(o: SignaturePoolOptions): SignaturePool {
  const pool = new Pool(o);
  return { verify: (checks) => pool.verify(checks), close: () => pool.close() };
}

interface Slot {
  worker: Worker;
  waiting: Map<number, (verdicts: Uint8Array | null) => void>;
}

class Pool {
  readonly #o: SignaturePoolOptions;
  readonly #size: number;
  readonly #slots: Map<number, Slot> = new Map();
  #next = 0;
  #idle: Timer | undefined;
  #closed = false;

  constructor(o: SignaturePoolOptions) {
    this.#o = o;
    this.#size = o.workers ?? Math.max(1, availableParallelism() - 1);
  }

  async verify(checks: readonly SignatureCheck[]): Promise<boolean[]> {
    if (checks.length <= INLINE_MAX || this.#closed) return checks.map(verifyOnce);
    const share = Math.ceil(checks.length / this.#size);
    const parts = Array.from({ length: Math.ceil(checks.length / share) }, (_, i) => checks.slice(i * share, (i + 1) * share));
    const verdicts = await Promise.all(parts.map((part, i) => this.#part(part, i)));
    this.#idle?.cancel();
    this.#idle = this.#o.clock.setTimeout(() => void this.#end(), IDLE_MS);
    return verdicts.flat();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#idle?.cancel();
    await this.#end();
  }

  async #part(checks: readonly SignatureCheck[], index: number): Promise<boolean[]> {
    const { batch, readable } = pack(this.#next++, checks);
    const verdicts = await this.#ask(this.#slot(index), batch);
    if (verdicts === null) return checks.map(verifyOnce);
    return checks.map((_, i) => readable[i] === true && verdicts[i] === 1);
  }

  #ask(slot: Slot, batch: Batch): Promise<Uint8Array | null> {
    return new Promise((resolve) => {
      slot.waiting.set(batch.id, resolve);
      const buffers = [batch.keys, batch.signatures, batch.lengths, batch.messages].map(({ buffer }) => buffer as ArrayBuffer);
      slot.worker.postMessage(batch, buffers);
    });
  }

  #slot(index: number): Slot {
    return this.#slots.get(index) ?? this.#start(index);
  }

  #start(index: number): Slot {
    const worker = new Worker(this.#o.script);
    worker.unref();
    const slot: Slot = { worker, waiting: new Map() };
    worker.on("message", ({ id, verdicts }: Verdicts) => {
      slot.waiting.get(id)?.(verdicts);
      slot.waiting.delete(id);
    });
    const gone = (): void => {
      if (this.#slots.get(index) === slot) this.#slots.delete(index);
      for (const resolve of slot.waiting.values()) resolve(null);
      slot.waiting.clear();
    };
    worker.on("error", gone);
    worker.on("exit", gone);
    this.#slots.set(index, slot);
    return slot;
  }

  async #end(): Promise<void> {
    const ending = [...this.#slots.values()];
    this.#slots.clear();
    await Promise.all(ending.map(({ worker }) => worker.terminate()));
  }
}

/** Malformed keys and signatures travel as zeros and are never genuine. */
function pack(id: number, checks: readonly SignatureCheck[]): { batch: Batch; readable: boolean[] } {
  const keys = new Uint8Array(checks.length * 32);
  const signatures = new Uint8Array(checks.length * 64);
  const lengths = Uint32Array.from(checks, ({ message }) => message.byteLength);
  const messages = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let start = 0;
  const readable = checks.map(({ by, message, signature }, i) => {
    messages.set(message, start);
    start += message.byteLength;
    try {
      keys.set(parseNodeId(by).bytes, i * 32);
      signatures.set(parseSignature(signature), i * 64);
      return true;
    } catch {
      return false;
    }
  });
  return { batch: { id, keys, signatures, lengths, messages }, readable };
}
