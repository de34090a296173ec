import assert from "node:assert/strict";
import { test } from "node:test";
import { Sessions } from "../../../src/bus/route/session.ts";

test("a session stays with its entry until it is idle for 600 s (03 §6)", () => {
  const sessions = new Sessions();
  sessions.bind({ caller: "a", capability: "llm.chat", session: "s", entry: "e1", now: 0 });
  assert.equal(sessions.find({ caller: "a", capability: "llm.chat", session: "s", now: 500_000 }), "e1");
  assert.equal(sessions.find({ caller: "a", capability: "llm.chat", session: "s", now: 1_100_000 }), "e1", "use refreshes it");
  assert.equal(sessions.find({ caller: "a", capability: "llm.chat", session: "s", now: 1_701_000 }), undefined);
});

test("a guessed id of another member leads nowhere (03 B-9)", () => {
  const sessions = new Sessions();
  sessions.bind({ caller: "a", capability: "llm.chat", session: "s", entry: "e1", now: 0 });
  assert.equal(sessions.find({ caller: "b", capability: "llm.chat", session: "s", now: 1 }), undefined);
  assert.equal(sessions.find({ caller: "a", capability: "llm.complete", session: "s", now: 1 }), undefined);
});

test("keeps at most 100 sessions of a caller, the least used goes first (03 B-9)", () => {
  const sessions = new Sessions();
  const bind = (session: string): void => sessions.bind({ caller: "a", capability: "llm.chat", session, entry: session, now: 0 });
  for (let i = 0; i < 100; i++) bind(`s${i}`);
  sessions.find({ caller: "a", capability: "llm.chat", session: "s0", now: 1 });
  bind("one-more");
  assert.equal(sessions.find({ caller: "a", capability: "llm.chat", session: "s0", now: 2 }), "s0");
  assert.equal(sessions.find({ caller: "a", capability: "llm.chat", session: "s1", now: 2 }), undefined);
});

test("an entry that goes away takes its bindings with it (03 §6)", () => {
  const sessions = new Sessions();
  sessions.bind({ caller: "a", capability: "llm.chat", session: "s", entry: "e1", now: 0 });
  sessions.unbind("e1");
  assert.equal(sessions.find({ caller: "a", capability: "llm.chat", session: "s", now: 1 }), undefined);
});
