import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decode, encode } from "dns-packet";
import type { PeerHint } from "../../../src/contract/index.ts";
import { openLan, type LanFacts } from "../../../src/discovery/index.ts";
import { ManualClock, silentLog } from "../../../src/foundation/index.ts";
import { shortId } from "../../../src/identity/index.ts";
import { device } from "../../identity/people.ts";
import { seededRandom } from "../../support/people.ts";
import { Ether } from "./ether.ts";

const UDP = "239.255.42.42";
const MDNS = "224.0.0.251";
const COMMUNITY = device(9).nodeId;

interface Ear {
  facts: LanFacts;
  hints: PeerHint[];
  neighbours: number;
  emergency: boolean;
  close(): Promise<void>;
}

async function node(
  ether: Ether,
  clock: ManualClock,
  o: { n: number; mdns?: boolean; udp?: boolean; name?: string; capabilities?: string[] },
): Promise<Ear> {
  const facts: LanFacts = {
    nodeId: device(o.n).nodeId,
    displayName: o.name ?? `House ${o.n}`,
    communityId: COMMUNITY,
    profile: "hearth",
    port: 7000 + o.n,
    capabilities: o.capabilities ?? ["rag.query"],
  };
  const ear: Ear = { facts, hints: [], neighbours: 0, emergency: false, close: async () => undefined };
  const lan = await openLan({
    clock,
    random: seededRandom(o.n),
    log: silentLog,
    network: ether.plug(`192.0.2.${o.n}`),
    facts: () => ear.facts,
    neighbours: () => ear.neighbours,
    emergency: () => ear.emergency,
    hint: (hint) => ear.hints.push(hint),
    mdns: o.mdns ?? false,
    udp: o.udp ?? false,
  });
  ear.close = () => lan.close();
  return ear;
}

const brief = (hints: readonly PeerHint[]): string[] => hints.map(({ host, port, ttlMs }) => `${host}:${port} ${ttlMs}`);

describe("announcements to the multicast group (01 §9)", () => {
  it("say who and where in the form of the protocol, and no more than 1 KiB", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    const capabilities = Array.from({ length: 200 }, (_, n) => `ext.demo.capability-${n}`);
    await node(ether, clock, { n: 5, udp: true, capabilities });
    const [packet] = ether.said;
    assert.ok(packet !== undefined && packet.bytes.byteLength <= 1024);
    const { caps, ...rest } = JSON.parse(Buffer.from(packet.bytes).toString("utf8")) as { caps: string[] };
    assert.deepEqual(rest, { v: 1, node: shortId(device(5).nodeId), community: shortId(COMMUNITY), port: 7005 });
    assert.ok(caps.length > 10 && caps[0] === "ext.demo.capability-0");
  });

  it("go out every 5 s while a node is alone or without internet, every 30 s otherwise (00 §4.1)", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    const ear = await node(ether, clock, { n: 5, udp: true });
    const count = (ms: number): number => {
      const before = ether.said.length;
      clock.advance(ms);
      return ether.said.length - before;
    };
    assert.equal(count(60_000), 12);
    ear.neighbours = 2;
    count(5000);
    assert.equal(count(60_000), 2);
    ear.emergency = true;
    count(30_000);
    assert.equal(count(60_000), 12);
  });

  it("hold for three intervals of their sender: 15 s of an eager one, 90 s of a calm one", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    const ear = await node(ether, clock, { n: 5, udp: true });
    const other = await node(ether, clock, { n: 6, udp: true });
    assert.deepEqual(brief(ear.hints), ["192.0.2.6:7006 90000"], "who was heard once");
    clock.advance(5000);
    assert.equal(ear.hints.at(-1)?.ttlMs, 15_000);
    other.neighbours = 2;
    clock.advance(5000);
    clock.advance(30_000);
    assert.equal(ear.hints.at(-1)?.ttlMs, 90_000);
  });

  it("lead to where the packet came from, never to an address inside it, and only on our own network (I-17)", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    const ear = await node(ether, clock, { n: 5, udp: true });
    const words = { v: 1, node: "ed25519:AAAA-BBBB-CCCC-D", community: "x", port: 7777, host: "198.51.100.1" };
    ether.say(UDP, "192.0.2.99", Buffer.from(JSON.stringify(words)));
    ether.say(UDP, "203.0.113.8", Buffer.from(JSON.stringify(words)));
    assert.deepEqual(brief(ear.hints), ["192.0.2.99:7777 90000"]);
  });

  it("of other forms are dropped without a word: too long, no JSON, wrong types, ports of other services", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    const ear = await node(ether, clock, { n: 5, udp: true });
    const good = { v: 1, node: "ed25519:AAAA-BBBB-CCCC-D", community: "x", port: 7777 };
    const bad = [
      JSON.stringify({ ...good, caps: ["x".repeat(1024)] }),
      "{",
      "[]",
      "null",
      JSON.stringify({ ...good, v: 2 }),
      JSON.stringify({ ...good, port: 22 }),
      JSON.stringify({ ...good, port: "7777" }),
      JSON.stringify({ ...good, port: 65_536 }),
      JSON.stringify({ ...good, node: 5 }),
      JSON.stringify({ ...good, node: "" }),
      '{"v":1,"v":1,"node":"a","community":"b","port":7777}',
    ];
    for (const text of bad) ether.say(UDP, "192.0.2.99", Buffer.from(text));
    assert.deepEqual(ear.hints, []);
    ether.say(UDP, "192.0.2.99", Buffer.from(JSON.stringify({ ...good, more: { unknown: true } })));
    ether.say(UDP, "192.0.2.98", Buffer.from(JSON.stringify({ ...good, node: device(6).nodeId })));
    assert.equal(ear.hints.length, 2, "unknown fields and full ids are taken");
  });

  it("of this node itself are no news", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    const ear = await node(ether, clock, { n: 5, udp: true, mdns: true });
    clock.advance(60_000);
    for (const id of [device(5).nodeId, shortId(device(5).nodeId)])
      ether.say(UDP, "192.0.2.5", Buffer.from(JSON.stringify({ v: 1, node: id, community: "x", port: 7005 })));
    assert.deepEqual(ear.hints, []);
  });
});

describe("mDNS (01 §9, RFC 6762)", () => {
  it("names the service, the instance and the TXT fields of the protocol", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    const long = Array.from({ length: 60 }, (_, n) => `demo.c${n}`);
    await node(ether, clock, { n: 5, mdns: true, name: "Küche. Erdgeschoss", capabilities: long });
    const answer = ether.said.map(({ bytes }) => decode(Buffer.from(bytes))).find(({ type }) => type === "response");
    const records = new Map((answer?.answers ?? []).map((record) => [record.type === "PTR" ? record.name : record.type, record]));
    const id = shortId(device(5).nodeId);
    const name = `Küche  Erdgeschoss-${id.slice(8, 12)}._hearthnet._tcp.local`;
    const pointer = records.get("_hearthnet._tcp.local");
    assert.ok(pointer?.type === "PTR" && pointer.data === name);
    const [srv, txt, host] = [records.get("SRV"), records.get("TXT"), records.get("A")];
    assert.ok(srv?.type === "SRV" && srv.name === name && srv.data.port === 7005 && srv.ttl === 120);
    assert.ok(host?.type === "A" && host.data === "192.0.2.5" && host.name === srv.data.target);
    assert.ok(txt?.type === "TXT");
    const fields = new Map((txt.data as Buffer[]).map((entry) => entry.toString("utf8").split("=") as [string, string]));
    assert.deepEqual([...fields.keys()], ["v", "node", "community", "profile", "caps", "manifest_url", "contract_version"]);
    assert.deepEqual([fields.get("v"), fields.get("node"), fields.get("profile")], ["1", id, "hearth"]);
    assert.ok(Buffer.byteLength(fields.get("caps") ?? "") <= 200 && fields.get("caps")?.startsWith("demo.c0,demo.c1"));
  });

  it("finds those who were there before, and those who come later; a goodbye is one", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    const early = await node(ether, clock, { n: 5, mdns: true });
    clock.advance(10_000);
    const late = await node(ether, clock, { n: 6, mdns: true });
    assert.deepEqual(brief(early.hints), ["192.0.2.6:7006 120000"]);
    clock.advance(1500);
    assert.ok(brief(late.hints).includes("192.0.2.5:7005 120000"), "its question was answered");
    await late.close();
    assert.equal(brief(early.hints).at(-1), "192.0.2.6:7006 0");
  });

  it("answers one question a second at most, and none of somebody who knows us", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    await node(ether, clock, { n: 5, mdns: true });
    clock.advance(60_000 + 4000);
    clock.advance(5000);
    const question = { type: "query" as const, questions: [{ name: "_HearthNet._tcp.local", type: "PTR" as const }] };
    const answers = (): number => ether.said.filter(({ bytes }) => decode(Buffer.from(bytes)).type === "response").length;
    const before = answers();
    for (let n = 0; n < 100; n += 1) ether.say(MDNS, "192.0.2.99", encode(question));
    clock.advance(900);
    assert.equal(answers() - before, 1);
    const own = decode(Buffer.from(ether.said.at(-1)?.bytes ?? [])).answers?.filter(({ type }) => type === "PTR") ?? [];
    clock.advance(5000);
    ether.say(MDNS, "192.0.2.99", encode({ ...question, answers: own }));
    clock.advance(2000);
    assert.equal(answers() - before, 1, "known-answer suppression");
  });

  it("asks who does not say where it is, once a second at most", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    const ear = await node(ether, clock, { n: 5, mdns: true });
    clock.advance(10_000);
    const pointer = (name: string): Uint8Array =>
      encode({
        type: "response",
        answers: [{ type: "PTR", name: "_hearthnet._tcp.local", ttl: 120, data: `${name}._hearthnet._tcp.local` }],
      });
    const before = ether.said.length;
    for (let n = 0; n < 50; n += 1) ether.say(MDNS, "192.0.2.99", pointer(`Py-${n}`));
    const asked = ether.said.slice(before).filter(({ from }) => from === "192.0.2.5");
    assert.equal(asked.length, 1);
    assert.deepEqual(
      decode(Buffer.from(asked[0]?.bytes ?? [])).questions?.map(({ name, type }) => `${type} ${name}`),
      ["SRV Py-0._hearthnet._tcp.local", "TXT Py-0._hearthnet._tcp.local"],
    );
    ether.say(
      MDNS,
      "192.0.2.99",
      encode({
        type: "response",
        answers: [
          {
            type: "SRV",
            name: "Py-0._hearthnet._tcp.local",
            ttl: 4500,
            data: { port: 7123, target: "evil.example", priority: 0, weight: 0 },
          },
        ],
      }),
    );
    assert.deepEqual(brief(ear.hints), ["192.0.2.99:7123 120000"], "at the packet's source, for 120 s at most");
  });

  it("drops broken and foreign packets, and what comes from other networks", async () => {
    const [ether, clock] = [new Ether(), new ManualClock()];
    const ear = await node(ether, clock, { n: 5, mdns: true });
    const other = await node(new Ether(), clock, { n: 6, mdns: true });
    void other;
    const srv = (name: string, port: number): Uint8Array =>
      encode({ type: "response", answers: [{ type: "SRV", name, ttl: 120, data: { port, target: "x.local" } }] });
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(12, 0xff),
      Buffer.alloc(9001),
      srv("printer._ipp._tcp.local", 7123),
      srv("x._hearthnet._tcp.local", 22),
      srv("x._hearthnet._tcp.local", 0),
    ])
      ether.say(MDNS, "192.0.2.99", bytes);
    ether.say(MDNS, "198.51.100.7", srv("x._hearthnet._tcp.local", 7123));
    assert.deepEqual(ear.hints, []);
  });
});

it("a port that cannot be had costs that way and no other", async () => {
  const clock = new ManualClock();
  const ether = new Ether();
  const plug = ether.plug("192.0.2.5");
  const warned: string[] = [];
  const lan = await openLan({
    clock,
    random: seededRandom(1),
    log: { ...silentLog, warn: (message) => void warned.push(message) },
    network: {
      ...plug,
      join: (group, hear) => (group.port === 5353 ? Promise.reject(new Error("EADDRINUSE")) : plug.join(group, hear)),
    },
    facts: () => ({
      nodeId: device(5).nodeId,
      displayName: "House",
      communityId: null,
      profile: "hearth",
      port: 7005,
      capabilities: [],
    }),
    neighbours: () => 0,
    emergency: () => false,
    hint: () => undefined,
    mdns: true,
    udp: true,
  });
  assert.equal(warned.length, 1);
  assert.deepEqual(
    ether.said.map(({ group }) => group),
    [UDP],
  );
  await lan.close();
});
