/** Keeps one view of one plugin process equal to the replay of the ordered log, whatever arrives when. @source plugin-platform §2.4; 04 §5 */
import { createHash, type Hash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { compareEvents } from "../../community/index.ts";
import type { Clock, PlacedEvent, PluginCommunity, Position, Timer } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Checkpoint, SharedStore } from "./shared-store.ts";

/** The view inside the plugin's process; every step waits for the one before it. */
export interface ViewDoor {
  reset(view: string): Promise<void>;
  restore(view: string, state: Uint8Array): Promise<void>;
  /** @returns for how many of them `apply` has thrown */
  apply(view: string, events: PlacedEvent[], cursor: number): Promise<number>;
  snapshot(view: string): Promise<Uint8Array>;
}

export interface ViewFeedOptions {
  view: { name: string; types: readonly string[]; snapshot: boolean };
  plugin: string;
  /** Identity of the release: each has its own places in the log. */
  release: string;
  community: PluginCommunity;
  store: SharedStore;
  clock: Clock;
  door: ViewDoor;
  mayRead: (type: string) => boolean;
  /** These were handed over. */
  onFed: (events: readonly PlacedEvent[]) => void;
  /** Something the view could not do; until `onWell` its state may be wrong. */
  onFault: (detail: string) => void;
  onWell: () => void;
}

const BATCH = 64;
const CHECKPOINT_EVERY = 256;
/** After the last event, milliseconds. */
const CHECKPOINT_QUIET_MS = 5000;
const STATE_MAX_BYTES = 4_194_304;
const RETRY_MS = 5000;

/** A place up to which a state was reached, and the stream's digest there when it was. */
interface Mark {
  position: Position;
  digest: string;
  checkpoint: Checkpoint | null;
  /** The log's digest there now. */
  found?: { hash: Hash; applied: number };
}

export class ViewFeed {
  readonly #o: ViewFeedOptions;
  readonly #caughtUp = Promise.withResolvers<void>();
  /** Last event that the view has; null at its beginning. */
  #cursor: Position | null = null;
  /** How far the log was looked through. */
  #scanned: Position | null = null;
  #applied = 0;
  #digest: Hash = createHash("sha256");
  /** Community and types: another stream begins anew. */
  #stream = "";
  #revision = -1;
  /** False while nobody knows what the view in the process has. */
  #known = false;
  #faulty = false;
  #unsaved = 0;
  #saveDue = false;
  #batch = BATCH;
  #stopped = false;
  #rung = false;
  #wake: (() => void) | undefined;
  #quiet: Timer | undefined;

  constructor(options: ViewFeedOptions) {
    this.#o = options;
    void this.#run();
  }

  /** Resolves when the view had everything for the first time, or was stopped. */
  get caughtUp(): Promise<void> {
    return this.#caughtUp.promise;
  }

  /** Something was stored, or a right has changed. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  stop(): void {
    this.#stopped = true;
    this.#quiet?.cancel();
    this.#caughtUp.resolve();
    this.#wake?.();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#rung = false;
      try {
        if (await this.#step()) continue;
        this.#caughtUp.resolve();
        await this.#rest();
      } catch (error) {
        if (this.#stopped) return;
        await this.#stumble(HnError.from(error));
      }
    }
  }

  /** @returns whether there may be more to do at once */
  async #step(): Promise<boolean> {
    const { community, door, view } = this.#o;
    const types = view.types.filter((type) => this.#o.mayRead(type)).toSorted();
    const id = community.communityId();
    const stream = JSON.stringify([id, types]);
    const revision = community.revision();
    if (!this.#known || stream !== this.#stream || revision !== this.#revision) {
      await this.#settle({ types, id, stream });
      this.#stream = stream;
      this.#revision = revision;
      return true;
    }
    if (id === null || types.length === 0) return false;
    const { events, next } = community.read({ types, limit: this.#batch, ...behind(this.#scanned) });
    if (events.length > 0) {
      this.#known = false;
      const faults = await door.apply(view.name, events, this.#applied + events.length);
      this.#known = true;
      this.#batch = BATCH;
      this.#note(events);
      if (faults > 0)
        this.#fault(`The view ${view.name} has refused ${faults} of ${events.length} events; see the plugin's own lines.`);
    }
    this.#scanned = next ?? this.#cursor;
    if (this.#unsaved >= CHECKPOINT_EVERY || this.#saveDue) await this.#save(id);
    return next !== null || events.length > 0;
  }

  #note(events: readonly PlacedEvent[]): void {
    for (const { event, level } of events) {
      this.#digest.update(lineOf({ event, level }));
      const { lamport, event_id, author } = event;
      this.#cursor = { lamport, event_id, author };
    }
    this.#applied += events.length;
    this.#unsaved += events.length;
    this.#o.onFed(events);
  }

  /** Nothing to do until something rings; a while after the last event its state is worth keeping. */
  async #rest(): Promise<void> {
    if (this.#unsaved > 0 && this.#o.view.snapshot && !this.#faulty) {
      this.#quiet = this.#o.clock.setTimeout(() => {
        this.#saveDue = true;
        this.ring();
      }, CHECKPOINT_QUIET_MS);
    }
    if (!this.#rung && !this.#stopped) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    this.#quiet?.cancel();
  }

  async #stumble(error: HnError): Promise<void> {
    // The process is gone; whoever starts it anew begins a feed of its own.
    if (error.code === "plugin_gone") return this.stop();
    this.#known = false;
    this.#batch = Math.max(1, Math.floor(this.#batch / 4));
    this.#fault(`The view ${this.#o.view.name} did not answer: ${error.message}`);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#quiet = this.#o.clock.setTimeout(resolve, RETRY_MS);
    });
  }

  #fault(detail: string): void {
    this.#faulty = true;
    this.#o.onFault(detail);
  }

  /** Keeps what the view is now, unless it may be wrong. */
  async #save(community: string): Promise<void> {
    const { view, door, store, plugin, release } = this.#o;
    this.#saveDue = false;
    this.#unsaved = 0;
    if (!view.snapshot || this.#faulty || this.#cursor === null) return;
    const state = await door.snapshot(view.name);
    if (state.byteLength > STATE_MAX_BYTES) return;
    const digest = this.#digest.copy().digest("hex");
    store.keep(
      { plugin, release, view: view.name },
      { community, position: this.#cursor, applied: this.#applied, digest, state },
    );
  }

  /**
   * Finds the latest state that the log as it is now leads to: the one in the process, a kept one, or the empty one. Digests over everything
   * that was handed over tell; so it does not matter what changed, nor when a crash cut it off.
   */
  async #settle({ types, id, stream }: { types: string[]; id: string | null; stream: string }): Promise<void> {
    const { view, store, plugin, release } = this.#o;
    const key = { plugin, release, view: view.name };
    const kept = view.snapshot && id !== null ? store.checkpoints(key).filter(({ community }) => community === id) : [];
    const marks: Mark[] = kept.map((checkpoint) => ({ position: checkpoint.position, digest: checkpoint.digest, checkpoint }));
    const present: Mark | undefined =
      this.#known && this.#cursor !== null
        ? { position: this.#cursor, digest: this.#digest.copy().digest("hex"), checkpoint: null }
        : undefined;
    await this.#measure([...(present === undefined ? [] : [present]), ...marks], { types, id, stream });
    // What lies behind the cursor is looked through again: something may have come in between.
    this.#scanned = this.#cursor;
    if (present !== undefined && isSame(present)) return;
    for (const mark of marks) {
      if (isSame(mark) && mark.checkpoint !== null && (await this.#restore(mark.checkpoint, mark))) return;
      if (mark.checkpoint !== null) store.drop(key, mark.checkpoint);
    }
    if (!this.#known || this.#cursor !== null) await this.#o.door.reset(view.name);
    this.#begin({ hash: createHash("sha256").update(stream), applied: 0 }, null);
  }

  async #restore(checkpoint: Checkpoint, { found }: Mark): Promise<boolean> {
    const { view, door } = this.#o;
    try {
      await door.restore(view.name, checkpoint.state);
    } catch (error) {
      const coded = HnError.from(error);
      if (coded.code === "plugin_gone") throw coded;
      this.#fault(`The view ${view.name} could not take its own former state: ${coded.message}`);
      return false;
    }
    if (found !== undefined) this.#begin(found, checkpoint.position);
    return found !== undefined;
  }

  /** The view in the process has exactly what lies up to here. */
  #begin({ hash, applied }: { hash: Hash; applied: number }, position: Position | null): void {
    this.#digest = hash;
    this.#applied = applied;
    this.#cursor = position;
    this.#scanned = position;
    this.#known = true;
    this.#unsaved = 0;
    if (this.#faulty) this.#o.onWell();
    this.#faulty = false;
  }

  /** Walks the log up to the farthest mark, with a rest after every page. */
  async #measure(marks: readonly Mark[], o: { types: string[]; id: string | null; stream: string }): Promise<void> {
    const waiting = marks.toSorted((a, b) => compareEvents(a.position, b.position));
    const hash = createHash("sha256").update(o.stream);
    let applied = 0;
    const reach = (): void => {
      const mark = waiting.shift();
      if (mark !== undefined) mark.found = { hash: hash.copy(), applied };
    };
    let after: Position | null = null;
    while (waiting.length > 0 && o.id !== null && o.types.length > 0) {
      const page = this.#o.community.read({ types: o.types, limit: 1000, ...behind(after) });
      for (const placed of page.events) {
        while (waiting[0] !== undefined && compareEvents(placed.event, waiting[0].position) > 0) reach();
        if (waiting.length === 0) return;
        hash.update(lineOf(placed));
        applied += 1;
      }
      if (page.next === null) break;
      after = page.next;
      await nextTurn();
    }
    while (waiting.length > 0) reach();
  }
}

function isSame({ digest, found }: Mark): boolean {
  return found?.hash.copy().digest("hex") === digest;
}

function behind(place: Position | null): { after?: Position } {
  return place === null ? {} : { after: place };
}

function lineOf({ event: { lamport, event_id, author, signature }, level }: PlacedEvent): string {
  return `${lamport} ${event_id} ${author} ${signature} ${level}\n`;
}
