/** A hostile data folder in the hands of the host: copied, measured, deleted, filled. The control does the same by ordinary means. @source plugin-platform §10 A03, A14 */
import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { NOBODY } from "../../../host/src/runtime/confine/index.ts";
import { hasBubblewrap, temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { until } from "../../../host/test/support/until.ts";
import { Daemon, type PluginParts } from "./daemon.ts";
import { recordOf, reportAttack } from "./report.ts";

const PLUGINS = join(import.meta.dirname, "..", "..", "fixtures", "plugins");
const ID = "lab/notes";
const RUN = "ext.notes.run";
const QUOTA_MB = 64;
const confined = hasBubblewrap();
let folder: string;
let daemon: Daemon;
before(async () => {
  folder = temporaryFolder();
  if (!confined) return;
  daemon = await Daemon.open(folder);
  await daemon.install({
    id: "lab/neighbour",
    capability: "ext.neighbour.ask",
    entry: join(PLUGINS, "attacks", "neighbour.ts"),
    permissions: ["fs.data"],
  });
});
after(async () => {
  if (confined) await daemon.close();
  else rmSync(folder, { recursive: true, force: true });
});

const notes = (version: string, layout: "1" | "2"): PluginParts => ({
  id: ID,
  capability: RUN,
  entry: join(PLUGINS, "notes", "plugin.ts"),
  define: { LAYOUT: layout },
  permissions: ["fs.data", "storage.sqlite"],
  manifest: { version, data: { schemaVersion: Number(layout), downgradable: false } },
});
const home = (): string => join(folder, "node", "runtime", "plugins", ...ID.split("/"));
const dataFolders = (): string[] => readdirSync(home()).filter((name) => /^(data|copy)(-|$)/.test(name));
const run = async (input: Record<string, string | number> = {}): Promise<unknown> => ({ ...(await daemon.call(RUN, input)) });

/** Files outside that somebody wants to reach, and what stands there. */
function bait(): { file: string; dir: string; intact: () => boolean } {
  const dir = mkdtempSync(join(tmpdir(), "hn-bait-"));
  const file = join(dir, "secret");
  writeFileSync(file, "of the host", { mode: 0o600 });
  return { file, dir, intact: () => readFileSync(file, "utf8") === "of the host" && (statSync(file).mode & 0o777) === 0o600 };
}

/** As whoever has got out of Node's permission model would lay them, with the name that a sandbox gives no way to. */
function plant(data: string, { file, dir }: ReturnType<typeof bait>): void {
  symlinkSync(file, join(data, "file-link"));
  symlinkSync(dir, join(data, "folder-link"));
  linkSync(file, join(data, "twin"));
  if (process.getuid?.() === 0) for (const name of ["file-link", "folder-link"]) lchownSync(join(data, name), NOBODY, NOBODY);
}

/** What a host does that thinks a folder is a folder. */
function careless(data: string, backup: string): void {
  cpSync(data, backup, { recursive: true, dereference: true });
  for (const name of readdirSync(data)) {
    const path = join(data, name);
    chmodSync(path, 0o777);
    if (statSync(path).isDirectory()) for (const inner of readdirSync(path)) rmSync(join(path, inner));
  }
}

test("A03: links in a data folder lead nowhere when the host copies, measures and deletes it; the control reaches what they point to", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const control = bait();
  const data = join(folder, "control-data");
  mkdirSync(data);
  plant(data, control);
  careless(data, join(folder, "backup"));
  assert.equal(
    readFileSync(join(folder, "backup", "file-link"), "utf8"),
    "of the host",
    "the control's copy holds what the link points to",
  );
  assert.ok(!existsSync(control.file), "and its deletion reached it");

  const target = bait();
  t.after(() => rmSync(target.dir, { recursive: true, force: true }));
  const { runtime } = daemon;
  await daemon.install(notes("1.0.0", "1"));
  await run({ add: "first" });
  plant(join(home(), "data"), target);
  rmSync(join(home(), "data", "twin"));
  await daemon.install(notes("2.0.0", "2"));
  const [copy = ""] = dataFolders().filter((name) => name !== "data");
  assert.deepEqual(
    readdirSync(join(home(), copy)).filter((name) => name.includes("link")),
    [],
    "a copy has no links",
  );
  assert.ok(runtime.logs(ID, { limit: 50 }).some(({ message }) => /2 links and other things were left out/.test(message)));
  assert.ok(target.intact());
  // Links in what is measured and deleted.
  plant(join(home(), copy), target);
  rmSync(join(home(), copy, "twin"));
  await runtime.restart(ID);
  const use = await until("it is measured", () => runtime.get(ID)?.data ?? null, 15_000);
  assert.ok(use.bytes < 1_048_576, "what the links point to does not count");
  await runtime.remove(ID, { keepData: false });
  assert.ok(!existsSync(home()));
  assert.ok(target.intact());
  assert.ok(lstatSync(target.dir).isDirectory());
  assert.equal((await daemon.call("ext.neighbour.ask"))["kept"], "mine");
  reportAttack({
    row: "A03",
    title: "links in a data folder, then copy, size and deletion by the host",
    confined: "2 links left out of the copy, not counted, deleted as links; target untouched",
    control: "copied the secret, changed and deleted the target",
    record: "log: links left out",
  });
});

test("a plugin's database moves to its next layout by the SDK's migrations, and back with the data of then (§6.4, §4.3 ctx.sql)", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const { runtime } = daemon;
  await daemon.install(notes("1.0.0", "1"));
  assert.deepEqual(await run({ add: "first" }), { layout: "1", rows: ["first"] });
  await daemon.install(notes("2.0.0", "2"));
  assert.deepEqual(await run({ add: "second" }), { layout: "2", rows: ["first 5", "second 6"] });
  await runtime.restart(ID);
  assert.deepEqual(await run(), { layout: "2", rows: ["first 5", "second 6"] });
  await runtime.rollback(ID, {});
  assert.deepEqual(await run(), { layout: "1", rows: ["first"] });
  const lines = runtime.logs(ID, { limit: 50 }).filter(({ message }) => message.startsWith("in setup"));
  assert.equal(new Set(lines.map(({ message }) => message)).size, 1, "in setup it is the same whatever comes after");
  assert.match(lines[0]?.message ?? "", /^in setup: null, There are no data in setup yet/);
  await runtime.setGrants(
    ID,
    runtime.grants(ID).filter(({ permission }) => permission !== "storage.sqlite"),
  );
  await assert.rejects(run(), { code: "permission_denied" });
  await runtime.remove(ID, { keepData: false });
});

test("A14: a plugin that fills its data folder with files is stopped; the control fills as long as it likes", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const endless = 4096;
  const control = join(folder, "filled");
  mkdirSync(control);
  for (let n = 0; n < 2 * QUOTA_MB; n += 1) writeFileSync(join(control, `${n}`), Buffer.alloc(1_048_576));
  assert.equal(readdirSync(control).length, 2 * QUOTA_MB);
  rmSync(control, { recursive: true });

  const { runtime } = daemon;
  await daemon.install(notes("1.0.0", "1"));
  await assert.rejects(daemon.call(RUN, { fill: endless }, { timeoutMs: 60_000 }));
  await until("it is stopped", () => runtime.get(ID)?.state === "over_quota", 15_000);
  assert.equal(runtime.get(ID)?.reason?.reason, "data_full");
  const files = readdirSync(join(home(), "data")).length;
  assert.ok(files < endless / 2, `${files} MiB were written`);
  assert.equal((await daemon.call("ext.neighbour.ask"))["kept"], "mine");
  reportAttack({
    row: "A14",
    title: "fill the data folder with many files",
    confined: `over_quota after ${files} MiB of ${QUOTA_MB}`,
    control: `wrote ${2 * QUOTA_MB} MiB`,
    record: recordOf(runtime, ID),
  });
  await runtime.remove(ID, { keepData: false });
});
