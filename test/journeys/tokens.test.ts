import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { CommunityFacts, IssuedToken, LocalError, TokenReport } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

interface Made {
  token: string;
  token_id: string;
}

/** Anna's node and Ben's, of one community. */
async function neighbours(t: TestContext): Promise<{ anna: LiveNode; ben: LiveNode; annasData: string }> {
  const annasData = join(temporaryFolder(t), "data");
  const [anna, ben] = await Promise.all([startNode(t, { dataDir: annasData }), startNode(t)]);
  await anna.ask(["community", "create", "Mill Street"]);
  const { fresh_device_id } = await ben.ask<CommunityFacts>(["community", "show"]);
  const { invite_blob } = await anna.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
  await ben.ask(["join", invite_blob]);
  return { anna, ben, annasData };
}

/** Ben asks Anna's node what a text says, which needs no plugin; here it stands for any work. */
function work(anna: LiveNode, o: { token?: string; input: string; capability?: string }): string[] {
  return [
    "call",
    o.capability ?? "auth.token.introspect",
    "--node",
    anna.ready.node_id,
    "--input",
    JSON.stringify({ token: o.input }),
    ...(o.token === undefined ? [] : ["--token", o.token]),
  ];
}

async function refusal(node: LiveNode, args: string[]): Promise<string> {
  const result = await node.cli(args);
  assert.equal(result.code, 1, result.stdout);
  const { error, reason } = result.json as LocalError;
  return reason === undefined ? error : `${error} ${reason}`;
}

describe("a token between two nodes (05)", () => {
  it("is used within its scope, refused beyond it, counted over kill -9, and dead within a second of its revocation", async (t) => {
    const { anna, ben, annasData } = await neighbours(t);
    const issue = (...args: string[]): Promise<Made> =>
      anna.ask<Made>(["token", "issue", ben.ready.node_id, "--allow", "auth.token.introspect@1.0", ...args]);
    const narrow = await issue("--only", "token=hello", "--for", "10m", "--calls", "4");
    const told = await ben.ask<TokenReport>(["token", "inspect", narrow.token]).catch((error: unknown) => error);
    assert.match(String((told as Error).message), /token_audience_mismatch/, "counted by one node, so it counts only there");
    assert.equal((await anna.ask<TokenReport>(["token", "inspect", narrow.token])).valid, true);

    const use = work(anna, { token: narrow.token, input: "hello" });
    assert.deepEqual((await ben.ask<{ output: object }>(use)).output, { active: false });
    assert.equal(await refusal(ben, work(anna, { token: narrow.token, input: "something else" })), "token_scope_insufficient");
    assert.equal(
      await refusal(ben, work(anna, { token: narrow.token, input: "hello", capability: "auth.token.revoke" })),
      "unauthorized token_chain",
    );

    await ben.ask(use);
    await anna.kill9();
    const again = await startNode(t, { dataDir: annasData });
    const [left] = await again.ask<IssuedToken[]>(["token", "list"]);
    assert.equal(left?.calls_left, 2, "what was counted before the kill is counted after it");
    await ben.ask(["peer", "add", new URL(again.ready.bus).host]);
    const once = work(again, { token: narrow.token, input: "hello" });
    await until("the neighbour is found at its new port", async () => (await ben.cli(once)).code === 0, 20_000);
    await ben.ask(once);
    assert.equal(await refusal(ben, once), "token_scope_insufficient token_used_up");

    const other = await again.ask<Made>(["token", "issue", ben.ready.node_id, "--allow", "auth.token.introspect@1.0"]);
    const free = work(again, { token: other.token, input: "anything" });
    await ben.ask(free);
    await again.ask(["token", "revoke", other.token_id]);
    const revoked = performance.now();
    assert.equal(await refusal(ben, free), "token_revoked");
    process.stdout.write(
      `figure: refused ${Math.round(performance.now() - revoked)} ms after the revocation, the command's own start included\n`,
    );
    const states = (await again.ask<IssuedToken[]>(["token", "list"])).map(({ state }) => state);
    assert.deepEqual(states.toSorted(), ["active", "revoked"]);
  });

  it("is not issued beyond what its issuer may do, and mistakes are told apart", async (t) => {
    const { anna, ben } = await neighbours(t);
    const issue = (...args: string[]): Promise<string> => refusal(anna, ["token", "issue", ben.ready.node_id, ...args]);
    assert.equal(await issue("--allow", "auth.token.issue@1.0"), "token_scope_insufficient token_beyond_rights");
    assert.equal(await issue("--allow", "rag.query@1.0"), "not_found");
    assert.equal(await issue("--allow", "auth.token.introspect@1.0", "--for", "2d"), "bad_request");
    for (const args of [[], ["--allow", "a.b@1.0", "--for", "soon"], ["--allow", "a.b@1.0", "--calls", "0"]])
      assert.equal((await anna.cli(["token", "issue", ben.ready.node_id, ...args])).code, 2, args.join(" "));
    assert.equal(await refusal(anna, ["token", "inspect", "hello"]), "bad_request token_malformed");
    assert.equal((await anna.cli(["token", "revoke", "hello"])).code, 2);
    assert.deepEqual(await anna.ask(["token", "list"]), []);
  });
});
