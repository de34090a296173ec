import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Person } from "../support/people.ts";
import {
  claims,
  hall,
  newJti,
  operator,
  outsider,
  presentation,
  principal,
  verdict,
  verdictOf,
  written,
  type Hall,
} from "./desk.ts";

function revokes(person: Person, jti: string): Promise<unknown> {
  return person.community.append({ type: "auth.token.revoked", data: { token_id: jti, reason: "manual" } });
}

/** A token by Carl for Ben, as Anna judges it. */
function byCarl(h: Hall): { jti: string; ask: () => string } {
  const payload = claims(h);
  const text = written(h.carl.signer, payload);
  return { jti: payload.jti, ask: () => verdict(() => h.tokens.admit(presentation(h, text))) };
}

describe("a revoked token (05 §5)", () => {
  it("is dead at once when its issuer says so, and stays so after a restart", async (t) => {
    const h = await hall(t);
    const one = byCarl(h);
    assert.equal(one.ask(), "ok");
    await revokes(h.carl, one.jti);
    assert.equal(one.ask(), "ok", "Anna does not know yet");
    await h.sync();
    assert.equal(one.ask(), "token_revoked");
    h.reopen();
    assert.equal(one.ask(), "token_revoked");
  });

  it("K-7 is dead when a trusted member says so, whoever issued it", async (t) => {
    const h = await hall(t);
    const one = byCarl(h);
    assert.equal(one.ask(), "ok");
    await revokes(h.anna, one.jti);
    assert.equal(one.ask(), "token_revoked");
  });

  it("K-7 lives on when a plain member says so: nobody kills a neighbour's token by its id", async (t) => {
    const h = await hall(t);
    const one = byCarl(h);
    await revokes(h.ben, one.jti);
    await h.sync();
    assert.equal(one.ask(), "ok");
  });

  it("K-7 counts by what its author was at that place of the log, not by what it is now", async (t) => {
    const h = await hall(t);
    const [before, after] = [byCarl(h), byCarl(h)];
    await revokes(h.ben, before.jti);
    await h.sync();
    await h.anna.community.promote({ target: h.ben.signer.nodeId, level: "trusted" });
    await h.sync();
    await revokes(h.ben, after.jti);
    await h.sync();
    assert.equal(before.ask(), "ok", "a plain member then");
    assert.equal(after.ask(), "token_revoked");
  });

  it("K-7 is found though it was never announced, and though the news came late", async (t) => {
    const h = await hall(t);
    const one = byCarl(h);
    await revokes(h.carl, one.jti);
    // Anna's own later events lie before Carl's in nobody's order: hers come first here, his arrive behind the head.
    for (let i = 0; i < 5; i++) await h.anna.community.append({ type: "ext.demo.noted", data: { i } });
    await revokes(h.anna, newJti());
    assert.equal(one.ask(), "ok");
    await h.sync();
    assert.equal(one.ask(), "token_revoked");
  });

  it("is found among hundreds of others", async (t) => {
    const h = await hall(t);
    const one = byCarl(h);
    for (let i = 0; i < 300; i++) await revokes(h.anna, newJti());
    assert.equal(one.ask(), "ok");
    await revokes(h.anna, one.jti);
    assert.equal(one.ask(), "token_revoked");
  });

  it("may be revoked by whoever asked for it, the operator and trusted members, and by nobody else", async (t) => {
    const h = await hall(t);
    const scope = { capabilities: ["rag.query@1.0"] };
    const made = await h.tokens.issue({ client_id: newJti(), subject: h.carl.signer.nodeId, scope }, principal(h.ben));
    const ask = (caller: Parameters<typeof h.tokens.revoke>[1], token_id = made.token_id): Promise<string> =>
      verdictOf(h.tokens.revoke({ client_id: newJti(), token_id }, caller));
    assert.equal(await ask(principal(h.carl)), "unauthorized token_not_yours");
    assert.equal(await ask({ ...principal(h.carl), kind: "stranger" }), "unauthorized token_not_yours");
    assert.equal(await ask(principal(h.ben, { kind: "plugin", plugin_id: "acme/other" })), "unauthorized token_not_yours");
    assert.equal(await ask(principal(h.ben)), "ok");
    assert.equal(await ask(operator(h)), "ok", "again does no harm");
    assert.equal(await ask(principal(h.anna), newJti()), "ok", "trusted: any token");
    const listed = h.tokens.list().find(({ token_id }) => token_id === made.token_id);
    assert.equal(listed?.state, "revoked");
  });

  it("is asked for twice with one client_id and revoked once", async (t) => {
    const h = await hall(t);
    const input = { client_id: newJti(), token_id: newJti(), reason: "compromise" as const };
    const first = await h.tokens.revoke(input, operator(h));
    assert.deepEqual(await h.tokens.revoke(input, operator(h)), first);
  });
});

describe("the standing behind a token (05 §6)", () => {
  it("is what issuer and asker have now, not when they issued it", async (t) => {
    const h = await hall(t);
    const text = written(h.anna.signer, claims(h));
    const shared = written(h.anna.signer, claims(h, { act: h.carl.signer.nodeId }));
    const level = (one: string): string => h.tokens.admit(presentation(h, one)).level;
    assert.equal(level(text), "anchor");
    assert.equal(level(shared), "member");
    await h.anna.community.promote({ target: h.carl.signer.nodeId, level: "trusted" });
    assert.equal(level(shared), "trusted");
    await h.anna.community.demote({ target: h.carl.signer.nodeId, level: "member" });
    assert.equal(level(shared), "member");
    assert.equal(h.tokens.admit(presentation(h, shared)).acts_for, h.carl.signer.nodeId);
    assert.equal(h.tokens.admit(presentation(h, text)).acts_for, h.anna.signer.nodeId);
  });

  it("is told to whoever follows a call: over, revoked, lowered, shut out", async (t) => {
    const h = await hall(t);
    await h.anna.community.promote({ target: h.carl.signer.nodeId, level: "trusted" });
    await h.sync();
    const payload = claims(h);
    const admitted = (signer = h.carl.signer, more = payload): ReturnType<typeof h.tokens.admit> =>
      h.tokens.admit(presentation(h, written(signer, more)));
    const fault = (token: ReturnType<typeof admitted>): string =>
      verdict(() => {
        const error = h.tokens.fault(token);
        if (error !== null) throw error;
      });
    const token = admitted();
    const another = admitted(h.carl.signer, claims(h));
    assert.equal(fault(token), "ok");
    let told = 0;
    const stop = h.tokens.onChange(() => (told += 1));
    await revokes(h.anna, payload.jti);
    assert.equal(told, 1);
    assert.equal(fault(token), "token_revoked");
    await h.anna.community.demote({ target: h.carl.signer.nodeId, level: "member" });
    assert.equal(told, 2);
    assert.equal(fault(another), "unauthorized token_level_lost");
    await h.anna.community.revoke({ target: h.carl.signer.nodeId, reason: "lost" });
    assert.equal(fault(another), "revoked token_issuer_revoked");
    stop();
    const last = admitted(h.anna.signer, claims(h));
    h.village.clock.advance(3_599_000);
    assert.equal(fault(last), "ok");
    h.village.clock.advance(1000);
    assert.equal(fault(last), "token_expired");
    assert.equal(told, 3);
  });

  it("of a linked community's anchor is what the link grants, while there is one", async (t) => {
    const h = await hall(t);
    const foreign = outsider(50);
    const village = outsider(51).nodeId;
    const text = written(foreign, claims(h, { issued_via: "federation" }));
    const ask = (capability = "rag.query"): string =>
      verdict(() => h.tokens.admit(presentation(h, text, { community: village, capability })));
    assert.equal(ask(), "not_federated");
    let narrow = false;
    h.federation.lookup = {
      grantOf: ({ issuer, community }) => (issuer === foreign.nodeId && community === village ? { covers: () => !narrow } : null),
    };
    assert.equal(ask(), "ok");
    const token = h.tokens.admit(presentation(h, text, { community: village }));
    assert.deepEqual([token.level, token.federation], ["federated", village]);
    narrow = true;
    assert.equal(ask(), "federation_forbidden");
    assert.equal(ask("ocr.image"), "token_scope_insufficient");
    h.federation.lookup = undefined;
    assert.equal(
      verdict(() => {
        const error = h.tokens.fault(token);
        if (error !== null) throw error;
      }),
      "not_federated",
    );
  });

  it("ends with the community: in another one nothing of it counts", async (t) => {
    const h = await hall(t);
    const text = written(h.anna.signer, claims(h));
    assert.equal(
      verdict(() => h.tokens.admit(presentation(h, text))),
      "ok",
    );
    await h.anna.community.leave();
    assert.equal(
      verdict(() => h.tokens.admit(presentation(h, text))),
      "unauthorized token_audience_mismatch",
    );
  });
});
