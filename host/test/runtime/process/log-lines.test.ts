import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { ManualClock } from "../../../src/foundation/index.ts";
import { LOG_LINE_MARGIN, LOG_LINE_MAX, LogBudget, printable, readLines } from "../../../src/runtime/process/index.ts";

function reader(clock = new ManualClock()): { pipe: PassThrough; lines: string[]; finish: () => void; clock: ManualClock } {
  const pipe = new PassThrough();
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  const lineReader = readLines(pipe, new LogBudget(clock, onLine), onLine);
  return { pipe, lines, finish: () => lineReader.finish(), clock };
}

test("joins pieces into lines, also inside a character, and gives out the unfinished one at the end", async () => {
  const { pipe, lines, finish } = reader();
  for (const part of [
    Buffer.from("a"),
    Buffer.from("b\ncd\r\n\nü").subarray(0, 8),
    Buffer.from("ü").subarray(1),
    Buffer.from("e"),
  ])
    pipe.write(part);
  await new Promise((resolve) => setImmediate(resolve));
  finish();
  assert.deepEqual(lines, ["ab", "cd", "üe"]);
});

test("escapes control and direction characters and repairs broken Unicode (§8.4)", () => {
  assert.equal(printable("a\u001b[31m\u0000\u202e\u2066b\tc"), "a\\u001b[31m\\u0000\\u202e\\u2066b\tc");
  assert.equal(printable("x\ud800y"), "x\ufffdy");
});

test("cuts a line that never ends and goes on with the next (A14)", async () => {
  const { pipe, lines } = reader();
  for (let n = 0; n < 100; n += 1) pipe.write("x".repeat(10_000));
  pipe.write("\nnext\n");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    lines.map((line) => line.length),
    [LOG_LINE_MAX + LOG_LINE_MARGIN, 4],
  );
});

test("what all ways of one plugin print together has one limit, and who falls silent is told of as well (§7)", () => {
  const clock = new ManualClock();
  const said: string[] = [];
  const budget = new LogBudget(clock, (line) => said.push(line));
  for (let n = 0; n < 5; n += 1) assert.ok(budget.take(1_000_000));
  assert.ok(!budget.take(300));
  assert.ok(!budget.take(700));
  clock.advance(60_000);
  assert.deepEqual(said, ["(1000 bytes of output dropped: more than 5 MB in a minute)"]);
  assert.ok(budget.take(1), "the next minute is another one");
});

test("drops what exceeds 5 MB in a minute and says how much (A14)", async () => {
  const { pipe, lines, clock } = reader();
  const block = `${"y".repeat(999)}\n`.repeat(1000);
  for (let n = 0; n < 20; n += 1) {
    pipe.write(block);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(lines.length <= 5000, `${lines.length}`);
  clock.advance(60_000);
  pipe.write("\nlater\n");
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(lines.at(-2) ?? "", /bytes of output dropped/);
  assert.equal(lines.at(-1), "later");
});
