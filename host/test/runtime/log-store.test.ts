import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ManualClock } from "../../src/foundation/index.ts";
import { LogStore } from "../../src/runtime/log-store.ts";
import { LOG_LINE_MAX } from "../../src/runtime/process/index.ts";

const DAY = 86_400_000;
const LINE = { level: "info", source: "stdout" } as const;

function open(t: TestContext, keptBytes?: number): { store: LogStore; clock: ManualClock; path: string; reopen: () => LogStore } {
  const folder = mkdtempSync(join(tmpdir(), "hn-logs-"));
  const path = join(folder, "logs.db");
  const clock = new ManualClock();
  let store = new LogStore(path, clock, keptBytes);
  t.after(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    store,
    clock,
    path,
    reopen: () => {
      store.close();
      return (store = new LogStore(path, clock, keptBytes));
    },
  };
}

test("keeps the newest lines of each plugin up to its size, whoever else writes much (§7)", (t) => {
  const { store, path } = open(t, 100_000);
  store.add("dev/quiet", { ...LINE, message: "kept" });
  for (let round = 0; round < 50; round += 1) {
    for (let n = 0; n < 20; n += 1) store.add("dev/loud", { ...LINE, message: `${round}.${n} ${"x".repeat(900)}` });
    store.flush();
  }
  const lines = store.read("dev/loud", { limit: 1000 });
  const bytes = lines.reduce((sum, { message }) => sum + message.length + 100, 0);
  assert.ok(bytes <= 100_000 && bytes > 50_000, `${bytes}`);
  assert.match(lines.at(-1)?.message ?? "", /^49\.19 /);
  assert.deepEqual(
    store.read("dev/quiet", { limit: 9 }).map(({ message }) => message),
    ["kept"],
  );
  assert.ok(statSync(path).size < 400_000, "what was dropped leaves room for what comes");
});

test("lines go after 14 days, also when the node is never started anew (§8.4)", (t) => {
  const { store, clock, reopen } = open(t);
  store.add("dev/a", { ...LINE, message: "old" });
  store.flush();
  clock.advance(13 * DAY);
  store.add("dev/a", { ...LINE, message: "newer" });
  store.flush();
  clock.advance(2 * DAY);
  store.add("dev/a", { ...LINE, message: "now" });
  const messages = (from: LogStore): string[] => from.read("dev/a", { limit: 9 }).map(({ message }) => message);
  assert.deepEqual(messages(store), ["newer", "now"]);
  clock.advance(13 * DAY);
  assert.deepEqual(messages(reopen()), ["now"]);
});

test("secrets are hidden as they are, inside JSON and addresses, and across the place where a line is cut (§8.4, A22)", (t) => {
  const { store } = open(t);
  const secret = 'p"ss wörd/1';
  store.hide("dev/a", [secret, "abc"]);
  store.add("dev/a", {
    ...LINE,
    message: `${secret} ${JSON.stringify({ secret })} https://x/?k=${encodeURIComponent(secret)} abc`,
  });
  store.add("dev/a", { ...LINE, message: `${"x".repeat(LOG_LINE_MAX - 4)}${secret}` });
  const [first, cut] = store.read("dev/a", { limit: 9 }).map(({ message }) => message);
  assert.equal(first, '[hidden] {"secret":"[hidden]"} https://x/?k=[hidden] abc');
  assert.equal(cut?.length, LOG_LINE_MAX);
  assert.ok(!cut?.includes('p"'));
});
