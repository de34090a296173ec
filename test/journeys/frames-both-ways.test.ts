/** A plugin that takes what its caller sends, on a neighbour's node. @source 02 §8, T-17 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import type { CommunityFacts, JsonObject } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { packFixture } from "../fixtures/signed-folder.ts";
import { startCommand, startNode, temporaryFolder } from "../support/live-node.ts";

const CAPABILITY = "ext.hearthnet.parrot.repeat";

interface Line {
  event: string;
  data: JsonObject;
}

function linesOf(stdout: string): Line[] {
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
}

it("frames go to a neighbour's plugin and come back over a WebSocket, and a death in the middle is a partition", async (t) => {
  const home = temporaryFolder(t);
  const [first, second] = await Promise.all([startNode(t), startNode(t)]);
  await first.ask(["community", "create", "Mill Street"]);
  const { fresh_device_id } = await second.ask<CommunityFacts>(["community", "show"]);
  const { invite_blob } = await first.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
  await second.ask(["join", invite_blob]);
  await first.ask(["plugin", "install", "--from", await packFixture(home, "parrot"), "--grant", "all"]);

  const path = join(home, "frames.jsonl");
  const frames = Array.from({ length: 50 }, (_, n) => JSON.stringify({ event: "word", data: { text: `Moin ${n + 1}` } }));
  writeFileSync(path, `${frames.join("\n")}\n`);
  const call = ["call", CAPABILITY, "--node", first.ready.node_id, "--stream", "--frames"];
  const answer = await second.cli([...call, path]);
  assert.equal(answer.code, 0, answer.stdout + answer.stderr);
  const lines = linesOf(answer.stdout);
  assert.deepEqual([lines.length, lines[0]?.event, lines.at(-1)?.event], [52, "ready", "done"]);
  assert.deepEqual(lines[50]?.data, { n: 50, event: "word", data: { text: "Moin 50" } });
  assert.equal(lines.at(-1)?.data["count"], 50);

  const input = ["--input", '{"stay":true}'];
  const running = startCommand(t, ["--data", second.dataDir, "--json", ...call, path, ...input], { home });
  await until("the neighbour's plugin has heard everything", () => linesOf(running.stdout()).length === 51, 30_000);
  await first.kill9();
  const last = await until("the caller is told", () => linesOf(running.stdout()).find(({ event }) => event === "error"), 30_000);
  assert.equal(last.data["error"], "partition");
});

it("--frames without --stream, or a line that is no frame, is said at once", async (t) => {
  const node = await startNode(t);
  const path = join(temporaryFolder(t), "frames.jsonl");
  writeFileSync(path, '{"event":"word"}\n');
  assert.equal((await node.cli(["call", CAPABILITY, "--frames", path])).code, 2);
  const wrong = await node.cli(["call", CAPABILITY, "--stream", "--frames", path]);
  assert.match(wrong.stdout + wrong.stderr, /frames|data/);
  assert.notEqual(wrong.code, 0);
});
