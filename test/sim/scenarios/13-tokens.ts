import assert from "node:assert/strict";
import type { TokenIssueBody } from "../../../host/src/contract/index.ts";
import { createUlidFactory, HnError } from "../../../host/src/foundation/index.ts";
import { ask, ECHO, offerEcho, read, TICKS } from "../echo.ts";
import { assertQuiet } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";
import type { World } from "../world.ts";

/** `HN_SIM_REVOKED=10000` for the list of the design. */
const REVOKED = Number(process.env["HN_SIM_REVOKED"] ?? sizeOf(15, 60));
const FORGERIES = 120;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

const code = (error: unknown): string => (HnError.isHnError(error) ? error.code : String(error));

/** Reads until the end. @returns when and why it came */
function reading(
  world: World,
  stream: ReturnType<typeof read>,
): { end: () => { at: number; code: string } | undefined; frames: () => number; over: Promise<void> } {
  let end: { at: number; code: string } | undefined;
  let frames = 0;
  const over = (async (): Promise<void> => {
    try {
      for await (const _ of stream) frames += 1;
      end = { at: world.scheduler.now, code: "done" };
    } catch (error) {
      end = { at: world.scheduler.now, code: code(error) };
    }
  })();
  return { end: () => end, frames: () => frames, over };
}

export const tokens: Scenario = {
  row: 13,
  name: "tokens that run out or are revoked while a stream runs, are widened, meant for others, or on a long list",
  pass: "the stream ends within a second; nothing is allowed that should not be",
  sessions: true,
  run: async (world, tell) => {
    const [anna, ben, cem, dora] = (await world.village(["anna", "ben", "cem", "dora"])) as [SimNode, SimNode, SimNode, SimNode];
    // Only who is trusted may call it; anna, the founder, may let others do so.
    const echo = offerEcho(ben, { trust: "trusted" });
    await world.pass(60_000);
    const newId = createUlidFactory(anna.clock, world.random.fork("tokens").bytes);
    const issue = async (o: Partial<TokenIssueBody> = {}): Promise<{ token: string; token_id: string }> =>
      world.settled(
        anna.tokens.issue(
          { client_id: newId(), subject: cem.nodeId, scope: { capabilities: [`${ECHO}@1.0`, `${TICKS}@1.0`] }, ...o },
          anna.operator,
        ),
      );
    const tried = (from: SimNode, token?: string): Promise<string> =>
      world.settled(ask(from, { n: 1, node: ben, ...(token === undefined ? {} : { token }) }).then(() => "ok", code));
    const genuine = await issue();
    assert.equal(await tried(cem), "unauthorized", "without a token");
    assert.equal(await tried(cem, genuine.token), "ok");

    // Someone else's token, another node's, another capability's.
    assert.notEqual(await tried(dora, genuine.token), "ok", "a token of somebody else");
    const { token: elsewhere } = await issue({ aud_node: dora.nodeId });
    assert.notEqual(await tried(cem, elsewhere), "ok", "a token for another node");
    const { token: other } = await issue({ scope: { capabilities: [`${TICKS}@1.0`] } });
    assert.notEqual(await tried(cem, other), "ok", "a token for something else");

    // Widened: every part of it, at random places.
    const random = world.random.fork("forgeries");
    let forged = 0;
    for (let n = 0; n < FORGERIES; n += 1) {
      const at = "hntoken://v1/".length + random.below(genuine.token.length - "hntoken://v1/".length);
      const letter = LETTERS[random.below(LETTERS.length)];
      if (genuine.token[at] === letter) continue;
      const text = `${genuine.token.slice(0, at)}${letter}${genuine.token.slice(at + 1)}`;
      assert.throws(
        () =>
          ben.tokens.admit({
            text,
            signer: cem.nodeId,
            community: ben.community.communityId(),
            capability: ECHO,
            version: "1.0",
            body: { params: {}, input: {} },
            idempotent: true,
          }),
        HnError,
      );
      forged += 1;
    }

    // It runs out in the middle of a stream.
    const short = await issue({ ttl_seconds: 120 });
    const issuedAt = world.scheduler.now;
    const first = reading(world, read(cem, { capability: TICKS, node: ben, token: short.token }));
    await world.pass(60_000);
    assert.ok(first.frames() > 50 && first.end() === undefined, "the stream runs while its token holds");
    await world.pass(70_000);
    await world.settled(first.over);
    const ended = first.end();
    assert.equal(ended?.code, "token_expired");
    const past = ended.at - (issuedAt + 120_000);
    assert.ok(past <= 2000, `the stream went on for ${past} ms`);

    // Revoked, with many others, in the middle of a stream.
    const doomed = await issue();
    const second = reading(world, read(cem, { capability: TICKS, node: ben, token: doomed.token }));
    const others: string[] = [];
    for (let n = 0; n < REVOKED; n += 1) others.push((await issue()).token_id);
    await world.pass(5000);
    let arrivedAt = 0;
    const unhear = ben.community.onEvent((event) => {
      if (event.event_type === "auth.token.revoked" && JSON.stringify(event.data).includes(doomed.token_id))
        arrivedAt = world.scheduler.now;
    });
    const revoke = (token_id: string): Promise<unknown> =>
      world.settled(anna.tokens.revoke({ client_id: newId(), token_id, reason: "compromise" }, anna.operator));
    for (const id of others) await revoke(id);
    await revoke(doomed.token_id);
    for (let step = 0; step < 6000 && second.end() === undefined; step += 1) await world.pass(100);
    await world.settled(second.over);
    unhear();
    const stopped = second.end();
    assert.ok(arrivedAt > 0, "the revocation has arrived");
    assert.equal(stopped?.code, "token_revoked");
    assert.ok(stopped.at - arrivedAt <= 1000, `the stream went on for ${stopped.at - arrivedAt} ms`);
    assert.equal(echo.running, 0);
    assert.notEqual(await tried(cem, doomed.token), "ok");
    assert.equal(await tried(cem, genuine.token), "ok", "one that nobody has revoked still holds");
    assertQuiet([anna, ben, cem]);
    tell(
      `${forged} forgeries, 0 taken; the stream ended ${Math.round(past)} ms after its token ran out, ${Math.round(stopped.at - arrivedAt)} ms after the news that it is revoked, beside ${REVOKED} others`,
    );
  },
};
