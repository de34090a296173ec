import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import type { Grant, LocalError, PluginConfig, PluginLogLine, PluginStatus } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { startNode, type LiveNode } from "../support/live-node.ts";

const ID = "hearthnet/ocr";

async function plugin(node: LiveNode): Promise<PluginStatus | undefined> {
  return (await node.ask<PluginStatus[]>(["plugin", "list"])).find(({ id }) => id === ID);
}

it("switches, configures, narrows, restarts and removes a plugin from the terminal while the node runs", async (t) => {
  const node = await startNode(t);
  await node.ask(["plugin", "install", ID, "--grant", "all"]);
  assert.equal((await node.ask<PluginStatus>(["plugin", "disable", ID])).state, "stopped");
  assert.equal(((await node.cli(["call", "ocr.image"])).json as LocalError).error, "not_found", "what is off offers nothing");
  assert.equal((await node.ask<PluginStatus>(["plugin", "enable", ID])).state, "active");
  const before = (await plugin(node))?.evidence?.pid;
  assert.equal((await node.ask<PluginStatus>(["plugin", "restart", ID])).state, "active");
  assert.notEqual((await plugin(node))?.evidence?.pid, before);

  assert.equal((await node.ask<{ result: string }>(["plugin", "config", ID, "--set", '{"default_dpi":400}'])).result, "applied");
  assert.equal((await node.ask<PluginConfig>(["plugin", "config", ID])).value["default_dpi"], 400);
  const wrong = await node.cli(["plugin", "config", ID, "--set", '{"default_dpi":7}']);
  assert.equal((wrong.json as LocalError).error, "schema_mismatch");
  assert.deepEqual((wrong.json as LocalError).paths, ["/default_dpi"]);

  const grants = await node.ask<Grant[]>(["plugin", "revoke", ID, "bus.provide"]);
  assert.equal(grants.find(({ permission }) => permission === "bus.provide")?.mode, "deny");
  await until("nothing is offered without the right", async () => (await plugin(node))?.offers.length === 0, 10_000);
  await node.ask(["plugin", "grant", ID, "bus.provide"]);
  await node.ask(["plugin", "restart", ID]);
  assert.deepEqual((await plugin(node))?.offers, ["ocr.image@1.0", "ocr.pdf@1.0"]);

  assert.equal((await node.ask<PluginStatus>(["plugin", "update", ID])).state, "active", "the newest one runs already");
  assert.deepEqual(await node.ask(["plugin", "rollback", ID, "--list"]), []);
  assert.equal(((await node.cli(["plugin", "rollback", ID])).json as LocalError).reason, "not_kept");

  const override = (...words: string[]): Promise<unknown> =>
    node.cli(["plugin", "override", ID, ...words]).then(({ json }) => json);
  assert.deepEqual(
    Object.entries((await override()) as object).filter(([name]) => name !== "label"),
    Object.entries({ ownProcess: false, unconfined: false, tier: "process", state: "active" }),
  );
  assert.equal(((await override("--own-process", "yes")) as LocalError).error, "bad_request", "it has one");
  assert.equal(((await override("--unconfined", "yes")) as LocalError).reason, "consent_required", "its id is typed first");
  const typed = (await override("--unconfined", "yes", "--confirm", ID)) as LocalError;
  assert.equal(typed.error, "bad_request", "first-party plugins need no such word, and where plugins are confined nobody does");

  assert.ok((await node.ask<PluginLogLine[]>(["plugin", "logs", ID])).length > 0);
  await node.ask(["plugin", "remove", ID, "--delete-data"]);
  assert.equal(await plugin(node), undefined);
  const { items, chain_ok } = await node.ask<{ items: { action: string }[]; chain_ok: boolean }>(["audit", "--limit", "100"]);
  assert.equal(chain_ok, true);
  for (const action of ["plugin.install", "plugin.disable", "plugin.remove"])
    assert.ok(
      items.some((row) => row.action === action),
      `${action} is in the audit`,
    );
});

it("brings back what was on and leaves off what was off, after kill -9", async (t) => {
  const first = await startNode(t);
  await first.ask(["plugin", "install", ID, "--grant", "all"]);
  await first.kill9();
  const second = await startNode(t, { dataDir: first.dataDir });
  await until("the plugin is active again", async () => (await plugin(second))?.state === "active", 30_000);
  await second.ask(["plugin", "disable", ID]);
  await second.kill9();
  const third = await startNode(t, { dataDir: first.dataDir });
  assert.equal((await plugin(third))?.desired, "disabled");
  assert.deepEqual((await plugin(third))?.offers, []);
});

it("finds a changed file before the plugin starts, says so, and does not run it", async (t) => {
  const first = await startNode(t);
  const { sha256 } = await first.ask<PluginStatus>(["plugin", "install", ID, "--grant", "all"]);
  await first.stop();
  const file = join(first.dataDir, "marketplace", "store", "sha256", sha256, "dist", "main.mjs");
  chmodSync(file, 0o644);
  writeFileSync(file, `${readFileSync(file, "utf8")}\n// one line more\n`);
  const second = await startNode(t, { dataDir: first.dataDir });
  await until("it is locked away", async () => (await plugin(second))?.state === "quarantined", 30_000);
  assert.equal((await plugin(second))?.reason?.reason, "tampered");
  const { items } = (await second.cli(["doctor"])).json as { items: { id: string; state: string; fix: string }[] };
  const check = items.find(({ id }) => id === `plugin.${ID}`);
  assert.equal(check?.state, "bad");
  assert.ok((check?.fix.length ?? 0) > 20);
});

it("refuses a changed package file and leaves nothing of it on disk", async (t) => {
  const node = await startNode(t);
  const store = join(import.meta.dirname, "..", "..", "host", "dist", "registry-embedded", "blobs", "sha256");
  const blobs = readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const packages = blobs
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
    .filter((bytes) => bytes.readUInt16BE(0) === 0x1f8b && bytes[9] === 255);
  const original = packages.find((bytes) => bytes.byteLength > 500_000);
  assert.ok(original);
  const changed = Buffer.from(original);
  changed[changed.byteLength >> 1] = (changed[changed.byteLength >> 1] ?? 0) ^ 1;
  const path = join(node.dataDir, "changed.hnp");
  writeFileSync(path, changed);
  const said = await node.cli(["plugin", "install", "--from", path, "--grant", "all"]);
  assert.equal(said.code, 1);
  assert.equal((said.json as LocalError).reason, "damaged");
  const room = join(node.dataDir, "marketplace");
  for (const name of ["tmp", "store/sha256", "imports"])
    assert.deepEqual(existsSync(join(room, name)) ? readdirSync(join(room, name)) : [], [], name);
});
