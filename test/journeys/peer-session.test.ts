import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import type { CommunityFacts, LocalError, PeerRow, SessionFacts } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { makeOcrPages } from "../fixtures/ocr-pages.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { characterErrorRate } from "../support/ocr-accuracy.ts";
import { ticksBelow } from "../support/processes.ts";

/** Clock ticks of 10 ms: a worker that has used this much is in the middle of a page. */
const AT_WORK_TICKS = 20;

/** The open session of `here` with `there`, as the operator sees it. */
async function sessionOf(here: LiveNode, there: LiveNode): Promise<SessionFacts | undefined> {
  const peers = await here.ask<PeerRow[]>(["peer", "list"]);
  return peers.find(({ node_id }) => node_id === there.ready.node_id)?.session;
}

async function neighbours(t: TestContext): Promise<[LiveNode, LiveNode]> {
  const [first, second] = await Promise.all([startNode(t), startNode(t)]);
  await first.ask(["community", "create", "Mill Street"]);
  const { fresh_device_id } = await second.ask<CommunityFacts>(["community", "show"]);
  const { invite_blob } = await first.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
  await second.ask(["join", invite_blob]);
  return [first, second];
}

it("two nodes call each other on a peer session, and a death in mid-call is a partition (network.md §1)", async (t) => {
  const [first, second] = await neighbours(t);
  const [page] = await makeOcrPages([{ language: "deu", kind: "clean" }]);
  assert.ok(page);
  const path = join(temporaryFolder(t), "page.png");
  writeFileSync(path, page.image);
  await first.ask(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
  const params = ["--params", '{"languages":["deu"]}'];
  const call = ["call", "ocr.image", "--file", `image_b64=${path}`, ...params, "--node", first.ready.node_id];
  const answer = await second.ask<{ output: { text: string }; provider: string }>(call);
  assert.equal(answer.provider, first.ready.node_id);
  assert.ok(characterErrorRate(page.truth, answer.output.text) < 2);
  const [here, there] = [await sessionOf(second, first), await sessionOf(first, second)];
  assert.ok(here !== undefined && there !== undefined, "both ends see the session");
  assert.ok(here.calls >= 1 && there.calls >= 1, "the call went over it");
  assert.ok(here.seals >= 1 && there.seals >= 1, "what was said on it is signed");
  process.stdout.write(`figure: peer session ${here.suite}, ${here.calls} calls, ${here.seals} and ${there.seals} seals\n`);

  const from = ticksBelow(first.ready.pid);
  const cut = second.cli(call);
  await until("the neighbour's worker is at the page", () => ticksBelow(first.ready.pid) - from > AT_WORK_TICKS, 30_000);
  const killed = performance.now();
  await first.kill9();
  const failed = await cut;
  assert.equal((failed.json as LocalError).error, "partition");
  process.stdout.write(`figure: killed mid-call, partition after ${Math.round(performance.now() - killed)} ms\n`);
  assert.equal(await sessionOf(second, first), undefined);
});
