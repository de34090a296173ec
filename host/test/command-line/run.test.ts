import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lamp } from "./lamp.ts";

describe("a command", () => {
  it("prints its text, or with --json one value; its exit code is what it returns, else 0", async () => {
    const plain = await lamp("on", "hall");
    assert.deepEqual([plain.code, plain.out, plain.err], [0, "hall in home\n", ""]);
    const json = await lamp("on", "hall", "--json");
    assert.deepEqual([json.code, json.out, json.err], [0, '{"args":["hall"],"options":{},"house":"home"}\n', ""]);
    assert.equal((await lamp("count")).code, 7);
  });
});

describe("a failure", () => {
  const FAILURES: [how: string, code: number, error: Record<string, string>][] = [
    ["usage", 2, { error: "bad_request", message: "--colour is red or green.", reason: "usage", action: "See `lamp --help`." }],
    ["refused", 1, { error: "bad_request", message: "The bulb is broken.", reason: "bulb_broken", action: "Put in another." }],
    [
      "coded",
      1,
      {
        error: "partition",
        message: "The other node cannot be reached.",
        action: "Check that it is switched on and on the same network, then try again.",
      },
    ],
    [
      "system",
      1,
      {
        error: "bad_request",
        message: "This did not work: EACCES: permission denied, open '/lamp'",
        reason: "EACCES",
        action: "Check that the named files can be read and their folders written to.",
      },
    ],
    [
      "unexpected",
      1,
      {
        error: "internal_error",
        message: "This did not work: x is not a function",
        reason: "unexpected",
        action: "Try again; if it happens again, report this line and what you typed.",
      },
    ],
  ];
  for (const [how, code, error] of FAILURES)
    it(`says what happened and what to do, as text on standard error or as JSON: ${how}`, async () => {
      const plain = await lamp("fail", how);
      const codes = [error["error"], error["reason"]].filter((name) => name !== undefined).join(", ");
      const text = `${error["message"] ?? ""} (${codes})\n${error["action"] ?? ""}\n`;
      assert.deepEqual([plain.code, plain.out, plain.err], [code, "", text]);
      const json = await lamp("--json", "fail", how);
      assert.deepEqual([json.code, json.json, json.err], [code, error, ""]);
    });
});
