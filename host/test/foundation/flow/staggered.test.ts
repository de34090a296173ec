import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { firstOf, ManualClock } from "../../../src/foundation/index.ts";

interface Way {
  name: string;
  done: PromiseWithResolvers<string>;
}

const way = (name: string): Way => ({ name, done: Promise.withResolvers<string>() });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function race(
  ways: Way[],
  o: { signal?: AbortSignal } = {},
): {
  clock: ManualClock;
  started: string[];
  stopped: string[];
  result: Promise<{ way: Way; result: string }>;
} {
  const clock = new ManualClock();
  const started: string[] = [];
  const stopped: string[] = [];
  const result = firstOf(ways, {
    clock,
    staggerMs: 150,
    ...o,
    attempt: ({ name, done }, signal) => {
      started.push(name);
      signal.addEventListener("abort", () => stopped.push(name));
      return done.promise;
    },
  });
  result.catch(() => undefined);
  return { clock, started, stopped, result };
}

describe("ways to one thing, tried one after the other (network.md §4 Dial)", () => {
  it("start 150 ms apart; the first that succeeds wins, and the others are stopped", async () => {
    const [a, b, c] = [way("a"), way("b"), way("c")];
    const { clock, started, stopped, result } = race([a, b, c]);
    clock.advance(149);
    assert.deepEqual(started, ["a"]);
    clock.advance(1);
    assert.deepEqual(started, ["a", "b"]);
    b.done.resolve("it is b");
    assert.deepEqual((await result).result, "it is b");
    assert.deepEqual(stopped, ["a"]);
    clock.advance(1000);
    assert.deepEqual(started, ["a", "b"], "nobody else is started");
    a.done.reject(new Error("too late"));
    await turn();
  });

  it("do not wait where one has failed already", async () => {
    const [a, b] = [way("a"), way("b")];
    const { started, result } = race([a, b]);
    a.done.reject(new Error("refused"));
    await turn();
    assert.deepEqual(started, ["a", "b"]);
    b.done.resolve("b");
    assert.equal((await result).way, b);
  });

  it("fail with the last failure, with the caller's reason, and where there is none", async () => {
    const [a, b] = [way("a"), way("b")];
    const { result } = race([a, b]);
    a.done.reject(new Error("first"));
    await turn();
    b.done.reject(new Error("last"));
    await assert.rejects(result, /last/);
    await assert.rejects(race([]).result, RangeError);
    const leaving = new AbortController();
    const left = race([way("a")], { signal: leaving.signal });
    leaving.abort(new Error("went away"));
    await assert.rejects(left.result, /went away/);
    assert.deepEqual(left.stopped, ["a"]);
    await assert.rejects(race([way("a")], { signal: leaving.signal }).result, /went away/);
  });
});
