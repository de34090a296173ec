import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { describe, test, type TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { HnError, ManualClock, silentLog } from "../../src/foundation/index.ts";
import { isNearby, openTraceExport, type TraceExport } from "../../src/telemetry/index.ts";
import type { OpenBus } from "../../src/bus/index.ts";
import { ask, body, C, fakeLink, inbound, makeBus, manifest, ME, offer } from "../bus/make.ts";
import { COUNT, GRANTS, openUpgradeWorld, SAY, versioned } from "../runtime/fixtures/upgrade-world.ts";
import { until } from "../support/until.ts";

interface WireSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status: { code: number; message?: string };
  attributes: { key: string; value: Record<string, unknown> }[];
}

interface Collector {
  url: string;
  spans: WireSpan[];
  /** Bodies as they came. */
  texts: string[];
  requests: { path: string; type: string | undefined }[];
  resource: Record<string, unknown>;
  server: Server;
}

/** An OTLP/HTTP collector that keeps what it gets. */
async function openCollector(t: TestContext, o: { answer?: number; hangs?: boolean } = {}): Promise<Collector> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const text = (request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
      collector.texts.push(text);
      collector.requests.push({ path: `${request.method ?? ""} ${request.url ?? ""}`, type: request.headers["content-type"] });
      const { resourceSpans } = JSON.parse(text) as {
        resourceSpans: {
          resource: { attributes: WireSpan["attributes"] };
          scopeSpans: { spans: WireSpan[] }[];
        }[];
      };
      for (const { resource, scopeSpans } of resourceSpans) {
        for (const { key, value } of resource.attributes) collector.resource[key] = Object.values(value)[0];
        for (const { spans } of scopeSpans) collector.spans.push(...spans);
      }
      if (o.hangs !== true) response.writeHead(o.answer ?? 200, { "content-type": "application/json" }).end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    texts: [],
    requests: [],
    resource: {},
    server,
  };
  return collector;
}

function exportFrom(o: { bus: OpenBus; clock: ManualClock; endpoint: string }): Promise<TraceExport> {
  return openTraceExport({ ...o, nodeId: ME, version: "1.2.3", instance: "of this test", log: silentLog });
}

describe("traces for a collector (33 §5.5)", () => {
  test("each call is a span: names, times, sizes, and whose child it is, never what was said", async (t) => {
    const collector = await openCollector(t);
    const { bus, clock } = makeBus({ link: () => fakeLink({ call: () => Promise.reject(new HnError("timeout")) }) });
    const traces = await exportFrom({ bus, clock, endpoint: `${collector.url}/` });
    bus.peerSeen(manifest(C, [{ name: "ext.demo.far" }]));
    bus.offer(
      offer({}, async ({ traceId, hops, span }) => {
        clock.advance(7);
        await bus.call(ask({ capability: "ext.demo.far", traceId, hops, parent: span as number })).catch(() => undefined);
        return { output: { text: "private answer" }, meta: { note: "private note" } };
      }),
    );
    await bus.serve(
      inbound({ body: body({ text: "private question" }, { tone: "private tone" }), parentSpanId: "00f067aa0ba902b7" }),
    );
    assert.equal(collector.spans.length, 0, "in batches");
    clock.advance(5000);
    await until("the batch arrives", () => collector.spans.length === 2);
    const [inner, outer] = collector.spans;
    assert.deepEqual(collector.requests, [{ path: "POST /v1/traces", type: "application/json" }]);
    assert.equal(outer?.name, "ext.demo.echo");
    assert.equal(outer.parentSpanId, "00f067aa0ba902b7");
    assert.equal(inner?.parentSpanId, outer.spanId);
    assert.equal(inner.traceId, outer.traceId);
    assert.match(outer.traceId, /^[0-9a-f]{32}$/);
    assert.deepEqual([outer.kind, inner.kind], [2, 3], "of a server, of a client");
    assert.deepEqual([outer.status.code, inner.status.code, inner.status.message], [0, 2, "timeout"]);
    assert.equal(BigInt(outer.endTimeUnixNano) - BigInt(outer.startTimeUnixNano), 7_000_000n);
    assert.equal(collector.resource["service.name"], "hearthnet");
    assert.equal(collector.resource["service.version"], "1.2.3");
    assert.equal(collector.texts.join("").includes("private"), false);
    assert.equal(collector.texts.join("").includes(ME), false, "nodes by their short id");
    await traces.close();
    assert.equal(traces.dropped(), 0);
  });

  test("a call that a confined plugin makes is the child of the call it was made for", async (t) => {
    const collector = await openCollector(t);
    const world = await openUpgradeWorld();
    t.after(() => world.close());
    const clock = new ManualClock();
    const traces = await openTraceExport({
      endpoint: collector.url,
      bus: world.real,
      nodeId: "",
      version: "1",
      instance: "of this test",
      clock,
      log: silentLog,
    });
    await world.runtime.stage(versioned(world.folder, "1.0.0"), GRANTS);
    const call = world.call(SAY, { wait: true });
    await until("the plugin has called", () => world.waiting() === 1);
    world.openGate();
    await call;
    await world.call(COUNT);
    await traces.close();
    assert.deepEqual(world.gateHops(), [1], "one call inside another is one hop (03 §9)");
    const spanOf = (name: string): WireSpan | undefined => collector.spans.find((span) => span.name === name);
    assert.equal(spanOf("ext.host.gate")?.parentSpanId, spanOf(SAY)?.spanId);
    assert.equal(spanOf("ext.host.gate")?.traceId, spanOf(SAY)?.traceId);
    assert.equal(spanOf(SAY)?.parentSpanId, undefined);
    assert.notEqual(spanOf(COUNT)?.traceId, spanOf(SAY)?.traceId);
  });

  test("a full batch does not wait for its time, and what no longer fits is dropped and counted", async (t) => {
    const collector = await openCollector(t, { hangs: true });
    const { bus, clock } = makeBus();
    const traces = await exportFrom({ bus, clock, endpoint: collector.url });
    bus.offer(offer());
    for (let i = 0; i < 256; i++) await bus.call(ask());
    await until("the first batch is on its way", () => collector.texts.length === 1);
    // The collector takes it and says nothing: meanwhile 2048 more fit, and no call is held up.
    for (let i = 0; i < 2048 + 50; i++) await bus.call(ask());
    assert.equal(traces.dropped(), 50);
    const closed = traces.close();
    clock.advance(1000);
    await closed;
    assert.equal(traces.dropped(), 50 + 2048, "what still waited at the end");
  });

  test("without a collector calls go on, and every span counts as dropped", async (t) => {
    const gone = await openCollector(t);
    gone.server.close();
    await once(gone.server, "close");
    await assert.rejects(
      once(
        connect((gone.server.address() as AddressInfo | null)?.port ?? Number(new URL(gone.url).port), "127.0.0.1"),
        "connect",
      ),
    );
    const warned: string[] = [];
    const log = { ...silentLog, warn: (text: string) => void warned.push(text) };
    const { bus, clock } = makeBus();
    const traces = await openTraceExport({
      endpoint: gone.url,
      bus,
      clock,
      nodeId: ME,
      version: "1",
      instance: "of this test",
      log,
    });
    bus.offer(offer());
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 10; i++) await bus.call(ask());
      clock.advance(5000);
      await until("the batch is given up", () => traces.dropped() === 10 * (round + 1), 20_000);
    }
    assert.equal(warned.length, 1, "it is told once");
    await traces.close();
  });

  test("a collector that refuses takes nothing", async (t) => {
    const collector = await openCollector(t, { answer: 400 });
    const { bus, clock } = makeBus();
    const traces = await exportFrom({ bus, clock, endpoint: collector.url });
    bus.offer(offer());
    await bus.call(ask());
    clock.advance(5000);
    await until("it is counted", () => traces.dropped() === 1);
    await traces.close();
  });
});

test("traces stay in the house: only this machine and its network are taken (33 X6)", async () => {
  const table: [string, boolean][] = [
    ["http://127.0.0.1:4318", true],
    ["http://localhost:4318", true],
    ["https://192.168.1.7:4318/otlp", true],
    ["http://[::1]:4318", true],
    ["http://[fd00::7]:4318", true],
    ["http://8.8.8.8:4318", false],
    ["https://collector.example.org", false],
    ["http://house.local:4318", false],
    ["http://169.254.169.254", false],
    ["http://2130706433.example.org", false],
    ["http://user:pass@127.0.0.1:4318", false],
    ["http://127.0.0.1:4318/?key=1", false],
    ["ftp://127.0.0.1", false],
    ["127.0.0.1:4318", false],
    ["", false],
  ];
  for (const [url, expected] of table) assert.equal(isNearby(url), expected, url);
  const { bus, clock } = makeBus();
  await assert.rejects(exportFrom({ bus, clock, endpoint: "https://collector.example.org" }), { code: "bad_request" });
});
