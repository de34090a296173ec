import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HnError } from "../../../src/foundation/index.ts";
import { chooseLane, type LaneFacts } from "../../../src/transport/outbound/lane.ts";
import { Paths, type Closing } from "../../../src/transport/session/paths.ts";

const error = new HnError("revoked");
const facts = (change: Partial<LaneFacts> = {}): LaneFacts => ({
  offered: true,
  isMember: true,
  session: "none",
  path: { kind: "open" },
  ...change,
});

describe("the lane of a call (network.md §1.8, N-2)", () => {
  it("is chosen by what is offered, what is open and what was learned", () => {
    for (const [lane, change] of [
      ["dial", {}],
      ["session", { session: "live" }],
      ["session", { session: "live", offered: false }],
      ["session", { session: "live", path: { kind: "resting" } }],
      ["http", { session: "suspect" }],
      ["http", { offered: false }],
      ["http", { isMember: false }],
      ["http", { path: { kind: "resting" } }],
      ["none", { path: { kind: "barred", error } }],
      ["none", { path: { kind: "barred", error }, offered: false }],
      ["none", { path: { kind: "barred", error }, session: "suspect" }],
    ] as const)
      assert.equal(chooseLane(facts(change)).lane, lane, JSON.stringify(change));
  });
});

describe("what a session's end means for the next call (network.md §1.8)", () => {
  const A = "a";
  const ended = (code: number, o: Partial<Closing> = {}): Paths => {
    const paths = new Paths(() => 0.5);
    paths.ended(A, { code, error, isTrusted: true, ...o }, 0);
    return paths;
  };
  const restsFor = (paths: Paths): number => {
    let ms = 0;
    while (paths.state(A, ms).kind === "resting") ms += 125;
    return ms;
  };

  it("another lane for as long as the table says", () => {
    for (const [code, ms] of [
      [1000, 0],
      [1001, 250],
      [1006, 250],
      [1011, 60_000],
      [4400, 0],
      [4402, 0],
      [4408, 5000],
      [4409, 5000],
      [4429, 5000],
      [4410, 0],
      [4412, 3_600_000],
    ] as const)
      assert.equal(restsFor(ended(code)), ms, String(code));
    assert.equal(restsFor(ended(4429, { error: new HnError("rate_limited", { retryAfterMs: 9000 }) })), 9000);
    const nowhere = new Paths(() => 0.5);
    nowhere.unavailable(A, 0);
    assert.equal(restsFor(nowhere), 60_000);
  });

  it("4400 and 4402: once more at once, the second time in ten minutes another lane for ten", () => {
    const paths = ended(4402);
    assert.equal(paths.state(A, 1).kind, "open");
    paths.ended(A, { code: 4400, error, isTrusted: true }, 599_000);
    assert.equal(paths.state(A, 599_001).kind, "resting");
    assert.equal(paths.state(A, 599_000 + 600_000).kind, "open");
    const rare = ended(4402);
    rare.ended(A, { code: 4402, error, isTrusted: true }, 600_001);
    assert.equal(rare.state(A, 600_002).kind, "open");
  });

  it("4401 and 4403 have no other lane, until a newer manifest or an event of the log", () => {
    for (const code of [4401, 4403]) {
      const seen = ended(code);
      assert.deepEqual(seen.state(A, 1e9), { kind: "barred", error });
      seen.manifestSeen(A);
      assert.equal(seen.state(A, 1).kind, "open");
      const logged = ended(code);
      logged.standingChanged();
      assert.equal(logged.state(A, 1).kind, "open");
    }
  });

  it("from somebody in between they bar that way for a minute only, else any relay could silence a peer", () => {
    for (const code of [4401, 4403]) assert.equal(restsFor(ended(code, { isTrusted: false })), 60_000);
  });

  it("4411 stands for a minute and names the cause", () => {
    const paths = ended(4411);
    const state = paths.state(A, 59_999);
    assert.equal(state.kind === "barred" && state.error.reason, "key_conflict");
    paths.standingChanged();
    assert.equal(paths.state(A, 59_999).kind, "barred");
    assert.equal(paths.state(A, 60_000).kind, "open");
  });

  it("backs off from 250 ms to 30 s with full jitter, and only a session of our own resets it", () => {
    const paths = new Paths(() => 1);
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 9; i++) {
      paths.ended(A, { code: 1006, error, isTrusted: true }, now);
      const from = now;
      while (paths.state(A, now).kind === "resting") now += 125;
      waits.push(now - from);
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    paths.opened(A);
    paths.ended(A, { code: 1006, error, isTrusted: true }, now);
    assert.equal(paths.state(A, now + 500).kind, "open");
  });
});
