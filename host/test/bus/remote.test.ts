import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HnError } from "../../src/foundation/index.ts";
import type { Frame, JsonObject, OriginateRequest, OutboundCall, Reply } from "../../src/contract/index.ts";
import { ask, B, body, C, D, fakeLink, later, makeBus, manifest, ME, member, offer, refused, tick } from "./make.ts";

type Answer = (call: OutboundCall) => Promise<Reply>;
const fine: Answer = () => Promise.resolve({ output: { ok: true }, meta: {} });
const failing =
  (code: ConstructorParameters<typeof HnError>[0], reason?: string): Answer =>
  () =>
    Promise.reject(new HnError(code, reason === undefined ? {} : { reason }));

function net(
  answers: Record<string, Answer>,
  options: Parameters<typeof makeBus>[0] = {},
): ReturnType<typeof makeBus> & { asked: OutboundCall[] } {
  const asked: OutboundCall[] = [];
  const call: Answer = (out) => {
    asked.push(out);
    return (answers[out.to] ?? fine)(out);
  };
  return { ...makeBus({ link: () => fakeLink({ call }), ...options }), asked };
}

describe("offers of neighbours (03 §4, B-5)", () => {
  test("are added, kept, changed and removed with each manifest", () => {
    const { bus } = makeBus();
    const kinds: string[] = [];
    bus.onChange((change) => kinds.push(`${change.kind} ${change.entry.descriptor.name}`));
    bus.peerSeen(manifest(B, [{ name: "ext.demo.a" }, { name: "ext.demo.b" }]));
    bus.peerSeen(manifest(B, [{ name: "ext.demo.a" }, { name: "ext.demo.b", max_concurrent: 9 }]));
    bus.peerSeen(manifest(B, [{ name: "ext.demo.b", max_concurrent: 9 }]));
    bus.peerGone(B);
    assert.deepEqual(kinds, [
      "added ext.demo.a",
      "added ext.demo.b",
      "updated ext.demo.b",
      "removed ext.demo.a",
      "removed ext.demo.b",
    ]);
  });
  test("are limited in number and size, and odd ones are left out", () => {
    const { bus } = makeBus();
    const odd = [
      { name: "sys.metrics" },
      { name: "relay.http.x" },
      { name: "experimental.x" },
      { name: "emergency.x" },
      { name: "Bad" },
      { version: "1" },
      { params: { x: "x".repeat(9000) } },
    ];
    bus.peerSeen(manifest(B, odd));
    assert.equal(bus.entries().length, 0);
    bus.peerSeen(
      manifest(
        B,
        Array.from({ length: 300 }, (_, i) => ({ name: `ext.demo.n${i}`, max_concurrent: i === 0 ? 0 : 99_999 })),
      ),
    );
    assert.equal(bus.entries().length, 256);
    assert.deepEqual([...new Set(bus.entries().map((entry) => entry.descriptor.max_concurrent))], [1, 1024]);
  });
  test("a manifest that claims to be this node changes nothing", () => {
    const { bus } = makeBus();
    bus.peerSeen(manifest(ME, [{}]));
    bus.peerGone(ME);
    assert.equal(bus.entries().length, 0);
  });
  test("what a manifest does not tell has the agreed default (B-2)", () => {
    const { bus } = makeBus();
    bus.peerSeen(manifest(B, [{}, { name: "llm.chat" }]));
    const [plain, llm] = bus.entries();
    assert.equal(plain?.descriptor.trust_required, "member");
    assert.equal(plain?.descriptor.idempotent, false);
    assert.equal(plain?.descriptor.timeout_seconds, 30);
    assert.equal(llm?.descriptor.timeout_seconds, 120);
  });
});

describe("routing to neighbours (03 §5)", () => {
  test("the neighbour gets the asked version and the time that is left", async () => {
    const { bus, asked } = net({});
    bus.peerSeen(manifest(B, [{ version: "1.3" }]));
    const reply = await bus.call(ask({ version: [1, 1], timeoutMs: 700 }));
    assert.equal(reply.provider, B);
    assert.equal(asked[0]?.version, "1.1");
    assert.equal(asked[0]?.timeoutMs, 700);
    assert.equal(asked[0]?.endpoints[0]?.port, 7080);
  });
  test("a neighbour not heard of for a minute is not asked, and comes back with its next manifest", async () => {
    const { bus, clock } = net({});
    bus.peerSeen(manifest(B, [{}]));
    clock.advance(60_000);
    await bus.call(ask());
    clock.advance(1);
    await assert.rejects(bus.call(ask()), refused("partition"));
    bus.peerSeen(manifest(B, [{}]));
    await bus.call(ask());
  });
  test("neighbours of another community are not asked", async () => {
    const { bus } = net({});
    bus.peerSeen(manifest(B, [{}], "ed25519:other"));
    await assert.rejects(bus.call(ask()), refused("not_found"));
  });
  test("a named node is the only one asked", async () => {
    const { bus } = net({ [C]: failing("partition") });
    for (const node of [B, C]) bus.peerSeen(manifest(node, [{}]));
    bus.offer(offer());
    assert.equal((await bus.call(ask({ node: B }))).provider, B);
    assert.equal((await bus.call(ask({ node: ME }))).provider, ME);
    await assert.rejects(bus.call(ask({ node: C })), refused("partition"));
    await assert.rejects(bus.call(ask({ node: D })), refused("not_found"));
  });
  test("the neighbour's limit is kept on this side too", async () => {
    const gate = later<Reply>();
    const { bus } = net({ [B]: () => gate.promise });
    bus.peerSeen(manifest(B, [{ max_concurrent: 1 }]));
    const first = bus.call(ask());
    await assert.rejects(bus.call(ask()), refused("capacity_exceeded"));
    gate.resolve({ output: {}, meta: {} });
    await first;
  });
  test("another schema at the same version costs 100 ms in the choice, not the place (B-4)", async () => {
    const warned: string[] = [];
    const quiet = { debug() {}, info() {}, error() {}, warn: (text: string) => void warned.push(text), child: () => quiet };
    const { bus } = net({}, { log: quiet, preferLocal: false });
    const own = bus.offer(offer());
    const hash = bus.entries()[0]?.schema_hash ?? "";
    own.withdraw();
    bus.offer(offer());
    bus.peerSeen(manifest(C, [{ schema_hash: hash }]));
    bus.peerSeen(manifest(B, [{ schema_hash: "blake3:other" }]));
    assert.deepEqual(warned.length, 1);
    assert.equal((await bus.call(ask({ node: B }))).provider, B);
  });
  test("without a way out a neighbour is unreachable", async () => {
    const { bus } = makeBus();
    bus.peerSeen(manifest(B, [{}]));
    await assert.rejects(bus.call(ask()), refused("partition"));
  });
  test("somebody else's call does not travel on with more than its own trust (B-7)", async () => {
    const { bus, asked } = net({});
    bus.peerSeen(manifest(B, [{ trust_required: "trusted" }]));
    await assert.rejects(bus.call(ask({ caller: member() })), refused("unauthorized"));
    await bus.call(ask({ caller: member("trusted") }));
    assert.equal(asked.length, 1);
  });
});

describe("failover (03 B-8)", () => {
  test("goes to two others at most, never to the same node twice", async () => {
    const { bus, asked } = net({ [B]: failing("partition"), [C]: failing("partition"), [D]: failing("partition") });
    for (const node of [B, C, D, "ed25519:zzzz"]) bus.peerSeen(manifest(node, [{}]));
    await assert.rejects(bus.call(ask()), refused("partition"));
    assert.equal(asked.length, 3);
    assert.equal(new Set(asked.map((call) => call.to)).size, 3);
  });
  test("the caller hears the first failure when nobody else is left", async () => {
    const { bus } = net({ [B]: failing("capacity_exceeded") });
    bus.peerSeen(manifest(B, [{}]));
    await assert.rejects(bus.call(ask()), refused("capacity_exceeded"));
  });
  const table: [Parameters<typeof failing>[0], boolean, number][] = [
    ["partition", false, 2],
    ["capacity_exceeded", false, 2],
    ["timeout", true, 2],
    ["timeout", false, 1],
    ["internal_error", true, 2],
    ["internal_error", false, 1],
    ["bad_request", true, 1],
    ["unauthorized", true, 1],
    ["rate_limited", true, 1],
  ];
  for (const [code, idempotent, attempts] of table) {
    test(`${code} of ${idempotent ? "an idempotent" : "another"} capability is tried ${attempts} time(s)`, async () => {
      const { bus, asked } = net({ [B]: failing(code), [C]: failing(code) });
      for (const node of [B, C]) bus.peerSeen(manifest(node, [{ idempotent }]));
      await assert.rejects(bus.call(ask()), refused(code));
      assert.equal(asked.length, attempts);
    });
  }
  test("a full local provider hands over to a neighbour", async () => {
    const { bus } = net({});
    bus.offer(offer({ max_concurrent: 1 }, () => new Promise(() => {})));
    bus.peerSeen(manifest(B, [{}]));
    void bus.call(ask()).catch(() => undefined);
    await tick();
    assert.equal((await bus.call(ask())).provider, B);
  });
  test("ends with the caller's deadline", async () => {
    const { bus, clock, asked } = net({
      [B]: async () => {
        clock.advance(1000);
        throw new HnError("partition");
      },
    });
    for (const node of [B, C]) bus.peerSeen(manifest(node, [{}]));
    await assert.rejects(bus.call(ask({ timeoutMs: 1000 })), refused("partition"));
    assert.equal(asked.length, 1);
  });

  async function* stream(frames: Frame[], end?: HnError): AsyncGenerator<Frame, JsonObject, void> {
    await tick();
    yield* frames;
    if (end) throw end;
    return { done: true };
  }
  test("a stream moves on before its first frame, never after it", async () => {
    const frame = { event: "token", data: { text: "a" } };
    const asked: string[] = [];
    const script: Record<string, () => AsyncGenerator<Frame, JsonObject, void>> = {
      [B]: () => stream([], new HnError("partition")),
      [C]: () => stream([frame], new HnError("partition", { reason: "stream_cut" })),
    };
    const { bus } = makeBus({
      link: () =>
        fakeLink({
          stream: (call) => {
            asked.push(call.to);
            return (script[call.to] ?? (() => stream([frame])))();
          },
        }),
    });
    for (const node of [B, C, D]) bus.peerSeen(manifest(node, [{}]));
    const seen: Frame[] = [];
    const frames = bus.stream(ask());
    await assert.rejects(async () => {
      for await (const one of frames) seen.push(one);
    }, refused("partition"));
    assert.deepEqual(asked, [B, C]);
    assert.deepEqual(seen, [frame]);
    assert.equal(bus.inFlight(), 0);
  });
});

describe("quarantine of neighbours (03 §7)", () => {
  test("five failures send a neighbour to rest, one probe a minute later brings it back", async () => {
    let broken = true;
    const { bus, clock, asked } = net({ [B]: (call) => (broken ? failing("internal_error")(call) : fine(call)) });
    const seen = (): void => bus.peerSeen(manifest(B, [{}]));
    seen();
    for (let i = 0; i < 5; i++) await assert.rejects(bus.call(ask()), refused("internal_error"));
    await assert.rejects(bus.call(ask()), refused("partition"));
    assert.equal(asked.length, 5);
    clock.advance(60_000);
    seen();
    broken = false;
    await bus.call(ask());
    assert.equal(bus.entries()[0]?.success_rate, 1);
  });
  test("what callers provoke leaves the record clean", async () => {
    const { bus } = net({ [B]: failing("bad_request") });
    bus.peerSeen(manifest(B, [{}]));
    for (let i = 0; i < 10; i++) await assert.rejects(bus.call(ask()), refused("bad_request"));
    assert.equal(bus.entries()[0]?.success_rate, 1);
  });
});

describe("sessions (03 §6)", () => {
  const talk = (session_id: string): Partial<OriginateRequest> => ({ body: { ...body(), session_id } });
  test("stay with their entry, and move on when it leaves", async () => {
    const quick: Answer = (call) => {
      clock.advance(5);
      return fine(call);
    };
    const { bus, clock } = net({ [C]: (call) => quick(call) });
    bus.peerSeen(manifest(C, [{}]));
    assert.equal((await bus.call(ask(talk("s")))).provider, C);
    bus.peerSeen(manifest(B, [{}]));
    assert.equal((await bus.call(ask())).provider, C, "known to be fast");
    bus.offer(offer());
    assert.equal((await bus.call(ask())).provider, ME);
    assert.equal((await bus.call(ask(talk("s")))).provider, C);
    assert.equal(
      (await bus.call(ask({ ...talk("s"), caller: member("member", D) }))).provider,
      ME,
      "a guessed id starts anew (B-9)",
    );
    bus.peerGone(C);
    assert.equal((await bus.call(ask(talk("s")))).provider, ME);
  });
});
