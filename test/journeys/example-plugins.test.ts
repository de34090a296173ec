/** Plugins as strangers could have written them: each is whole, and its own tests and every promise hold in both modes. @source plugin-platform §9 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { request } from "node:https";
import { join } from "node:path";
import { it } from "node:test";
import type { JsonObject, PluginStatus } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { configFor, publisherOf } from "../support/keeper.ts";
import { runCli, startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

const PLUGINS = join(import.meta.dirname, "..", "fixtures", "plugins");
const EXAMPLES = ["house-rules", "sweep-week", "tool-shed"];

interface Run {
  mode: string;
  skipped: string | null;
  own_tests: string;
  contract: { promise: string; kept: boolean; detail: string }[];
}

for (const name of EXAMPLES)
  it(`${name} is whole, and keeps its promises with and without a sandbox`, async (t) => {
    const home = temporaryFolder(t);
    const dir = join(PLUGINS, name);
    const validated = await runCli(["plugin", "validate", dir, "--json"], { home });
    assert.deepEqual((validated.json as { findings: unknown[] }).findings, []);
    const tested = await runCli(["plugin", "test", dir, "--json"], { home });
    const { runs } = tested.json as { runs: Run[] };
    for (const { mode, skipped, own_tests, contract } of runs) {
      if (skipped !== null) return t.skip(skipped);
      assert.equal(own_tests, "passed", tested.stderr);
      assert.deepEqual(
        contract.filter(({ kept }) => !kept),
        [],
        mode,
      );
    }
    assert.equal(tested.code, 0, tested.stderr);
  });

const SHED = "neighbour/tool-shed";
const TOOLS = "/ext/neighbour/tool_shed/tools";

interface Tool {
  tool: number;
  name: string;
  with: string | null;
  loans?: number;
}

async function shed(node: LiveNode, what: string, input: object = {}): Promise<Tool[]> {
  const words = ["call", `ext.neighbour.tool_shed.${what}`, "--input", JSON.stringify(input)];
  return (await node.ask<{ output: { tools: Tool[] } }>(words)).output.tools;
}

/** As somebody in the street, who is no member and has signed nothing. */
function look(node: LiveNode, method: string, path: string): Promise<{ status: number; body: JsonObject }> {
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, node.ready.bus), { method, rejectUnauthorized: false, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text || "{}") as JsonObject }));
    });
    call.on("error", reject);
    call.end();
  });
}

it("tool-shed on a node: version 2 brings the tools of version 1 along, opens its address, and knows them after kill -9", async (t) => {
  if (spawnSync("bwrap", ["--version"]).status !== 0) return t.skip("needs bubblewrap");
  const author = await publisherOf(t, "neighbour");
  await author.publishFrom(join(PLUGINS, "tool-shed", "test", "version-1"));
  const config = ["--config", configFor(author, "neighbour")];
  const node = await startNode(t, { args: config });
  assert.equal((await node.ask<PluginStatus>(["plugin", "install", SHED, "--grant", "all"])).version, "1.0.0");
  await shed(node, "add", { name: "Ladder, 3 m" });
  await shed(node, "add", { name: "Drill" });
  const before = await shed(node, "lend", { tool: 1 });
  assert.deepEqual(
    before.map(({ name, with: borrower }) => [name, borrower]),
    [
      ["Ladder, 3 m", node.ready.node_id],
      ["Drill", null],
    ],
  );
  assert.equal((await look(node, "GET", TOOLS)).status, 404);

  await author.publishFrom(join(PLUGINS, "tool-shed"));
  const updated = await node.ask<PluginStatus>(["plugin", "update", SHED, "--grant", "all"]);
  assert.deepEqual([updated.version, updated.state], ["2.0.0", "active"]);
  const after = await shed(node, "list");
  assert.deepEqual(
    after,
    before.map((tool) => ({ ...tool, loans: tool.with === null ? 0 : 1 })),
  );
  const seen = { tools: after.map(({ tool, name, with: borrower }) => ({ tool, name, free: borrower === null })) };
  assert.deepEqual(await look(node, "GET", TOOLS), { status: 200, body: seen });
  const unsigned = await look(node, "POST", `${TOOLS}/2/loan`);
  assert.deepEqual([unsigned.status, unsigned.body["reason"]], [400, "header_missing"], "only members borrow");

  await shed(node, "lend", { tool: 2 });
  await node.kill9();
  const again = await startNode(t, { dataDir: node.dataDir, args: config });
  await until("it is back", async () => (await again.ask<PluginStatus[]>(["plugin", "list"]))[0]?.state === "active", 30_000);
  assert.deepEqual(
    (await shed(again, "list")).map(({ loans }) => loans),
    [1, 1],
  );
});
