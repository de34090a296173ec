/** Log lines of plugins, for the operator only. @source plugin-platform §8.4 */
import type { Clock, PluginLogLine } from "../contract/index.ts";
import { openDatabase, type Database } from "../foundation/index.ts";
import { printable } from "./process/index.ts";

const MIGRATIONS = [
  `CREATE TABLE line(seq INTEGER PRIMARY KEY AUTOINCREMENT, plugin TEXT NOT NULL, at INTEGER NOT NULL, level TEXT NOT NULL, source TEXT NOT NULL,
     message TEXT NOT NULL) STRICT;
   CREATE INDEX line_by_plugin ON line(plugin, seq)`,
];
const KEPT_PER_PLUGIN = 20_000;
const KEPT_MS = 14 * 86_400_000;
const FLUSH_MS = 250;
const LEVELS: readonly string[] = ["debug", "info", "warn", "error"];
const HIDDEN = "[hidden]";
/** Present and former secrets of one plugin, each in its spellings. */
const SPELLINGS_MAX = 512;

type Unwritten = Omit<PluginLogLine, "seq">;

export class LogStore {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Set<(line: PluginLogLine) => void>>();
  readonly #secrets = new Map<string, string[]>();
  readonly #written = new Map<string, number>();
  #waiting: { plugin: string; line: Unwritten }[] = [];
  #closed = false;

  constructor(path: string, clock: Clock) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS });
    this.#clock = clock;
    this.#db.prepare("DELETE FROM line WHERE at < ?").run(Math.floor(clock.now()) - KEPT_MS);
  }

  /** Values that must never be shown, in whatever line of this plugin they turn up; former ones too, for the plugin may still have them. */
  hide(plugin: string, secrets: readonly string[]): void {
    // A very short value would hide half of every line and is no secret worth the name.
    const spelled = secrets.filter((secret) => secret.length >= 4).flatMap(spellings);
    const all = new Set([...spelled, ...(this.#secrets.get(plugin) ?? [])]);
    // The longest first: a secret may be the beginning of another.
    this.#secrets.set(
      plugin,
      [...all].slice(0, SPELLINGS_MAX).toSorted((a, b) => b.length - a.length),
    );
  }

  add(plugin: string, line: Omit<Unwritten, "at">): void {
    if (this.#closed) return;
    let message = printable(line.message);
    for (const secret of this.#secrets.get(plugin) ?? []) message = message.replaceAll(secret, HIDDEN);
    this.#waiting.push({ plugin, line: { ...line, message, at: Math.floor(this.#clock.now()) } });
    if (this.#waiting.length === 1) this.#clock.setTimeout(() => this.flush(), FLUSH_MS);
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
  }

  flush(): void {
    const waiting = this.#waiting;
    if (this.#closed || waiting.length === 0) return;
    this.#waiting = [];
    const numbered = this.#db.transaction(() =>
      waiting.map(({ plugin, line }) => {
        const { lastInsertRowid } = this.#db
          .prepare("INSERT INTO line(plugin, at, level, source, message) VALUES(?,?,?,?,?)")
          .run(plugin, line.at, line.level, line.source, line.message);
        return { plugin, line: { seq: Number(lastInsertRowid), ...line } };
      }),
    );
    for (const { plugin, line } of numbered) {
      this.#prune(plugin);
      for (const listener of this.#listeners.get(plugin) ?? []) listener(line);
    }
  }

  close(): void {
    this.flush();
    this.#closed = true;
    this.#db.close();
  }

  #prune(plugin: string): void {
    const written = (this.#written.get(plugin) ?? 0) + 1;
    this.#written.set(plugin, written % 1000);
    if (written < 1000) return;
    this.#db
      .prepare(
        "DELETE FROM line WHERE plugin = ? AND seq <= (SELECT seq FROM line WHERE plugin = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)",
      )
      .run(plugin, plugin, KEPT_PER_PLUGIN);
  }
}

/** As it stands in a line by itself, in JSON, in a URL, and packed. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    printable(secret),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    bytes.toString("hex"),
  ];
}
