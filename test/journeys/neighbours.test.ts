import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import type { Socket } from "node:net";
import { join } from "node:path";
import { before, describe, it, type TestContext } from "node:test";
import type { CommunityFacts, JsonObject, LocalError, Member, PluginStatus, RequestEnvelope } from "@hearthnet/host/contract";
import { createUlidFactory, formatTime, systemClock } from "../../host/src/foundation/index.ts";
import { openKeystore, type Signer } from "../../host/src/identity/index.ts";
import { until } from "../../host/test/support/until.ts";
import { makeOcrPages, type OcrPage } from "../fixtures/ocr-pages.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { characterErrorRate } from "../support/ocr-accuracy.ts";
import { ticksBelow } from "../support/processes.ts";

/** Clock ticks of 10 ms: a worker that has used this much is in the middle of a page. */
const AT_WORK_TICKS = 20;

interface CallAnswer {
  output: { text: string };
  provider: string;
}

interface Neighbours {
  first: LiveNode;
  second: LiveNode;
}

/** Two nodes of one community; text recognition runs on the first. */
async function neighbours(t: TestContext): Promise<Neighbours> {
  const [first, second] = await Promise.all([startNode(t), startNode(t)]);
  await first.ask(["community", "create", "Mill Street"]);
  const { fresh_device_id } = await second.ask<CommunityFacts>(["community", "show"]);
  const { invite_blob } = await first.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
  const joined = await second.ask<{ name: string }>(["join", invite_blob]);
  assert.equal(joined.name, "Mill Street");
  return { first, second };
}

describe("two neighbours", () => {
  let page: OcrPage;
  before(async () => {
    [page] = (await makeOcrPages([{ language: "deu", kind: "clean" }])) as [OcrPage];
  });

  it("share text recognition over a signed connection, and a death in mid-call is a partition", async (t) => {
    const { first, second } = await neighbours(t);
    const path = join(temporaryFolder(t), "page.png");
    writeFileSync(path, page.image);
    const call = await offerText(first, path);
    const started = performance.now();
    const answer = await second.ask<CallAnswer>(call);
    const seconds = (performance.now() - started) / 1000;
    const cer = characterErrorRate(page.truth, answer.output.text);
    assert.ok(cer < 2, `${cer} % of the characters are wrong`);
    assert.equal(answer.provider, first.ready.node_id);
    process.stdout.write(`figure: neighbour's call ocr.image ${cer.toFixed(2)} % character errors in ${seconds.toFixed(1)} s\n`);

    const from = ticksBelow(first.ready.pid);
    const cut = second.cli(call);
    await until("the neighbour's worker is at the page", () => ticksBelow(first.ready.pid) - from > AT_WORK_TICKS, 30_000);
    const killed = performance.now();
    await first.kill9();
    const failed = await cut;
    assert.equal(failed.code, 1);
    assert.equal((failed.json as LocalError).error, "partition");
    process.stdout.write(`figure: killed mid-call, partition after ${Math.round(performance.now() - killed)} ms\n`);
    const later = await second.cli(call);
    assert.equal((later.json as LocalError).error, "partition", "a dead neighbour stays a clear answer");
  });

  it("part at once when one is revoked: its running call is refused and its connections are closed (04 E-10)", async (t) => {
    const { first, second } = await neighbours(t);
    const path = join(temporaryFolder(t), "page.png");
    writeFileSync(path, page.image);
    const call = await offerText(first, path);
    const idle = await knock(t, first, second);
    const from = ticksBelow(first.ready.pid);
    const running = ended(second.cli(call));
    await until("the neighbour's worker is at the page", () => ticksBelow(first.ready.pid) - from > AT_WORK_TICKS, 30_000);
    await first.ask(["revoke", second.ready.node_id, "--reason", "lost"]);
    const committed = performance.now();
    const { result, at } = await running;
    assert.equal((result.json as LocalError).error, "revoked", result.stdout.slice(0, 200));
    const late = { call: at - committed, idle: (await idle.closed) - committed };
    process.stdout.write(
      `figure: revoked, running call ended ${Math.round(late.call)} ms and idle connection ${Math.round(late.idle)} ms after the command\n`,
    );
    assert.ok(late.call < 1000 && late.idle < 1000, JSON.stringify(late));
    const back = await first.cli(["call", "ext.demo.nothing", "--node", second.ready.node_id]);
    assert.equal(back.code, 1, "it is not called any more");
  });

  it("know each other as members on both sides", async (t) => {
    const { first, second } = await neighbours(t);
    for (const node of [first, second]) {
      const members = await node.ask<Member[]>(["members"]);
      assert.deepEqual(
        new Map(members.map((m) => [m.node_id, m.level])),
        new Map([
          [first.ready.node_id, "anchor"],
          [second.ready.node_id, "member"],
        ]),
      );
    }
  });

  it("refuse a repeated request, an altered byte, a stranger and the revoked, each with its code", async (t) => {
    const { first, second } = await neighbours(t);
    const facts = await second.ask<CommunityFacts>(["community", "show"]);
    const member = openKeystore(second.dataDir).signer;
    const good = sign(member, { to: first.ready.node_id, community: facts.community_id ?? "" });
    const ask = (o: Signed): Promise<Answer> => post(first.ready.bus, o);

    const fresh = await ask(good);
    assert.equal(fresh.body["error"], "not_found", "a member's genuine request reaches the bus");
    assert.deepEqual(pick(await ask(good)), { status: 401, error: "invalid_signature" }, "sent again");
    const altered = { ...good, body: good.body.replace('"n":1', '"n":2') };
    assert.deepEqual(pick(await ask(altered)), { status: 401, error: "invalid_signature" }, "altered byte");
    const stranger = openKeystore(temporaryFolder(t)).signer;
    const foreign = sign(stranger, { to: first.ready.node_id, community: facts.community_id ?? "" });
    assert.deepEqual(pick(await ask(foreign)), { status: 401, error: "unauthorized" }, "stranger");
    const misled = sign(member, { to: second.ready.node_id, community: facts.community_id ?? "" });
    assert.deepEqual(pick(await ask(misled)), { status: 401, error: "invalid_signature" }, "meant for another node");
    const old = sign(member, { to: first.ready.node_id, community: facts.community_id ?? "", ageMs: 600_000 });
    assert.deepEqual(pick(await ask(old)), { status: 410, error: "expired" }, "ten minutes old");

    await first.ask(["revoke", second.ready.node_id, "--reason", "lost"]);
    const late = sign(member, { to: first.ready.node_id, community: facts.community_id ?? "" });
    assert.deepEqual(pick(await ask(late)), { status: 403, error: "revoked" }, "after the revocation");
  });

  it("refuse a captured request after kill -9 and a new start", async (t) => {
    const { first, second } = await neighbours(t);
    const facts = await second.ask<CommunityFacts>(["community", "show"]);
    const member = openKeystore(second.dataDir).signer;
    const captured = sign(member, { to: first.ready.node_id, community: facts.community_id ?? "" });
    assert.equal((await post(first.ready.bus, captured)).body["error"], "not_found");
    await first.kill9();
    const again = await startNode(t, { dataDir: first.dataDir });
    assert.deepEqual(pick(await post(again.ready.bus, captured)), { status: 401, error: "invalid_signature" });
  });
});

/** Installs text recognition on `first`. @returns the words of a call that has it read this picture */
async function offerText(first: LiveNode, picture: string): Promise<string[]> {
  const status = await first.ask<PluginStatus>(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
  assert.equal(status.state, "active");
  const params = ["--params", '{"languages":["deu"]}'];
  return ["call", "ocr.image", "--file", `image_b64=${picture}`, ...params, "--node", first.ready.node_id];
}

async function ended<T>(work: Promise<T>): Promise<{ result: T; at: number }> {
  const result = await work;
  return { result, at: performance.now() };
}

/** A connection to `first` on which `second` has asked something genuine, kept open; resolves when that is answered. */
async function knock(t: TestContext, first: LiveNode, second: LiveNode): Promise<{ closed: Promise<number> }> {
  const { community_id } = await second.ask<CommunityFacts>(["community", "show"]);
  const { headers, body } = sign(openKeystore(second.dataDir).signer, { to: first.ready.node_id, community: community_id ?? "" });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const socket = await new Promise<Socket>((resolve, reject) => {
    const options = { method: "POST", headers, rejectUnauthorized: false, agent };
    const call = request(`${first.ready.bus}/bus/v1/call`, options, (response) => {
      const { socket: used } = response;
      response.resume().once("end", () => resolve(used));
    });
    call.once("error", reject);
    call.end(body);
  });
  assert.equal(socket.destroyed, false);
  return { closed: once(socket, "close").then(() => performance.now()) };
}

interface Signed {
  headers: Record<string, string>;
  body: string;
}

interface Answer {
  status: number;
  body: JsonObject;
}

/** A call of a capability that nobody offers, as a neighbour's program would sign it. */
function sign(signer: Signer, o: { to: string; community: string; ageMs?: number }): Signed {
  const newUlid = createUlidFactory(systemClock, (n) => crypto.getRandomValues(new Uint8Array(n)));
  const body = { params: {}, input: { n: 1 } };
  const envelope: RequestEnvelope = {
    capability: "ext.demo.nothing",
    version: "1.0",
    request_id: newUlid(),
    from: signer.nodeId,
    community: o.community,
    timestamp: formatTime(Date.now() - (o.ageMs ?? 0)),
    body,
    to: o.to,
  };
  return {
    headers: {
      "content-type": "application/json",
      accept: "application/json",
      "x-hearthnet-capability": envelope.capability,
      "x-hearthnet-capability-version": envelope.version,
      "x-hearthnet-request-id": envelope.request_id,
      "x-hearthnet-from": envelope.from,
      "x-hearthnet-community": envelope.community,
      "x-hearthnet-timestamp": envelope.timestamp,
      "x-hearthnet-to": o.to,
      "x-hearthnet-signature": signer.signRequest(envelope),
    },
    body: JSON.stringify(body),
  };
}

function post(bus: string, o: Signed): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // What the test looks at is what the node refuses; that the connection is pinned to the node's key is tested with the transport.
    const call = request(
      `${bus}/bus/v1/call`,
      { method: "POST", headers: o.headers, rejectUnauthorized: false, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString("utf8")) as JsonObject }),
        );
      },
    );
    call.on("error", reject);
    call.end(o.body);
  });
}

function pick({ status, body }: Answer): { status: number; error: unknown } {
  return { status, error: body["error"] };
}
