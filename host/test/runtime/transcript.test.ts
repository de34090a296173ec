/** The host's half of the conversation that authors of runners test against, test/vectors/fd3.json. @source plugin-platform §5.3.5 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import type { Grant, HostMessage, JsonObject, JsonValue, Reply, RouteAnswer } from "../../src/contract/index.ts";
import { openTopics } from "../../src/bus/index.ts";
import { ManualClock } from "../../src/foundation/index.ts";
import { CallBudget } from "../../src/runtime/quota/index.ts";
import { blobCid } from "../../src/identity/index.ts";
import { openViewDoor, roleHolder, Session } from "../../src/runtime/broker/index.ts";
import { Availability, SharedStore } from "../../src/runtime/commons/index.ts";
import type { Launched, SandboxSpec } from "../../src/runtime/confine/index.ts";
import { EgressMeter, SYSTEM_WAYS } from "../../src/runtime/net/index.ts";
import { MountTable } from "../../src/transport/index.ts";
import { FarEnd, play, readTranscript } from "../support/transcript.ts";
import { cancelledBy, contribution, FakeBus, NODE_ID, temporaryFolder, writePackage } from "./fixtures/world.ts";

const init = readTranscript().find(({ header }) => header.t === "init")?.header as unknown as {
  grants: Grant[];
  config: JsonObject;
};
const HELLO = blobCid(Buffer.from("hello")).cid;

/** What the transcript itself says in a turn of that kind. */
function turnOf<T extends HostMessage["t"]>(t: T, step?: string): Extract<HostMessage, { t: T; step?: "apply" }> {
  const found = readTranscript().find(({ header }) => header.t === t && (step === undefined || header["step"] === step));
  return found?.header as unknown as Extract<HostMessage, { t: T; step?: "apply" }>;
}

async function arrayOf<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

const spec: SandboxSpec = {
  packageDir: "/plugin",
  assetsDir: null,
  dataDir: null,
  memoryMb: 256,
  pids: 32,
  maxFileBytes: 1_048_576,
  sqlite: false,
  threads: false,
  native: false,
  mounts: [],
  devices: [],
};

/** Objects that came over the wire have no prototype, which a comparison would hold against them. */
const plain = <T>(value: T): T => structuredClone(value);

/** A host whose plugin is whoever writes into `socket`. */
function stage(t: TestContext): {
  session: Session;
  socket: FarEnd;
  bus: FakeBus;
  mounts: MountTable;
  clock: ManualClock;
  faults: string[];
  leave: () => void;
} {
  const folder = temporaryFolder();
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { promise: exited, resolve } = Promise.withResolvers<{ code: number; signal: null }>();
  const [socket, bus, clock, faults] = [new FarEnd(), new FakeBus(), new ManualClock(), [] as string[]];
  const mounts = new MountTable();
  const launched: Launched = {
    sandboxed: true,
    pid: 0,
    paths: { packageDir: "/plugin", runner: "/runner/runner.cjs", assetsDir: null, dataDir: null, mounts: [] },
    link: socket,
    stdout: Readable.from([]),
    stderr: Readable.from([]),
    exited,
    nodePid: () => null,
    tree: () => [],
    kill: () => faults.push("killed"),
  };
  const session = new Session({
    release: writePackage(folder, {
      id: "demo/page",
      main: "",
      manifest: {
        entry: { main: "dist/main.mjs" },
        contributes: {
          capabilities: [
            contribution({ name: "ext.demo.read" }),
            contribution({ name: "ext.demo.pages", response: null, stream: "schema.json" }),
          ],
          http: [
            {
              prefix: "ext.demo",
              routes: [{ method: "POST", path: "/ext/demo/words/:word", auth: "member", pseudo: "ext.demo.http.word" }],
            },
          ],
          panels: [{ id: "own", title: { en: "Own" }, entry: "panel/index.html" }],
        },
      },
    }),
    grants: init.grants,
    config: init.config,
    launcher: { launch: () => launched },
    workerLauncher: { launch: () => launched },
    spec,
    workerSpec: () => spec,
    program: () => assert.fail("no program is run in this conversation"),
    limits: { memoryMb: 256, pids: 32, cpu: 1, startTimeoutMs: 10_000, shutdownMs: 5000, maxBlockMs: 4000 },
    expectedLabel: "os",
    cores: 1,
    bus: bus.asBus(),
    mounts,
    clock,
    identity: { nodeId: NODE_ID, communityId: () => null },
    kv: () => assert.fail("nothing is stored in this conversation"),
    ways: SYSTEM_WAYS,
    egress: new EgressMeter(clock, 0),
    settings: () => assert.fail("nothing is fetched in this conversation"),
    deriveKey: () => assert.fail("no key is derived in this conversation"),
    commons: {
      community: null,
      topics: openTopics(),
      deliver: null,
      dht: null,
      availability: new Availability(clock),
      signer: null,
      readProof: null,
      store: new SharedStore(join(folder, "shared.db")),
      // Where the plugin's own wish to store something leads.
      holder: () => ({
        pluginId: "demo/shelf",
        ask: async (_role, { frames }) => {
          const bytes: Uint8Array[] = [];
          for await (const { data } of frames ?? []) bytes.push(data["bytes"] as unknown as Uint8Array);
          return { cid: blobCid(Buffer.concat(bytes)).cid };
        },
        stream: () => assert.fail("nothing is read in this conversation"),
      }),
      grantsOf: () => undefined,
      show: null,
    },
    onLine: ({ source, text }) => void (source === "plugin" || faults.push(text)),
    budget: new CallBudget({ clock, callsPerMinute: 240 }),
    onDenied: ({ op }) => faults.push(op),
    onQuota: ({ op }) => faults.push(op),
    onSimulated: () => assert.fail("nothing is tried in this conversation"),
    ask: () => assert.fail("nothing is asked in this conversation"),
    trial: () => undefined,
    onAllowed: () => {},
    onPanel: () => {},
    onHealth: () => {},
    onAtCap: () => {},
    onNotify: () => {},
    onOutcome: () => {},
    onEnding: () => {},
    onEnd: () => {},
  });
  return { session, socket, bus, mounts, clock, faults, leave: () => resolve({ code: 0, signal: null }) };
}

for (const pieceBytes of [1 << 20, 1000])
  test(`the host says its half byte for byte, and understands the other in pieces of ${pieceBytes} bytes`, async (t) => {
    const { session, socket, bus, mounts, clock, faults, leave } = stage(t);
    const call = (name: string, o: { input?: JsonObject; stream?: boolean; signal?: AbortSignal } = {}): unknown => {
      const { offer } = bus.dispatch(name);
      calls += 1;
      const dispatched = {
        capability: name,
        version: [1, 0] as [number, number],
        body: { params: {}, input: o.input ?? {} },
        caller: { kind: "member", node_id: NODE_ID, community_id: null, level: "trusted" } as const,
        traceId: `01M8HWEXD5F76R75K32130000${calls}`,
        requestId: `01M8HWEXD5F76R75K32140000${calls}`,
        deadline: clock.monotonic() + 30_000,
        stream: o.stream ?? false,
        hops: 0,
      };
      return offer.handler(dispatched, cancelledBy(o.signal ?? new AbortController().signal));
    };
    let calls = 0;
    const replies: Promise<Reply>[] = [];
    const ask = (input: JsonObject, signal?: AbortSignal): void => {
      const reply = call("ext.demo.read", { input, ...(signal === undefined ? {} : { signal }) }) as Promise<Reply>;
      reply.catch(() => {});
      replies.push(reply);
    };
    const means = { means: "a greeting" };
    const dictionary = Promise.withResolvers<JsonObject>();
    bus.answers["ext.demo.look"] = async ({ body }) => (body.input["word"] === "Hello" ? means : dictionary.promise);
    const goOn = Promise.withResolvers<void>();
    bus.streams["ext.demo.look"] = async function* () {
      for (let n = 1; n <= 8; n += 1) yield { event: "meaning", data: { n } };
      await goOn.promise;
      yield { event: "meaning", data: { n: 9 } };
      return { meanings: 9 };
    };
    const member = new AbortController();
    let stream: ReturnType<FakeBus["stream"]>;
    let first: ReturnType<typeof stream.next>;
    let settings: Promise<string>;
    let stopped: Promise<unknown>;
    let written: Promise<RouteAnswer> | undefined;
    let shown: Promise<JsonValue> | undefined;

    const views = openViewDoor(session.questions);
    const state = Buffer.from('{"pages":2}');
    let fed: Promise<{ faults: number; state: string }> = Promise.reject(new Error("not fed"));
    fed.catch(() => {});
    const feedView = (): void => {
      fed = (async () => {
        await views.reset("pages");
        const faults = await views.apply("pages", turnOf("event", "apply").events, 1);
        return { faults, state: Buffer.from(await views.snapshot("pages")).toString() };
      })();
    };
    const holder = roleHolder("demo/page", session);
    const asked = {
      caller: { kind: "plugin", node_id: NODE_ID, community_id: null, level: "member", plugin_id: "demo/writer" } as const,
      traceId: "trace-0002",
      signal: new AbortController().signal,
      get deadline() {
        return clock.monotonic() + 30_000;
      },
    };
    let stored: Promise<JsonObject> = Promise.resolve({});
    let back: Promise<{ event: string }[]> = Promise.resolve([]);

    const cues: Record<string, () => void | Promise<void>> = {
      "a member calls read": async () => {
        await session.process.ready;
        session.capabilities.publish();
        session.doors.prepare()();
        ask({ page_b64: Buffer.from("0001feff41", "hex") as never });
      },
      "a member asks for a stream": () => {
        stream = call("ext.demo.pages", { input: { pages: 18 }, stream: true }) as typeof stream;
        first = stream.next();
      },
      "the reader takes eight frames": async () => {
        assert.deepEqual(plain((await first).value), { event: "progress", data: { current: 1, total: 18 } });
        for (let n = 2; n <= 8; n += 1) await stream.next();
      },
      "a member asks for much": () => ask({ large: 262_145 }),
      "a member calls what listens to others": () => ask({ listen: true }),
      "the dictionary goes on": () => goOn.resolve(),
      "the log is fed": () => feedView(),
      "something late arrives": () => void views.restore("pages", state),
      "another plugin says something on a topic": () => {
        const { pattern, message } = turnOf("topic");
        void session.questions.ask((id) => ({ t: "topic", id, pattern, message }), 10_000);
      },
      "a file comes to be stored": () => {
        const hello = (async function* () {
          yield { event: "data", data: { bytes: Buffer.from("hello") as never } };
        })();
        stored = holder.ask("blob-store", { ...asked, method: "put", input: { visibility: "private", meta: {} }, frames: hello });
      },
      "the file is wanted back": async () => {
        const { cid = "" } = await stored;
        back = arrayOf(holder.stream("blob-store", { ...asked, method: "open", input: { cid } }));
      },
      "a member has something stored": () => ask({ store: true }),
      "a member calls and waits": () => ask({ wait: true }, member.signal),
      "the member leaves": () => member.abort(new Error("gone")),
      "the operator takes storage.kv away": () =>
        session.setGrants(init.grants.filter(({ permission }) => permission !== "storage.kv")),
      "the operator changes the settings": () => void (settings = session.setConfig({ word: "Moin" })),
      "a second passes": () => clock.advance(1000),
      "a member writes to a route": () => {
        written = mounts.find("POST", "/ext/demo/words/Moin")?.route.serve({
          path: "/ext/demo/words/Moin",
          params: { word: "Moin" },
          query: {},
          headers: { accept: "application/json" },
          body: { json: means },
          caller: { kind: "member", node_id: NODE_ID, community_id: null, level: "trusted" },
          requestId: "01M8HWEXD5F76R75K321400009",
          traceId: "01M8HWEXD5F76R75K321300009",
          signal: new AbortController().signal,
        });
      },
      "the panel asks for a word": () => {
        const wish = { panel: "own", method: "word", input: { at: 0 } };
        shown = session.doors.panel(wish, { requestId: "01M8HWEXD5F76R75K321300010", signal: new AbortController().signal });
      },
      "a last call comes": () => ask({}),
      "the host stops the plugin": () => void (stopped = session.stop("The node is stopping.", 10_000)),
      "the dictionary answers": () => dictionary.resolve(means),
    };
    await play({ side: "host", socket, pieceBytes, cue: (name) => cues[name]?.() ?? assert.ok(name in cues, name) });

    assert.deepEqual(plain(await fed), { faults: 0, state: '{"pages":2}' });
    assert.equal(plain(await stored)["cid"], HELLO);
    assert.deepEqual(
      (await back).map(({ event }) => event),
      ["head", "data"],
    );
    const [read, large, listened, waited, kept, last] = await Promise.allSettled(replies);
    assert.ok(read?.status === "fulfilled" && large?.status === "fulfilled" && last?.status === "fulfilled");
    assert.deepEqual([read.value.output["text"], read.value.meta["lines"]], ["a greeting", 1]);
    assert.equal(Buffer.from(read.value.output["back_b64"] as never).toString("hex"), "41ff");
    assert.ok(Buffer.from(large.value.output["large_b64"] as never).equals(Buffer.alloc(262_145, "A")));
    assert.ok(listened?.status === "fulfilled" && listened.value.output["heard"] === 9);
    assert.ok(kept?.status === "fulfilled" && kept.value.output["cid"] === HELLO);
    assert.ok(waited?.status === "rejected" && (waited.reason as Error).message === "gone");
    assert.equal(last.value.output["size"], 0);
    for (let n = 9; n <= 18; n += 1)
      assert.deepEqual(plain((await stream!.next()).value), { event: "progress", data: { current: n, total: 18 } });
    assert.deepEqual(plain((await stream!.next()).value), { pages: 18 });
    assert.equal(await settings!, "applied");
    assert.deepEqual(plain(await written), { status: 201, headers: { etag: '"1"' }, body: { json: { word: "Moin", ...means } } });
    assert.equal(await shown, "Moin");
    assert.deepEqual(
      bus.originated.map(({ caller, hops }) => [caller.kind, hops]),
      [
        ["member", 0],
        ["member", 0],
        ["member", 0],
      ],
      "hops of the call they are made for; the bus adds one",
    );
    leave();
    await stopped!;
    assert.deepEqual(faults, []);
  });
