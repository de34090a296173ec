import { appendFileSync, closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CONSTANTS, type Clock, type Log, type NodeId } from "../../contract/index.ts";
import { privateFolder } from "../../foundation/index.ts";

const KEEP_MS = CONSTANTS.REPLAY_CACHE_SECONDS * 1000;
const SKEW_MS = CONSTANTS.SIGNED_REQUEST_SKEW_SECONDS * 1000;
const HEAD = "hearthnet-replay-1";
const LINE = /^(\d{1,16}) (ed25519:[0-9A-Za-z_-]{43}) ([0-9A-Za-z_-]{8,64})$/;
const FILES = ["seen.1", "seen.0"] as const;

export interface ReplayCacheOptions {
  folder: string;
  clock: Clock;
  log: Log;
  /** Names this start of the system; a file of another start may lack its last lines. */
  bootId: string;
  /** Requests per second that one caller may make in the long run. */
  perSecond: number;
  /** The node's key is younger than any request could be: there is nothing to be blind to. */
  firstStart: boolean;
}

/**
 * Remembers (sender, request id) for 300 s, in memory and in two files that take turns, so that neither a restart nor a kill opens a window.
 * Lines are written before the request is acted upon; they reach the system's memory, which survives this process.
 * @source 02 T-2
 */
export class ReplayCache {
  /** Unix milliseconds: requests stamped up to here may have been seen before by a former run whose record is lost. */
  blindUntil = 0;
  readonly #o: ReplayCacheOptions;
  /** Key → monotonic end, oldest first. */
  readonly #seen: Map<string, number> = new Map();
  readonly #held: Map<NodeId, number> = new Map();
  readonly #perCallerMax: number;
  #fd: number;
  #turnAt: number;

  constructor(options: ReplayCacheOptions) {
    this.#o = options;
    this.#perCallerMax = CONSTANTS.REPLAY_CACHE_SECONDS * options.perSecond + 2 * options.perSecond;
    privateFolder(options.folder);
    const complete = this.#load();
    if (!complete && !options.firstStart) this.blindUntil = options.clock.now() + SKEW_MS;
    if (!complete) for (const name of FILES) rmSync(join(options.folder, name), { force: true });
    this.#turnAt = options.clock.monotonic() + KEEP_MS;
    this.#fd = this.#open();
  }

  /** @returns `seen` for a repeat, `full` when this caller's record has no room */
  enter(from: NodeId, requestId: string): "new" | "seen" | "full" {
    const now = this.#o.clock.monotonic();
    this.#forget(now);
    const key = `${from} ${requestId}`;
    if (this.#seen.has(key)) return "seen";
    if ((this.#held.get(from) ?? 0) >= this.#perCallerMax) return "full";
    this.#remember(key, from, now + KEEP_MS);
    if (now >= this.#turnAt) this.#turn(now);
    writeSync(this.#fd, `${Math.floor(this.#o.clock.now())} ${from} ${requestId}\n`);
    return "new";
  }

  close(): void {
    closeSync(this.#fd);
  }

  #remember(key: string, from: NodeId, until: number): void {
    this.#seen.set(key, until);
    this.#held.set(from, (this.#held.get(from) ?? 0) + 1);
  }

  #forget(now: number): void {
    for (const [key, until] of this.#seen) {
      if (until > now) return;
      this.#seen.delete(key);
      const from = key.slice(0, key.indexOf(" "));
      const held = (this.#held.get(from) ?? 1) - 1;
      if (held === 0) this.#held.delete(from);
      else this.#held.set(from, held);
    }
  }

  /** The younger file becomes the older one; what that held is 300 s old. */
  #turn(now: number): void {
    closeSync(this.#fd);
    renameSync(join(this.#o.folder, FILES[1]), join(this.#o.folder, FILES[0]));
    this.#turnAt = now + KEEP_MS;
    this.#fd = this.#open();
  }

  #open(): number {
    const path = join(this.#o.folder, FILES[1]);
    if (!existsSync(path)) appendFileSync(path, `${HEAD} ${this.#o.bootId} ${this.blindUntil}\n`, { mode: 0o600 });
    return openSync(path, "a", 0o600);
  }

  /** @returns whether the record of the former run is whole */
  #load(): boolean {
    const { folder, clock, log } = this.#o;
    const wall = clock.now();
    const now = clock.monotonic();
    const paths = FILES.map((name) => join(folder, name));
    if (!existsSync(paths[1] ?? "")) return false;
    for (const path of paths) {
      if (!existsSync(path)) continue;
      const text = readFileSync(path, "latin1");
      const lines = text.split("\n");
      const [head, boot, blind] = (lines.shift() ?? "").split(" ");
      let whole = lines.at(-1) === "" && head === HEAD && boot === this.#o.bootId;
      lines.pop();
      // A restart within the blind time of the former start stays blind as long.
      if (/^\d{1,16}$/.test(blind ?? "")) this.blindUntil = Math.max(this.blindUntil, Number(blind));
      for (const line of lines) {
        const match = LINE.exec(line);
        const from = match?.[2];
        if (!match || from === undefined) {
          whole = false;
          continue;
        }
        // A wall clock that was set back must not shorten the memory.
        const age = Math.min(KEEP_MS, Math.max(0, wall - Number(match[1])));
        if (age < KEEP_MS) this.#remember(`${from} ${match[3] ?? ""}`, from, now + KEEP_MS - age);
      }
      if (!whole) {
        log.warn("the record of received requests is incomplete; calls that change something are refused for two minutes");
        return false;
      }
    }
    return true;
  }
}
