import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Principal } from "../../../src/contract/index.ts";
import { tick } from "../../bus/make.ts";
import { refused } from "../../identity/people.ts";
import { newJti } from "../../tokens/desk.ts";
import { PATIENT, shareStreet } from "../support/shared-street.ts";
import type { House, Street } from "../support/street.ts";

const FEATURES = { features: ["req-to", "resp-sig", "peer-session"] };
const neighbours = (street: Street): Promise<[House, House]> =>
  street.neighbours({ anna: { ...PATIENT.anna, ...FEATURES }, ben: FEATURES });

describe("a token on a peer session (network.md §1.7 step 8)", async () => {
  const { street, anna, ben } = await shareStreet(neighbours);
  const callers: Principal[] = [];
  anna.offer({ name: "ext.demo.trusted", trust_required: "trusted" }, (call) => {
    callers.push(call.caller);
    return Promise.resolve({ output: { n: 1 }, meta: {} });
  });
  anna.offer(
    { name: "ext.demo.ticks", trust_required: "trusted", response_schema: null, stream_schema: { type: "object" } },
    async function* (_call, cancellation) {
      yield { event: "chunk", data: { n: 1 } };
      await new Promise<void>((resolve) => cancellation.onAbort(resolve));
      return {};
    },
  );
  const issue = (): Promise<{ token: string; token_id: string }> =>
    anna.tokens.issue(
      {
        client_id: newJti(),
        subject: ben.nodeId,
        scope: { capabilities: ["ext.demo.trusted@1.0", "ext.demo.ticks@1.0"] },
      },
      anna.ask({ capability: "" }).caller,
    );

  it("widens what the call may do, for this call alone, and is held to what it says", async () => {
    await street.meet(ben, anna);
    const { token } = await issue();
    const call = (more: { token?: string; capability?: string } = {}): Promise<unknown> =>
      ben.bus.call({ ...ben.ask({ capability: "ext.demo.trusted" }), ...more });
    await assert.rejects(call(), refused("unauthorized"));
    await call({ token });
    assert.equal(callers[0]?.acts_for, anna.nodeId);
    assert.equal(ben.link.sessions.live(anna.nodeId)?.established.role, "initiator", "by the session");
    await assert.rejects(call(), refused("unauthorized"), "nothing of it stays");
    await assert.rejects(call({ token: `${token}A` }), (error: { code?: string }) => error.code !== undefined);
    anna.offer({ name: "ext.demo.else", trust_required: "trusted" });
    await street.meet(ben, anna);
    await assert.rejects(call({ token, capability: "ext.demo.else" }), refused("token_scope_insufficient"));
  });

  it("ends a stream with itself: whoever reads hears why", async () => {
    const { token, token_id } = await issue();
    const frames = ben.bus.stream({ ...ben.ask({ capability: "ext.demo.ticks" }), token });
    assert.equal((await frames.next()).done, false);
    const rest = frames.next();
    rest.catch(() => undefined);
    await anna.tokens.revoke({ client_id: newJti(), token_id, reason: "compromise" }, anna.ask({ capability: "" }).caller);
    for (let turn = 0; turn < 20; turn += 1) await tick();
    await assert.rejects(rest, refused("token_revoked"));
    assert.equal(anna.bus.inFlight(), 0);
  });
});
