/** What the runtime must remember across a crash of the daemon. Written before and after every effect. @source plugin-platform §6.2 */
import type {
  ConfinementLabel,
  Grant,
  JsonObject,
  KeptRelease,
  PermissionName,
  Random,
  StoredRelease,
} from "../../contract/index.ts";
import { createUlidFactory, openDatabase, type Database } from "../../foundation/index.ts";
import { DataRows } from "./data-rows.ts";
import { OVERRIDE_TABLE, OverrideRows } from "./override-rows.ts";
import { RoleRows } from "./role-rows.ts";
import { TrialRows } from "./trial-rows.ts";

const MIGRATIONS = [
  `CREATE TABLE plugin(
     id TEXT PRIMARY KEY, desired TEXT NOT NULL CHECK(desired IN('enabled','disabled')), active_release TEXT NOT NULL,
     publisher_key TEXT NOT NULL, best_label TEXT, last_start_ok INTEGER NOT NULL DEFAULT 0, reset_at INTEGER NOT NULL DEFAULT 0) STRICT;
   CREATE TABLE release(
     plugin_id TEXT NOT NULL, sha256 TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL, label TEXT, evidence TEXT,
     facts TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(plugin_id, sha256)) STRICT;
   CREATE TABLE op(
     op_id TEXT PRIMARY KEY, plugin_id TEXT NOT NULL, kind TEXT NOT NULL, step TEXT NOT NULL,
     phase TEXT NOT NULL CHECK(phase IN('intent','done')), payload TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
   CREATE TABLE crash(
     seq INTEGER PRIMARY KEY AUTOINCREMENT, plugin_id TEXT NOT NULL, release TEXT NOT NULL, at INTEGER NOT NULL,
     failed_start INTEGER NOT NULL, why TEXT NOT NULL) STRICT;
   CREATE INDEX crash_by_plugin ON crash(plugin_id, at);
   CREATE TABLE "grant"(
     plugin_id TEXT NOT NULL, position INTEGER NOT NULL, permission TEXT NOT NULL, scope TEXT NOT NULL, mode TEXT NOT NULL,
     granted_by TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(plugin_id, position)) STRICT;
   CREATE TABLE floor(plugin_id TEXT PRIMARY KEY, version TEXT NOT NULL) STRICT;
   CREATE TABLE config_version(
     seq INTEGER PRIMARY KEY AUTOINCREMENT, plugin_id TEXT NOT NULL, value TEXT NOT NULL, secrets BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
   CREATE TABLE process(pid INTEGER PRIMARY KEY, start_ticks INTEGER NOT NULL, plugin_id TEXT NOT NULL) STRICT;
   CREATE TABLE kept_data(plugin_id TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT`,
  // With what rights a former release ran, and since when it is one.
  `ALTER TABLE release ADD COLUMN kept_since INTEGER;
   ALTER TABLE release ADD COLUMN "grants" TEXT`,
  `CREATE TABLE waiting(plugin_id TEXT PRIMARY KEY, version TEXT NOT NULL) STRICT`,
  // Releases have folders of their own for data; so far all of a plugin's had one.
  `CREATE TABLE plugin_data(
     plugin_id TEXT NOT NULL, folder TEXT NOT NULL, owner TEXT NOT NULL, schema INTEGER NOT NULL, shared INTEGER NOT NULL,
     downgradable INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(plugin_id, folder)) STRICT;
   ALTER TABLE release ADD COLUMN data TEXT;
   ALTER TABLE kept_data ADD COLUMN folder TEXT NOT NULL DEFAULT 'data';
   UPDATE release SET data = 'data' WHERE state IN ('active','kept');
   INSERT INTO plugin_data SELECT plugin_id, 'data', sha256, coalesce(json_extract(facts, '$.manifest.data.schemaVersion'), 1),
     coalesce(json_extract(facts, '$.manifest.data.shared'), 0), coalesce(json_extract(facts, '$.manifest.data.downgradable'), 0), at
     FROM release WHERE state = 'active'`,
  OVERRIDE_TABLE,
  // To whom and for how long rights were given; trial runs and what was seen in them; who holds which role.
  `ALTER TABLE "grant" ADD COLUMN expires INTEGER;
   ALTER TABLE "grant" ADD COLUMN publisher_key TEXT NOT NULL DEFAULT '';
   UPDATE "grant" SET publisher_key = coalesce((SELECT publisher_key FROM plugin WHERE id = plugin_id), '');
   CREATE TABLE trial(plugin_id TEXT PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, grants TEXT NOT NULL) STRICT;
   CREATE TABLE trial_use(
     plugin_id TEXT NOT NULL, permission TEXT NOT NULL, method TEXT NOT NULL, args TEXT NOT NULL, target TEXT NOT NULL, count INTEGER NOT NULL,
     PRIMARY KEY(plugin_id, permission, method, args, target)) STRICT;
   CREATE TABLE role(role TEXT PRIMARY KEY, plugin_id TEXT NOT NULL, at INTEGER NOT NULL) STRICT`,
  // One process may hold isolates of several plugins: it is known until the last of them has ended.
  "ALTER TABLE process ADD COLUMN holders INTEGER NOT NULL DEFAULT 1",
];
const CONFIG_VERSIONS = 10;
const CRASHES_KEPT_MS = 7 * 86_400_000;
/** Nothing is decided by what is done; the last of it is for whoever looks into the file after a fault. */
const OPS_KEPT = 100;
/** So many ends of steps pass before what is done is swept. */
const SWEEP_EVERY = 20;
/** What these do is a process's or this file's, so that nothing of it is left to finish when the power was gone. */
const GONE_WITH_POWER: ReadonlySet<string> = new Set(["start", "canary", "flip", "probation", "stop"]);
/** So many former releases stay for as long as it takes; older ones for a month. @source plugin-platform §6.4.6 */
const RELEASES_KEPT = 2;
const RELEASES_KEPT_MS = 30 * 86_400_000;

export type Desired = "enabled" | "disabled";
export type ReleaseState = "staged" | "active" | "kept" | "failed";

export interface PluginRow {
  id: string;
  desired: Desired;
  activeRelease: string;
  publisherKey: string;
  bestLabel: ConfinementLabel | null;
}

export interface Crash {
  at: number;
  failedStart: boolean;
  why: string;
}

export interface OpRow {
  opId: string;
  pluginId: string;
  kind: string;
  step: string;
  payload: JsonObject;
}

export class Journal {
  readonly overrides: OverrideRows;
  readonly #db: Database;
  readonly #now: () => number;
  readonly #newId: () => string;
  #sinceSweep = 0;
  /** Folders with plugins' data. */
  readonly data: DataRows;
  /** Trial runs, and what was seen in them. */
  readonly trials: TrialRows;
  readonly roles: RoleRows;

  constructor(path: string, { now, random }: { now: () => number; random: Random }) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS, synchronous: "FULL" });
    this.overrides = new OverrideRows(this.#db);
    this.#now = () => Math.floor(now());
    this.#newId = createUlidFactory({ now }, random);
    this.data = new DataRows(this.#db, this.#now);
    this.trials = new TrialRows(this.#db);
    this.roles = new RoleRows(this.#db);
  }

  /** A name never given before, for a folder. */
  newName(): string {
    return this.#newId().toLowerCase();
  }

  plugins(): PluginRow[] {
    const rows = this.#db.prepare("SELECT * FROM plugin ORDER BY id").all() as Record<string, string | null>[];
    return rows.map((row) => ({
      id: row["id"] ?? "",
      desired: row["desired"] as Desired,
      activeRelease: row["active_release"] ?? "",
      publisherKey: row["publisher_key"] ?? "",
      bestLabel: row["best_label"] as ConfinementLabel | null,
    }));
  }

  release(pluginId: string, sha256: string): StoredRelease | undefined {
    const row = this.#db.prepare("SELECT facts FROM release WHERE plugin_id = ? AND sha256 = ?").get(pluginId, sha256) as
      { facts: string } | undefined;
    return row === undefined ? undefined : (JSON.parse(row.facts) as StoredRelease);
  }

  /** One transaction: afterwards this release is the active one, with this folder for its data; the former is kept. */
  activate(release: StoredRelease, o: { desired: Desired; grants: readonly Grant[]; data: string }): void {
    this.#db.transaction(() => {
      const now = this.#now();
      this.#db
        .prepare("UPDATE release SET state = 'kept', kept_since = ?, grants = ? WHERE plugin_id = ? AND state = 'active'")
        .run(now, JSON.stringify(this.grants(release.id)), release.id);
      this.#putRelease(release, "active");
      this.data.assign(release.id, release.sha256, o.data);
      this.#db
        .prepare(
          "INSERT INTO plugin(id, desired, active_release, publisher_key) VALUES(?,?,?,?) ON CONFLICT(id) DO UPDATE SET active_release = excluded.active_release, publisher_key = excluded.publisher_key",
        )
        .run(release.id, o.desired, release.sha256, release.publisherKeyId);
      this.#db.prepare("DELETE FROM kept_data WHERE plugin_id = ?").run(release.id);
      this.#db.prepare("DELETE FROM waiting WHERE plugin_id = ?").run(release.id);
      this.setGrants(release.id, o.grants);
    });
  }

  /** A release that is about to be tried beside the active one, by a process that ends with the power. One that is kept already stays so. */
  stage(release: StoredRelease): void {
    this.#db.lightly(() => this.#putRelease(release, "staged"));
  }

  /** Its trial is over; one that is kept stays so. */
  unstage(pluginId: string, sha256: string): void {
    this.#db.lightly(() =>
      this.#db.prepare("DELETE FROM release WHERE plugin_id = ? AND sha256 = ? AND state = 'staged'").run(pluginId, sha256),
    );
  }

  /** Releases whose trial was cut off were never active. */
  dropStaged(): void {
    this.#db.prepare("DELETE FROM release WHERE state = 'staged'").run();
  }

  /** Newest first; what is older than the rule allows is forgotten. */
  kept(pluginId: string): Omit<KeptRelease, "losesSince">[] {
    const rows = this.#db
      .prepare(
        "SELECT sha256, facts, grants, coalesce(kept_since, at) AS since FROM release WHERE plugin_id = ? AND state = 'kept' ORDER BY since DESC, rowid DESC",
      )
      .all(pluginId) as { sha256: string; facts: string; grants: string | null; since: number }[];
    const limit = this.#now() - RELEASES_KEPT_MS;
    return rows.flatMap((row, position) => {
      if (position < RELEASES_KEPT || row.since >= limit) {
        const grants = JSON.parse(row.grants ?? "[]") as Grant[];
        return { release: JSON.parse(row.facts) as StoredRelease, keptSince: row.since, grants };
      }
      this.#db.prepare("DELETE FROM release WHERE plugin_id = ? AND sha256 = ?").run(pluginId, row.sha256);
      return [];
    });
  }

  #putRelease(release: StoredRelease, state: "active" | "staged"): void {
    this.#db
      .prepare(
        `INSERT INTO release(plugin_id, sha256, version, state, facts, at) VALUES(?,?,?,?,?,?) ON CONFLICT(plugin_id, sha256) DO UPDATE
         SET facts = excluded.facts, state = CASE WHEN excluded.state = 'staged' AND state = 'kept' THEN 'kept' ELSE excluded.state END`,
      )
      .run(release.id, release.sha256, release.version, state, JSON.stringify(release), this.#now());
  }

  setReleaseState(pluginId: string, sha256: string, state: ReleaseState): void {
    this.#db.prepare("UPDATE release SET state = ? WHERE plugin_id = ? AND sha256 = ?").run(state, pluginId, sha256);
  }

  /** A newer version asks for more than the active one has, and waits for the operator. */
  awaitConsent(pluginId: string, version: string): void {
    this.#db.prepare("INSERT OR REPLACE INTO waiting VALUES(?,?)").run(pluginId, version);
  }

  awaitsConsent(pluginId: string): boolean {
    return this.#db.prepare("SELECT 1 FROM waiting WHERE plugin_id = ?").get(pluginId) !== undefined;
  }

  setDesired(pluginId: string, desired: Desired): void {
    this.#db.prepare("UPDATE plugin SET desired = ?1 WHERE id = ?2 AND desired <> ?1").run(desired, pluginId);
  }

  /** Keeps evidence with the release and remembers the best label this plugin ever ran under. */
  recordEvidence(pluginId: string, sha256: string, evidence: { label: ConfinementLabel }): void {
    if (evidence.label === "os" || evidence.label === "os+cgroup")
      this.#db.prepare("UPDATE plugin SET best_label = ?1 WHERE id = ?2 AND best_label IS NOT ?1").run(evidence.label, pluginId);
    // Of a process that does not outlive the loss of power.
    this.#db.lightly(() =>
      this.#db.transaction(() => {
        this.#db
          .prepare("UPDATE release SET label = ?, evidence = ? WHERE plugin_id = ? AND sha256 = ?")
          .run(evidence.label, JSON.stringify(evidence), pluginId, sha256);
        this.#db.prepare("UPDATE plugin SET last_start_ok = ? WHERE id = ?").run(this.#now(), pluginId);
      }),
    );
  }

  /** Rows that were given to the publisher whose plugin this is; no other's count. */
  grants(pluginId: string): Grant[] {
    const rows = this.#db
      .prepare(
        'SELECT g.* FROM "grant" g JOIN plugin p ON p.id = g.plugin_id AND p.publisher_key = g.publisher_key WHERE plugin_id = ? ORDER BY position',
      )
      .all(pluginId) as Record<string, string | number | null>[];
    return rows.map((row) => ({
      permission: row["permission"] as PermissionName,
      scope: JSON.parse(String(row["scope"])) as JsonObject,
      mode: row["mode"] as Grant["mode"],
      grantedBy: row["granted_by"] as Grant["grantedBy"],
      at: Number(row["at"]),
      ...(row["expires"] === null ? {} : { expires: Number(row["expires"]) }),
      publisherKey: String(row["publisher_key"]),
    }));
  }

  /** Of the plugin's present publisher, whatever the rows themselves say. */
  setGrants(pluginId: string, grants: readonly Grant[]): void {
    this.#db.transaction(() => {
      const owner = this.#db.prepare("SELECT publisher_key FROM plugin WHERE id = ?").get(pluginId) as
        { publisher_key: string } | undefined;
      this.#db.prepare('DELETE FROM "grant" WHERE plugin_id = ?').run(pluginId);
      const insert = this.#db.prepare(
        'INSERT INTO "grant"(plugin_id, position, permission, scope, mode, granted_by, at, expires, publisher_key) VALUES(?,?,?,?,?,?,?,?,?)',
      );
      grants.forEach(({ permission, scope, mode, grantedBy, at, expires }, position) =>
        insert.run(
          pluginId,
          position,
          permission,
          JSON.stringify(scope),
          mode,
          grantedBy,
          at,
          expires ?? null,
          owner?.publisher_key ?? "",
        ),
      );
    });
  }

  recordCrash(pluginId: string, crash: { release: string; failedStart: boolean; why: string }): void {
    const now = this.#now();
    this.#db.prepare("DELETE FROM crash WHERE at < ?").run(now - CRASHES_KEPT_MS);
    this.#db
      .prepare("INSERT INTO crash(plugin_id, release, at, failed_start, why) VALUES(?,?,?,?,?)")
      .run(pluginId, crash.release, now, crash.failedStart ? 1 : 0, crash.why.slice(0, 500));
  }

  /** Crashes that still count: after the operator's last reset, newest last. */
  crashes(pluginId: string): { crashes: Crash[]; lastStartOk: number } {
    const plugin = this.#db.prepare("SELECT last_start_ok, reset_at FROM plugin WHERE id = ?").get(pluginId) as
      { last_start_ok: number; reset_at: number } | undefined;
    const rows = this.#db
      .prepare("SELECT at, failed_start, why FROM crash WHERE plugin_id = ? AND seq > ? ORDER BY seq")
      .all(pluginId, plugin?.reset_at ?? 0) as { at: number; failed_start: number; why: string }[];
    return {
      crashes: rows.map(({ at, failed_start, why }) => ({ at, failedStart: failed_start === 1, why })),
      lastStartOk: plugin?.last_start_ok ?? 0,
    };
  }

  /** The operator's reset: rows stay, but no longer count. */
  resetCrashes(pluginId: string): void {
    this.#db
      .prepare(
        "UPDATE plugin SET reset_at = last FROM (SELECT coalesce(max(seq), 0) AS last FROM crash WHERE plugin_id = ?1) WHERE id = ?1 AND reset_at <> last",
      )
      .run(pluginId);
  }

  config(pluginId: string): { value: JsonObject; secrets: Uint8Array; version: number } | undefined {
    const row = this.#db.prepare("SELECT * FROM config_version WHERE plugin_id = ? ORDER BY seq DESC LIMIT 1").get(pluginId) as
      { seq: number; value: string; secrets: Uint8Array } | undefined;
    return row === undefined ? undefined : { value: JSON.parse(row.value) as JsonObject, secrets: row.secrets, version: row.seq };
  }

  setConfig(pluginId: string, value: JsonObject, secrets: Uint8Array): void {
    this.#db.transaction(() => {
      this.#db
        .prepare("INSERT INTO config_version(plugin_id, value, secrets, at) VALUES(?,?,?,?)")
        .run(pluginId, JSON.stringify(value), secrets, this.#now());
      this.#db
        .prepare(
          "DELETE FROM config_version WHERE plugin_id = ? AND seq NOT IN (SELECT seq FROM config_version WHERE plugin_id = ? ORDER BY seq DESC LIMIT ?)",
        )
        .run(pluginId, pluginId, CONFIG_VERSIONS);
    });
  }

  /** Forgets the newest version, so that the one before it counts again. */
  dropNewestConfig(pluginId: string): void {
    this.#db
      .prepare("DELETE FROM config_version WHERE seq = (SELECT max(seq) FROM config_version WHERE plugin_id = ?)")
      .run(pluginId);
  }

  /** Before an effect; returns the name under which `done` closes it. */
  intent(op: { pluginId: string; kind: string; step: string; payload?: JsonObject }): string {
    const opId = this.#newId();
    const write = (): unknown =>
      this.#db
        .prepare("INSERT INTO op VALUES(?,?,?,?,'intent',?,?)")
        .run(opId, op.pluginId, op.kind, op.step, JSON.stringify(op.payload ?? {}), this.#now());
    if (GONE_WITH_POWER.has(op.step)) this.#db.lightly(write);
    else write();
    return opId;
  }

  /** Were it lost with the power, the node would start as if that had failed a moment before; the next intent takes it to the disk. */
  done(opId: string): void {
    this.#db.lightly(() => this.#db.prepare("UPDATE op SET phase = 'done' WHERE op_id = ?").run(opId));
    this.#sinceSweep += 1;
    if (this.#sinceSweep < SWEEP_EVERY) return;
    this.#sinceSweep = 0;
    this.#db.lightly(() =>
      this.#db
        .prepare("DELETE FROM op WHERE phase = 'done' AND op_id NOT IN (SELECT op_id FROM op ORDER BY op_id DESC LIMIT ?)")
        .run(OPS_KEPT),
    );
  }

  unfinished(): OpRow[] {
    const rows = this.#db.prepare("SELECT * FROM op WHERE phase = 'intent' ORDER BY op_id").all() as Record<string, string>[];
    return rows.map((row) => ({
      opId: row["op_id"] ?? "",
      pluginId: row["plugin_id"] ?? "",
      kind: row["kind"] ?? "",
      step: row["step"] ?? "",
      payload: JSON.parse(row["payload"] ?? "{}") as JsonObject,
    }));
  }

  /** Once for each plugin that runs in it. Waits for no disk, as no process outlives the loss of power. */
  processStarted({ pid, startTicks, pluginId }: { pid: number; startTicks: number; pluginId: string }): void {
    // The number of a process that is no more may be this one's.
    const held = "CASE start_ticks WHEN excluded.start_ticks THEN holders + 1 ELSE 1 END";
    const sql = `INSERT INTO process VALUES(?, ?, ?, 1) ON CONFLICT(pid) DO UPDATE SET
      holders = ${held}, start_ticks = excluded.start_ticks, plugin_id = excluded.plugin_id`;
    this.#db.lightly(() => this.#db.prepare(sql).run(pid, startTicks, pluginId));
  }

  /** For one of its plugins. */
  processEnded(pid: number): void {
    this.#db.lightly(() =>
      this.#db.transaction(() => {
        this.#db.prepare("UPDATE process SET holders = holders - 1 WHERE pid = ?").run(pid);
        this.#db.prepare("DELETE FROM process WHERE pid = ? AND holders <= 0").run(pid);
      }),
    );
  }

  /** For all of them. */
  processGone(pid: number): void {
    this.#db.lightly(() => this.#db.prepare("DELETE FROM process WHERE pid = ?").run(pid));
  }

  processes(): { pid: number; startTicks: number }[] {
    const rows = this.#db.prepare("SELECT pid, start_ticks FROM process").all() as { pid: number; start_ticks: number }[];
    return rows.map(({ pid, start_ticks }) => ({ pid, startTicks: start_ticks }));
  }

  /** Forgets a plugin; crashes stay. `keepData` notes since when its data waits. */
  remove(pluginId: string, keepData: boolean): void {
    this.#db.transaction(() => {
      const folder = this.data.current(pluginId) ?? "data";
      this.#db.prepare("DELETE FROM release WHERE plugin_id = ?").run(pluginId);
      this.#db.prepare('DELETE FROM "grant" WHERE plugin_id = ?').run(pluginId);
      this.#db.prepare("DELETE FROM config_version WHERE plugin_id = ?").run(pluginId);
      this.#db.prepare("DELETE FROM waiting WHERE plugin_id = ?").run(pluginId);
      this.overrides.forget(pluginId);
      this.#db.prepare("DELETE FROM role WHERE plugin_id = ?").run(pluginId);
      this.trials.end(pluginId);
      this.#db.prepare("DELETE FROM plugin WHERE id = ?").run(pluginId);
      if (keepData) this.#db.prepare("INSERT OR REPLACE INTO kept_data VALUES(?,?,?)").run(pluginId, this.#now(), folder);
      else this.#db.prepare("DELETE FROM kept_data WHERE plugin_id = ?").run(pluginId);
    });
  }

  /** Plugins whose data has waited longer than this. */
  expiredData(maxAgeMs: number): string[] {
    const rows = this.#db.prepare("SELECT plugin_id FROM kept_data WHERE since < ?").all(this.#now() - maxAgeMs) as {
      plugin_id: string;
    }[];
    return rows.map(({ plugin_id }) => plugin_id);
  }

  forgetData(pluginId: string): void {
    this.#db.prepare("DELETE FROM kept_data WHERE plugin_id = ?").run(pluginId);
  }

  close(): void {
    this.#db.close();
  }
}
