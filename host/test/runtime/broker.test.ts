import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import type { Grant, JsonObject } from "../../src/contract/index.ts";
import { allow, hasBubblewrap, NODE_ID, openWorld, writePackage, type PackageParts, type World } from "./fixtures/world.ts";
import { until } from "../support/until.ts";

const confined = hasBubblewrap();
let world: World;
before(async () => {
  if (confined) world = await openWorld();
});
after(async () => {
  if (confined) await world.close();
});

const PROVIDE = allow("bus.provide", { prefixes: ["dev."] });
let counter = 0;

/** Installs a plugin under a fresh id that offers `dev.do`, runs the test, removes it. */
async function withPlugin(
  t: TestContext,
  parts: Partial<PackageParts> & { handler?: string },
  grants: Grant[],
  act: (id: string) => Promise<void>,
): Promise<void> {
  if (!confined) return t.skip("needs bubblewrap");
  counter += 1;
  const id = `dev/broker-${counter}`;
  const main = `
exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.do@1.0", params: {} }); };
exports.capabilities = { "dev.do@1.0": ${parts.handler ?? "async () => ({ output: {} })"} };
${parts.main ?? ""}`;
  const release = writePackage(world.folder, { capabilities: [{ name: "dev.do" }], ...parts, id, main });
  try {
    const status = await world.runtime.stage(release, [PROVIDE, ...grants]);
    assert.equal(status.state, "active", JSON.stringify([status.reason, world.runtime.logs(id, { limit: 30 })]));
    await act(id);
  } finally {
    await world.runtime.remove(id, { keepData: false });
  }
}

/** Whether the plugin's log has a line that begins so. */
function has(id: string, start: string): boolean {
  return world.runtime.logs(id, { limit: 50 }).some(({ message }) => message.startsWith(start));
}

test("streams frames under credit, and the summary is the return value (§5.3.1)", (t) =>
  withPlugin(
    t,
    {
      handler: `async function* (req) { for (let n = 0; n < 100; n++) yield { event: "page", data: { n, png_b64: new Uint8Array([n]) } }; return { pages: 100 }; }`,
    },
    [],
    async () => {
      const frames = world.bus.stream("dev.do");
      const seen: number[] = [];
      let next = await frames.next();
      for (; next.done !== true; next = await frames.next()) {
        seen.push(Number(next.value.data["n"]));
        assert.deepEqual([...(next.value.data["png_b64"] as unknown as Uint8Array)], [next.value.data["n"]]);
      }
      assert.equal(seen.length, 100);
      assert.deepEqual({ ...next.value }, { pages: 100 });
    },
  ));

test("a reader that stops gets no more than 16 frames ahead, and leaving cancels the call (§5.3.1)", (t) =>
  withPlugin(
    t,
    {
      handler: `async function* (req, ctx) { try { for (let n = 0; n < 1e6; n++) { sent = n; if (req.signal.aborted) throw Object.assign(new Error("stop"), { code: "timeout" }); yield { event: "x", data: {} }; } } finally { ended = true; } }`,
      main: `let sent = 0, ended = false; exports.capabilities["dev.asked@1.0"] = async () => ({ output: { sent, ended } });
const setup = exports.setup; exports.setup = async (ctx) => { await setup(ctx); await ctx.op("capabilities.register", { ref: "dev.asked@1.0", params: {} }); };`,
      capabilities: [{ name: "dev.do" }, { name: "dev.asked" }],
    },
    [],
    async () => {
      const frames = world.bus.stream("dev.do");
      await frames.next();
      const sent = async (): Promise<number> => Number((await world.bus.call("dev.asked")).output["sent"]);
      await until("the window is used up", async () => (await sent()) >= 16);
      // Each question is one more chance to run ahead.
      for (let n = 0; n < 20; n += 1) assert.ok((await sent()) <= 17);
      await frames.return({});
      await world.bus.call("dev.asked");
    },
  ));

test("a cancelled call ends within 200 ms even if the plugin ignores it, and the plugin gets a strike (§5.3.2)", (t) =>
  withPlugin(t, { handler: `(req, ctx) => { ctx.log("begun"); return new Promise(() => {}); }` }, [], async (id) => {
    const controller = new AbortController();
    const call = world.bus.call("dev.do", { signal: controller.signal });
    await until("the handler has begun", () => has(id, "begun"));
    const start = performance.now();
    controller.abort(new Error("gone"));
    await assert.rejects(call, { message: "gone" });
    assert.ok(performance.now() - start < 300, `${performance.now() - start}`);
    const { pid } = world.runtime.get(id)!.evidence!;
    for (let strike = 0; strike < 2; strike += 1)
      await assert.rejects(world.bus.call("dev.do", { timeoutMs: 20 }), { code: "timeout" });
    await until(
      "it is restarted after three strikes",
      () => world.runtime.get(id)?.state === "active" && world.runtime.get(id)?.evidence?.pid !== pid,
    );
  }));

test("a deadline reaches the plugin as a cancel", (t) =>
  withPlugin(
    t,
    {
      handler: `(req) => new Promise((_, reject) => req.signal.addEventListener("abort", () => reject(Object.assign(new Error("late"), { code: "timeout" }))))`,
    },
    [],
    async (id) => {
      const start = performance.now();
      await assert.rejects(world.bus.call("dev.do", { timeoutMs: 50 }), { code: "timeout" });
      assert.ok(performance.now() - start < 200);
      assert.ok(!world.runtime.logs(id, { limit: 50 }).some(({ message }) => message.includes("200 ms")), "no strike");
    },
  ));

test("calls others under its caller's authority only with the grant, with the caller's trace and one more hop (§3.4.6)", (t) =>
  withPlugin(
    t,
    {
      handler: `async (req) => { const r = await req.op("bus.call", { cap: "trans.text@1", body: { input: { text: "a", bytes_b64: new Uint8Array([1, 2, 3]) } } }); return { output: r.output }; }`,
    },
    [allow("bus.call", { capabilities: ["trans.text@1"] })],
    async () => {
      world.bus.answers["trans.text"] = async ({ body }) => ({
        got: body.input["bytes_b64"] ?? null,
        back_b64: new Uint8Array(400_000) as never,
      });
      const { output } = await world.bus.call("dev.do");
      assert.deepEqual([...(output["got"] as unknown as Uint8Array)], [1, 2, 3]);
      assert.equal((output["back_b64"] as unknown as Uint8Array).byteLength, 400_000);
      const request = world.bus.originated.at(-1)!;
      assert.equal(request.caller.kind, "member");
      assert.equal(request.traceId, "trace-0001");
      assert.equal(request.hops, 0, "of the call it is made for; the bus adds one");
      assert.ok((request.timeoutMs ?? 0) <= 10_000);
    },
  ));

test("refuses its own authority without own:true, and other capabilities altogether; denials are in the ledger (A21)", (t) =>
  withPlugin(
    t,
    {
      handler: `async (req, ctx) => {
        const out = {}; const attempt = async (name, f) => { try { await f(); out[name] = "ok"; } catch (e) { out[name] = e.code; } };
        await attempt("own", () => ctx.op("bus.call", { cap: "trans.text@1", body: {} }));
        await attempt("other", () => req.op("bus.call", { cap: "rag.query@1", body: {} }));
        await attempt("major", () => req.op("bus.call", { cap: "trans.text@2", body: {} }));
        await attempt("kv", () => ctx.op("kv.get", { key: "a" }));
        await attempt("prefix", () => ctx.op("capabilities.register", { ref: "ocr.image@1.0", params: {} }));
        await attempt("worker", () => ctx.op("workers.run", { name: "decode", msg: {}, bytes: [] }));
        await attempt("notify", () => ctx.op("notify", { title: "x" }));
        await attempt("unknown", () => ctx.op("identity.exportKey", {}));
        return { output: out };
      }`,
    },
    [allow("bus.call", { capabilities: ["trans.text@1"] })],
    async (id) => {
      const before = world.bus.originated.length;
      const { output } = await world.bus.call("dev.do");
      assert.deepEqual(
        { ...output },
        Object.fromEntries(
          ["own", "other", "major", "kv", "prefix", "worker", "notify", "unknown"].map((name) => [name, "permission_denied"]),
        ),
      );
      assert.equal(world.bus.originated.length, before, "nothing reached the bus");
      const { rows, chainOk } = world.runtime.ledger(100);
      assert.ok(chainOk);
      assert.equal(rows.filter((row) => row.plugin === id && row.verdict === "deny").length, 8);
      const calls = rows.filter((row) => row.plugin === id && row.op === "bus.call");
      assert.ok(
        calls.every(({ target }) => /^[a-z_.]+@\d+$/.test(target)),
        "a denied call is in the ledger by the name of what was called (§8.1)",
      );
    },
  ));

test("under its own authority the principal is the plugin", (t) =>
  withPlugin(
    t,
    { handler: `async (req, ctx) => ({ output: (await ctx.op("bus.call", { cap: "trans.text@1.0", body: {} })).output })` },
    [allow("bus.call", { capabilities: ["trans.text@1"], own: true })],
    async (id) => {
      world.bus.answers["trans.text"] = async () => ({});
      await world.bus.call("dev.do");
      const { caller } = world.bus.originated.at(-1)!;
      assert.deepEqual(caller, { kind: "plugin", node_id: NODE_ID, community_id: null, level: "member", plugin_id: id });
    },
  ));

test("streams another capability through, frame by frame", (t) =>
  withPlugin(
    t,
    {
      handler: `async function* (req) { const frames = []; const sum = await req.op("bus.stream", { cap: "llm.chat@2", body: {} }, { onFrame: (event, data) => frames.push({ event, data }) }); yield* frames; return sum; }`,
    },
    [allow("bus.call", { capabilities: ["llm.chat@2"] })],
    async () => {
      world.bus.streams["llm.chat"] = async function* () {
        for (let n = 0; n < 40; n += 1) yield { event: "token", data: { n } };
        return { tokens: 40 };
      };
      const frames = world.bus.stream("dev.do");
      let count = 0;
      let next = await frames.next();
      for (; next.done !== true; next = await frames.next()) count += 1;
      assert.equal(count, 40);
      assert.deepEqual({ ...next.value }, { tokens: 40 });
    },
  ));

test("the key-value store keeps versions, lists in order, counts, and has a quota", (t) =>
  withPlugin(
    t,
    {
      handler: `async (req, ctx) => {
        const kv = (op, args) => ctx.op("kv." + op, args).catch((e) => e.code);
        return { output: { all: [
          await kv("put", { key: "a", value: { n: 1 } }), await kv("put", { key: "a", value: 2, ifVersion: 0 }), await kv("put", { key: "a", value: 2, ifVersion: 1 }),
          await kv("get", { key: "a" }), await kv("get", { key: "none" }), await kv("increment", { key: "n", by: 5 }), await kv("increment", { key: "n" }),
          await kv("list", { prefix: "" , limit: 1 }), await kv("list", { after: "a" }), await kv("put", { key: "big", value: "x".repeat(900000) }), await kv("put", { key: "big2", value: "x".repeat(900000) }),
          await kv("delete", { key: "a" }), await kv("get", { key: "a" }), await kv("put", { key: "", value: 1 }) ] } };
      }`,
    },
    [allow("storage.kv", { quotaMb: 1 })],
    async () => {
      const { output } = await world.bus.call("dev.do");
      assert.deepEqual(JSON.parse(JSON.stringify(output["all"])), [
        { written: true, version: 1 },
        { written: false, version: 1 },
        { written: true, version: 2 },
        { value: 2, version: 2 },
        null,
        { value: 5 },
        { value: 6 },
        { items: [{ key: "a", value: 2, version: 2 }], next: "a" },
        { items: [{ key: "n", value: 6, version: 2 }], next: null },
        { written: true, version: 1 },
        "quota_exceeded",
        { deleted: true },
        null,
        "bad_request",
      ]);
    },
  ));

const WORKER = `
exports.work = async (msg, bytes, ctx) => {
  if (msg.op === "facts") return { json: { data: (() => { try { return require("fs").readdirSync("/data").length; } catch (e) { return e.code; } })(), env: Object.keys(process.env).sort(), sum: bytes.reduce((n, b) => n + b.byteLength, 0) }, bytes: bytes.map((b) => b.slice().reverse()) };
  if (msg.op === "crash") process.exit(7);
  if (msg.op === "hang") for (require("node:fs").writeSync(2, "hanging\\n"); ; );
  const used = () => process.cpuUsage().user + process.cpuUsage().system;
  if (msg.op === "toil") for (const from = used(); used() - from < 500_000; ) for (let n = 0; n < 1e6; n += 1);
  if (msg.op === "hog") { const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1)); }
  if (msg.op === "error") throw Object.assign(new Error("bad picture"), { code: "bad_request", reason: "decode_failed" });
  return { json: process.pid };
};`;
const WITH_WORKER: Partial<PackageParts> & { handler: string } = {
  handler: `async (req) => { try { return { output: await req.op("workers.run", { name: "decode", msg: req.input.msg, bytes: req.input.bytes ?? [] }) }; } catch (e) { return { output: { code: e.code, reason: e.reason ?? null } }; } }`,
  files: { "decode.cjs": WORKER },
  manifest: {
    contributes: {
      workers: [{ name: "decode", entry: "decode.cjs", warm: 1, max: 2, limits: { memoryMb: 128, pids: 32, wallMs: 1500 } }],
      capabilities: [
        {
          name: "dev.do",
          version: "1.0",
          request: "schema.json",
          response: null,
          stream: null,
          trust: "member",
          idempotent: true,
          maxConcurrent: 8,
          timeoutSeconds: 30,
        },
      ],
    },
  },
};
const WORK = [allow("proc.worker", { workers: ["decode"] })];

test("a worker sees no data and no grants, takes bytes and gives bytes back (§4.4)", (t) =>
  withPlugin(t, WITH_WORKER, [...WORK, allow("fs.data")], async () => {
    const big = new Uint8Array(3_000_000).map((_, n) => n & 255);
    const { output } = await world.bus.call("dev.do", {
      input: { msg: { op: "facts" }, bytes: [big, new Uint8Array([1, 2])] as never },
    });
    assert.deepEqual(
      { ...(output["json"] as JsonObject) },
      {
        data: "ERR_ACCESS_DENIED",
        env: ["HOME", "MALLOC_ARENA_MAX", "PWD"],
        sum: 3_000_002,
      },
    );
    const [first, second] = output["bytes"] as unknown as Uint8Array[];
    assert.deepEqual(Buffer.from(first!), Buffer.from(big.toReversed()));
    assert.deepEqual([...second!], [2, 1]);
  }));

test("a worker's crash, endless loop, memory and own error each reach the caller as themselves, and the plugin lives on (§4.4)", (t) =>
  withPlugin(t, WITH_WORKER, WORK, async (id) => {
    const run = async (op: string): Promise<unknown> =>
      JSON.parse(JSON.stringify((await world.bus.call("dev.do", { input: { msg: { op } } })).output));
    const { pid } = world.runtime.get(id)!.evidence!;
    assert.deepEqual(await run("crash"), { code: "internal_error", reason: "worker_crashed" });
    assert.deepEqual(await run("error"), { code: "bad_request", reason: "decode_failed" });
    assert.deepEqual(await run("hang"), { code: "timeout", reason: null });
    const start = performance.now();
    assert.deepEqual(await run("hog"), { code: "capacity_exceeded", reason: "over_quota" });
    t.diagnostic(`memory hog ended after ${Math.round(performance.now() - start)} ms`);
    assert.equal(typeof ((await run("pid")) as { json: unknown }).json, "number");
    assert.equal(world.runtime.get(id)?.evidence?.pid, pid);
  }));

test("a worker's message that uses up its processor time is ended, whatever the clock on the wall says; the next one has its own (§4.4)", (t) => {
  const [decode] = WITH_WORKER.manifest!.contributes!.workers!;
  const limits = { memoryMb: 128, pids: 32, wallMs: 60_000, cpuSeconds: 1 };
  const contributes = { ...WITH_WORKER.manifest!.contributes!, workers: [{ ...decode!, max: 1, limits }] };
  return withPlugin(t, { ...WITH_WORKER, manifest: { ...WITH_WORKER.manifest, contributes } }, WORK, async () => {
    const run = async (op: string): Promise<unknown> =>
      JSON.parse(JSON.stringify((await world.bus.call("dev.do", { input: { msg: { op } } })).output));
    const start = performance.now();
    assert.deepEqual(await run("hang"), { code: "timeout", reason: "worker_cpu" });
    t.diagnostic(`figure: a worker with 1 s of processor time was ended after ${Math.round(performance.now() - start)} ms`);
    // Each uses most of what one may; together they use more.
    const { json: first } = (await run("toil")) as { json: unknown };
    for (let times = 0; times < 2; times += 1)
      assert.deepEqual(await run("toil"), { json: first, bytes: [] }, "the same process");
  });
});

test("cancelling a call ends its worker's process at once (§4.4)", (t) =>
  withPlugin(t, WITH_WORKER, WORK, async (id) => {
    const controller = new AbortController();
    const call = world.bus.call("dev.do", { input: { msg: { op: "hang" } }, signal: controller.signal });
    await until("the worker hangs", () => has(id, "hanging"));
    controller.abort(new Error("gone"));
    await assert.rejects(call);
    const { output } = await world.bus.call("dev.do", { input: { msg: { op: "pid" } } });
    assert.equal(typeof output["json"], "number");
    assert.equal(world.runtime.get(id)?.state, "active");
  }));

test("a grant taken away ends what runs on it and withdraws its offers, without a restart (§3.4.3)", (t) =>
  withPlugin(
    t,
    {
      handler: `async (req) => { try { await req.op("bus.call", { cap: "slow.thing@1", body: {} }); return { output: {} }; } catch (e) { return { output: { code: e.code } }; } }`,
    },
    [allow("bus.call", { capabilities: ["slow.thing@1"] })],
    async (id) => {
      world.bus.answers["slow.thing"] = ({ signal }) =>
        new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
      const { pid } = world.runtime.get(id)!.evidence!;
      const call = world.bus.call("dev.do");
      await until("the call goes out", () => world.bus.originated.at(-1)?.capability === "slow.thing");
      const start = performance.now();
      await world.runtime.setGrants(id, [PROVIDE]);
      assert.equal((await call).output["code"], "permission_denied");
      assert.ok(performance.now() - start < 200);
      assert.deepEqual(world.bus.names(), ["dev.do@1.0"]);
      await world.runtime.setGrants(id, []);
      assert.deepEqual(world.bus.names(), []);
      assert.equal(world.runtime.get(id)?.evidence?.pid, pid);
    },
  ));

for (const [name, raw] of [
  ["a frame above 8 MiB", `const b = Buffer.alloc(8); b.writeUInt32BE(9 << 20); b.writeUInt32BE(10, 4); link.write(b);`],
  ["garbage", `link.write(Buffer.from("GET / HTTP/1.1\\r\\n\\r\\n"));`],
  [
    "a result for a call that is not open",
    `const h = JSON.stringify({ t: "result", id: 4242, output: {}, meta: {} }); const b = Buffer.alloc(8); b.writeUInt32BE(4 + h.length); b.writeUInt32BE(h.length, 4); link.write(Buffer.concat([b, Buffer.from(h)]));`,
  ],
  [
    "an op under the host's ids",
    `const h = JSON.stringify({ t: "op", id: 2, op: "kv.get", args: {} }); const b = Buffer.alloc(8); b.writeUInt32BE(4 + h.length); b.writeUInt32BE(h.length, 4); link.write(Buffer.concat([b, Buffer.from(h)]));`,
  ],
  [
    "a message of an unknown type",
    `const h = JSON.stringify({ t: "gimme" }); const b = Buffer.alloc(8); b.writeUInt32BE(4 + h.length); b.writeUInt32BE(h.length, 4); link.write(Buffer.concat([b, Buffer.from(h)]));`,
  ],
] as const) {
  test(`${name} ends the process; the call under way is answered, the plugin is restarted (A15, §5.3.3)`, (t) =>
    withPlugin(
      t,
      { handler: `async (req, ctx) => { const link = ctx.link; ${raw} await new Promise(() => {}); }` },
      [],
      async (id) => {
        const { pid } = world.runtime.get(id)!.evidence!;
        await assert.rejects(world.bus.call("dev.do"), { code: "plugin_gone" });
        await until(
          "it is restarted",
          () => world.runtime.get(id)?.state === "active" && world.runtime.get(id)?.evidence?.pid !== pid,
        );
        assert.ok(world.runtime.logs(id, { limit: 50 }).some(({ source, level }) => source === "host" && level === "error"));
      },
    ));
}

test("output is logged line by line, made harmless, and secrets in it are hidden (§8.4)", (t) =>
  withPlugin(
    t,
    {
      handler: `async (req) => { console.log("plain\\nred \\u001b[31m and back \\u202e"); console.log("key is hunter22"); process.stdout.write("x".repeat(100000) + "\\n"); return { output: {} }; }`,
      manifest: {
        config: { schema: { type: "object", properties: { key: { type: "string", "x-secret": true } } }, secrets: ["/key"] },
      },
    },
    [],
    async (id) => {
      await world.runtime.setConfig(id, {}, { "/key": "hunter22" });
      assert.deepEqual(world.runtime.config(id).secretsSet, ["/key"]);
      assert.ok(!JSON.stringify(world.runtime.config(id)).includes("hunter22"));
      await world.bus.call("dev.do");
      await until("the lines come", () => has(id, "xxx"));
      const lines = world.runtime
        .logs(id, { limit: 50 })
        .filter(({ source }) => source === "stdout")
        .map(({ message }) => message);
      assert.deepEqual(lines.slice(0, 3), ["plain", "red \\u001b[31m and back \\u202e", "key is [hidden]"]);
      assert.equal(lines[3]?.length, 16_384);
    },
  ));

test("ops beyond 2000 a second wait, however many arrive in one piece (§5.3.4)", (t) =>
  withPlugin(
    t,
    {
      // Long keys, so that a piece of what the host reads holds many ops and not too many; below, twice a second's worth is free.
      handler: `async (req, ctx) => {
        const lane = async () => { for (let n = 0; n < 30; n++) await ctx.op("kv.get", { key: "k".repeat(400) }).catch(() => {}); };
        await Promise.all(Array.from({ length: 200 }, lane));
        return { output: {} };
      }`,
    },
    [allow("storage.kv")],
    async () => {
      const started = performance.now();
      await world.bus.call("dev.do");
      const ms = performance.now() - started;
      assert.ok(ms > 900, `6000 ops took ${Math.round(ms)} ms: 4000 at once and 2000 in a second`);
    },
  ));
