import assert from "node:assert/strict";
import { CLOSE } from "../../../host/src/transport/session/fault.ts";
import { exportProof, verifyProof } from "../../../host/src/transport/session/proof.ts";
import { TYPE } from "../../../host/src/transport/session/record.ts";
import { offerEcho } from "../echo.ts";
import { assertQuiet } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import { Rogue } from "../rogue.ts";
import type { Scenario } from "../scenario.ts";

export const seals: Scenario = {
  row: 20,
  name: "a member leaves its seals out, is late with them, or signs another history",
  pass: "closed with 4412; what changes something is never begun without a seal; what was signed convinces a third",
  sessions: true,
  run: async (world, tell) => {
    const [, ben, cem] = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    await world.pass(60_000);
    const total = (echo: ReturnType<typeof offerEcho>): number => [...echo.done.values()].reduce((sum, times) => sum + times, 0);

    // Changes something: nothing happens before the signature is there.
    let echo = offerEcho(ben, { idempotent: false });
    let rogue = await Rogue.shake(world, { as: cem, to: ben });
    rogue.say([rogue.call(1)]);
    await world.pass(500);
    assert.equal(total(echo), 0, "begun without a seal");
    assert.ok(
      rogue.heard.some(({ type }) => type === TYPE.error),
      "it is refused",
    );
    await world.pass(5000);
    assert.equal(rogue.closed, CLOSE.seal, "and the seal is still owed");
    rogue = await Rogue.shake(world, { as: cem, to: ben });
    rogue.say([rogue.call(2)], { sealed: true });
    await world.pass(500);
    assert.equal(total(echo), 1, "with its seal the same call is served");
    const answered = rogue.heard.find(({ type }) => type === TYPE.result);
    const proof = answered && exportProof(rogue.sealed.at(-1) as NonNullable<(typeof rogue.sealed)[0]>, answered.raw);
    assert.ok(proof && verifyProof(proof, ben.nodeId), "the answer convinces whoever knows only ben's id");
    assert.equal(verifyProof(proof, cem.nodeId), null);
    assert.equal(verifyProof({ ...proof, record: Buffer.from("something else").toString("base64url") }, ben.nodeId), null);

    // Only reads: served on the tag, and the seal may follow within two seconds.
    echo = offerEcho(ben, { idempotent: true });
    const reads = total(echo);
    rogue.say([rogue.call(3)]);
    await world.pass(900);
    assert.equal(total(echo), reads + 1);
    rogue.sealNow();
    await world.pass(3000);
    assert.equal(rogue.closed, undefined, "a seal in time is enough");
    rogue.say([rogue.call(4)]);
    for (let step = 0; step < 25; step += 1) {
      rogue.ping();
      await world.pass(100);
    }
    assert.equal(rogue.closed, CLOSE.seal, "a seal that does not come");

    // Another history: the chain begins anew, or hangs on another session.
    let forks = 0;
    for (const change of [{}, { th6: Buffer.alloc(32, 7) }]) {
      rogue = await Rogue.shake(world, { as: cem, to: ben });
      rogue.say([rogue.call(5)], { sealed: true });
      await world.pass(500);
      const before = total(echo);
      rogue.seals = rogue.forgedSeals(change);
      rogue.say([rogue.call(6)], { sealed: true });
      await world.pass(500);
      assert.equal(rogue.closed, CLOSE.seal, "a forked chain");
      assert.equal(total(echo), before, "nothing of it was begun");
      forks += 1;
    }
    await world.pass(5000);
    assertQuiet([ben]);
    tell(`missing, late and ${forks} forked chains: 4412 each; a proof that a third can check`);
  },
};
