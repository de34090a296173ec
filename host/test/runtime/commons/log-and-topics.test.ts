/** What plugins do with the log and with topics, in their sandbox, in both tiers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../../src/contract/index.ts";
import { allow, hasBubblewrap } from "../fixtures/world.ts";
import { until } from "../../support/until.ts";
import { openNeighbourhood } from "./neighbours.ts";

const skip = hasBubblewrap() ? false : "needs bubblewrap";
const ULID = "01J9Z3K8V4Q2N7M5C6B1A0WXYT";
const READ = allow("events.read", { types: ["note.written"] });
const WRITE = allow("events.append", { types: ["note.written", "community.member.promoted"] });

for (const tier of ["process", "isolate"] as const) {
  test(
    `${tier}: appends once for a clientId, also after a restart, and reads back in order with levels (§3.1 events.*, 04 §10)`,
    { skip },
    async (t) => {
      const { install, ask, world, anna } = await openNeighbourhood(t);
      const { id } = await install({
        name: "notes",
        tier,
        does: `
        if (req.input.write) return await ctx.events.append("note.written", { text: req.input.write }, { clientId: req.input.key });
        const seen = [];
        for await (const { event, level } of ctx.events.query(req.input.query)) seen.push([event.data.text, level, event.lamport]);
        return { seen };`,
        grants: [READ, WRITE],
      });
      const first = await ask("notes", { write: "one", key: ULID });
      assert.deepEqual(await ask("notes", { write: "one", key: ULID }), first);
      await world.runtime.restart(id);
      assert.deepEqual(await ask("notes", { write: "other words", key: ULID }), first, "the first one stands");
      for (let n = 0; n < 130; n += 1) await anna.community.append({ type: "note.written", data: { text: `n${n}` } });
      const { seen } = (await ask("notes")) as { seen: [string, string, number][] };
      assert.equal(seen.length, 131, "more than two pages");
      assert.deepEqual(seen[0], ["one", "anchor", first["lamport"]]);
      assert.deepEqual(
        seen,
        seen.toSorted((a, b) => a[2] - b[2]),
      );
      const from = seen[100]![2];
      assert.equal(((await ask("notes", { query: { from, to: from + 4 } })) as { seen: unknown[] }).seen.length, 5);
      assert.equal(((await ask("notes", { query: { limit: 70 } })) as { seen: unknown[] }).seen.length, 70);
    },
  );

  test(`${tier}: a view follows the log, over kill -9 and over what comes late (§2.4, 04 §5)`, { skip }, async (t) => {
    const { install, ask, world, village, anna } = await openNeighbourhood(t);
    const ben = village.person("Ben");
    await village.welcome(anna, ben);
    const { id } = await install({
      name: "board",
      tier,
      top: "let lines = []; let resets = 0;",
      does: `return { lines, resets };`,
      more: `views: { board: {
        reset() { lines = []; resets += 1; },
        apply(event, level) { if (event.data.text === "poison") throw new Error("no"); lines.push(event.data.text + " " + level); },
        snapshotState: () => ({ lines }), restoreState: (state) => { lines = state.lines; } } },`,
      grants: [READ],
      contributes: { views: [{ name: "board", types: ["note.written"], snapshot: true }] },
    });
    await ben.community.append({ type: "note.written", data: { text: "late" } });
    await anna.community.append({ type: "note.written", data: { text: "a" } });
    await anna.community.append({ type: "note.written", data: { text: "b" } });
    const lines = async (): Promise<unknown> => (await ask("board"))["lines"];
    const become = (expected: string[]): Promise<true> =>
      until(JSON.stringify(expected), async () => JSON.stringify(await lines()) === JSON.stringify(expected));
    await become(["a anchor", "b anchor"]);
    await ben.community.syncWith({ node_id: anna.signer.nodeId, endpoints: [anna.endpoint] }, village.link(ben));
    await until("what is late is put in its place", async () => JSON.stringify(await lines()).includes("late member"));
    const whole = anna.community
      .read({ types: ["note.written"], limit: 99 })
      .events.map(({ event, level }) => `${event.data["text"] as string} ${level}`);
    await become(whole);

    const { pid } = world.runtime.get(id)!.evidence!;
    process.kill(pid, "SIGKILL");
    await until("it runs anew", () => world.runtime.get(id)?.state === "active" && world.runtime.get(id)?.evidence?.pid !== pid);
    assert.deepEqual(await lines(), whole, "its first answer comes from a whole view");

    await anna.community.append({ type: "note.written", data: { text: "poison" } });
    await until("the fault is shown", () => world.runtime.get(id)?.state === "degraded");
    await anna.community.append({ type: "note.written", data: { text: "c" } });
    await become([...whole, "c anchor"]);
    assert.ok(
      world.runtime
        .logs(id, { limit: 50 })
        .some(({ message }) => message.includes("threw for an event of the type note.written")),
    );
    const fed = world.runtime.ledger(200).rows.filter(({ op, plugin }) => op === "events.feed" && plugin === id);
    assert.ok(
      fed.length > 0 && fed.every(({ target }) => target === "note.written"),
      "the ledger names what was handed over (§8.1)",
    );
  });

  test(
    `${tier}: topics reach who listens and may, also by a pattern with an id, and nobody else (§2.1 contributes.topics)`,
    { skip },
    async (t) => {
      const { install, ask, world } = await openNeighbourhood(t);
      await install({
        name: "sender",
        tier,
        does: `await ctx.pubsub.publish(req.input.topic, { text: req.input.text }); return { sent: true };`,
        grants: [allow("pubsub.publish", { topics: ["market.news", "chat.message.<recipient>", "node.manifest.updated"] })],
      });
      const { id } = await install({
        name: "listener",
        tier,
        top: "const heard = [];",
        does: `return { heard };`,
        more: `topics: {
        "market.news": (message) => { if (message.data.text === "bad") throw new Error("bad news"); heard.push(message.topic + " " + message.data.text + " " + message.from.plugin_id); },
        "chat.message.<recipient>": async (message, ctx) => { heard.push(message.topic + " " + ctx.plugin.id); } },`,
        grants: [allow("pubsub.subscribe", { topics: ["market.news", "chat.message.<recipient>"] })],
        contributes: { topics: { subscribe: ["market.news", "chat.message.<recipient>"] } },
      });
      const send = (topic: string, text = "x"): Promise<unknown> => ask("sender", { topic, text });
      await send("market.news", "one");
      await send("market.news", "bad");
      await send("chat.message.ed25519:AbC-_9");
      await send("market.news", "two");
      await until("all are heard", async () => ((await ask("listener"))["heard"] as string[]).length === 3);
      assert.deepEqual((await ask("listener"))["heard"], [
        "market.news one dev/sender",
        "chat.message.ed25519:AbC-_9 dev/listener",
        "market.news two dev/sender",
      ]);
      assert.deepEqual(await send("chat.message.a.b"), { code: "permission_denied", reason: null }, "one segment, not two");
      assert.deepEqual(await send("chat.thread.x"), { code: "permission_denied", reason: null });
      assert.deepEqual(
        await send("node.manifest.updated"),
        { code: "permission_denied", reason: null },
        "the host's own, whatever was granted",
      );
      assert.equal(((await send("market.news", "x".repeat(70_000))) as { reason: string }).reason, "too_large");
      await world.runtime.setGrants(
        id,
        world.runtime.grants(id).filter(({ permission }) => permission !== "pubsub.subscribe"),
      );
      await send("market.news", "three");
      await send("market.news", "four");
      assert.equal(((await ask("listener"))["heard"] as string[]).length, 3, "the right is gone (§3.4.3)");
    },
  );
}

for (const tier of ["process", "isolate"] as const)
  test(
    `${tier}: an own event is delivered to a neighbour at once, of granted types alone, and so often (§3.1 events.push, 04 §10)`,
    { skip },
    async (t) => {
      const sent: string[] = [];
      let reachable = true;
      const { install, ask, world, village, anna } = await openNeighbourhood(t, {
        deliver: async (event, to) => {
          sent.push(`${event.event_type} to ${to.slice(0, 12)}`);
          return reachable ? "direct" : "offline";
        },
      });
      const ben = village.person("Ben");
      await village.welcome(anna, ben);
      const foreign = await anna.community.append({ type: "chat.message.sent", data: {} });
      const { id } = await install({
        name: "courier",
        tier,
        does: `
      if (req.input.push) return { delivered: await ctx.events.push(req.input.push, req.input.to) };
      return await ctx.events.append("note.written", {}, { clientId: "${ULID}" });`,
        grants: [WRITE, allow("events.push")],
      });
      const { event_id } = (await ask("courier")) as { event_id: string };
      const push = (event: string): Promise<JsonObject> => ask("courier", { push: event, to: ben.signer.nodeId });
      assert.deepEqual(await push(event_id), { delivered: "direct" });
      assert.deepEqual(sent, [`note.written to ${ben.signer.nodeId.slice(0, 12)}`]);
      reachable = false;
      assert.deepEqual(await push(event_id), { delivered: "offline" });
      assert.deepEqual(
        await push(foreign.event_id),
        { code: "permission_denied", reason: null },
        "the node's, but not the plugin's",
      );
      assert.deepEqual(await push(ULID), { code: "not_found", reason: null });
      const codes = new Set<unknown>();
      // Faster than two a second, however slow the machine.
      for (let n = 0; n < 1000 && !codes.has("rate_limited"); n += 1) codes.add((await push(event_id))["code"]);
      assert.ok(codes.has("rate_limited"), "two a second, and no more");
      await world.runtime.setGrants(
        id,
        world.runtime.grants(id).filter(({ permission }) => permission !== "events.push"),
      );
      const before = sent.length;
      assert.deepEqual(await push(event_id), { code: "permission_denied", reason: null }, "the right is gone (§3.4.3)");
      assert.equal(sent.length, before);
      const rows = world.runtime.ledger(500).rows.filter(({ plugin }) => plugin === id);
      assert.ok(
        rows.some(({ op, verdict, target }) => op === "events.push" && verdict === "deny" && target === "chat.message.sent"),
      );
    },
  );

test(
  "a foreign type, a host's own type, a foreign reader and a caller without a right are denied and in the ledger (A21)",
  { skip },
  async (t) => {
    const { install, ask, world, village, anna } = await openNeighbourhood(t);
    const ben = village.person("Ben");
    await village.welcome(anna, ben);
    const { id } = await install({
      name: "clerk",
      does: `
      const out = {}; const attempt = async (name, act) => { try { await act(); out[name] = "ok"; } catch (error) { out[name] = error.code + (error.reason ? " " + error.reason : ""); } };
      const all = async (events) => { for await (const one of events) void one; };
      const key = "${ULID}";
      await attempt("foreign type", () => ctx.events.append("chat.message.sent", {}, { clientId: key }));
      await attempt("host's type", () => ctx.events.append("community.member.promoted", {}, { clientId: key }));
      await attempt("no ulid", () => ctx.events.append("note.written", {}, { clientId: "x" }));
      await attempt("another client_id", () => ctx.events.append("note.written", { client_id: "y" }, { clientId: key }));
      await attempt("too large", () => ctx.events.append("note.written", { text: "x".repeat(70000) }, { clientId: key }));
      await attempt("foreign read", () => all(ctx.events.query({ types: ["chat.message.sent"] })));
      await attempt("push", () => ctx.events.push("${ULID}", ctx.identity.nodeId));
      await attempt("own read", () => all(ctx.events.query()));
      await attempt("caller's read", () => all(req.events.query()));
      return out;`,
      grants: [READ, WRITE, allow("events.push")],
    });
    const member = (node: string) => ({
      caller: { kind: "member" as const, node_id: node, community_id: null, level: "member" as const },
    });
    const common = {
      "foreign type": "permission_denied",
      "host's type": "permission_denied",
      "no ulid": "bad_request",
      "another client_id": "bad_request",
      "too large": "bad_request too_large",
      "foreign read": "permission_denied",
      push: "not_found",
      "own read": "ok",
    };
    assert.deepEqual(await ask("clerk", {}, member(ben.signer.nodeId)), { ...common, "caller's read": "ok" });
    const denied = "unauthorized caller_right";
    assert.deepEqual(await ask("clerk", {}, member(`ed25519:${"B".repeat(43)}`)), { ...common, "caller's read": denied });
    const federated = {
      caller: { kind: "federated" as const, node_id: ben.signer.nodeId, community_id: null, level: "unknown" as const },
    };
    assert.deepEqual(await ask("clerk", {}, federated), { ...common, "caller's read": denied }, "04 E-15");
    const plugin = {
      caller: {
        kind: "plugin" as const,
        node_id: anna.signer.nodeId,
        community_id: null,
        level: "anchor" as const,
        plugin_id: "dev/nobody",
      },
    };
    assert.deepEqual(
      await ask("clerk", {}, plugin),
      { ...common, "caller's read": denied },
      "no plugin reads through another what it may not",
    );
    assert.equal(
      anna.community.read({ types: ["*"], limit: 99 }).events.filter(({ event }) => event.event_type.startsWith("note.")).length,
      0,
    );
    const rows = world.runtime.ledger(200).rows.filter(({ plugin: of, verdict }) => of === id && verdict === "deny");
    const count = (op: string, target: string): number =>
      rows.filter((row) => row.op === op && row.target === target).reduce((sum, row) => sum + row.count, 0);
    assert.equal(count("events.append", "chat.message.sent"), 4);
    assert.equal(count("events.append", "community.member.promoted"), 4);
    assert.equal(count("events.query", "*"), 3);
  },
);

test("what needs a community says so without one", { skip }, async (t) => {
  const { install, ask, anna } = await openNeighbourhood(t);
  await install({
    name: "lonely",
    does: `return req.input.members ? { members: (await ctx.community.members()).map(({ level }) => level), policy: typeof await ctx.community.policy() } : await ctx.events.append("note.written", {}, { clientId: "${ULID}" });`,
    grants: [READ, WRITE, allow("community.read")],
  });
  assert.deepEqual(await ask("lonely", { members: true }), { members: ["anchor"], policy: "object" });
  await anna.community.leave();
  assert.deepEqual(await ask("lonely"), { code: "not_found", reason: "no_community" });
  assert.deepEqual(await ask("lonely", { members: true }), { code: "not_found", reason: "no_community" });
});
