import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import type { KeptVersion, LocalError, PluginManifest, PluginStatus } from "@hearthnet/host/contract";
import { configFor, registryOf } from "../support/keeper.ts";
import { startNode, type LiveNode } from "../support/live-node.ts";

const ID = "village/hello";
const NOTIFY: PluginManifest["permissions"][number] = {
  name: "notify",
  reason: { en: "Tells you of every hundredth greeting." },
};

async function installed(node: LiveNode): Promise<PluginStatus> {
  const found = (await node.ask<PluginStatus[]>(["plugin", "list"])).find(({ id }) => id === ID);
  assert.ok(found !== undefined);
  return found;
}

async function greet(node: LiveNode): Promise<string> {
  const { output } = await node.ask<{ output: { text: string } }>([
    "call",
    "ext.village.hello.greet",
    "--input",
    '{"name":"Ada"}',
  ]);
  return output.text;
}

/** Calls one after the other until `act` has ended. @returns every answer */
async function greetDuring(node: LiveNode, act: () => Promise<unknown>): Promise<string[]> {
  const answers: string[] = [];
  let over = false;
  const caller = async (): Promise<void> => {
    while (!over) answers.push(await greet(node));
  };
  const callers = [caller(), caller()];
  await act();
  over = true;
  await Promise.all(callers);
  return answers;
}

it("follows a publisher's versions from the terminal while calls go on: wider rights wait, a bad one is not taken, one command goes back", async (t) => {
  if (spawnSync("bwrap", ["--version"]).status !== 0) return t.skip("needs bubblewrap");
  const village = await registryOf(t, "village");
  const node = await startNode(t, { args: ["--config", configFor(village, "village")] });
  await node.ask(["plugin", "install", ID, "--grant", "all"]);
  assert.match(await greet(node), /^Hello, Ada/);

  village.change("src/greeting.ts", (text) => text.replace("${word}, ", "${word} again, "));
  const { permissions } = JSON.parse(
    readFileSync(join(village.home, "hello", "hearthnet.plugin.json"), "utf8"),
  ) as PluginManifest;
  await village.publish("0.2.0", { permissions: [...permissions, NOTIFY] });
  const refused = await node.cli(["plugin", "update", ID]);
  assert.equal((refused.json as LocalError).reason, "consent_required");
  const waiting = await installed(node);
  assert.deepEqual([waiting.version, waiting.state, waiting.needsConsent], ["0.1.0", "active", true], "the old one runs on");
  assert.match(await greet(node), /^Hello, Ada/);

  const during = await greetDuring(node, () => node.ask(["plugin", "update", ID, "--grant", "all"]));
  assert.ok(
    during.every((text) => /^Hello( again)?, Ada/.test(text)),
    `every call was answered by one of the two: ${during.join(" | ")}`,
  );
  assert.match(await greet(node), /^Hello again, Ada/);
  const updated = await installed(node);
  assert.deepEqual([updated.version, updated.needsConsent], ["0.2.0", false]);
  t.diagnostic(`${during.length} calls during the change of version, 0 failed`);

  village.change("src/index.ts", (text) =>
    text.replace("async setup(ctx) {", 'async setup(ctx) {\n    throw new Error("not today");'),
  );
  await village.publish("0.3.0");
  const bad = await node.cli(["plugin", "update", ID]);
  assert.equal((bad.json as LocalError).reason, "start_failed");
  assert.match((bad.json as LocalError).message ?? "", /0\.2\.0 runs on/);
  assert.match(await greet(node), /^Hello again, Ada/);

  const kept = await node.ask<KeptVersion[]>(["plugin", "rollback", ID, "--list"]);
  assert.deepEqual(
    kept.map(({ version, permissions: then }) => [version, then.includes("notify")]),
    [["0.1.0", false]],
  );
  const back = await greetDuring(node, () => node.ask(["plugin", "rollback", ID]));
  assert.ok(back.length > 0 && back.every((text) => text.startsWith("Hello")));
  assert.match(await greet(node), /^Hello, Ada/);
  assert.equal((await installed(node)).version, "0.1.0");
});
