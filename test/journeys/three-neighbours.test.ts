import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import type { CommunityFacts, Event, LogCheck, LogStatus, Member, Proposal, SnapshotFacts } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

async function welcome(host: LiveNode, guest: LiveNode, level: "member" | "trusted"): Promise<void> {
  const { fresh_device_id } = await guest.ask<CommunityFacts>(["community", "show"]);
  const { invite_blob } = await host.ask<{ invite_blob: string }>(["invite", fresh_device_id, "--level", level]);
  await guest.ask(["join", invite_blob]);
}

async function street(t: TestContext): Promise<[LiveNode, LiveNode, LiveNode]> {
  const [anna, ben, carl] = await Promise.all([startNode(t), startNode(t), startNode(t)]);
  await anna.ask(["community", "create", "Mill Street", "--key-file", join(temporaryFolder(t), "root.key")]);
  await welcome(anna, ben, "trusted");
  await welcome(anna, carl, "member");
  return [anna, ben, carl];
}

const status = (node: LiveNode): Promise<LogStatus> => node.ask<LogStatus>(["community", "status"]);

async function equal(what: string, nodes: readonly LiveNode[]): Promise<LogStatus> {
  return until(
    what,
    async () => {
      const all = await Promise.all(nodes.map(status));
      return all.every(({ sum }) => sum !== null && sum === all[0]?.sum) ? all[0] : null;
    },
    60_000,
  );
}

function bytesOf(node: LiveNode): string[] {
  const db = new DatabaseSync(join(node.dataDir, "community", "community.db"), { readOnly: true });
  const rows = db.prepare("SELECT raw FROM events ORDER BY lamport, event_id, author").all() as { raw: Uint8Array }[];
  db.close();
  return rows.map(({ raw }) => Buffer.from(raw).toString("utf8"));
}

describe("three neighbours", () => {
  it("keep equal logs: one is killed, the others write on, it comes back and has everything", async (t) => {
    const [anna, ben, carl] = await street(t);
    await equal("all three logs are equal", [anna, ben, carl]);
    await carl.kill9();
    // Somebody is invited on either side, somebody rises: what the two left write while the third is gone.
    const dora = await startNode(t);
    await welcome(ben, dora, "member");
    await anna.ask(["promote", ben.ready.node_id, "--level", "anchor"]);
    await equal("the others are equal again", [anna, ben, dora]);
    const started = performance.now();
    const back = await startNode(t, { dataDir: carl.dataDir });
    const { events, counted, head } = await equal("the one that was killed has everything", [anna, ben, dora, back]);
    process.stdout.write(
      `figure: back after ${Math.round(performance.now() - started)} ms from its start, ${events} events, head ${head}\n`,
    );
    assert.equal(counted, events);
    for (const node of [ben, dora, back]) assert.deepEqual(bytesOf(node), bytesOf(anna));
    const members = await back.ask<Member[]>(["members"]);
    assert.equal(members.length, 4);
    assert.equal(members.find(({ node_id }) => node_id === ben.ready.node_id)?.level, "anchor");
  });

  it("are shown their log, verify it, snapshot it and exchange it from the terminal", async (t) => {
    const [anna, ben, carl] = await street(t);
    await equal("all three logs are equal", [anna, ben, carl]);
    const list = await ben.ask<Event[]>(["community", "events", "--limit", "3"]);
    assert.equal(list.length, 3);
    assert.equal(list.at(-1)?.lamport, (await status(ben)).head);
    const check = await ben.ask<LogCheck>(["community", "verify"]);
    assert.deepEqual({ broken: check.broken, fit: check.sums_fit }, { broken: [], fit: true });
    const rows = await ben.ask<{ node_id: string; report: { stage: number } | null }[]>(["community", "sync"]);
    assert.ok(rows.length >= 1 && rows.every(({ report }) => report?.stage === 0), JSON.stringify(rows));
    const snapshot = await ben.ask<SnapshotFacts>(["community", "snapshot"]);
    assert.equal(snapshot.lamport, (await status(ben)).head);
    assert.equal((await ben.ask<{ pruned: number }>(["community", "prune"])).pruned, 0);
    for (const word of ["--limit", "none"]) assert.equal((await ben.cli(["community", "events", "--limit", word])).code, 2);
  });

  it("shut one out with signatures that went from one terminal to the other", async (t) => {
    const [anna, ben, carl] = await street(t);
    await equal("all three logs are equal", [anna, ben, carl]);
    const propose = ["community", "propose", "revoke", carl.ready.node_id, "--reason", "lost"];
    assert.equal((await carl.cli(propose)).code, 1, "a plain member signs nothing");
    const first = await ben.ask<Proposal>(propose);
    assert.deepEqual([first.enough, first.signers], [false, [ben.ready.node_id]]);
    assert.equal((await ben.cli(["community", "submit", first.text])).code, 1);
    const shown = await anna.ask<Proposal>(["community", "proposal", first.text]);
    assert.equal(shown.reason, "lost");
    const second = await anna.ask<Proposal>(["community", "cosign", first.text]);
    assert.equal(second.enough, true);
    await ben.ask(["community", "submit", second.text]);
    await until("Anna's node has heard of it", async () => (await anna.ask<Member[]>(["members"])).length === 2, 60_000);
  });
});
