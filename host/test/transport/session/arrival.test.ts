import assert from "node:assert/strict";
import { request } from "node:https";
import { describe, it } from "node:test";
import { HnError } from "../../../src/foundation/index.ts";
import { openKeystore } from "../../../src/identity/index.ts";
import { TYPE } from "../../../src/transport/session/record.ts";
import { until } from "../../support/until.ts";
import { shareStreet } from "../support/shared-street.ts";
import { temporaryFolder, type House, type Street } from "../support/street.ts";
import { Hand, knock, type Knock } from "./hand.ts";

const FEATURES = { features: ["req-to", "resp-sig", "peer-session"] };
const RATES = { listener: { rates: { softPerCapability: 1000, perAddress: 10_000 } } };

async function refusal(knocked: Knock): Promise<string> {
  const code = await knocked.closed;
  const text = knocked.texts.at(-1);
  return `${code} ${text === undefined ? "" : String((JSON.parse(text) as { code?: unknown }).code)}`.trim();
}

describe("the door for peer sessions (network.md §1.2)", async () => {
  const { street, anna, ben } = await shareStreet((one: Street): Promise<[House, House]> =>
    one.neighbours({ anna: { ...FEATURES, ...RATES }, ben: FEATURES }),
  );

  it("opens for a member, and a call on it is answered", async () => {
    anna.offer();
    const hand = await Hand.shake(anna, ben.signer);
    hand.data(hand.call());
    const { value } = await hand.next(TYPE.result);
    assert.deepEqual({ ...(value["output"] as object) }, { n: 1 });
    hand.webSocket.close();
  });

  it("takes another upgrade for what it is: nothing that is known here", async () => {
    const ask = (path: string, protocol: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers = {
          connection: "Upgrade",
          upgrade: "websocket",
          "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
          "sec-websocket-version": "13",
          "sec-websocket-protocol": protocol,
        };
        const call = request(`${anna.listener.url}${path}`, { headers, rejectUnauthorized: false, agent: false });
        call.on("response", (response) => resolve(response.statusCode ?? 0));
        call.on("upgrade", (response, socket) => {
          socket.destroy();
          resolve(response.statusCode ?? 0);
        });
        call.on("error", reject);
        call.end();
      });
    assert.equal(await ask("/bus/v1/peer", "hearthnet-bus.v2"), 426);
    assert.equal(await ask("/bus/v1/else", "hearthnet-peer.v1"), 404);
    assert.equal(await ask("/bus/v1/peer", "other, hearthnet-peer.v1"), 101);
  });

  it("stays shut for strangers, the revoked and those who act from elsewhere: 4403", async (t) => {
    const stranger = openKeystore(temporaryFolder(t)).signer;
    const knocked = await knock(anna, stranger);
    knocked.webSocket.send(knocked.initiator.hello);
    assert.equal(await refusal(knocked), "4403 unauthorized");
    const elsewhere = await knock(anna, ben.signer, { community: ben.nodeId });
    elsewhere.webSocket.send(elsewhere.initiator.hello);
    assert.equal(await refusal(elsewhere), "4403 not_federated");
    const carl = await street.house("Carl");
    await street.welcome(anna, carl);
    await anna.community.revoke({ target: carl.nodeId, reason: "lost" });
    const revoked = await knock(anna, carl.signer);
    revoked.webSocket.send(revoked.initiator.hello);
    assert.equal(await refusal(revoked), "4403 revoked");
  });

  it("tells a wrong clock its own time once a second and address, signed", async () => {
    const late = { now: () => Date.UTC(2026, 6, 1, 13) };
    const first = await knock(anna, ben.signer, late);
    first.webSocket.send(first.initiator.hello);
    assert.equal(await refusal(first), "4408 expired");
    assert.throws(
      () => first.initiator.answer(first.texts[0] ?? ""),
      (error) => HnError.isHnError(error) && error.details.server_time === "2026-07-01T12:00:00Z",
    );
    const second = await knock(anna, ben.signer, late);
    second.webSocket.send(second.initiator.hello);
    assert.equal(await refusal(second), "4408 expired");
    assert.equal(second.texts[0]?.includes("server_time"), false);
  });

  it("wants text first, of the right kind, and a genuine CONFIRM: 4400, 4401", async () => {
    const binary = await knock(anna, ben.signer);
    binary.webSocket.send(Buffer.alloc(40));
    assert.equal(await binary.closed, 4400);
    const confused = await knock(anna, ben.signer);
    confused.webSocket.send('{"t":"confirm"}');
    assert.equal(await confused.closed, 4400);
    const long = await knock(anna, ben.signer);
    long.webSocket.send(`{"t":"hello","pad":"${"x".repeat(5000)}"}`);
    assert.equal(await long.closed, 4400);
    const forged = await knock(anna, ben.signer);
    forged.webSocket.send(forged.initiator.hello);
    const accept = await until("the house answers", () => forged.texts[0]);
    const { confirm } = forged.initiator.answer(accept);
    forged.webSocket.send(confirm.replace(/"mac":"...../, '"mac":"AAAAA'));
    assert.equal(await forged.closed, 4401);
    const other = await knock(anna, ben.signer, { binding: Buffer.alloc(32, 1) });
    other.webSocket.send(other.initiator.hello);
    const bound = await until("the house answers", () => other.texts[0]);
    assert.throws(() => other.initiator.answer(bound), { closeCode: 4401 }, "another connection's binding");
    other.webSocket.close();
  });

  it("waits 5 s for HELLO and 5 s for CONFIRM: 4408, and nothing of it stays", async () => {
    const silent = await knock(anna, ben.signer);
    street.clock.advance(4999);
    silent.webSocket.ping();
    street.clock.advance(1);
    await silent.closed;
    const half = await knock(anna, ben.signer, { now: () => street.clock.now() });
    half.webSocket.send(half.initiator.hello);
    await until("the house answers", () => half.texts[0]);
    street.clock.advance(5000);
    await half.closed;
    assert.equal(anna.link.sessions.live(ben.nodeId), undefined);
  });

  it("lets eight handshakes of one address wait; another is told to come later: 503", async () => {
    const waiting = await Promise.all(Array.from({ length: 8 }, () => knock(anna, ben.signer)));
    await assert.rejects(knock(anna, ben.signer));
    waiting[0]?.webSocket.close();
    await waiting[0]?.closed;
    street.clock.advance(1000);
    await until("there is a place again", () =>
      knock(anna, ben.signer).then(
        ({ webSocket }) => (webSocket.close(), true),
        () => false,
      ),
    );
    for (const { webSocket } of waiting) webSocket.close();
  });
});
