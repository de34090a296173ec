import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import type { HealthCheck, NodeFacts } from "@hearthnet/host/contract";
import { runCli, startNode, temporaryFolder } from "../support/live-node.ts";

it("prints the ready line, answers, and ends on SIGTERM with exit 0 in at most 10 s", async (t) => {
  const node = await startNode(t);
  assert.match(node.ready.admin, /^http:\/\/hearth\.localhost:\d+$/);
  assert.match(node.ready.bus, /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.match(node.ready.node_id, /^ed25519:[\w-]{43}$/);
  assert.match(await node.setupLink(), /^http:\/\/hearth\.localhost:\d+\/setup#[\w-]{22}$/);
  const { node: facts } = await node.ask<{ node: NodeFacts }>(["status"]);
  assert.equal(facts.node_id, node.ready.node_id);
  const { code, ms } = await node.stop();
  assert.equal(code, 0, node.printed().stderr);
  assert.ok(ms <= 10_000, `it took ${Math.round(ms)} ms`);
  assert.ok(!existsSync(join(node.dataDir, "node.pid")), "the lock is gone");
  assert.ok(!existsSync(join(node.dataDir, "admin.sock")), "the operator socket is gone");
  process.stdout.write(`figure: installed tree to ready ${Math.round(node.readyMs)} ms, SIGTERM to exit ${Math.round(ms)} ms\n`);
});

it(
  "keeps little memory for what is new, as it runs for months",
  { skip: !existsSync("/proc/self/cmdline") && "needs /proc" },
  async (t) => {
    const node = await startNode(t);
    const words = readFileSync(`/proc/${node.ready.pid}/cmdline`, "utf8").split("\0");
    assert.ok(words.includes("--max-semi-space-size=4"), words.join(" "));
    const environment = readFileSync(`/proc/${node.ready.pid}/environ`, "utf8").split("\0");
    assert.ok(environment.includes("MALLOC_ARENA_MAX=2"), environment.join(" "));
  },
);

it("is the same node after kill -9", async (t) => {
  const first = await startNode(t);
  await first.ask(["community", "create", "Mill Street"], { stdin: "a long root passphrase\n" });
  await first.kill9();
  assert.ok(existsSync(join(first.dataDir, "node.pid")), "the lock of the killed process lies there");
  const second = await startNode(t, { dataDir: first.dataDir });
  assert.equal(second.ready.node_id, first.ready.node_id);
  const { node } = await second.ask<{ node: NodeFacts }>(["status"]);
  assert.equal(node.community?.name, "Mill Street");
  assert.equal(node.community?.level, "anchor");
});

it("names the running process when the data folder is taken", async (t) => {
  const node = await startNode(t);
  const second = await runCli(["up", "--data", node.dataDir, "--port", "0", "--admin-port", "0", "--no-discovery"], {
    home: temporaryFolder(t),
  });
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`process ${node.ready.pid}`));
  assert.match(second.stderr, /--data/);
});

it("says which port is taken and what to do", async (t) => {
  const node = await startNode(t);
  const { port } = new URL(node.ready.bus);
  const second = await runCli(
    ["up", "--data", join(temporaryFolder(t), "data"), "--port", port, "--admin-port", "0", "--no-discovery"],
    { home: temporaryFolder(t) },
  );
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`Port ${port} is already in use`));
  assert.match(second.stderr, /--port/);
});

it("keeps its key, data and socket from other users", async (t) => {
  const node = await startNode(t);
  const mode = (path: string): number => statSync(join(node.dataDir, path)).mode & 0o777;
  assert.equal(mode("."), 0o700);
  assert.equal(mode("keys/device.ed25519"), 0o600);
  assert.equal(mode("admin.sock"), 0o600);
  const key = readFileSync(join(node.dataDir, "keys", "device.ed25519"), "utf8").trim();
  const { stdout, stderr } = node.printed();
  assert.ok(!stdout.includes(key) && !stderr.includes(key), "the key was printed");
});

it("doctor works with and without a node", async (t) => {
  const node = await startNode(t);
  const running = await node.cli(["doctor"]);
  const ids = (value: unknown): string[] => (value as { items: HealthCheck[] }).items.map((item) => item.id);
  assert.ok(ids(running.json).includes("ports"));
  await node.stop();
  const stopped = await node.cli(["doctor"]);
  assert.ok(ids(stopped.json).includes("confinement"));
  assert.ok(ids(stopped.json).includes("key"));
});
