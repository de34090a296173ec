import { generateKeyPairSync } from "node:crypto";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HnError } from "../../src/foundation/index.ts";
import { Metrics } from "../../src/telemetry/index.ts";
import type { OpenBus } from "../../src/bus/index.ts";
import type { PeerRow } from "../../src/contract/index.ts";
import { formatNodeId, shortId } from "../../src/identity/index.ts";
import { ask, B, body, C, fakeLink, HOME, inbound, makeBus, manifest, ME, member, offer } from "../bus/make.ts";

/** Of 03 §10, with their labels. */
const NAMES: Record<string, string[]> = {
  hearthnet_requests_total: ["capability", "result"],
  hearthnet_request_duration_ms: ["capability", "le"],
  hearthnet_active_streams: ["capability"],
  hearthnet_rate_limited_total: ["capability", "reason"],
  hearthnet_signature_failures_total: ["reason"],
  hearthnet_capability_health_success_rate: ["capability", "node"],
  hearthnet_token_calls_total: ["issuer", "scope_match"],
  hearthnet_event_log_size: ["community"],
  hearthnet_event_log_lamport_head: ["community"],
  hearthnet_nodes_online: ["community"],
  hearthnet_emergency_mode: ["state"],
  hearthnet_quarantines_total: ["capability", "node"],
};

function open(o: Parameters<typeof makeBus>[0] = {}): { bus: OpenBus; metrics: Metrics } {
  const late: { metrics?: Metrics } = {};
  const { bus } = makeBus({ ...o, onQuarantine: (resting) => late.metrics?.quarantined(resting) });
  const peer = { node_id: B, online: true, level: "member" } as PeerRow;
  const metrics = new Metrics({
    bus,
    community: { communityId: () => HOME, head: () => 41, size: () => 40 },
    peers: { list: () => [peer, { ...peer, online: false }, { ...peer, level: "unknown" }] },
    spansDropped: () => 3,
    tokenCalls: () => [{ issuer: shortId(B), scopeMatch: true, calls: 2 }],
  });
  late.metrics = metrics;
  return { bus, metrics };
}

/** The public half of a new key. */
function freshKey(): Uint8Array {
  const { publicKey } = generateKeyPairSync("ed25519");
  return Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
}

/** Value of a line, NaN when it is not there. */
function valueOf(text: string, line: string): number {
  return Number(
    text
      .split("\n")
      .find((one) => one.startsWith(`${line} `))
      ?.split(" ")
      .at(-1) ?? Number.NaN,
  );
}

describe("the figures (03 §10, 33 §2)", () => {
  test("each name is there, with its labels", async () => {
    const { bus, metrics } = open();
    bus.offer(offer());
    await bus.call(ask());
    metrics.refused({ code: "rate_limited", reason: "hard_limit", capability: "ext.demo.echo" });
    metrics.refused({ code: "invalid_signature", reason: undefined, capability: "ext.demo.echo" });
    metrics.quarantined({ capability: "ext.demo.echo", node: B });
    const text = await metrics.text();
    for (const [name, labels] of Object.entries(NAMES)) {
      assert.match(text, new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`, "m"), name);
      const sample = text.split("\n").find((line) => line.startsWith(`${name}{`) || line.startsWith(`${name}_bucket{`));
      const found = [...(sample ?? "").matchAll(/(\w+)="/g)].map(([, label = ""]) => label);
      assert.deepEqual(found.toSorted(), labels.toSorted(), name);
    }
    assert.equal(valueOf(text, 'hearthnet_requests_total{capability="ext.demo.echo",result="ok"}'), 1);
    assert.equal(valueOf(text, 'hearthnet_rate_limited_total{capability="ext.demo.echo",reason="hard_limit"}'), 1);
    assert.equal(valueOf(text, 'hearthnet_signature_failures_total{reason="signature"}'), 1);
    const home = shortId(HOME);
    assert.equal(valueOf(text, `hearthnet_event_log_size{community="${home}"}`), 40);
    assert.equal(valueOf(text, `hearthnet_event_log_lamport_head{community="${home}"}`), 41);
    assert.equal(valueOf(text, `hearthnet_nodes_online{community="${home}"}`), 2);
    assert.equal(valueOf(text, "hearthnet_spans_dropped_total"), 3);
    assert.equal(valueOf(text, `hearthnet_token_calls_total{issuer="${shortId(B)}",scope_match="true"}`), 2);
    assert.equal(text.includes(HOME), false, "nodes and communities by their short id");
  });

  test("calls count on after the first look, results and durations apart", async () => {
    const { bus, metrics } = open();
    bus.offer(
      offer({}, ({ body: { input } }) =>
        input["bad"] === true ? Promise.reject(new HnError("timeout")) : Promise.resolve({ output: {}, meta: {} }),
      ),
    );
    await bus.call(ask());
    await metrics.text();
    await bus.call(ask());
    await assert.rejects(bus.call(ask({ body: body({ bad: true }) })));
    const text = await metrics.text();
    assert.equal(valueOf(text, 'hearthnet_requests_total{capability="ext.demo.echo",result="ok"}'), 2);
    assert.equal(valueOf(text, 'hearthnet_requests_total{capability="ext.demo.echo",result="timeout"}'), 1);
    assert.equal(valueOf(text, 'hearthnet_request_duration_ms_count{capability="ext.demo.echo"}'), 3);
    for (const le of [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, "+Inf"])
      assert.equal(
        valueOf(text, `hearthnet_request_duration_ms_bucket{le="${le}",capability="ext.demo.echo"}`),
        3,
        `bucket ${le}`,
      );
  });

  test("streams, health and the internet are as they are at the moment", async () => {
    const { bus, metrics } = open();
    bus.offer(
      offer({ response_schema: null, stream_schema: { type: "object" } }, async function* () {
        yield { event: "token", data: {} };
        yield { event: "token", data: {} };
        return {};
      }),
    );
    const frames = bus.stream(ask());
    await frames.next();
    assert.equal(valueOf(await metrics.text(), 'hearthnet_active_streams{capability="ext.demo.echo"}'), 1);
    await frames.return({});
    bus.setInternet(false);
    const text = await metrics.text();
    assert.equal(valueOf(text, 'hearthnet_active_streams{capability="ext.demo.echo"}'), 0);
    assert.equal(valueOf(text, 'hearthnet_emergency_mode{state="online"}'), 0);
    assert.equal(valueOf(text, 'hearthnet_emergency_mode{state="offline"}'), 1);
    assert.equal(valueOf(text, `hearthnet_capability_health_success_rate{capability="ext.demo.echo",node="${shortId(ME)}"}`), 1);
  });

  test("a provider that comes to rest counts as one quarantine", async () => {
    const { bus, metrics } = open();
    bus.offer(offer({}, () => Promise.reject(new HnError("internal_error"))));
    for (let i = 0; i < 5; i++) await assert.rejects(bus.serve(inbound()));
    const text = await metrics.text();
    assert.equal(valueOf(text, `hearthnet_quarantines_total{capability="ext.demo.echo",node="${shortId(ME)}"}`), 1);
    assert.equal(valueOf(text, `hearthnet_capability_health_success_rate{capability="ext.demo.echo",node="${shortId(ME)}"}`), 0);
  });

  test("B-13 labels stay few: foreign names and nodes beyond 256 count together, text never is a label", async () => {
    const { bus, metrics } = open({ link: () => fakeLink({ call: () => Promise.resolve({ output: {}, meta: {} }) }) });
    bus.offer(offer());
    bus.peerSeen(manifest(C, [{ name: "ext.foreign.name" }]));
    await bus.call(ask({ capability: "ext.foreign.name", body: body({ text: "private words" }) }));
    for (let i = 0; i < 600; i++) {
      const node = formatNodeId(freshKey());
      metrics.quarantined({ capability: "ext.demo.echo", node });
      metrics.refused({ code: "rate_limited", reason: "soft_limit", capability: `ext.made.up${i}` });
    }
    await bus.serve(inbound({ caller: member("member", C) }));
    const text = await metrics.text();
    const resting = text.split("\n").filter((line) => line.startsWith("hearthnet_quarantines_total{"));
    assert.equal(resting.length, 257);
    assert.equal(valueOf(text, 'hearthnet_quarantines_total{capability="ext.demo.echo",node="other"}'), 600 - 256);
    assert.equal(valueOf(text, 'hearthnet_rate_limited_total{capability="other",reason="soft_limit"}'), 600);
    assert.equal(valueOf(text, 'hearthnet_requests_total{capability="other",result="ok"}'), 1);
    assert.equal(/ext\.foreign|ext\.made|private/.test(text), false);
  });
});
