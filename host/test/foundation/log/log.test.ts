import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LogFields } from "../../../src/contract/index.ts";
import { createLog, HnError, silentLog } from "../../../src/foundation/index.ts";

function logged(fields: LogFields, message = "something happened"): { text: string; line: Record<string, unknown> } {
  let text = "";
  createLog({ destination: { write: (line) => void (text += line) } }).info(message, fields);
  return { text, line: JSON.parse(text) as Record<string, unknown> };
}

describe("the log", () => {
  it("hides secrets and people's words at every depth, but not figures", () => {
    const { text, line } = logged({
      password: "hunter2",
      nested: { deep: { rootPassphrase: "hunter2", list: [{ api_token: "hunter2" }] } },
      body: { input: "hunter2" },
      Authorization: "Bearer hunter2",
      tokens_out: 12,
      plugin: "hearthnet/ocr",
    });
    assert.doesNotMatch(text, /hunter2/);
    assert.equal(line["tokens_out"], 12);
    assert.equal(line["plugin"], "hearthnet/ocr");
  });

  it("writes no bytes and bounds text, lists and depth", () => {
    const { text, line } = logged(
      {
        picture: new Uint8Array(5_000_000),
        long: "x".repeat(1_000_000),
        many: Array.from({ length: 1000 }, (_, i) => i),
        deep: JSON.parse("[".repeat(60) + "]".repeat(60)) as unknown,
      },
      "y".repeat(100_000),
    );
    assert.equal(line["picture"], "[5000000 bytes]");
    assert.ok(text.length < 12_000, String(text.length));
  });

  it("survives values that JSON cannot hold", () => {
    const circular: Record<string, unknown> = { big: 10n, when: new Date(0), fn: () => 1, symbol: Symbol("x") };
    circular["self"] = circular;
    assert.doesNotThrow(() => logged({ circular }));
  });

  it("keeps code, reason and the innermost stack of an error", () => {
    const cause = new Error("the disk is gone");
    const { line } = logged({
      error: new HnError("internal_error", { reason: "db_corrupt", cause: new HnError("timeout", { cause }) }),
    });
    const error = line["error"] as { code: string; reason: string; stack: string };
    assert.deepEqual([error.code, error.reason], ["internal_error", "db_corrupt"]);
    assert.match(error.stack, /the disk is gone/);
  });

  it("keeps the fields of a child, hidden ones hidden", () => {
    let text = "";
    createLog({ destination: { write: (line) => void (text += line) } })
      .child({ room: "bus", token: "hunter2" })
      .warn("w");
    assert.match(text, /"room":"bus"/);
    assert.doesNotMatch(text, /hunter2/);
  });

  it("says nothing below its level, and nothing at all when silent", () => {
    let text = "";
    createLog({ level: "warn", destination: { write: (line) => void (text += line) } }).info("quiet");
    silentLog.child({}).error("quiet");
    assert.equal(text, "");
  });
});
