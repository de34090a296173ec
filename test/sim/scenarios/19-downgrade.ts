import assert from "node:assert/strict";
import { DialFailure } from "../../../host/src/transport/session/dial.ts";
import { CLOSE } from "../../../host/src/transport/session/fault.ts";
import { ask, offerEcho } from "../echo.ts";
import { assertQuiet } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";

const CALL = "/bus/v1/call";

export const downgrade: Scenario = {
  row: 19,
  name: "whoever sits on the line strips the feature, blocks the upgrade, alters ACCEPT, and splices two connections",
  pass: "calls go signed by another lane, or not at all; never unsigned; no session without proof",
  sessions: true,
  run: async (world, tell) => {
    const [anna, ben, cem] = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    offerEcho(ben);
    offerEcho(anna);
    await world.pass(60_000);
    let signed = 0;
    world.onRequest = ({ path, headers }) => {
      if (path !== CALL) return;
      assert.match(headers["x-hearthnet-signature"] ?? "", /^ed25519:.{86}/, "a call went out unsigned");
      signed += 1;
    };

    // The feature is taken out of the manifest: its signature breaks, and what was known before holds on.
    let stripped = 0;
    world.onReply = ({ path }, data) => {
      if (path !== "/manifest") return data;
      stripped += 1;
      return Buffer.from(data.toString().replace(',"peer-session"', ""));
    };
    await world.pass(90_000);
    assert.ok(stripped > 0);
    await assert.rejects(world.settled(cem.link.fetchManifest(ben.endpoint, ben.nodeId)), "a stripped manifest is none");
    world.onReply = (_exchange, data) => data;
    await world.pass(120_000);

    // No upgrade comes through: each call is a signed request of its own.
    world.blocksUpgrades = () => true;
    assert.equal((await world.settled(ask(cem, { n: 1, node: ben }))).heard, 1);
    assert.equal(cem.sessions.live(ben.nodeId), undefined);
    assert.equal(signed, 1);
    world.blocksUpgrades = () => false;

    // One bit of ACCEPT or CONFIRM, wherever: nobody has proven anything.
    const random = world.random.fork("bits");
    let altered = 0;
    for (let round = 0; round < sizeOf(12, 40); round += 1) {
      const which = round % 2 === 0 ? '"t":"accept"' : '"t":"confirm"';
      let hit = 0;
      world.onLine = ({ data, isBinary }) => {
        if (isBinary || hit > 0 || !data.includes(which)) return [data];
        hit += 1;
        const changed = Buffer.from(data);
        const at = random.below(changed.length);
        changed[at] = (changed[at] ?? 0) ^ (1 << random.below(7));
        return [changed];
      };
      const failure = await world
        .settled(cem.sessions.open(ben.nodeId, [ben.endpoint]))
        .then((session) => session)
        .catch((error: unknown) => error);
      await world.pass(1000);
      assert.equal(hit, 1);
      altered += 1;
      assert.equal(ben.sessions.live(cem.nodeId), undefined, "the callee took an altered handshake");
      if (round % 2 === 0) {
        assert.ok(failure instanceof DialFailure, "the caller took an altered ACCEPT");
        assert.ok(failure.code === CLOSE.proof || failure.code === CLOSE.badFrame, String(failure.code));
      }
      assert.equal(cem.sessions.live(ben.nodeId), undefined, "what the callee refused lives on at the caller");
    }
    world.onLine = ({ data }) => [data];

    // Two TLS connections with somebody in between, who passes every byte on.
    world.isSpliced = () => true;
    await assert.rejects(
      world.settled(cem.sessions.open(ben.nodeId, [ben.endpoint])),
      (error: unknown) => error instanceof DialFailure && error.code === CLOSE.proof,
    );
    world.isSpliced = () => false;
    // So long a peer is not dialled that has sent rubbish twice.
    await world.pass(660_000);
    assert.equal((await world.settled(ask(cem, { n: 2, node: ben }))).heard, 2);
    assert.ok(cem.sessions.live(ben.nodeId), "once nobody is in between there is a session");
    assertQuiet([anna, ben, cem]);
    tell(`${stripped} manifests stripped, ${altered} handshakes altered, one spliced: no session, no unsigned call`);
  },
};
