/** Log lines of plugins, for the operator only. @source plugin-platform §8.4 */
import type { Clock, PluginLogLine } from "../contract/index.ts";
import { openDatabase, type Database } from "../foundation/index.ts";
import { Hidden } from "./logs/index.ts";
import { printable } from "./process/index.ts";

const MIGRATIONS = [
  `CREATE TABLE line(seq INTEGER PRIMARY KEY AUTOINCREMENT, plugin TEXT NOT NULL, at INTEGER NOT NULL, level TEXT NOT NULL, source TEXT NOT NULL,
     message TEXT NOT NULL) STRICT;
   CREATE INDEX line_by_plugin ON line(plugin, seq)`,
];
const KEPT_BYTES = 50_000_000;
/** After the oldest are gone, so much of it is used. */
const ROOM = 0.9;
/** What a line takes beside its text. */
const LINE_BYTES = 100;
const SIZE = `length(CAST(message AS BLOB)) + ${LINE_BYTES}`;
const KEPT_MS = 14 * 86_400_000;
const LOOK_MS = 3_600_000;
const FLUSH_MS = 250;
/** Lines written in one go while others wait for the daemon, and the pause for them. */
const AT_ONCE = 500;
const PAUSE_MS = 20;
const LEVELS: readonly string[] = ["debug", "info", "warn", "error"];

type Unwritten = Omit<PluginLogLine, "seq">;

export class LogStore {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Set<(line: PluginLogLine) => void>>();
  readonly #hidden = new Map<string, Hidden>();
  readonly #keptBytes: number;
  /** Bytes by plugin. */
  readonly #used = new Map<string, number>();
  #lookedAt = 0;
  readonly #waiting: { plugin: string; line: Unwritten }[] = [];
  #closed = false;

  /** @param keptBytes  of each plugin */
  constructor(path: string, clock: Clock, keptBytes: number = KEPT_BYTES) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS });
    this.#clock = clock;
    this.#keptBytes = keptBytes;
    this.#dropOld();
  }

  /** Values that must never be shown, in whatever line of this plugin they turn up; former ones too, for the plugin may still have them. */
  hide(plugin: string, secrets: readonly string[]): void {
    const known = this.#hidden.get(plugin);
    this.#hidden.set(plugin, new Hidden(secrets, known));
  }

  add(plugin: string, line: Omit<Unwritten, "at">): void {
    if (this.#closed) return;
    // Before it is cut and escaped: half a secret, or one in other clothes, would not be found any more.
    const message = printable(this.#hidden.get(plugin)?.in(line.message) ?? line.message);
    this.#waiting.push({ plugin, line: { ...line, message, at: Math.floor(this.#clock.now()) } });
    if (this.#waiting.length === 1) this.#clock.setTimeout(() => this.#flushSome(), FLUSH_MS);
  }

  /** Newest last. `before` is a `seq`; `level` is the lowest to show. */
  read(plugin: string, o: { before?: number; limit: number; level?: string }): PluginLogLine[] {
    this.flush();
    const levels = LEVELS.slice(Math.max(0, LEVELS.indexOf(o.level ?? "debug")));
    const rows = this.#db
      .prepare(
        `SELECT seq, at, level, source, message FROM line WHERE plugin = ? AND seq < ? AND level IN (${levels.map(() => "?").join()}) ORDER BY seq DESC LIMIT ?`,
      )
      .all(
        plugin,
        o.before ?? Number.MAX_SAFE_INTEGER,
        ...levels,
        Math.min(1000, Math.max(1, o.limit)),
      ) as unknown as PluginLogLine[];
    return rows.map((row) => ({ ...row })).toReversed();
  }

  listen(plugin: string, listener: (line: PluginLogLine) => void): () => void {
    const listeners = this.#listeners.get(plugin) ?? new Set();
    this.#listeners.set(plugin, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  forget(plugin: string): void {
    this.flush();
    this.#db.prepare("DELETE FROM line WHERE plugin = ?").run(plugin);
    this.#used.delete(plugin);
  }

  /** Writes everything that waits. */
  flush(): void {
    while (!this.#closed && this.#waiting.length > 0) this.#write(this.#waiting.splice(0, AT_ONCE));
  }

  #flushSome(): void {
    if (this.#closed || this.#waiting.length === 0) return;
    this.#write(this.#waiting.splice(0, AT_ONCE));
    if (this.#waiting.length > 0) this.#clock.setTimeout(() => this.#flushSome(), PAUSE_MS);
  }

  #write(waiting: readonly { plugin: string; line: Unwritten }[]): void {
    const numbered = this.#db.transaction(() =>
      waiting.map(({ plugin, line }) => {
        const { lastInsertRowid } = this.#db
          .prepare("INSERT INTO line(plugin, at, level, source, message) VALUES(?,?,?,?,?)")
          .run(plugin, line.at, line.level, line.source, line.message);
        return { plugin, line: { seq: Number(lastInsertRowid), ...line } };
      }),
    );
    for (const { plugin, line } of numbered) {
      this.#used.set(plugin, (this.#used.get(plugin) ?? 0) + Buffer.byteLength(line.message) + LINE_BYTES);
      for (const listener of this.#listeners.get(plugin) ?? []) listener(line);
    }
    for (const plugin of new Set(waiting.map((one) => one.plugin))) this.#prune(plugin);
    if (this.#clock.now() - this.#lookedAt >= LOOK_MS) this.#dropOld();
  }

  close(): void {
    this.flush();
    this.#closed = true;
    this.#db.close();
  }

  /** Keeps the newest of a plugin's lines: the oldest go until there is some room again. */
  #prune(plugin: string): void {
    const used = this.#used.get(plugin) ?? 0;
    if (used <= this.#keptBytes) return;
    let left = used;
    let last = 0;
    const oldest = this.#db.prepare(`SELECT seq, ${SIZE} AS size FROM line WHERE plugin = ? ORDER BY seq`).iterate(plugin);
    for (const row of oldest as Iterable<{ seq: number; size: number }>) {
      left -= row.size;
      last = row.seq;
      if (left <= this.#keptBytes * ROOM) break;
    }
    this.#db.prepare("DELETE FROM line WHERE plugin = ? AND seq <= ?").run(plugin, last);
    this.#used.set(plugin, left);
  }

  #dropOld(): void {
    this.#db.prepare("DELETE FROM line WHERE at < ?").run(Math.floor(this.#clock.now()) - KEPT_MS);
    const sums = this.#db.prepare(`SELECT plugin, SUM(${SIZE}) AS size FROM line GROUP BY plugin`).all();
    this.#used.clear();
    for (const { plugin, size } of sums as { plugin: string; size: number }[]) this.#used.set(plugin, size);
    this.#lookedAt = this.#clock.now();
  }
}
