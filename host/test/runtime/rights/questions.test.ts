import assert from "node:assert/strict";
import { test } from "node:test";
import type { Question, QuestionAnswer } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { Questions, type Asked } from "../../../src/runtime/rights/questions.ts";
import { refusal } from "../../support/people.ts";

const HOST: Asked = { plugin: "dev/a", permission: "net.internet", target: "api.x.org:443" };

interface Desk {
  clock: ManualClock;
  questions: Questions;
  answered: [target: string, answer: QuestionAnswer | "none"][];
}

function desk(): Desk {
  const clock = new ManualClock(1_000_000);
  const answered: Desk["answered"] = [];
  let count = 0;
  const questions = new Questions({
    clock,
    newId: () => `q${(count += 1)}`,
    onAnswered: ({ target }: Question, answer) => answered.push([target, answer]),
  });
  return { clock, questions, answered };
}
const unheard = (): AbortSignal => new AbortController().signal;

test("a question waits for the operator; once and allow are a yes, deny is a no (§3.4.1)", async () => {
  for (const [answer, yes] of [
    ["once", true],
    ["allow", true],
    ["deny", false],
  ] as const) {
    const { questions, answered } = desk();
    const asked = questions.ask(HOST, unheard());
    assert.deepEqual(questions.list(), [{ id: "q1", ...HOST, waiting: 1, asked: 1_000_000, until: 1_030_000 }]);
    questions.answer("q1", answer);
    assert.equal(await asked, yes);
    assert.deepEqual([questions.list(), answered], [[], [[HOST.target, answer]]]);
  }
});

test("nobody answers: after 30 s it is a no, and the same is not asked again for a minute (§3.4.1)", async () => {
  const { clock, questions, answered } = desk();
  const asked = questions.ask(HOST, unheard());
  clock.advance(29_999);
  assert.equal(questions.list().length, 1);
  clock.advance(1);
  assert.equal(await asked, false);
  assert.deepEqual(answered, [[HOST.target, "none"]]);
  assert.equal(await questions.ask(HOST, unheard()), false, "not again so soon");
  void questions.ask({ ...HOST, target: "other:443" }, unheard());
  assert.equal(questions.list().length, 1, "something else may be asked");
  clock.advance(60_000);
  void questions.ask(HOST, unheard());
  assert.ok(questions.list().some(({ target }) => target === HOST.target));
  assert.throws(() => questions.answer("q1", "once"), refusal("not_found", "question_gone"));
});

test("several operations that ask the same are one question, and one answer", async () => {
  const { questions } = desk();
  const both = [questions.ask(HOST, unheard()), questions.ask(HOST, unheard())];
  assert.deepEqual(
    questions.list().map(({ waiting }) => waiting),
    [2],
  );
  questions.answer("q1", "once");
  assert.deepEqual(await Promise.all(both), [true, true]);
});

test("a question is withdrawn with the last operation that waits for it", async () => {
  const { questions, answered } = desk();
  const seen: number[] = [];
  questions.listen((open) => void seen.push(open.length));
  const controllers = [new AbortController(), new AbortController()];
  const both = controllers.map(({ signal }) => questions.ask(HOST, signal));
  controllers[0]?.abort();
  assert.equal(questions.list().length, 1);
  controllers[1]?.abort();
  assert.deepEqual([questions.list(), await Promise.all(both), answered], [[], [false, false], []]);
  assert.equal(seen.at(-1), 0);
});

test("a plugin has at most eight questions open, and none left when it is gone", async () => {
  const { questions } = desk();
  const asked = Array.from({ length: 9 }, (_, n) => questions.ask({ ...HOST, target: `h${n}:1` }, unheard()));
  assert.equal(questions.list().length, 8);
  assert.equal(await asked[8], false);
  void questions.ask({ ...HOST, plugin: "dev/b" }, unheard());
  questions.drop("dev/a");
  assert.deepEqual(
    questions.list().map(({ plugin }) => plugin),
    ["dev/b"],
  );
  assert.ok((await Promise.all(asked)).every((yes) => !yes));
});
