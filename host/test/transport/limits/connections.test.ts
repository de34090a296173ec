import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { Agent, request } from "node:https";
import { letter, plug, type Letter } from "../support/letters.ts";
import { Street, type House } from "../support/street.ts";

/** A request on a connection that stays open. */
function hold(house: House, one: Letter, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { method: one.method, headers: one.headers, rejectUnauthorized: false, agent };
    const call = request(`${house.listener.url}${one.path}`, options, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
    });
    call.once("error", reject);
    call.end(one.body);
  });
}

describe("open connections (02 T-1)", () => {
  it("are limited for each address from their first packet on, and a closed one makes room", async (t) => {
    const anna = await new Street(t).house("Anna", { listener: { connections: { perAddress: 2 } } });
    const silent = connect(anna.listener.port, "127.0.0.1");
    await once(silent, "connect");
    const second = await plug(anna);
    await assert.rejects(plug(anna), { code: "ECONNRESET" });
    const closed = once(silent, "close");
    silent.destroy();
    second.destroy();
    await closed;
    await eventually(() => plug(anna).then((socket) => socket.destroy()));
  });

  it("of members count for the member, who has a limit of its own", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    await anna.restart({ connections: { perAddress: 2, perNode: 3 } });
    anna.offer();
    const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true }));
    t.after(() => agents.forEach((agent) => agent.destroy()));
    const statuses: number[] = [];
    for (const agent of agents) statuses.push(await hold(anna, letter(ben.signer, anna), agent));
    assert.deepEqual(statuses, [200, 200, 200, 429]);
    assert.equal(await hold(anna, letter(ben.signer, anna), agents[0] as Agent), 200, "on a connection it has");
  });

  it("of strangers stay counted for their address, whatever key they show", async (t) => {
    const street = new Street(t);
    const anna = await street.house("Anna", { listener: { connections: { perAddress: 2 } } });
    const [one, two, three] = [await street.house("One"), await street.house("Two"), await street.house("Three")];
    anna.offer({ trust_required: "unknown" });
    const agents = Array.from({ length: 3 }, () => new Agent({ keepAlive: true }));
    t.after(() => agents.forEach((agent) => agent.destroy()));
    const by = (house: House, i: number): Promise<number> =>
      hold(anna, letter(house.signer, anna, { community: house.nodeId }), agents[i] as Agent);
    assert.deepEqual([await by(one, 0), await by(two, 1)], [200, 200]);
    await assert.rejects(by(three, 2), { code: "ECONNRESET" });
  });
});

/** Closing is noticed by the node a moment later than here. */
async function eventually(work: () => Promise<unknown>): Promise<void> {
  for (let left = 100; ; left--) {
    try {
      await work();
      return;
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
