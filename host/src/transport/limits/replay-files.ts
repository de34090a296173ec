import { appendFileSync, closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CONSTANTS, type Clock, type NodeId } from "../../contract/index.ts";
import { privateFolder } from "../../foundation/index.ts";

const KEEP_MS = CONSTANTS.REPLAY_CACHE_SECONDS * 1000;
const HEAD = /^hearthnet-replay-2 (\S+) (\d{1,16}) (\d{1,16})$/;
const LINE = /^(\d{1,16}) (ed25519:[0-9A-Za-z_-]{43}) ([0-9A-Za-z_-]{8,64}(?:#up)?)$/;

/** Of one line: who, which request, how many milliseconds ago. */
type OnLine = (from: NodeId, requestId: string, ageMs: number) => void;

/**
 * The record of received requests on disk: two files that take turns every 300 s. A line is written before the request is acted upon; it
 * reaches the system's memory, which survives this process, but not the system.
 * @source 02 T-2
 */
export class ReplayFiles {
  readonly #older: string;
  readonly #newer: string;
  readonly #next: string;
  readonly #bootId: string;
  readonly #sinceBoot: () => number;
  #blindUntil = 0;
  #fd = -1;
  #begun = 0;
  /** Lines that are not in the file yet. */
  #lines = "";

  constructor(o: { folder: string; bootId: string; clock: Clock; sinceBoot: () => number }) {
    privateFolder(o.folder);
    this.#older = join(o.folder, "seen.1");
    this.#newer = join(o.folder, "seen.0");
    this.#next = join(o.folder, "seen.next");
    this.#bootId = o.bootId;
    // Asked once: from here on the node's own clock tells how far it has moved.
    const offset = o.sinceBoot() - o.clock.monotonic();
    this.#sinceBoot = () => Math.floor(offset + o.clock.monotonic());
  }

  /** @returns whether the record is whole, and until when a former run was blind (Unix milliseconds) */
  load(onLine: OnLine): { whole: boolean; blindUntil: number } {
    rmSync(this.#next, { force: true });
    const seen = { whole: existsSync(this.#newer), blindUntil: 0 };
    for (const path of [this.#older, this.#newer]) {
      if (!existsSync(path)) continue;
      const { isSound, blindUntil, begun } = this.#read(path, onLine);
      seen.whole &&= isSound;
      seen.blindUntil = Math.max(seen.blindUntil, blindUntil);
      this.#begun = begun;
    }
    // What was read stays in memory only; a damaged file would hide what is written after it.
    if (!seen.whole) for (const path of [this.#older, this.#newer]) rmSync(path, { force: true });
    return seen;
  }

  /** @param blindUntil  Unix milliseconds; for the runs that follow */
  open(blindUntil: number): void {
    this.#blindUntil = blindUntil;
    if (!existsSync(this.#newer)) this.#begun = this.#begin(this.#newer);
    this.#fd = openSync(this.#newer, "a", 0o600);
  }

  /** A line for the next `write`. */
  add(from: NodeId, requestId: string): void {
    this.#lines += `${this.#sinceBoot()} ${from} ${requestId}\n`;
  }

  /** @throws the file system's own errors; the lines are lost then */
  write(): void {
    if (this.#lines === "") return;
    const bytes = Buffer.from(this.#lines, "latin1");
    this.#lines = "";
    if (this.#sinceBoot() - this.#begun >= KEEP_MS) this.#turn();
    for (let at = 0; at < bytes.byteLength;) at += writeSync(this.#fd, bytes, at);
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** The newer file becomes the older one; everything in that was older than 300 s. Until the next one stands whole, the former stays in use. */
  #turn(): void {
    rmSync(this.#next, { force: true });
    const begun = this.#begin(this.#next);
    const fd = openSync(this.#next, "a", 0o600);
    try {
      renameSync(this.#newer, this.#older);
      renameSync(this.#next, this.#newer);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(this.#fd);
    this.#fd = fd;
    this.#begun = begun;
  }

  /** @returns when it was, milliseconds since the system's start */
  #begin(path: string): number {
    const begun = this.#sinceBoot();
    appendFileSync(path, `hearthnet-replay-2 ${this.#bootId} ${begun} ${this.#blindUntil}\n`, { mode: 0o600 });
    return begun;
  }

  #read(path: string, onLine: OnLine): { isSound: boolean; blindUntil: number; begun: number } {
    const now = this.#sinceBoot();
    const lines = readFileSync(path, "latin1").split("\n");
    const [, bootId, begun, blindUntil] = HEAD.exec(lines.shift() ?? "") ?? [];
    // Every line ends; one that does not was torn.
    let isSound = lines.pop() === "" && bootId === this.#bootId;
    for (const line of lines) {
      const [, at, from, requestId] = LINE.exec(line) ?? [];
      if (from === undefined || requestId === undefined) isSound = false;
      // After another start of the system the ages mean nothing, so they count as none.
      else onLine(from, requestId, bootId === this.#bootId ? Math.max(0, now - Number(at)) : 0);
    }
    return { isSound, blindUntil: Number(blindUntil ?? 0), begun: Number(begun ?? 0) };
  }
}
